"""The whole division: levels from PriorityLevelConfigurations, schemas from FlowSchemas, and how the server's seats go
from levels that have some to spare to levels that need them.

`configure` takes the objects, `adjust` is to be called every `PERIOD` seconds, `classify` says where a request
belongs. Pure, as its queue sets are. A level that is taken away serves out those who are in it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cluster.apiserver.bootstrap_flow import MANDATORY_LEVELS, MANDATORY_SCHEMAS
from cluster.apiserver.flowcontrol.allocation import Claim, allocate
from cluster.apiserver.flowcontrol.counts import Counts
from cluster.apiserver.flowcontrol.demand import Demand
from cluster.apiserver.flowcontrol.queueset import Later, QueueSet, Queuing
from cluster.apiserver.flowcontrol.retry import RetryAfter
from cluster.apiserver.flowcontrol.schemas import FlowSchema, in_order
from cluster.apiserver.flowcontrol.sharding import deal, dealable, hash_of
from cluster.apiserver.request import RequestInfo, UserInfo
from cluster.meta.types import Obj

PERIOD = 10.0
WIDEST_PART = 0.15
"""The most of a level's nominal seats that one request is taken to need."""
EXEMPT, CATCH_ALL = "exempt", "catch-all"
SCHEMA_UID, LEVEL_UID = "X-Kubernetes-PF-FlowSchema-UID", "X-Kubernetes-PF-PriorityLevel-UID"
_REMEMBERED = 4096


