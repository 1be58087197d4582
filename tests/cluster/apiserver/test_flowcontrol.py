"""Priority and fairness without a server: who runs, who waits, who is refused, and how seats are lent."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.apiserver.bootstrap_flow import LEVELS, SCHEMAS, objects
from cluster.apiserver.flowcontrol import dump
from cluster.apiserver.flowcontrol.allocation import Claim, allocate
from cluster.apiserver.flowcontrol.config import revised
from cluster.apiserver.flowcontrol.demand import Integrator
from cluster.apiserver.flowcontrol.levels import Levels
from cluster.apiserver.flowcontrol.queueset import QueueSet, Queuing, Ticket, Work
from cluster.apiserver.flowcontrol.retry import RetryAfter
from cluster.apiserver.flowcontrol.sharding import deal, dealable, hash_of
from cluster.apiserver.request import RequestInfo, UserInfo
from cluster.meta.objects import clone
from cluster.meta.types import Obj

ADMIN = UserInfo("admin", "", ("system:masters", "system:authenticated"))
ALICE = UserInfo("alice", "", ("system:authenticated",))
NODE = UserInfo("system:node:a", "", ("system:nodes", "system:authenticated"))

patiently = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A machine that does other things as well must not make these fail."""


def account(namespace: str) -> UserInfo:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return UserInfo(f"system:serviceaccount:{namespace}:x", "", groups)


def asking(verb: str, resource: str, namespace: str = "", group: str = "") -> RequestInfo:
    return RequestInfo(f"/api/v1/{resource}", verb, group, "v1", namespace, resource)


class World:
    """A queue set, the time, and what is to happen later."""

    def __init__(self, limit: int, queuing: Queuing | None = None) -> None:
        self.now = 1000.0
        self.timers: list[tuple[float, object]] = []
        self.ran: list[Ticket] = []
        self.set = QueueSet(self.now, lambda delay, call: self.timers.append((self.now + delay, call)))
        self.set.configure(queuing or Queuing(), limit, self.now)

    def ask(self, hand: tuple[int, ...] = (), flow: str = "", work: Work | None = None) -> Any:
        ticket = self.set.start(work or Work(), hand, "schema", flow, None, self.now)
        if ticket is not None:
            if ticket.running:
                self.ran.append(ticket)
            ticket.dispatched = lambda: self.ran.append(ticket)
        return ticket

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        due, self.timers = ([t for t in self.timers if t[0] <= self.now], [t for t in self.timers if t[0] > self.now])
        for _, call in due:
            call()  # type: ignore[operator]

    def finish(self, ticket: Ticket) -> None:
        self.set.finish(ticket, self.now)


def running(world: World) -> list[Ticket]:
    return [ticket for _, _, ticket in world.set.tickets() if ticket.running]


def test_a_level_that_refuses_takes_no_more_than_it_has_seats_for() -> None:
    world = World(2)
    first, second, third = world.ask(), world.ask(), world.ask()
    assert first is not None
    assert second is not None
    assert third is None
    world.finish(first)
    assert world.ask() is not None
    assert world.set.rejected_total == 1


def test_a_level_that_queues_refuses_when_the_queue_is_full() -> None:
    world = World(1, Queuing(1, 1, 2))
    found = [world.ask((0,)) for _ in range(4)]
    assert [ticket is not None for ticket in found] == [True, True, True, False]
    assert found[0] is not None
    world.finish(found[0])
    assert world.ran == found[:2]


def test_a_request_too_wide_for_the_level_runs_alone() -> None:
    world = World(3, Queuing(1, 1, 9))
    wide, narrow = world.ask((0,), work=Work(7)), world.ask((0,))
    assert wide is not None
    assert narrow is not None
    assert (wide.running, narrow.running) == (True, False)
    world.finish(wide)
    assert narrow.running


def test_nobody_overtakes_a_wide_request_until_it_has_its_seats() -> None:
    world = World(2, Queuing(2, 1, 9))
    first, second = world.ask((0,)), world.ask((0,))
    wide = world.ask((0,), work=Work(2))
    late = world.ask((0,))
    assert None not in (first, second, wide, late)
    world.finish(first)
    assert (wide.running, late.running) == (False, False)
    world.finish(second)
    assert (wide.running, late.running) == (True, False)


