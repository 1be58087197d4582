"""Lease: who holds something, and since when."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.strategy import spec
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, invalid
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.coordination.v1.Lease"
SPEC = Path("spec")


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    seconds, moves = held.get("leaseDurationSeconds"), held.get("leaseTransitions")
    faults: Faults = []
    if seconds is not None and seconds <= 0:
        faults.append(invalid(SPEC / "leaseDurationSeconds", seconds, "must be greater than 0"))
    faults += checks.nonnegative(SPEC / "leaseTransitions", moves)
    return faults


def validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


_COORDINATED = ("strategy", "preferredHolder")
"""Fields of coordinated election, which is under development: left out unless in use."""


def _prepare_create(obj: Obj) -> None:
    for name in _COORDINATED:
        spec(obj).pop(name, None)


def _prepare_update(new: Obj, old: Obj) -> None:
    if not any(spec(old).get(name) is not None for name in _COORDINATED):
        _prepare_create(new)


_WRITES = Strategy(
    update_metadata="update",
    default=defaulting(DEFINITION),
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=validate,
    validate_update=validate_update,
    create_on_update=True,
    unconditional_update=False,
    bare_finalizers=True,
)


KIND = Kind(
    group="coordination.k8s.io",
    version="v1",
    kind="Lease",
    plural="leases",
    singular="lease",
    namespaced=True,
    definition="io.k8s.api.coordination.v1.Lease",
    table=table("coordination.k8s.io", "leases", extensions.lease),
    strategy=_WRITES,
)
