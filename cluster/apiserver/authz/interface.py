"""The seam of authorization.

Most authorizers answer from what this process knows, at once (`Authorizer`). One that must ask elsewhere is a
`RemoteAuthorizer`. Whoever can wait asks the chain with `decide`; expressions of policies cannot, so they are told
`AnswerPending`, and evaluated again when the answer has come.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from cluster.apiserver.request import MASTERS, UserInfo
from cluster.meta.selectors import FieldTerm, Requirement


class Decision(StrEnum):
    ALLOW = "allow"
    DENY = "deny"
    NO_OPINION = "no opinion"


@dataclass(frozen=True, slots=True)
class Selectors:
    """What a list, watch or deletecollection is restricted to. Faults tell of requirements that could not be read
    and are left out, which makes the question wider."""

    fields: tuple[FieldTerm, ...] = ()
    labels: tuple[Requirement, ...] = ()
    field_fault: bool = False
    label_fault: bool = False


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is asked. `path` is set for non-resource requests only."""

    user: UserInfo
    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    namespace: str = ""
    path: str = ""
    selectors: Selectors | None = None

    @property
    def is_resource(self) -> bool:
        return not self.path

    @property
    def qualified_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


class Answer(NamedTuple):
    """`reason` is shown to the user when it is a denial; `error` is what went wrong in finding out."""

    decision: Decision
    reason: str = ""
    error: str = ""


class Rules(NamedTuple):
    """PolicyRules of a user in a namespace, what went wrong, and whether there may be more than can be told."""

    rules: list[dict[str, Any]]
    problem: str = ""
    incomplete: bool = False


class Authorizer(Protocol):
    def authorize(self, attributes: Attributes) -> Answer: ...


class RemoteAuthorizer(Protocol):
    async def decide(self, attributes: Attributes) -> Answer: ...


class AnswerPending(BaseException):
    """Somebody who cannot wait asked what only a remote authorizer knows. No Exception: evaluators of expressions
    take those for faults of the expression."""

    def __init__(self, attributes: Attributes) -> None:
        super().__init__(attributes)
        self.attributes = attributes


class AlwaysAllowMasters:
    """Members of system:masters may do everything, whatever the roles say."""

    def authorize(self, attributes: Attributes) -> Answer:
        return ALLOWED if MASTERS in attributes.user.groups else NO_OPINION


class Always:
    """One answer to every question (the modes AlwaysAllow and AlwaysDeny)."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def authorize(self, attributes: Attributes) -> Answer:
        return self._answer

    def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        return Rules(_EVERYTHING if self._answer.decision is Decision.ALLOW else [])


class AuthorizerChain:
    """The first opinion counts; the reasons of those without one are joined."""

    def __init__(self, authorizers: Sequence[Authorizer | RemoteAuthorizer]) -> None:
        self._authorizers = tuple(authorizers)
        self.remote = any(hasattr(authorizer, "decide") for authorizer in authorizers)

    async def decide(self, attributes: Attributes) -> Answer:
        if not self.remote:
            return self.authorize(attributes)
        unsure: list[Answer] = []
        for authorizer in self._authorizers:
            if hasattr(authorizer, "decide"):
                answer = await authorizer.decide(attributes)
            else:
                answer = authorizer.authorize(attributes)
            if answer[0] is not Decision.NO_OPINION:
                return answer
            unsure.append(answer)
        return _joined(unsure)

    def authorize(self, attributes: Attributes) -> Answer:
        """For who cannot wait. Raises AnswerPending."""
        if self.remote:
            known = _KNOWN.get().get(attributes)
            if known is None:
                raise AnswerPending(attributes)
            return known
        unsure = []
        for authorizer in self._authorizers:
            answer = authorizer.authorize(attributes)  # type: ignore[union-attr]
            if answer[0] is not Decision.NO_OPINION:
                return answer
            unsure.append(answer)
        return _joined(unsure)

    async def close(self) -> None:
        for authorizer in self._authorizers:
            if hasattr(authorizer, "close"):
                await authorizer.close()

    def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        """All that can be told of a user's rights without a question."""
        found = [a.rules_for(user, namespace) for a in self._authorizers if hasattr(a, "rules_for")]
        problems = list(dict.fromkeys(answer.problem for answer in found if answer.problem))
        problem = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]" if problems else ""
        rules = [rule for answer in found for rule in answer.rules]
        return Rules(rules, problem, any(answer.incomplete for answer in found))

    async def answering(self, evaluate: Callable[[], Awaitable[None]]) -> None:
        """Run what asks by `authorize`, again and again until all its questions have been answered."""
        answers: dict[Attributes, Answer] = {}
        token = _KNOWN.set(answers)
        try:
            while True:
                try:
                    return await evaluate()
                except AnswerPending as pending:
                    answers[pending.attributes] = await self.decide(pending.attributes)
        finally:
            _KNOWN.reset(token)


_KNOWN: ContextVar[Mapping[Attributes, Answer]] = ContextVar("answers", default={})  # noqa: B039 (never changed)
"""What the task at hand has been told."""


def _joined(unsure: Sequence[Answer]) -> Answer:
    reasons = [answer.reason for answer in unsure if answer.reason]
    faults = [answer.error for answer in unsure if answer.error]
    if not reasons and not faults:
        return NO_OPINION
    error = faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]" if faults else ""
    return Answer(Decision.NO_OPINION, "\n".join(reasons), error)


_EVERYTHING: list[dict[str, Any]] = [
    {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
    {"verbs": ["*"], "nonResourceURLs": ["*"]},
]
ALLOWED, NO_OPINION = Answer(Decision.ALLOW), Answer(Decision.NO_OPINION)
NOTHING_ALLOWED = Answer(Decision.NO_OPINION, "Everything is forbidden.")


def refusal(attributes: Attributes, reason: str) -> str:
    """The sentence after `is forbidden: `."""
    a = attributes
    if not a.is_resource:
        text = f'User "{a.user.name}" cannot {a.verb} path "{a.path}"'
    else:
        where = f'in the namespace "{a.namespace}"' if a.namespace else "at the cluster scope"
        text = (
            f'User "{a.user.name}" cannot {a.verb} resource "{a.qualified_resource}" in API group "{a.group}" {where}'
        )
    return f"{text}: {reason}" if reason else text
