"""Tokens that somebody else knows: a TokenReview is posted to the server of a kubeconfig.

Answers are kept, good ones and bad ones, for as long as the options say.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster.apiserver.authn.interface import InvalidCredential, Recognised, intersection
from cluster.apiserver.expiring import Expiring
from cluster.apiserver.request import UserInfo
from cluster.apiserver.reviewing import NotAnswered, Reviewer
from cluster.apiserver.webhook_config import Target
from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.machinery.clock import Clock

VERSIONS = ("v1", "v1beta1")
_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenWebhook:
    """`--authentication-token-webhook-*`. `kept` is in seconds."""

    target: Target
    version: str = "v1beta1"
    kept: float = 120.0


class WebhookTokens:
    """`audiences` are those of this server: what a token is good for whose review names none."""

    def __init__(self, options: TokenWebhook, audiences: tuple[str, ...], clock: Clock) -> None:
        self._options = options
        self._audiences = audiences
        self._reviewer = Reviewer(options.target, _TIMEOUT, clock)
        self._known: Expiring[tuple[bytes, tuple[str, ...]], Recognised | str] = Expiring(clock)
        self.close = self._reviewer.close

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> Recognised | None:
        key = hashlib.sha256(token.encode()).digest(), audiences
        answer = self._known.get(key)
        if answer is None:
            answer = self._judged(await self._ask(token, audiences), audiences)
            self._known.put(key, answer, self._options.kept)
        if isinstance(answer, Recognised):
            return answer
        if answer:
            raise InvalidCredential(answer)
        return None

    async def _ask(self, token: str, audiences: tuple[str, ...]) -> Obj:
        spec = {"token": token, "audiences": list(audiences)}
        version = f"authentication.k8s.io/{self._options.version}"
        review = {"kind": "TokenReview", "apiVersion": version, "metadata": {}, "spec": spec, "status": {"user": {}}}
        try:
            return await self._reviewer.ask(review)
        except NotAnswered as why:
            raise InvalidCredential(str(why)) from None

    def _judged(self, status: Obj, audiences: tuple[str, ...]) -> Recognised | str:
        """The text is why not, empty for no particular reason."""
        good = intersection(audiences, tuple(status.get("audiences") or self._audiences))
        if not good:
            return ""
        if not status.get("authenticated"):
            return str(status.get("error") or "")
        user = status.get("user") or {}
        extra = tuple((str(key), tuple(values)) for key, values in sorted((user.get("extra") or {}).items()))
        name, uid, groups = user.get("username") or "", user.get("uid") or "", tuple(user.get("groups") or ())
        return Recognised(UserInfo(name, uid, groups, extra), good)
