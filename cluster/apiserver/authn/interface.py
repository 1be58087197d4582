"""The seam of authentication."""

from __future__ import annotations

from typing import Protocol

from cluster.apiserver.http.messages import Request
from cluster.apiserver.request import UserInfo


class InvalidCredential(Exception):
    """A credential of this kind was given and is wrong: the request is refused, not anonymous."""


class Authenticator(Protocol):
    async def authenticate(self, request: Request) -> UserInfo | None:
        """The user, None when no credential of this kind was given. Raises InvalidCredential."""
        ...


class TokenAuthenticator(Protocol):
    async def authenticate_token(self, token: str, audiences: tuple[str, ...] = ()) -> UserInfo | None:
        """The token's user, None when it is not of this kind."""
        ...
