"""The keys of an OpenID Connect issuer: found by its discovery document, kept, and fetched anew when a token is signed
with one that is not known.

An issuer that cannot be reached does not keep the server from starting; it is tried again every few seconds.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from cluster.apiserver.authn.jose import PublicKey, Token
from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.machinery.clock import Clock

_log = logging.getLogger(__name__)
RETRY = 10.0
_TIMEOUT = 30.0
_SELDOM = 1.0
"""Seconds in which the keys are fetched once at most, however many tokens with unknown keys come."""
_WELL_KNOWN = "/.well-known/openid-configuration"


class Unreachable(Exception):
    """The text says what could not be fetched, and why."""


class IssuerKeys:
    """Must be made where an event loop runs: it begins to look for the issuer at once. `close` ends that."""

    def __init__(self, url: str, clock: Clock, *, discovery: str = "", authority: str = "") -> None:
        self.url = url
        self._discovery = discovery or url.rstrip("/") + _WELL_KNOWN
        self._authority = authority
        self._clock = clock
        self._http: Any = None
        self._jwks = ""
        self._keys: Sequence[PublicKey] = ()
        self._fetched = float("-inf")
        self._fetching = asyncio.Lock()
        self._task = asyncio.create_task(self._find(), name=f"issuer {url}")

    @property
    def found(self) -> bool:
        """Whether the issuer has been reached."""
        return bool(self._jwks)

    async def verifies(self, token: Token) -> bool:
        """Whether a key of the issuer signed it. Raises Unreachable."""
        if self._signed(token):
            return True
        async with self._fetching:
            if not self._signed(token) and self._clock.now() - self._fetched >= _SELDOM:
                await self._fetch_keys()
        return self._signed(token)

    def _signed(self, token: Token) -> bool:
        fitting = (key for key in self._keys if not token.key_id or not key.key_id or key.key_id == token.key_id)
        return any(key.verifies(token) for key in fitting)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()

    async def _find(self) -> None:
        while not self._jwks:
            try:
                document = await self._get(self._discovery)
                self._jwks = self._checked(document)
            except Unreachable as why:
                _log.warning("oidc: issuer %s: %s", self.url, why)
                await self._clock.sleep(RETRY)

    def _checked(self, document: Obj) -> str:
        if document.get("issuer") != self.url:
            told = f'"{self.url}" got "{document.get("issuer")}"'
            raise Unreachable(f"oidc: issuer did not match the issuer returned by provider, expected {told}")
        found = document.get("jwks_uri")
        if not isinstance(found, str) or not found:
            raise Unreachable("provider did not return JWKS URL")
        return found

    async def _fetch_keys(self) -> None:
        document = await self._get(self._jwks)
        self._fetched = self._clock.now()
        keys = []
        for jwk in document.get("keys") or []:
            try:
                key = PublicKey.from_jwk(jwk)
            except (KeyError, ValueError, TypeError) as error:
                _log.warning("oidc: a key of issuer %s cannot be read: %s", self.url, error)
                continue
            if key is not None:
                keys.append(key)
        self._keys = keys

    async def _get(self, url: str) -> Obj:
        import httpx

        if self._http is None:
            trust = ssl.create_default_context(cadata=self._authority or None)
            self._http = httpx.AsyncClient(verify=trust, timeout=_TIMEOUT, trust_env=False, follow_redirects=True)
        try:
            answer = await self._http.get(url)
            found = orjson.loads(answer.content)
        except (httpx.HTTPError, OSError, ValueError) as error:
            raise Unreachable(f'Get "{url}": {error or type(error).__name__}') from None
        if answer.status_code != 200 or not isinstance(found, dict):
            raise Unreachable(f'Get "{url}": answered {answer.status_code}')
        return found