def test_seats_are_held_while_watchers_are_told() -> None:
    world = World(1)
    ticket = world.ask(work=Work(1, 1, 0.5))
    assert ticket is not None
    world.finish(ticket)
    assert world.ask() is None
    world.pass_time(0.5)
    assert world.ask() is not None


def test_who_gives_up_waiting_leaves_its_place() -> None:
    world = World(1, Queuing(1, 1, 9))
    first, second, third = world.ask((0,)), world.ask((0,)), world.ask((0,))
    assert None not in (first, second, third)
    world.set.cancel(second, world.now)
    world.finish(first)
    assert (second.running, third.running) == (False, True)
    assert (world.set.waiting, world.set.seats_waiting, world.set.cancelled_total) == (0, 0, 1)


def test_flows_in_queues_of_their_own_get_equal_shares_however_much_they_ask() -> None:
    world = World(4, Queuing(2, 1, 200))
    for _ in range(150):
        world.ask((0,), "loud")
    done: Counter[str] = Counter()
    quiet = 0
    for _ in range(50):
        while quiet < 10 and world.ask((1,), "quiet") is not None:
            quiet += 1
        world.pass_time(0.01)
        for ticket in running(world):
            world.finish(ticket)
            done[ticket.flow] += 1
            quiet -= ticket.flow == "quiet"
    assert abs(done["loud"] - done["quiet"]) <= 8


@patiently
@given(
    st.integers(1, 6),
    st.lists(st.tuples(st.integers(0, 7), st.integers(1, 3), st.integers(0, 3)), min_size=1, max_size=60),
)
def test_never_more_seats_than_the_level_has_and_nobody_is_forgotten(
    limit: int, requests: list[tuple[int, int, int]]
) -> None:
    world = World(limit, Queuing(8, 2, 100))
    asked = []
    for number, seats, finishing in requests:
        ticket = world.ask(deal(hash_of("s", str(number)), 8, 2), str(number), Work(min(seats, limit)))
        assert ticket is not None
        asked.append(ticket)
        assert world.set.seats_in_use <= limit
        world.pass_time(0.001)
        for ticket in running(world)[:finishing]:
            world.finish(ticket)
            assert world.set.seats_in_use <= limit
    for _ in range(len(requests)):
        world.pass_time(0.001)
        for ticket in running(world):
            world.finish(ticket)
    assert all(ticket.started for ticket in asked)
    held = world.set
    assert (held.waiting, held.executing, held.seats_in_use, held.seats_waiting) == (0, 0, 0, 0)
    assert not any(queue.active or queue.work for queue in held.queues)
    assert held.idle


@patiently
@given(st.lists(st.sampled_from(["ask", "finish", "cancel", "grow", "shrink"]), max_size=80), st.integers(1, 4))
def test_counts_stay_true_whatever_happens(steps: list[str], limit: int) -> None:
    world = World(limit, Queuing(4, 2, 3))
    for at, step in enumerate(steps):
        world.pass_time(0.002)
        if step == "ask":
            world.ask(deal(hash_of("s", str(at % 5)), world.set.queuing.queues, 2), str(at % 5))
        elif step in ("grow", "shrink"):
            queues = 6 if step == "grow" else 2
            world.set.configure(Queuing(queues, 2, 3), limit, world.now)
        else:
            found = [t for _, _, t in world.set.tickets() if t.running == (step == "finish")]
            if found and step == "finish":
                world.finish(found[0])
            elif found:
                world.set.cancel(found[0], world.now)
        tickets = [t for _, _, t in world.set.tickets()]
        assert world.set.executing == sum(t.running for t in tickets) <= limit
        assert world.set.waiting == sum(not t.running for t in tickets)
        assert world.set._active == sum(queue.active for queue in world.set.queues)
        assert world.set.waiting == 0 or world.set.seats_in_use == limit


# Sharding.


@patiently
@given(st.integers(0, 2**64 - 1), st.integers(1, 128), st.integers(1, 8))
def test_a_hand_holds_different_queues(number: int, queues: int, hand: int) -> None:
    if dealable(queues, hand):
        cards = deal(number, queues, hand)
        assert len(set(cards)) == hand
        assert all(0 <= card < queues for card in cards)


