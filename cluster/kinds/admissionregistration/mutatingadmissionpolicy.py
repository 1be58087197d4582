"""MutatingAdmissionPolicy: expressions that change what is written."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.admissionregistration.expressions import expression, patch_types, scope, variables
from cluster.kinds.admissionregistration.policy_checks import (
    SPEC,
    constraints,
    default_match,
    mutable_operations,
    param_kind,
)
from cluster.kinds.admissionregistration.webhook_checks import match_conditions
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.strategy import fill_absent, spec
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, invalid, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.admissionregistration.v1.MutatingAdmissionPolicy"


def _default(obj: Obj) -> None:
    held = obj["spec"]
    fill_absent(held, "failurePolicy", "Fail")
    default_match(held.get("matchConstraints"))


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    faults = checks.one_of(SPEC / "failurePolicy", held.get("failurePolicy"), ("Fail", "Ignore"))
    faults += param_kind(held) + constraints(held)
    faults += mutable_operations(SPEC / "matchConstraints", held.get("matchConstraints") or {})
    faults += match_conditions(
        SPEC / "matchConditions", held.get("matchConditions") or [], held.get("paramKind") is not None
    )
    names = scope(held.get("paramKind") is not None)
    faults += variables(held, names)
    names |= patch_types()
    if not held.get("mutations"):
        faults.append(required(SPEC / "mutations", "mutations must contain at least one item"))
    for at, mutation in enumerate(held.get("mutations") or ()):
        faults += _mutation((SPEC / "mutations")[at], mutation, names)
    policy = held.get("reinvocationPolicy") or ""
    if not policy:
        return [*faults, required(SPEC / "reinvocationPolicy")]
    return faults + checks.one_of(SPEC / "reinvocationPolicy", policy, ("IfNeeded", "Never"))


_PATCHES = {"ApplyConfiguration": ("applyConfiguration", "Object"), "JSONPatch": ("jsonPatch", "list(JSONPatch)")}


def _mutation(path: Path, mutation: dict[str, Any], names: dict[str, Any]) -> Faults:
    """A mutation is what its type says, and nothing else."""
    kind = mutation.get("patchType") or ""
    if kind not in _PATCHES:
        return checks.one_of(path / "patchType", kind, sorted(_PATCHES)) if kind else [required(path / "patchType")]
    field, gives = _PATCHES[kind]
    other = next(name for name, _ in _PATCHES.values() if name != field)
    faults: Faults = []
    if mutation.get(field) is None:
        faults.append(required(path / field, f"must be specified when patchType is {kind}"))
    else:
        text, here = mutation[field].get("expression") or "", path / field / "expression"
        faults += expression(here, text.strip(), names, gives) if text.strip() else [required(here)]
    if mutation.get(other) is not None:
        why = f"must not be specified when patchType is {kind}"
        faults.append(invalid(path / other, f"{{{other}}}", why))
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
