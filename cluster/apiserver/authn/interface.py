"""The seam of authentication."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from cluster.apiserver.http.messages import Request
from cluster.apiserver.request import UserInfo


class InvalidCredential(Exception):
    """A credential of this kind was given and is wrong: the request is refused, not anonymous. The text is shown in
    token reviews alone."""


class Authenticator(Protocol):
    async def authenticate(self, request: Request) -> UserInfo | None:
        """The user, None when no credential of this kind was given. Raises InvalidCredential."""
        ...


class Recognised(NamedTuple):
    """A token's user, and for which of the audiences asked for it is good."""

    user: UserInfo
    audiences: tuple[str, ...] = ()


class TokenAuthenticator(Protocol):
    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> Recognised | None:
        """None when the token is not of this kind. Raises InvalidCredential for one that is and is wrong, or is for
        none of the audiences."""
        ...


def intersection(held: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Audiences in both, in the order they are held."""
    return tuple(audience for audience in held if audience in wanted)
