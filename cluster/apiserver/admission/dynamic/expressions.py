"""The expressions of policies and match conditions: their variables, and running them.

Programs are kept by their text, since the same few run on every write. This module brings in the evaluator: import
it only where there is an expression.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cluster.apiserver.admission.dynamic.matching import NAMESPACES
from cluster.apiserver.admission.interface import Attributes, Surroundings
from cluster.apiserver.authz.interface import Attributes as Question
from cluster.apiserver.authz.interface import Decision
from cluster.apiserver.request import UserInfo
from cluster.meta.cel import DYN, Budget, CompileError, EvalError, Program, compile
from cluster.meta.cel.types import type_of
from cluster.meta.types import Obj

NAMES = ("object", "oldObject", "request", "params", "namespaceObject", "authorizer", "variables")
_TYPES = {**dict.fromkeys(NAMES, DYN), **dict.fromkeys(("Object", "JSONPatch"), type_of(DYN))}


@lru_cache(maxsize=512)
def program(text: str) -> Program:
    """Raises CompileError."""
    made = compile(text.strip(), _TYPES)
    made.checked = None
    return made


def evaluate(text: str, variables: Mapping[str, Any], budget: Budget | None = None) -> Any:
    """Raises EvalError, also for what does not compile."""
    try:
        return program(text).run(variables, budget)
    except CompileError as error:
        raise EvalError(f"compilation error: {error}") from None


def condition_fails(conditions: list[Obj], variables: Mapping[str, Any]) -> bool:
    """Whether a match condition is false. Raises EvalError when none is, but one cannot be told."""
    faults = []
    for condition in conditions:
        try:
            if evaluate(condition["expression"], variables) is not True:
                return True
        except EvalError as error:
            faults.append(f"expression '{condition['expression']}' resulted in error: {error}")
    if faults:
        raise EvalError(faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]")
    return False


def variables_of(a: Attributes, around: Surroundings, params: Obj | None = None, extra: Any = ()) -> dict[str, Any]:
    """What expressions see of a write. `extra` are the variables a policy defines."""
    out: dict[str, Any] = {
        "object": a.obj,
        "oldObject": a.old,
        "request": request_of(a),
        "params": params,
        "namespaceObject": _namespace(a, around),
        "authorizer": CelAuthorizer(around.authorizer, a.user, a),
    }
    out["variables"] = Variables(list(extra or ()), out)
    return out


def _namespace(a: Attributes, around: Surroundings) -> Obj | None:
    if not a.namespace or a.resource == NAMESPACES:
        return None
    return around.objects.get(NAMESPACES, "", a.namespace)


def request_of(a: Attributes) -> Obj:
    """The AdmissionRequest of a write, without the objects."""
    kind = (a.spoken or a.kind.gvk)._asdict()
    resource = {"group": a.kind.group, "version": a.kind.version, "resource": a.kind.plural}
    out: Obj = {"uid": str(uuid.uuid4()), "kind": kind, "resource": resource}
    if a.subresource:
        out["subResource"] = a.subresource
    out |= {"requestKind": dict(kind), "requestResource": dict(resource)}
    if a.subresource:
        out["requestSubResource"] = a.subresource
    if a.name:
        out["name"] = a.name
    if a.namespace:
        out["namespace"] = a.namespace
    return out | {
        "operation": str(a.operation),
        "userInfo": a.user.as_dict(),
        "dryRun": a.dry_run,
        "options": dict(a.options),
    }


class Variables(dict[str, Any]):
    """`variables.name`, each worked out when first asked for."""

    def __init__(self, defined: list[Obj], scope: dict[str, Any]) -> None:
        super().__init__()
        self._texts = {item["name"]: item["expression"] for item in defined}
        self._scope = scope

    def __contains__(self, name: object) -> bool:
        return name in self._texts

    def __getitem__(self, name: str) -> Any:
        if not super().__contains__(name):
            self[name] = evaluate(self._texts[name], self._scope)
        return super().__getitem__(name)


class CelAuthorizer:
    """`authorizer` in expressions: questions about the user of the write, put together step by step."""

    cel_type = "authorizer"

    def __init__(self, authorizer: Any, user: UserInfo, a: Attributes) -> None:
        self._authorizer = authorizer
        self._user = user
        self._about = a

    def cel_fields(self) -> dict[str, Any]:
        a = self._about
        asked = {"group": a.kind.group, "resource": a.kind.plural, "subresource": a.subresource}
        asked |= {"namespace": a.namespace, "name": a.name, "version": a.kind.version}
        return {"requestResource": _Check("resource_check", self._authorizer, self._user, asked)}

    def group(self, group: str) -> _Check:
        return _Check("group_check", self._authorizer, self._user, {"group": group, "version": "*"})

    def path(self, path: str) -> _Check:
        return _Check("path_check", self._authorizer, self._user, {"path": path})

    def service_account(self, namespace: str, name: str) -> CelAuthorizer:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
        user = UserInfo(f"system:serviceaccount:{namespace}:{name}", "", groups)
        return CelAuthorizer(self._authorizer, user, self._about)


class _Check:
    def __init__(self, cel_type: str, authorizer: Any, user: UserInfo, asked: dict[str, Any]) -> None:
        self.cel_type = cel_type
        self._authorizer = authorizer
        self._user = user
        self._asked = asked

    def _with(self, **more: str) -> _Check:
        return _Check("resource_check", self._authorizer, self._user, {**self._asked, **more})

    def resource(self, name: str) -> _Check:
        return self._with(resource=name)

    def subresource(self, name: str) -> _Check:
        return self._with(subresource=name)

    def namespace(self, name: str) -> _Check:
        return self._with(namespace=name)

    def name(self, name: str) -> _Check:
        return self._with(name=name)

    def check(self, verb: str) -> _Answer:
        decision, reason, _ = self._authorizer.authorize(Question(self._user, verb, **self._asked))
        return _Answer(decision is Decision.ALLOW, reason)


class _Answer:
    cel_type = "decision"

    def __init__(self, allowed: bool, reason: str) -> None:
        self._allowed = allowed
        self._reason = reason

    def allowed(self) -> bool:
        return self._allowed

    def reason(self) -> str:
        return self._reason