def test_deals_are_those_of_kubernetes() -> None:
    assert deal(0, 128, 6) == (0, 1, 2, 3, 4, 5)
    assert deal(128 * 127 * 126 - 1, 128, 3) == (127, 126, 125)
    assert not dealable(1024, 7)


# Levels.


def standard(now: float = 1000.0) -> Levels:
    levels = Levels(600, lambda delay, call: None)
    found = list(objects())
    levels.configure([o for r, o in found if r == LEVELS], [o for r, o in found if r == SCHEMAS], now)
    return levels


def test_the_servers_seats_are_divided_as_in_kubernetes() -> None:
    held = standard().levels
    assert {name: (lv.nominal, lv.least, lv.most, lv.current) for name, lv in held.items()} == {
        "exempt": (0, 0, 600, 0),
        "catch-all": (13, 13, 613, 30),
        "global-default": (49, 24, 649, 56),
        "leader-election": (25, 25, 625, 58),
        "node-high": (98, 73, 698, 170),
        "system": (74, 50, 674, 117),
        "workload-high": (98, 49, 698, 114),
        "workload-low": (245, 24, 845, 56),
    }


@pytest.mark.parametrize(
    ("user", "info", "schema", "flow"),
    [
        (ADMIN, asking("create", "pods", "a"), "exempt", ""),
        (ALICE, RequestInfo("/healthz", "get"), "probes", ""),
        (ALICE, RequestInfo("/livez/etcd", "get"), "probes", ""),
        (ALICE, asking("list", "pods", "a"), "global-default", "alice"),
        (NODE, asking("update", "leases", "kube-node-lease", "coordination.k8s.io"), "system-node-high", NODE.name),
        (NODE, asking("list", "pods"), "system-nodes", NODE.name),
        (account("kube-system"), asking("list", "pods"), "kube-system-service-accounts", ""),
        (account("kube-system"), asking("get", "leases", "x", "coordination.k8s.io"), "system-leader-election",
         "system:serviceaccount:kube-system:x"),
        (account("app"), asking("list", "pods", "app"), "service-accounts", "system:serviceaccount:app:x"),
        (UserInfo("nobody", "", ()), asking("list", "pods"), "catch-all", ""),
    ],
)  # fmt: skip
def test_requests_go_to_the_first_schema_that_names_them(
    user: UserInfo, info: RequestInfo, schema: str, flow: str
) -> None:
    found = standard().classify(user, info)
    assert (found.schema.name, found.name) == (schema, flow)


def level(name: str, shares: int, **limited: object) -> Obj:
    response = {"type": "Queue", "queuing": {"queues": 4, "handSize": 2, "queueLengthLimit": 5}}
    spec = {"type": "Limited", "limited": {"nominalConcurrencyShares": shares, "limitResponse": response, **limited}}
    return {"metadata": {"name": name, "uid": f"uid-{name}"}, "spec": spec}


def schema(name: str, level: str, precedence: int = 500) -> Obj:
    rule = {
        "subjects": [{"kind": "User", "user": {"name": "*"}}],
        "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}],
    }
    spec = {"priorityLevelConfiguration": {"name": level}, "matchingPrecedence": precedence, "rules": [rule]}
    return {"metadata": {"name": name}, "spec": spec}


def test_a_busy_level_borrows_what_others_lend_and_gives_it_back() -> None:
    levels = Levels(100, lambda delay, call: None)
    levels.configure([level("idle", 50, lendablePercent=50), level("busy", 45)], [], 0.0)
    busy, idle = levels.levels["busy"], levels.levels["idle"]
    own = busy.nominal
    busy.queues.demand.set(90, 0.0)
    levels.adjust(10.0)
    assert busy.current > own
    assert idle.current >= idle.least
    busy.queues.demand.set(0, 10.0)
    idle.queues.demand.set(90, 10.0)
    levels.adjust(20.0)
    assert idle.current >= idle.nominal


