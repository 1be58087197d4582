"""ResourceSlice: dynamic resource allocation; what drivers mean by it is left to them."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.golang import dump
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.podspec.volumes import csi_driver_name
from cluster.kinds.printers import extensions
from cluster.kinds.resource.devices import counter_set, device, flag, places
from cluster.kinds.resource.requests import each_once
from cluster.kinds.strategy import spec
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, invalid, required, show, too_long
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.resource.v1.ResourceSlice"


SPEC = Path("spec")
MOST_DEVICES = 128
MOST_ADVANCED = 64  # with taints, counters or lists of values
MOST_COUNTER_SETS = 8
_TERM = "io.k8s.api.core.v1.NodeSelectorTerm"
_PLACE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"


def validate(obj: Obj) -> Faults:
    """A driver, a pool, where it is, and devices or the counters they share."""
    held = spec(obj)
    faults = csi_driver_name(SPEC / "driver", held.get("driver") or "") + _pool(SPEC / "pool", held.get("pool") or {})
    return faults + _place(held) + _content(held)


def _pool(path: Path, pool: dict[str, Any]) -> Faults:
    name, count, generation = pool.get("name") or "", pool.get("resourceSliceCount") or 0, pool.get("generation") or 0
    faults: Faults = [] if name else [required(path / "name")]
    if len(name) > 253:
        faults.append(too_long(path / "name", 253))
    for part in name.split("/") if name else ():
        faults += checks.subdomain(path / "name", part)
    if count <= 0:
        faults.append(invalid(path / "resourceSliceCount", count, "must be greater than zero"))
    if generation < 0:
        faults.append(invalid(path / "generation", generation, "must be greater than or equal to zero"))
    return faults


def _place(held: dict[str, Any]) -> Faults:
    """On one node, on nodes a selector picks, on all, or device by device."""
    faults, given = places(SPEC, held, "must be either unset or set to a non-empty string")
    terms = (held.get("nodeSelector") or {}).get("nodeSelectorTerms")
    if held.get("nodeSelector") is not None and len(terms or ()) != 1:
        here = SPEC / "nodeSelector" / "nodeSelectorTerms"
        shown = None if terms is None else [dump(term, _TERM) for term in terms]
        faults.append(invalid(here, shown, "must have exactly one node selector term"))
    faults += flag(SPEC, held, "perDeviceNodeSelection", given)
    if not given:
        faults.append(required(SPEC, _PLACE))
    elif len(given) > 1:
        faults.append(invalid(SPEC, f"{{{', '.join(given)}}}", f"{_PLACE}, but multiple fields are set"))
    return faults


def _content(held: dict[str, Any]) -> Faults:
    devices, counters = held.get("devices"), held.get("sharedCounters")
    faults: Faults = []
    if devices is not None and counters is not None:
        faults.append(invalid(SPEC, "", "only one of `sharedCounters` or `devices` is allowed"))

    def one(here: Path, listed: dict[str, Any]) -> Faults:
        return device(here, listed, bool(held.get("perDeviceNodeSelection")))

    most = MOST_ADVANCED if any(map(_advanced, devices or ())) else MOST_DEVICES
    faults += each_once(SPEC / "devices", devices, most, one, "name")
    return faults + each_once(SPEC / "sharedCounters", counters, MOST_COUNTER_SETS, counter_set, "name")


def _advanced(listed: dict[str, Any]) -> bool:
    lists = ("bools", "ints", "strings", "versions")
    values = (listed.get("attributes") or {}).values()
    if listed.get("taints") or listed.get("consumesCounters"):
        return True
    return any(value.get(name) is not None for value in values for name in lists)


def validate_update(new: Obj, old: Obj) -> Faults:
    before, after = spec(old), spec(new)
    pool = checks.immutable(
        SPEC / "pool" / "name", (after.get("pool") or {}).get("name"), (before.get("pool") or {}).get("name")
    )
    fixed = [checks.immutable(SPEC / name, after.get(name), before.get(name)) for name in ("driver", "nodeName")]
    return validate(new) + pool + [fault for faults in fixed for fault in faults]


def _prepare_create(obj: Obj) -> None:
    """A taint is as old as the slice that comes with it."""
    for listed in spec(obj).get("devices") or ():
        for taint in listed.get("taints") or ():
            if taint.get("timeAdded") is None:
                taint["timeAdded"] = (obj.get("metadata") or {}).get("creationTimestamp")


def _warnings(new: Obj, _old: Obj | None) -> list[str]:
    driver = spec(new).get("driver") or ""
    if driver == driver.lower():
        return []
    return [f"{SPEC / 'driver'}: driver names should be lowercase; {show(driver)} contains uppercase characters"]


def _selectable(obj: Obj) -> dict[str, str]:
    held = obj.get("spec") or {}
    return {"spec.driver": held.get("driver") or "", "spec.nodeName": held.get("nodeName") or ""}


DEFAULT = defaulting(DEFINITION)
_WRITES = Strategy(
    update_metadata="update",
    default=DEFAULT,
    prepare_create=_prepare_create,
    validate=validate,
    warnings=_warnings,
    validate_update=validate_update,
    generation=True,
)


KIND = Kind(
    group="resource.k8s.io",
    version="v1",
    kind="ResourceSlice",
    plural="resourceslices",
    singular="resourceslice",
    namespaced=False,
    definition="io.k8s.api.resource.v1.ResourceSlice",
    introduced="1.34",
    table=table("resource.k8s.io", "resourceslices", extensions.resource_slice),
    strategy=_WRITES,
    selectable=_selectable,
)
