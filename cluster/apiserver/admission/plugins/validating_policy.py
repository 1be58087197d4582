"""ValidatingAdmissionPolicy: expressions that a write has to satisfy."""

from __future__ import annotations

from typing import NamedTuple

from cluster.apiserver.admission.dynamic.policies import Bound, Misconfigured, bound, params_of
from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupResource, Obj

_CODES = {"Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413, "Invalid": 422}


class Denial(NamedTuple):
    found: Bound
    message: str
    reason: str = "Invalid"


class ValidatingAdmissionPolicy(PlainPlugin):
    name = "ValidatingAdmissionPolicy"

    def handles(self, operation: Operation, resource: GroupResource, subresource: str) -> bool:
        return True

    async def validate(self, attributes: Attributes) -> None:
        denials: list[Denial] = []
        for found in bound("validatingadmissionpolic", attributes, self.around):
            for denial in self._judge(found, attributes):
                self._carry_out(denial, attributes, denials)
        if denials:
            raise _refusal(attributes, denials[0])

    def _carry_out(self, denial: Denial, a: Attributes, denials: list[Denial]) -> None:
        actions = denial.found.binding["spec"].get("validationActions") or ()
        if "Deny" in actions:
            denials.append(denial)
        if "Warn" in actions:
            binding = denial.found.binding["metadata"]["name"]
            a.warn(
                f"Validation failed for ValidatingAdmissionPolicy '{denial.found.name}' "
                f"with binding '{binding}': {denial.message}"
            )

    def _judge(self, found: Bound, a: Attributes) -> list[Denial]:
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
            for validation in spec.get("validations") or ():
                out += _validate(found, validation, variables)
        return out


def _validate(found: Bound, validation: Obj, variables: dict[str, object]) -> list[Denial]:
    from cluster.apiserver.admission.dynamic.expressions import evaluate
    from cluster.meta.cel import EvalError

    text = validation["expression"]
    try:
        if evaluate(text, variables) is True:
            return []
    except EvalError as error:
        message = f"expression '{text}' resulted in error: {error}"
        return [] if found.ignores_faults else [Denial(found, message)]
    return [Denial(found, _message(validation, variables), validation.get("reason") or "Invalid")]


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
