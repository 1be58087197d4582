"""ValidatingAdmissionPolicy: expressions that a write has to satisfy."""

from __future__ import annotations

import json
from typing import NamedTuple

from cluster.apiserver.admission.dynamic.policies import Bound, Misconfigured, bound, params_of
from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupResource, Obj

_CODES = {"Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413, "Invalid": 422}


_LONGEST_NOTE = 10 * 1024


class Denial(NamedTuple):
    found: Bound
    message: str
    reason: str = "Invalid"
    expression: int = 0
    """The number of the validation."""


class ValidatingAdmissionPolicy(PlainPlugin):
    name = "ValidatingAdmissionPolicy"

    def handles(self, operation: Operation, resource: GroupResource, subresource: str) -> bool:
        return True

    async def validate(self, attributes: Attributes) -> None:
        denials: list[Denial] = []
        notes: dict[str, list[str]] = {}
        for found in bound("validatingadmissionpolic", attributes, self.around):
            for denial in self._judge(found, attributes, notes):
                self._carry_out(denial, attributes, denials)
        for key, values in notes.items():
            attributes.annotate(key, ", ".join(values))
        if denials:
            raise _refusal(attributes, denials[0])

    def _carry_out(self, denial: Denial, a: Attributes, denials: list[Denial]) -> None:
        actions = denial.found.binding["spec"].get("validationActions") or ()
        if "Deny" in actions:
            denials.append(denial)
        if "Audit" in actions:
            a.annotate("validation.policy.admission.k8s.io/validation_failure", _failure(denial))
        if "Warn" in actions:
            binding = denial.found.binding["metadata"]["name"]
            a.warn(
                f"Validation failed for ValidatingAdmissionPolicy '{denial.found.name}' "
                f"with binding '{binding}': {denial.message}"
            )

    def _judge(self, found: Bound, a: Attributes, notes: dict[str, list[str]]) -> list[Denial]:
        """What is wrong; `notes` are the policy's audit annotations, by key."""
        from cluster.apiserver.admission.dynamic.expressions import condition_fails, variables_of
        from cluster.meta.cel import EvalError

        spec = found.policy["spec"]
        try:
            parameters = params_of(found, a, self.around)
        except Misconfigured as error:
            return [] if found.ignores_faults else [Denial(found, f"failed to configure binding: {error}")]
        out: list[Denial] = []
        for params in parameters:
            variables = variables_of(a, self.around, params, spec.get("variables"))
            try:
                if condition_fails(spec.get("matchConditions") or [], variables):
                    continue
            except EvalError as error:
                if not found.ignores_faults:
                    out.append(Denial(found, str(error)))
                continue
            for number, validation in enumerate(spec.get("validations") or ()):
                out += _validate(found, validation, number, variables)
            for note in spec.get("auditAnnotations") or ():
                out += _noted(found, note, variables, notes)
        return out


def _noted(found: Bound, note: Obj, variables: dict[str, object], notes: dict[str, list[str]]) -> list[Denial]:
    """An audit annotation: a text, or null for none. What cannot be evaluated refuses the write, as a validation."""
    from cluster.apiserver.admission.dynamic.expressions import evaluate
    from cluster.meta.cel import EvalError

    text = note["valueExpression"]
    try:
        value = evaluate(text, variables)
    except EvalError as error:
        return [] if found.ignores_faults else [Denial(found, str(error))]
    if value is None or (isinstance(value, str) and not value.strip()):
        return []
    if not isinstance(value, str):
        why = f"valueExpression '{text}' resulted in unsupported return type: {type(value).__name__}. "
        return [Denial(found, f"{why}Return type must be either string or null.")]
    kept = notes.setdefault(f"{found.policy['metadata']['name']}/{note['key']}", [])
    if value.strip() not in kept:
        kept.append(value.strip()[:_LONGEST_NOTE])
    return []


def _failure(denial: Denial) -> str:
    """The value of the audit annotation `validation_failure`."""
    binding = denial.found.binding
    said = {
        "message": denial.message,
        "policy": binding["spec"].get("policyName"),
        "binding": binding["metadata"]["name"],
        "expressionIndex": denial.expression,
        "validationActions": list(binding["spec"].get("validationActions") or ()),
    }
    return json.dumps([said], separators=(",", ":"), ensure_ascii=False)


def _validate(found: Bound, validation: Obj, number: int, variables: dict[str, object]) -> list[Denial]:
    from cluster.apiserver.admission.dynamic.expressions import evaluate
    from cluster.meta.cel import EvalError

    text = validation["expression"]
    try:
        if evaluate(text, variables) is True:
            return []
    except EvalError as error:
        message = f"expression '{text}' resulted in error: {error}"
        return [] if found.ignores_faults else [Denial(found, message, expression=number)]
    return [Denial(found, _message(validation, variables), validation.get("reason") or "Invalid", number)]


def _message(validation: Obj, variables: dict[str, object]) -> str:
    from cluster.apiserver.admission.dynamic.expressions import evaluate
    from cluster.meta.cel import EvalError

    fallback = (validation.get("message") or "").strip() or f"failed expression: {validation['expression'].strip()}"
    if not validation.get("messageExpression"):
        return fallback
    try:
        found = evaluate(validation["messageExpression"], variables)
    except EvalError:
        return fallback
    fits = isinstance(found, str) and found.strip() and "\n" not in found.strip() and len(found) <= 5120
    return str(found).strip() if fits else fallback


def _refusal(a: Attributes, denial: Denial) -> StatusError:
    binding = denial.found.binding["metadata"]["name"]
    text = f"ValidatingAdmissionPolicy '{denial.found.name}' with binding '{binding}' denied request: {denial.message}"
    error = a.refused(text)
    details = {**(error.details or {}), "causes": [{"message": text}]}
    return StatusError(_CODES.get(denial.reason, 422), denial.reason, error.message, details)
