"""MutatingAdmissionPolicy: expressions that change what is written."""

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
from cluster.kinds.strategy import fill, spec
from cluster.kinds.wire import defaulting
from cluster.meta.field import required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy"


def _default(obj: Obj) -> None:
    held = obj["spec"]
    fill(held, "failurePolicy", "Fail")
    default_match(held.get("matchConstraints"))


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    faults = checks.one_of(SPEC / "failurePolicy", held.get("failurePolicy"), ("Fail", "Ignore"))
    faults += param_kind(held) + constraints(held)
    faults += match_conditions(SPEC / "matchConditions", held.get("matchConditions") or [], held)
    policy = held.get("reinvocationPolicy") or ""
    faults += (
        checks.one_of(SPEC / "reinvocationPolicy", policy, ("IfNeeded", "Never"))
        if policy
        else [required(SPEC / "reinvocationPolicy")]
    )
    if not held.get("mutations"):
        faults.append(required(SPEC / "mutations", "mutations must contain at least one item"))
    for at, mutation in enumerate(held.get("mutations") or ()):
        faults += _mutation((SPEC / "mutations")[at], mutation)
    return faults + _expressions(held)


def _expressions(held: dict[str, Any]) -> Faults:
    names = scope(held)
    faults = defined(SPEC / "variables", held.get("variables") or (), names)
    for at, mutation in enumerate(held.get("mutations") or ()):
        for field, gives in (("applyConfiguration", "map"), ("jsonPatch", "list")):
            text = (mutation.get(field) or {}).get("expression") or ""
            faults += expression((SPEC / "mutations")[at] / field / "expression", text, names, gives)
    return faults


def _mutation(path: Any, mutation: dict[str, Any]) -> Faults:
    kind = mutation.get("patchType") or ""
    faults = checks.one_of(path / "patchType", kind, ("ApplyConfiguration", "JSONPatch"))
    field = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}.get(kind)
    if field and not ((mutation.get(field) or {}).get("expression") or "").strip():
        faults.append(required(path / field / "expression", "expression is not specified"))
    return faults


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
    kind="MutatingAdmissionPolicy",
    plural="mutatingadmissionpolicies",
    singular="mutatingadmissionpolicy",
    namespaced=False,
    categories=("api-extensions",),
    definition="io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy",
    introduced="1.36",
    table=table("admissionregistration.k8s.io", "mutatingadmissionpolicies", extensions.mutating_policy),
    strategy=_WRITES,
)
