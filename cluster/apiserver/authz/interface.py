"""The seam of authorization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cluster.apiserver.request import MASTERS, UserInfo


class Decision(StrEnum):
    ALLOW = "allow"
    DENY = "deny"
    NO_OPINION = "no opinion"


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

    @property
    def is_resource(self) -> bool:
        return not self.path

    @property
    def qualified_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


class Authorizer(Protocol):
    def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        """The decision and its reason (shown to the user when it is a denial)."""
        ...


class AlwaysAllowMasters:
    """Members of system:masters may do everything, whatever the roles say."""

    def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        return (Decision.ALLOW if MASTERS in attributes.user.groups else Decision.NO_OPINION), ""


class HealthPaths:
    """Anybody may ask whether the server lives."""

    _PATHS = ("/healthz", "/livez", "/readyz")

    def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        return (Decision.ALLOW if attributes.path in self._PATHS else Decision.NO_OPINION), ""


class AuthorizerChain:
    """The first opinion counts; the reasons of those without one are joined."""

    def __init__(self, authorizers: Sequence[Authorizer]) -> None:
        self._authorizers = authorizers

    def authorize(self, attributes: Attributes) -> tuple[Decision, str]:
        reasons = []
        for authorizer in self._authorizers:
            decision, reason = authorizer.authorize(attributes)
            if decision is not Decision.NO_OPINION:
                return decision, reason
            if reason:
                reasons.append(reason)
        return Decision.NO_OPINION, "\n".join(reasons)


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