def test_a_level_that_may_not_borrow_keeps_to_its_own() -> None:
    levels = Levels(100, lambda delay, call: None)
    levels.configure([level("idle", 50, lendablePercent=100), level("busy", 45, borrowingLimitPercent=0)], [], 0.0)
    levels.levels["busy"].queues.demand.set(90, 0.0)
    levels.adjust(10.0)
    assert levels.levels["busy"].current == levels.levels["busy"].nominal


def test_schemas_of_levels_that_are_not_there_are_passed_over() -> None:
    levels = Levels(100, lambda delay, call: None)
    levels.configure([level("there", 10)], [schema("lost", "gone", 1), schema("kept", "there", 2)], 0.0)
    assert levels.classify(ALICE, asking("get", "pods", "a")).schema.name == "kept"


def test_a_level_taken_away_serves_out_who_is_in_it() -> None:
    levels = Levels(100, lambda delay, call: None)
    levels.configure([level("old", 10)], [schema("s", "old")], 0.0)
    flow = levels.classify(ALICE, asking("get", "pods", "a"))
    ticket = flow.level.queues.start(Work(), flow.hand, "s", "", None, 0.0)
    assert ticket is not None
    levels.configure([], [], 1.0)
    assert levels.levels["old"].quiescing
    assert levels.classify(ALICE, asking("get", "pods", "a")).level.name == "catch-all"
    flow.level.queues.finish(ticket, 2.0)
    levels.reap()
    assert set(levels.levels) == {"exempt", "catch-all"}


@patiently
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 100)), min_size=1, max_size=8))
def test_allocations_keep_to_their_bounds_and_sum_up(parts: list[tuple[int, int, int]]) -> None:
    claims = [Claim(low + more, low, low + more + room) for low, more, room in parts]
    low, high = sum(c.lower for c in claims), sum(c.upper for c in claims)
    total = int((low + high) // 2)
    shares, _ = allocate(total, claims)
    assert abs(sum(shares) - total) < 1e-6
    assert all(c.lower - 1e-9 <= share <= c.upper + 1e-9 for c, share in zip(claims, shares, strict=True))


def test_demand_is_weighted_by_time() -> None:
    seen = Integrator(0.0)
    seen.set(4, 1.0)
    seen.set(0, 3.0)
    found = seen.take(4.0)
    assert (found.seconds, found.average, found.highest) == (4.0, 2.0, 4.0)
    assert found.deviation == pytest.approx(2.0)
    assert seen.take(5.0).highest == 0.0


def test_refused_clients_are_sent_away_longer_the_more_there_are() -> None:
    retry = RetryAfter()
    told = [retry.refused(second) for second in range(1, 12) for _ in range(20)]
    assert told[0] == 1
    assert max(told) >= 8
    assert RetryAfter().refused(5.0) == 1


# What must be, and the tables.


def test_objects_are_put_back_unless_somebody_has_taken_them_over() -> None:
    wanted = next(o for r, o in objects() if r == LEVELS and o["metadata"]["name"] == "workload-low")
    changed = clone(wanted)
    changed["spec"]["limited"]["nominalConcurrencyShares"] = 1
    assert revised(wanted, wanted) is None
    again = revised(changed, wanted)
    assert again is not None
    assert again["spec"] == wanted["spec"]
    changed["metadata"]["annotations"]["apf.kubernetes.io/autoupdate-spec"] = "false"
    assert revised(changed, wanted) is None
    mandatory = next(o for r, o in objects() if r == LEVELS and o["metadata"]["name"] == "catch-all")
    broken = clone(mandatory)
    broken["metadata"]["annotations"] = {"apf.kubernetes.io/autoupdate-spec": "false"}
    broken["spec"]["limited"]["nominalConcurrencyShares"] = 1
    put = revised(broken, mandatory)
    assert put is not None
    assert put["spec"] == mandatory["spec"]
    assert put["metadata"]["annotations"] == {"apf.kubernetes.io/autoupdate-spec": "true"}


def test_tables_are_padded_as_kubernetes_pads_them() -> None:
    levels = Levels(10, lambda delay, call: None)
    levels.configure([], [], 0.0)
    assert dump.levels(levels.levels.values()).splitlines()[1] == (
        "catch-all,         0,            true,   false,       0,               0,                 0,                  "
        "0,                0,                0"
    )
