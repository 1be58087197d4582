"""MutatingAdmissionPolicy: expressions whose results are merged into what is written, or patch it."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.admission.dynamic.policies import Bound, Misconfigured, bound, params_of
from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.meta import errors
from cluster.meta.errors import StatusError
from cluster.meta.objects import clone
from cluster.meta.ownership import typed
from cluster.meta.patch.json_patch import json_patch
from cluster.meta.types import GroupResource, Obj

_IDENTITY = ("apiVersion", "kind")


class _Fault(Exception):
    """A mutation cannot be made."""


class MutatingAdmissionPolicy(PlainPlugin):
    name = "MutatingAdmissionPolicy"

    def handles(self, operation: Operation, resource: GroupResource, subresource: str) -> bool:
        return operation in (Operation.CREATE, Operation.UPDATE, Operation.CONNECT)

    async def mutate(self, attributes: Attributes) -> None:
        if attributes.obj is None:
            return
        again: list[Bound] = []
        changed = False
        for found in bound("mutatingadmissionpolic", attributes, self.around):
            now = self._apply(found, attributes)
            if now:
                changed = True
            if found.policy["spec"].get("reinvocationPolicy") == "IfNeeded":
                again.append(found)
        for found in again if changed else ():
            self._apply(found, attributes)

    def _apply(self, found: Bound, a: Attributes) -> bool:
        """Whether the object has changed. Raises StatusError."""
        from cluster.meta.cel import EvalError

        before = clone(a.obj)
        try:
            for params in params_of(found, a, self.around):
                self._mutations(found, a, params)
        except (Misconfigured, _Fault, EvalError) as fault:
            a.obj = before
            if not found.ignores_faults:
                text = f"failed to configure binding: {fault}" if isinstance(fault, Misconfigured) else str(fault)
                raise _refusal(a, found, text) from None
        return bool(a.obj != before)

    def _mutations(self, found: Bound, a: Attributes, params: Obj | None) -> None:
        from cluster.apiserver.admission.dynamic.expressions import condition_fails, evaluate, variables_of

        spec = found.policy["spec"]
        if condition_fails(spec.get("matchConditions") or [], variables_of(a, self.around, params)):
            return
        for mutation in spec.get("mutations") or ():
            variables = variables_of(a, self.around, params, spec.get("variables"))
            if mutation["patchType"] == "JSONPatch":
                a.obj = _read(a, _patched(a.obj, evaluate(mutation["jsonPatch"]["expression"], variables)))
            else:
                wanted = evaluate(mutation["applyConfiguration"]["expression"], variables)
                a.obj = self._merged(a, wanted)

    def _merged(self, a: Attributes, wanted: Any) -> Obj:
        if not isinstance(wanted, dict):
            raise _Fault("must evaluate to an object")
        asked = plain(wanted)
        meta = asked.get("metadata") or {}
        if any(field in meta for field in ("name", "namespace", "uid")):
            raise _Fault("invalid ApplyConfiguration: may not change metadata.name, metadata.namespace or metadata.uid")
        if a.spoken is not None:
            kind = f"{a.spoken.group}/{a.spoken.version}, Kind={a.spoken.kind}"
            unknown = f"failed to convert patch object to typed object: no corresponding type for {kind}"
            raise _Fault(f"error applying patch: {unknown}")
        structure = self.around.schema.kind_structure(a.kind)
        live = {key: value for key, value in (a.obj or {}).items() if key not in _IDENTITY}
        try:
            merged: Obj = typed.merge(live, asked, structure)
        except ValueError as error:
            raise _Fault(f"error applying patch: {error}") from None
        return {**{key: (a.obj or {})[key] for key in _IDENTITY}, **clone(merged)}


def plain(value: Any) -> Any:
    """What an expression has made, as wire values."""
    if isinstance(value, dict):
        return {str(key): plain(held) for key, held in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def _read(a: Attributes, changed: Any) -> Any:
    """Of options of a connection every field must be known. Raises StatusError 500."""
    if a.spoken is None:
        return changed
    from cluster.kinds.core.connect_options import read

    try:
        return read(a.spoken.kind, changed, strict=True)
    except ValueError as error:
        raise errors.internal(str(error)) from None


def _patched(obj: Any, operations: Any) -> Any:
    if not isinstance(operations, list):
        raise _Fault("must evaluate to a list of JSONPatch")
    now = obj
    for operation in (plain(item) for item in operations):
        try:
            now = json_patch(now, [operation])
        except StatusError:
            words = _words(now, operation)
            if not words:
                # A test that fails ends the patch; the object stays as it was.
                return obj
            raise _Fault(f"JSON Patch: {words}") from None
    return now


def _words(document: Any, operation: Obj) -> str:
    """Why an operation does not apply; empty for a test that found another value."""
    op, path = operation.get("op"), str(operation.get("path") or "")
    *way, last = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]] or [""]
    holder = _at(document, way)
    if holder is None:
        shown = f"is missing path: {path}" if op == "test" else f'doc is missing path: "{path}"'
        return f"{op} operation does not apply: {shown}: missing value"
    if op == "test":
        return ""
    if op == "remove":
        return f"error in remove for path: '{path}': Unable to remove nonexistent key: {last}: missing value"
    if op == "replace":
        return f"replace operation does not apply: doc is missing key: {path}: missing value"
    return f"{op} operation does not apply: {path}"


def _at(document: Any, way: list[str]) -> Any:
    for step in way:
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    return document if isinstance(document, dict | list) else None


def _refusal(a: Attributes, found: Bound, why: str) -> StatusError:
    binding = found.binding["metadata"]["name"]
    text = f"policy '{found.name}' with binding '{binding}' denied request: {why}"
    details: Obj = {"name": a.name, "group": a.kind.group, "kind": a.kind.plural, "causes": [{"message": text}]}
    if not a.kind.group:
        del details["group"]
    return StatusError(403, "Invalid", text, details)
