"""CSIDriver: what a storage driver needs from the cluster."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.podspec.volumes import csi_driver_name
from cluster.kinds.printers import volumes
from cluster.kinds.strategy import spec
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, duplicate, invalid, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.storage.v1.CSIDriver"
SPEC = Path("spec")
SHORTEST_PERIOD = 10


def _default(obj: Obj) -> None:
    held = obj["spec"]
    for name, value in (
        ("attachRequired", True),
        ("podInfoOnMount", False),
        ("storageCapacity", False),
        ("fsGroupPolicy", "ReadWriteOnceWithFSType"),
        ("requiresRepublish", False),
        ("seLinuxMount", False),
    ):
        held.setdefault(name, value)
    if not held.get("volumeLifecycleModes"):
        held["volumeLifecycleModes"] = ["Persistent"]


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    name = (obj.get("metadata") or {}).get("name") or ""
    # The same fault is said once for the metadata and once for the driver.
    faults = csi_driver_name(Path("metadata") / "name", name) if name else [required(Path("metadata") / "name")]
    for name in ("attachRequired", "podInfoOnMount", "storageCapacity"):
        if held.get(name) is None:
            faults.append(required(SPEC / name))
    policy = held.get("fsGroupPolicy")
    if policy is not None:
        faults += checks.one_of(SPEC / "fsGroupPolicy", policy, ("File", "None", "ReadWriteOnceWithFSType"))
    faults += _tokens(held.get("tokenRequests") or [])
    for mode in held.get("volumeLifecycleModes") or ():
        faults += checks.one_of(SPEC / "volumeLifecycleModes", mode, ("Persistent", "Ephemeral"))
    period = held.get("nodeAllocatableUpdatePeriodSeconds")
    if period is not None and period < SHORTEST_PERIOD:
        why = f"must be greater than or equal to {SHORTEST_PERIOD} seconds"
        faults.append(invalid(SPEC / "nodeAllocatableUpdatePeriodSeconds", period, why))
    if held.get("serviceAccountTokenInSecrets") is not None and not held.get("tokenRequests"):
        why = "serviceAccountTokenInSecrets is set but no tokenRequests are specified"
        faults.append(invalid(SPEC / "serviceAccountTokenInSecrets", held["serviceAccountTokenInSecrets"], why))
    return faults


def _tokens(requests: list[dict[str, Any]]) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for at, request in enumerate(requests):
        here = (SPEC / "tokenRequests")[at]
        if request.get("audience", "") in seen:
            faults.append(duplicate(here / "audience", request.get("audience", "")))
            continue
        seen.add(request.get("audience", ""))
        seconds = request.get("expirationSeconds")
        if seconds is not None and seconds < 600:
            faults.append(
                invalid(here / "expirationSeconds", seconds, "may not specify a duration less than 10 minutes")
            )
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    faults = validate(new)
    for name in ("attachRequired", "fsGroupPolicy", "volumeLifecycleModes"):
        if name != "fsGroupPolicy":
            faults += checks.immutable(SPEC / name, spec(new).get(name), spec(old).get(name))
    return faults


def _warnings(new: Obj, _old: Obj | None) -> list[str]:
    held = spec(new)
    if held.get("tokenRequests") and held.get("serviceAccountTokenInSecrets") is None:
        return [
            "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent "
            "possible logging of tokens in volume attributes"
        ]
    return []


_WRITES = Strategy(
    update_metadata="update",
    default=defaulting(DEFINITION, _default),
    validate=validate,
    validate_update=validate_update,
    warnings=_warnings,
    unconditional_update=False,
)


KIND = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="CSIDriver",
    plural="csidrivers",
    singular="csidriver",
    namespaced=False,
    definition="io.k8s.api.storage.v1.CSIDriver",
    table=table("storage.k8s.io", "csidrivers", volumes.csi_driver),
    strategy=_WRITES,
)
