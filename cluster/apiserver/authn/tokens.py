"""Bearer tokens: the header, and the static table (--token-auth-file)."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from cluster.apiserver.authn.interface import InvalidCredential, TokenAuthenticator
from cluster.apiserver.http.messages import Request
from cluster.apiserver.request import UserInfo

_WEB_SOCKET_PREFIX = "base64url.bearer.authorization.k8s.io."


class BearerAuthenticator:
    """Reads the token of a request and asks those who know tokens, in order."""

    def __init__(self, sources: Sequence[TokenAuthenticator]) -> None:
        self._sources = sources

    async def authenticate(self, request: Request) -> UserInfo | None:
        token = bearer_token(request)
        if not token:
            return None
        for source in self._sources:
            user = await source.authenticate_token(token)
            if user is not None:
                return user
        raise InvalidCredential("invalid bearer token")


def bearer_token(request: Request) -> str:
    header = request.headers.get("authorization", "")
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return _web_socket_token(request.headers.get("sec-websocket-protocol", ""))


def _web_socket_token(protocols: str) -> str:
    if _WEB_SOCKET_PREFIX not in protocols:
        return ""
    from base64 import urlsafe_b64decode

    for protocol in protocols.split(","):
        encoded = protocol.strip()
        if encoded.startswith(_WEB_SOCKET_PREFIX):
            encoded = encoded.removeprefix(_WEB_SOCKET_PREFIX)
            return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-8", "replace")
    return ""


class StaticTokens:
    """A fixed table of tokens."""

    def __init__(self, table: Mapping[str, UserInfo]) -> None:
        self._table = dict(table)

    @classmethod
    def read(cls, path: Path) -> StaticTokens:
        """CSV lines `token,user,uid[,"group1,group2"]`. Raises OSError, ValueError with the line."""
        table: dict[str, UserInfo] = {}
        with path.open(newline="") as lines:
            for number, row in enumerate(csv.reader(lines), 1):
                if not row:
                    continue
                if len(row) < 3 or not row[0]:
                    raise ValueError(f"{path}:{number}: expected token,user,uid[,groups]")
                groups = tuple(g for g in row[3].split(",") if g) if len(row) > 3 else ()
                table[row[0]] = UserInfo(row[1], row[2], groups)
        return cls(table)

    async def authenticate_token(self, token: str, audiences: tuple[str, ...] = ()) -> UserInfo | None:
        return self._table.get(token)
