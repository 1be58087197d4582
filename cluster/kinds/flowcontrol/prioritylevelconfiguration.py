"""PriorityLevelConfiguration: how many requests of a level run at once, and what waits."""

from __future__ import annotations

from typing import Any

from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.strategy import clear_status, fill, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, forbidden, invalid, not_supported, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration"
SPEC = Path("spec")


def _default(obj: Obj) -> None:
    held = obj["spec"]
    if held.get("exempt") is not None:
        fill(held["exempt"], "nominalConcurrencyShares", 0)
        fill(held["exempt"], "lendablePercent", 0)
    limited = held.get("limited")
    if limited is None:
        return
    fill(limited, "nominalConcurrencyShares", 30)
    fill(limited, "lendablePercent", 0)
    queuing = (limited.get("limitResponse") or {}).get("queuing")
    if queuing is not None:
        for name, value in (("handSize", 8), ("queues", 64), ("queueLengthLimit", 50)):
            if not queuing.get(name):
                queuing[name] = value


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    kind, limited = held.get("type") or "", held.get("limited")
    faults: Faults = []
    if kind == "Exempt":
        if limited is not None:
            faults.append(forbidden(SPEC / "limited", "must be nil if the type is not Limited"))
    elif kind == "Limited":
        if held.get("exempt") is not None:
            faults.append(forbidden(SPEC / "exempt", "must be nil if the type is Limited"))
        faults += (
            _limited(SPEC / "limited", limited)
            if limited is not None
            else [required(SPEC / "limited", "must not be empty when type is Limited")]
        )
    else:
        faults.append(not_supported(SPEC / "type", kind, ["Exempt", "Limited"]))
    return faults


def _limited(path: Path, limited: dict[str, Any]) -> Faults:
    faults: Faults = []
    if (shares := limited.get("nominalConcurrencyShares") or 0) < 0:
        faults.append(invalid(path / "nominalConcurrencyShares", shares, "must be a non-negative integer"))
    response, here = limited.get("limitResponse") or {}, path / "limitResponse"
    kind, queuing = response.get("type") or "", response.get("queuing")
    if kind == "Reject":
        if queuing is not None:
            faults.append(forbidden(here / "queuing", "must be nil if limited.limitResponse.type is not Limited"))
    elif kind == "Queue":
        if queuing is None:
            faults.append(required(here / "queuing", "must not be empty if limited.limitResponse.type is Limited"))
        else:
            faults += _queuing(here / "queuing", queuing)
    else:
        faults.append(not_supported(here / "type", kind, ["Queue", "Reject"]))
    share = limited.get("lendablePercent")
    if share is not None and not 0 <= share <= 100:
        faults.append(invalid(path / "lendablePercent", share, "must be between 0 and 100, inclusive"))
    return faults


def _queuing(path: Path, queuing: dict[str, Any]) -> Faults:
    faults: Faults = []
    for name in ("queueLengthLimit", "queues", "handSize"):
        if (queuing.get(name) or 0) <= 0:
            faults.append(invalid(path / name, queuing.get(name) or 0, "must be positive"))
    if (queuing.get("handSize") or 0) > (queuing.get("queues") or 0) > 0:
        why = f"should not be greater than queues ({queuing['queues']})"
        faults.append(invalid(path / "handSize", queuing["handSize"], why))
    return faults


def validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    update_metadata="whole",
    default=DEFAULT,
    prepare_create=clear_status(DEFINITION),
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
    generation=True,
)


KIND = Kind(
    group="flowcontrol.apiserver.k8s.io",
    version="v1",
    kind="PriorityLevelConfiguration",
    plural="prioritylevelconfigurations",
    singular="prioritylevelconfiguration",
    namespaced=False,
    definition="io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration",
    subresources=(status(DEFAULT),),
    table=table("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", extensions.priority_level),
    strategy=_WRITES,
)
