"""Rights that somebody else knows: a SubjectAccessReview is posted to the server of a kubeconfig.

Conditions, expressions over the review's spec (`request`), say which questions are put to it. Answers are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from cluster.apiserver.authz.interface import NO_OPINION, Answer, Attributes, Decision, Rules
from cluster.apiserver.expiring import Expiring
from cluster.apiserver.reviewing import NotAnswered, Reviewer
from cluster.apiserver.webhook_config import Target
from cluster.meta.cel import BOOL, DYN, STRING, CompileError, EvalError, Program, compile
from cluster.meta.cel.types import list_of, map_of, object_of
from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.apiserver.request import UserInfo
    from cluster.machinery.clock import Clock

VERSIONS = ("v1", "v1beta1")
_LONGEST_KEPT = 10_000
_REQUIREMENT = object_of(
    "kubernetes.SelectorRequirement", {"key": STRING, "operator": STRING, "values": list_of(STRING)}
)
_SELECTOR = {"rawSelector": STRING, "requirements": list_of(_REQUIREMENT)}
_PLAIN = ("namespace", "verb", "group", "version", "resource", "subresource", "name")
_RESOURCE = object_of(
    "kubernetes.ResourceAttributes",
    {
        **dict.fromkeys(_PLAIN, STRING),
        "fieldSelector": object_of("kubernetes.FieldSelectorAttributes", _SELECTOR),
        "labelSelector": object_of("kubernetes.LabelSelectorAttributes", _SELECTOR),
    },
)
_REQUEST = object_of(
    "kubernetes.SubjectAccessReviewSpec",
    {
        "user": STRING,
        "groups": list_of(STRING),
        "uid": STRING,
        "extra": map_of(list_of(STRING)),
        "resourceAttributes": _RESOURCE,
        "nonResourceAttributes": object_of("kubernetes.NonResourceAttributes", {"path": STRING, "verb": STRING}),
    },
)
_OPERATORS = {
    "=": "In",
    "==": "In",
    "in": "In",
    "!=": "NotIn",
    "notin": "NotIn",
    "exists": "Exists",
    "!": "DoesNotExist",
}


def condition(text: str) -> Program:
    """Raises ValueError for what is no condition on a review."""
    try:
        program = compile(text.strip(), {"request": _REQUEST})
    except CompileError as error:
        raise ValueError(f"compilation failed: {error}") from None
    if program.type not in (BOOL, DYN):
        raise ValueError(f"must evaluate to bool but got {program.type}")
    return program


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessWebhook:
    """A webhook of an AuthorizationConfiguration, or of the flags. Times are in seconds."""

    target: Target
    version: str = "v1beta1"
    timeout: float = 30.0
    allowed_kept: float = 300.0
    refused_kept: float = 30.0
    deny_on_failure: bool = False
    conditions: tuple[str, ...] = ()


class WebhookAuthorizer:
    """Raises ValueError for a condition that is none."""

    def __init__(self, options: AccessWebhook, clock: Clock) -> None:
        self._options = options
        self._reviewer = Reviewer(options.target, options.timeout, clock)
        self._conditions: Sequence[tuple[str, Program]] = [(text, condition(text)) for text in options.conditions]
        self._on_failure = Decision.DENY if options.deny_on_failure else Decision.NO_OPINION
        self._known: Expiring[bytes, Obj] = Expiring(clock)
        self.close = self._reviewer.close

    async def decide(self, attributes: Attributes) -> Answer:
        spec = spec_of(attributes)
        try:
            if not self._concerned(spec):
                return NO_OPINION
            return self._answer(await self._status(spec))
        except (EvalError, NotAnswered) as why:
            return Answer(self._on_failure, "", str(why))

    def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        return Rules([], "webhook authorizer does not support user rule resolution", True)

    def _concerned(self, spec: Obj) -> bool:
        """Raises EvalError where no condition is false and one cannot be told."""
        faults = []
        for text, program in self._conditions:
            try:
                if program.run({"request": _as_seen(spec)}) is not True:
                    return False
            except EvalError as fault:
                faults.append(f"cel evaluation error: expression '{text}' resulted in error: {fault}")
        if faults:
            raise EvalError(faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]")
        return True

    async def _status(self, spec: Obj) -> Obj:
        key = orjson.dumps(spec)
        status = self._known.get(key)
        if status is None:
            status = await self._reviewer.ask(self._review(spec))
            if len(key) < _LONGEST_KEPT:
                kept = self._options.allowed_kept if status.get("allowed") else self._options.refused_kept
                self._known.put(key, status, kept)
        return status

    def _review(self, spec: Obj) -> Obj:
        if self._options.version == "v1beta1" and "groups" in spec:
            spec = {("group" if name == "groups" else name): value for name, value in spec.items()}
        version = f"authorization.k8s.io/{self._options.version}"
        about = {"kind": "SubjectAccessReview", "apiVersion": version, "metadata": {}}
        return {**about, "spec": spec, "status": {"allowed": False}}

    @staticmethod
    def _answer(status: Obj) -> Answer:
        reason = str(status.get("reason") or "")
        if status.get("denied") and status.get("allowed"):
            both = "webhook subject access review returned both allow and deny response"
            return Answer(Decision.DENY, reason, both)
        if status.get("denied"):
            return Answer(Decision.DENY, reason)
        return Answer(Decision.ALLOW if status.get("allowed") else Decision.NO_OPINION, reason)


def spec_of(a: Attributes) -> Obj:
    """The spec of a SubjectAccessReview."""
    spec: Obj = {}
    if a.is_resource:
        asked = {name: getattr(a, name) for name in _PLAIN if getattr(a, name)}
        spec["resourceAttributes"] = asked | _selectors(a)
    else:
        spec["nonResourceAttributes"] = {"path": a.path, "verb": a.verb}
    spec |= {name: value for name, value in (("user", a.user.name), ("groups", list(a.user.groups))) if value}
    if a.user.extra:
        spec["extra"] = {key: list(values) for key, values in a.user.extra}
    if a.user.uid:
        spec["uid"] = a.user.uid
    return spec


def _selectors(a: Attributes) -> Obj:
    if a.selectors is None:
        return {}
    fields = [
        {"key": term.field, "operator": "In" if term.equal else "NotIn", "values": [term.value]}
        for term in a.selectors.fields
    ]
    labels = [
        {"key": need.key, "operator": _OPERATORS[need.operator]}
        | ({"values": list(need.values)} if need.values else {})
        for need in a.selectors.labels
        if need.operator in _OPERATORS
    ]
    found = (("fieldSelector", fields), ("labelSelector", labels))
    return {name: {"requirements": requirements} for name, requirements in found if requirements}


def _as_seen(spec: Obj) -> dict[str, Any]:
    """The spec with every text it may have, as conditions see it."""
    seen = {"user": "", "groups": [], "uid": "", "extra": {}, **spec}
    if "resourceAttributes" in spec:
        seen["resourceAttributes"] = {**dict.fromkeys(_PLAIN, ""), **spec["resourceAttributes"]}
    return seen
