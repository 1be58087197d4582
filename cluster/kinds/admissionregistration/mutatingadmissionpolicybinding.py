"""MutatingAdmissionPolicyBinding: where a policy holds, and with which parameters."""

from __future__ import annotations

from cluster.kinds.admissionregistration.policy_checks import SPEC, binding, default_match, mutable_operations
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.strategy import spec
from cluster.kinds.wire import defaulting
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding"


def _default(obj: Obj) -> None:
    default_match(obj["spec"].get("matchResources"))


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    return binding(held) + mutable_operations(SPEC / "matchResources", held.get("matchResources") or {})


def validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


_WRITES = Strategy(
    update_metadata="whole",
    default=defaulting(DEFINITION, _default),
    validate=validate,
    validate_update=validate_update,
    generation=True,
    unconditional_update=False,
)


KIND = Kind(
    group="admissionregistration.k8s.io",
    version="v1",
    kind="MutatingAdmissionPolicyBinding",
    plural="mutatingadmissionpolicybindings",
    singular="mutatingadmissionpolicybinding",
    namespaced=False,
    categories=("api-extensions",),
    definition="io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicyBinding",
    introduced="1.36",
    table=table("admissionregistration.k8s.io", "mutatingadmissionpolicybindings", extensions.policy_binding),
    strategy=_WRITES,
)
