"""Bearer tokens: the header, and the static table (--token-auth-file)."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from cluster.apiserver.authn.interface import InvalidCredential, Recognised, TokenAuthenticator, intersection
from cluster.apiserver.http.messages import Request
from cluster.apiserver.request import UserInfo


class AgnosticTokens(Protocol):
    """Knows tokens, and nothing of audiences."""

    def user_of(self, token: str) -> UserInfo | None: ...


_WEB_SOCKET_PREFIX = "base64url.bearer.authorization.k8s.io."


class TokenSources:
    """Those who know tokens, in the order they are asked. `audiences` are those of this server."""

    def __init__(self, sources: Sequence[TokenAuthenticator], audiences: tuple[str, ...]) -> None:
        self._sources = sources
        self.audiences = audiences

    async def recognise(self, token: str, audiences: tuple[str, ...] = ()) -> Recognised:
        """Who a token is, for any of the audiences (none: this server's). Raises InvalidCredential."""
        faults = ["invalid bearer token"]
        for source in self._sources:
            try:
                found = await source.authenticate_token(token, audiences or self.audiences)
            except InvalidCredential as fault:
                faults.append(str(fault))
                continue
            if found is not None:
                return found
        told = list(dict.fromkeys(faults))
        raise InvalidCredential(told[0] if len(told) == 1 else f"[{', '.join(told)}]")

    async def close(self) -> None:
        for source in self._sources:
            if hasattr(source, "close"):
                await source.close()


class ForThisServer:
    """Tokens that know no audience are good for this server's."""

    def __init__(self, source: AgnosticTokens, audiences: tuple[str, ...]) -> None:
        self._source = source
        self._audiences = audiences

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> Recognised | None:
        good = intersection(self._audiences, audiences)
        user = self._source.user_of(token) if good else None
        return None if user is None else Recognised(user, good)


class BearerAuthenticator:
    """Reads the token of a request."""

    def __init__(self, sources: TokenSources) -> None:
        self._sources = sources

    async def authenticate(self, request: Request) -> UserInfo | None:
        token = bearer_token(request)
        if not token:
            return None
        return (await self._sources.recognise(token)).user


def bearer_token(request: Request) -> str:
    header = request.headers.get("authorization", "")
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return rest.partition(" ")[0]
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

    def user_of(self, token: str) -> UserInfo | None:
        return self._table.get(token)
