"""ValidatingAdmissionPolicy: expressions that writes have to satisfy."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.admissionregistration.expressions import defined, expression, scope
from cluster.kinds.admissionregistration.policy_checks import SPEC, constraints, default_match, param_kind
from cluster.kinds.admissionregistration.webhook_checks import match_conditions
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.strategy import clear_status, fill, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import required
from cluster.meta.types import Obj

REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
DEFINITION = "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy"


def _default(obj: Obj) -> None:
    held = obj["spec"]
    fill(held, "failurePolicy", "Fail")
    default_match(held.get("matchConstraints"))


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    faults = checks.one_of(SPEC / "failurePolicy", held.get("failurePolicy"), ("Fail", "Ignore"))
    faults += param_kind(held) + constraints(held)
    faults += match_conditions(SPEC / "matchConditions", held.get("matchConditions") or [], held)
    faults += _variables(held.get("variables") or [])
    if not held.get("validations") and not held.get("auditAnnotations"):
        why = "validations or auditAnnotations must be non-empty"
        faults.append(required(SPEC / "validations", f"{why}"))
    for at, validation in enumerate(held.get("validations") or ()):
        if not (validation.get("expression") or "").strip():
            faults.append(required((SPEC / "validations")[at] / "expression", "expression is not specified"))
        if (reason := validation.get("reason")) is not None:
            faults += checks.one_of((SPEC / "validations")[at] / "reason", reason, REASONS)
    return faults + _expressions(held)


def _expressions(held: dict[str, Any]) -> Faults:
    names = scope(held)
    faults = defined(SPEC / "variables", held.get("variables") or (), names)
    for at, validation in enumerate(held.get("validations") or ()):
        here = (SPEC / "validations")[at]
        faults += expression(here / "expression", validation.get("expression") or "", names, "bool")
        faults += expression(here / "messageExpression", validation.get("messageExpression") or "", names, "string")
    for at, note in enumerate(held.get("auditAnnotations") or ()):
        here = (SPEC / "auditAnnotations")[at]
        faults += expression(here / "valueExpression", note.get("valueExpression") or "", names, "string", "null")
    return faults


def _variables(variables: list[dict[str, Any]]) -> Faults:
    faults: Faults = []
    for at, variable in enumerate(variables):
        for name in ("name", "expression"):
            if not variable.get(name):
                faults.append(required((SPEC / "variables")[at] / name, f"{name} is not specified"))
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
    unconditional_update=False,
)


KIND = Kind(
    group="admissionregistration.k8s.io",
    version="v1",
    kind="ValidatingAdmissionPolicy",
    plural="validatingadmissionpolicies",
    singular="validatingadmissionpolicy",
    namespaced=False,
    categories=("api-extensions",),
    definition="io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy",
    introduced="1.30",
    subresources=(status(DEFAULT),),
    table=table("admissionregistration.k8s.io", "validatingadmissionpolicies", extensions.validating_policy),
    strategy=_WRITES,
)
