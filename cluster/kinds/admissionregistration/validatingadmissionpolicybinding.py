"""ValidatingAdmissionPolicyBinding: where a policy holds, and with which parameters."""

from __future__ import annotations

from cluster.kinds.admissionregistration.policy_checks import actions, binding, default_match
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.strategy import spec
from cluster.kinds.wire import defaulting
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding"


def _default(obj: Obj) -> None:
    default_match(obj["spec"].get("matchResources"))


def validate(obj: Obj) -> Faults:
    return binding(spec(obj)) + actions(spec(obj))


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
    kind="ValidatingAdmissionPolicyBinding",
    plural="validatingadmissionpolicybindings",
    singular="validatingadmissionpolicybinding",
    namespaced=False,
    categories=("api-extensions",),
    definition="io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding",
    introduced="1.30",
    table=table("admissionregistration.k8s.io", "validatingadmissionpolicybindings", extensions.policy_binding),
    strategy=_WRITES,
)
