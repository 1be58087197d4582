"""ID tokens of OpenID Connect issuers: whose key signed one, whether it is for us and in time, and whose it is.

Checks and words follow the OIDC authenticator of k8s.io/apiserver and go-oidc.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cluster.apiserver.authn import jose
from cluster.apiserver.authn.claims import ClaimMapper, ClaimMapping, unfit
from cluster.apiserver.authn.interface import InvalidCredential, Recognised, intersection
from cluster.apiserver.authn.issuer_keys import IssuerKeys, Unreachable
from cluster.apiserver.authn.jose import ALGORITHMS, Token
from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.machinery.clock import Clock

_NOT_BEFORE_LEEWAY = 300.0
_STRINGS = ("sub", "nonce", "at_hash")
_DAWN, _END_OF_TIME = -62135596800.0, 253402300800.0
"""The first seconds of the years 1 and 10000."""
_TIMES = ("exp", "iat", "nbf")


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtIssuer:
    """One issuer. `authority` is a PEM bundle, empty: the system's; `discovery` where its document lies, empty: below
    its URL."""

    url: str
    audiences: tuple[str, ...]
    mapping: ClaimMapping
    discovery: str = ""
    authority: str = ""
    algorithms: Sequence[str] = ALGORITHMS


class OidcTokens:
    """Of one issuer. `audiences` are those of this server: a token says nothing about them. Raises ValueError for an
    expression that is none."""

    def __init__(self, issuer: JwtIssuer, audiences: tuple[str, ...], clock: Clock) -> None:
        self._issuer = issuer
        self._audiences = audiences
        self._clock = clock
        self._mapper = ClaimMapper(issuer.mapping)
        self.keys = IssuerKeys(issuer.url, clock, discovery=issuer.discovery, authority=issuer.authority)
        self.close = self.keys.close

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> Recognised | None:
        good = intersection(self._audiences, audiences)
        try:
            parsed = jose.parse(token)
        except ValueError:
            return None
        if not good or _issuer_of(parsed.claims) != self._issuer.url:
            return None
        if not self.keys.found:
            raise InvalidCredential("oidc: authenticator not initialized")
        await self._verify(parsed)
        return Recognised(self._mapper.user(parsed.claims), good)

    async def _verify(self, token: Token) -> None:
        """Raises InvalidCredential."""
        _check_types(token.claims)
        self._check_times(token.claims)
        if token.algorithm not in self._issuer.algorithms:
            expected = _listed(self._issuer.algorithms)
            raise _wrong(
                f'oidc: id token signed with unsupported algorithm, expected {expected} got "{token.algorithm}"'
            )
        try:
            signed = await self.keys.verifies(token)
        except Unreachable as why:
            raise _wrong(f"failed to verify signature: fetching keys oidc: {why}") from None
        if not signed:
            raise _wrong("failed to verify signature: failed to verify id token signature")
        held = token.claims.get("aud")
        held = [held] if isinstance(held, str) else held or []
        if not set(held) & set(self._issuer.audiences):
            wanted = sorted(self._issuer.audiences)
            expected = f"in {_listed(wanted)}" if len(wanted) > 1 else _quoted(wanted[0])
            raise _wrong(f"oidc: expected audience {expected} got {_listed(held)}")

    def _check_times(self, claims: Obj) -> None:
        now, expiry, start = self._clock.now(), claims.get("exp"), claims.get("nbf")
        if expiry is None or float(expiry) < now:
            when = "0001-01-01 00:00:00 +0000 UTC" if expiry is None else _date(float(expiry))
            raise _wrong(f"oidc: token is expired (Token Expiry: {when})")
        if start is not None and now + _NOT_BEFORE_LEEWAY < float(start):
            raise _wrong(f"oidc: current time {_date(now)} before the nbf (not before) time: {_date(float(start))}")


def _check_types(claims: Obj) -> None:
    """Of the claims that every ID token has. Raises InvalidCredential."""
    for name in _STRINGS:
        value = claims.get(name)
        if value is not None and not isinstance(value, str):
            why = unfit(value, "string").replace("Go value", f"Go struct field idToken.{name}")
            raise _wrong(f"oidc: failed to unmarshal claims: {why}")
    for name in _TIMES:
        value = claims.get(name)
        if not _is_time(value):
            why = unfit(value, "json.Number")
            if isinstance(value, str):
                why = why.replace("string", f"string {_quoted(value)}", 1) + ": invalid syntax"
            raise _wrong(f"oidc: failed to unmarshal claims: {why}")
    held = claims.get("aud")
    if held is not None and not isinstance(held, str | list):
        raise _wrong(f"oidc: failed to unmarshal claims: {unfit(held, '[]string')}")
    for index, item in enumerate(held if isinstance(held, list) else ()):
        if not isinstance(item, str):
            why = unfit(item, "string").replace("Go value", f".{index}")
            raise _wrong(f"oidc: failed to unmarshal claims: {why}")


def _is_time(value: Any) -> bool:
    """Nothing, a number, or one written as a text."""
    if value is None or isinstance(value, bool) or not isinstance(value, str | int | float):
        return value is None
    try:
        return _DAWN <= float(value) < _END_OF_TIME
    except (ValueError, OverflowError):
        return False


def _date(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")


def _issuer_of(claims: Obj) -> str:
    issuer = str(claims.get("iss") or "")
    # Google has written its name in two ways.
    return "https://accounts.google.com" if issuer == "accounts.google.com" else issuer


def _wrong(why: str) -> InvalidCredential:
    return InvalidCredential(f"oidc: verify token: {why}")


def _listed(values: Sequence[str]) -> str:
    return f"[{' '.join(map(_quoted, values))}]"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