class Level:
    """A priority level. `nominal`, `least`, `most` and `current` are seats."""

    def __init__(self, name: str, now: float, later: Later) -> None:
        self.name, self.uid = name, ""
        self.exempt = name == EXEMPT
        self.queuing = Queuing()
        self.shares = self.lendable = 0
        self.borrowing: int | None = None
        self.nominal = self.least = self.most = self.current = 0
        self.target = 0.0
        self.widest = 0
        """The most seats a request may be taken to need; 0 when nothing says so."""
        self.quiescing = False
        self.fresh = True
        self.queues = QueueSet(now, later, exempt=self.exempt)
        self.demand = Demand()
        self.retry = RetryAfter()
        self.flows: dict[str, Counts] = {}
        """What is counted of each of its schemas."""

    def read(self, obj: Obj) -> None:
        """The object, which `sound` has been asked about."""
        spec = obj["spec"]
        held = spec.get("limited") or spec.get("exempt") or {}
        self.uid = obj["metadata"].get("uid") or ""
        shares = held.get("nominalConcurrencyShares")
        self.shares = (0 if self.exempt else 30) if shares is None else shares
        self.lendable = held.get("lendablePercent") or 0
        self.borrowing = held.get("borrowingLimitPercent")
        queuing = (held.get("limitResponse") or {}).get("queuing")
        self.queuing = Queuing()
        if queuing:
            self.queuing = Queuing(queuing["queues"], queuing["handSize"], queuing["queueLengthLimit"])
        self.quiescing = False

    def divide(self, total: int, shares: int) -> None:
        """Its part of the server's `total` seats, when all shares are `shares`."""
        self.nominal = math.ceil(total * self.shares / shares) if shares else 0
        lent = _round(self.nominal * self.lendable / 100)
        borrowed = total if self.borrowing is None else _round(self.nominal * self.borrowing / 100)
        self.least, self.most = self.nominal - lent, self.nominal + borrowed
        if self.queuing.queues:
            part = min(math.ceil(self.nominal * WIDEST_PART), self.nominal // self.queuing.hand)
            self.widest = max(1, part)
        else:
            self.widest = 0
        if self.fresh:
            self.current, self.fresh = self.nominal - lent // 2, False


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a request belongs. `hand` are the queues its flow was dealt; `headers` tell the client."""

    schema: FlowSchema
    level: Level
    name: str
    hand: tuple[int, ...]
    headers: tuple[tuple[str, str], ...]
    counts: Counts


@dataclass(slots=True)
class Levels:
    """See the module. `total` are the seats of the server."""

    total: int
    later: Later
    levels: dict[str, Level] = field(default_factory=dict)
    schemas: list[FlowSchema] = field(default_factory=list)
    fraction: float = 0.0
    """Of its target that a level gets which borrows within its bounds."""
    _known: dict[tuple[Any, ...], Flow] = field(default_factory=dict)

    def configure(self, levels: Iterable[Obj], schemas: Iterable[Obj], now: float) -> None:
        """What is broken is left out; what must exist (exempt, catch-all) is there in any case."""
        wanted = {obj["metadata"]["name"]: obj for obj in levels if sound(obj)}
        for obj in MANDATORY_LEVELS:
            wanted.setdefault(obj["metadata"]["name"], obj)
        self._retire(set(self.levels) - set(wanted))
        for name, obj in wanted.items():
            self.levels.setdefault(name, Level(name, now, self.later)).read(obj)
        shares = sum(level.shares for level in self.levels.values())
        for level in self.levels.values():
            level.divide(self.total, shares)
        self.schemas = _complete(FlowSchema(obj) for obj in schemas if _level_of(obj) in wanted)
        self._known.clear()
        self.adjust(now)

    def adjust(self, now: float) -> None:
        """Give every level what it shall have for the next period."""
        for level in self.levels.values():
            level.demand.learn(level.queues.demand.take(now))
        free = sum(level.nominal for level in self.levels.values())
        limited = []
        for level in self.levels.values():
            if level.exempt:
                level.current = max(level.least, level.demand.highest)
                level.target = float(level.current)
                free -= level.current
            else:
                limited.append(level)
        self._share_out(free, limited)
        for level in self.levels.values():
            level.queues.configure(level.queuing, level.current, now)

    def classify(self, user: UserInfo, info: RequestInfo) -> Flow:
        key = (
            user.name, user.groups, info.verb, info.group, info.resource or info.path, info.subresource, info.namespace,
        )  # fmt: skip
        found = self._known.get(key)
        if found is None:
            found = self._classified(user, info)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = found
        return found

    # Parts.

    def _retire(self, names: Iterable[str]) -> None:
        for name in names:
            self.levels[name].quiescing = True
        self.reap()

    def reap(self) -> None:
        """Forget levels that are no longer wanted and empty."""
        for name, level in list(self.levels.items()):
            if level.quiescing and level.queues.idle:
                del self.levels[name]

    def _share_out(self, free: int, limited: list[Level]) -> None:
        claims = []
        for level in limited:
            need = max(level.least, min(level.nominal, level.demand.highest))
            level.target = max(need, level.demand.smoothed)
            claims.append(Claim(level.target, need, level.most))
        least, needed = sum(level.least for level in limited), sum(claim.lower for claim in claims)
        self.fraction = 0.0
        if free <= needed:
            # The exempt level takes so much that the others only get a part of what they need.
            part = max(free - least, 0) / (needed - least) if needed > least else 0.0
            shares = [lv.least + (c.lower - lv.least) * part for lv, c in zip(limited, claims, strict=True)]
        else:
            try:
                shares, self.fraction = allocate(sum(lv.nominal for lv in self.levels.values()), claims)
            except ValueError:
                # Bounds that cannot be met together: everybody keeps what it has.
                shares = [level.current for level in limited]
        for level, share in zip(limited, shares, strict=True):
            level.current = _round(share)

    def _classified(self, user: UserInfo, info: RequestInfo) -> Flow:
        schema = next((s for s in self.schemas if s.matches(user, info)), None)
        if schema is None:
            schema = next(s for s in self.schemas if s.name == CATCH_ALL)
        level = self.levels[schema.level]
        name, hand = "", tuple[int, ...]()
        if level.queuing.queues:
            name = schema.flow_of(user, info)
            hand = deal(hash_of(schema.name, name), level.queuing.queues, level.queuing.hand)
        headers = ((LEVEL_UID, level.uid), (SCHEMA_UID, schema.uid))
        return Flow(schema, level, name, hand, headers, level.flows.setdefault(schema.name, Counts()))


def sound(level: Obj) -> bool:
    """Whether a PriorityLevelConfiguration can be followed."""
    spec, name = level["spec"], level["metadata"]["name"]
    exempt = spec.get("type") == "Exempt"
    if exempt != (name == EXEMPT) or exempt == bool(spec.get("limited")):
        return False
    response = (spec.get("limited") or {}).get("limitResponse") or {}
    queuing = response.get("queuing")
    if exempt:
        return True
    if (response.get("type") == "Queue") != bool(queuing):
        return False
    return not queuing or dealable(queuing.get("queues") or 0, queuing.get("handSize") or 0)


def _level_of(schema: Obj) -> str:
    return str(schema["spec"]["priorityLevelConfiguration"].get("name") or "")


def _complete(schemas: Iterable[FlowSchema]) -> list[FlowSchema]:
    found = in_order(schemas)
    names = {schema.name for schema in found}
    if EXEMPT not in names:
        found.insert(0, next(FlowSchema(obj) for obj in MANDATORY_SCHEMAS if obj["metadata"]["name"] == EXEMPT))
    if CATCH_ALL not in names:
        found.append(next(FlowSchema(obj) for obj in MANDATORY_SCHEMAS if obj["metadata"]["name"] == CATCH_ALL))
    return found


def _round(value: float) -> int:
    """Half away from zero, as in Go."""
    return math.floor(value + 0.5)
