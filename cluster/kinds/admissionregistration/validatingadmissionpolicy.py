"""ValidatingAdmissionPolicy: expressions that writes have to satisfy."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.admissionregistration.expressions import expression, scope, variables, without_authorizer
from cluster.kinds.admissionregistration.policy_checks import SPEC, constraints, default_match, param_kind
from cluster.kinds.admissionregistration.webhook_checks import match_conditions
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.strategy import clear_status, fill_absent, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, duplicate, invalid, required
from cluster.meta.types import Obj

MOST_NOTES = 20
LONGEST_NOTE = 5 * 1024  # bytes of an expression
REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
DEFINITION = "io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy"


def _default(obj: Obj) -> None:
    held = obj["spec"]
    fill_absent(held, "failurePolicy", "Fail")
    default_match(held.get("matchConstraints"))


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    faults = checks.one_of(SPEC / "failurePolicy", held.get("failurePolicy"), ("Fail", "Ignore"))
    faults += param_kind(held) + constraints(held)
    faults += match_conditions(
        SPEC / "matchConditions", held.get("matchConditions") or [], held.get("paramKind") is not None
    )
    names = scope(held.get("paramKind") is not None)
    if held.get("variables"):
        faults += variables(held, names)
    if not held.get("validations") and not held.get("auditAnnotations"):
        why = "validations or auditAnnotations must contain at least one item"
        return faults + [required(SPEC / name, why) for name in ("validations", "auditAnnotations")]
    for at, validation in enumerate(held.get("validations") or ()):
        faults += _validation((SPEC / "validations")[at], validation, names)
    return faults + _notes((obj.get("metadata") or {}).get("name") or "", held.get("auditAnnotations") or [], names)


def _validation(path: Path, validation: dict[str, Any], names: dict[str, Any]) -> Faults:
    text, said = validation.get("expression") or "", validation.get("message") or ""
    computed = validation.get("messageExpression") or ""
    if text.strip():
        faults = expression(path / "expression", text, names, "bool")
    else:
        faults = [required(path / "expression", "expression is not specified")]
    if computed.strip():
        faults += expression(path / "messageExpression", computed, without_authorizer(names), "string")
    elif computed:
        faults.append(invalid(path / "messageExpression", computed, "must be non-empty if specified"))
    if said and not said.strip():
        faults.append(invalid(path / "message", said, "must be non-empty if specified"))
    elif "\n" in said.strip() or "\r" in said.strip():
        faults.append(invalid(path / "message", said, "must not contain line breaks"))
    if (reason := validation.get("reason")) is not None:
        faults += checks.one_of(path / "reason", reason, REASONS)
    return faults


def _notes(name: str, notes: list[dict[str, Any]], names: dict[str, Any]) -> Faults:
    """Audit annotations: their keys stand behind the name of the policy."""
    path = SPEC / "auditAnnotations"
    faults: Faults = []
    if len(notes) > MOST_NOTES:
        faults.append(
            invalid(
                path,
                [
                    {"Key": note.get("key") or "", "ValueExpression": note.get("valueExpression") or ""}
                    for note in notes
                ],
                f"must not have more than {MOST_NOTES} auditAnnotations",
            )
        )
    keys = [note.get("key") or "" for note in notes]
    for at, note in enumerate(notes):
        here, text = path[at], note.get("valueExpression") or ""
        if name:
            faults += checks.qualified(here / "key", f"{name}/{keys[at]}")
        else:
            faults.append(invalid(here / "key", keys[at], "requires metadata.name be non-empty"))
        if not text.strip():
            faults.append(required(here / "valueExpression", "valueExpression is not specified"))
        elif len(text.strip().encode()) > LONGEST_NOTE:
            why = f"must not exceed {LONGEST_NOTE} bytes in length"
            faults.append(required(here / "valueExpression", why))
        else:
            faults += expression(here / "valueExpression", text, names, "string", "null_type")
        if keys[at] in keys[:at]:
            faults.append(duplicate(here / "key", keys[at]))
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
