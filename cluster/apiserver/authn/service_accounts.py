"""Service account tokens: JWTs bound to an account, perhaps to a pod, for an audience and a time.

A token is good only while the account and whatever it is bound to exist with the same uid; that is looked up at every
use, the signature is checked once. Checks and texts follow pkg/serviceaccount. Issuing is in `token_requests`, the
tokens of Secrets that never expire in `legacy_tokens`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from cluster.apiserver.authn import jose
from cluster.apiserver.authn.interface import InvalidCredential, Recognised, intersection
from cluster.apiserver.authn.jose import PublicKey, SigningKey
from cluster.apiserver.options import ISSUER
from cluster.apiserver.request import UserInfo
from cluster.meta import times
from cluster.meta.types import GroupResource, Obj

if TYPE_CHECKING:
    from cluster.machinery.clock import Clock

ACCOUNTS = GroupResource("", "serviceaccounts")
BINDABLE = {
    "Pod": GroupResource("", "pods"),
    "Secret": GroupResource("", "secrets"),
    "Node": GroupResource("", "nodes"),
}
LEEWAY = 60.0
"""Seconds that clocks may differ."""
_PREFIX = "authentication.kubernetes.io/"
_GONE = "service account token has been invalidated"


class Objects(Protocol):
    def get(self, resource: GroupResource, namespace: str, name: str) -> Obj | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccountTokens:
    """`--service-account-*`. The first of `issuers` issues, all are believed; `keys` (PEM files of public or private
    keys) verify beside the signing key. `longest` bounds what is asked for, in seconds (0: as Kubernetes does).
    `extend`: whether tokens for pods that ask for an hour live a year, so that old clients survive."""

    issuers: tuple[str, ...] = (ISSUER,)
    keys: tuple[PublicKey, ...] = ()
    audiences: tuple[str, ...] = ()
    """Of this API server; none: its issuer."""
    longest: float = 0
    extend: bool = True
    jwks_uri: str = ""


class TokenIssuer:
    """Issues tokens with one key and recognises those of several."""

    def __init__(
        self, key: SigningKey, clock: Clock, objects: Objects, options: ServiceAccountTokens | None = None
    ) -> None:
        self.options = options or ServiceAccountTokens()
        self.key = key
        self.issuer = self.options.issuers[0]
        self.audiences = self.options.audiences or self.options.issuers[:1]
        self.clock = clock
        self._objects = objects
        self._keys = [key.public, *(k for k in self.options.keys if not k.same_as(key.public))]
        self._verified = lru_cache(maxsize=1024)(self.verified)

    # Recognising.

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> Recognised | None:
        try:
            claims = self._verified(token, self.options.issuers)
            if claims is None:
                return None
            good = self.for_audiences(_audiences(claims), audiences)
            self._in_time(claims)
            return Recognised(self._user(claims), good)
        except (KeyError, TypeError, AttributeError):
            raise InvalidCredential("service account token claims could not be validated") from None

    def verified(self, text: str, issuers: Sequence[str]) -> Obj | None:
        """The claims of a token that a known key signed; None for one of another issuer. Raises InvalidCredential."""
        try:
            token = jose.parse(text)
        except ValueError:
            return None
        if token.claims.get("iss") not in issuers:
            return None
        keys = [key for key in self._keys if not token.key_id or key.key_id == token.key_id]
        if not keys:
            raise InvalidCredential("invalid signature, no keys found")
        if not any(key.verifies(token) for key in keys):
            raise InvalidCredential("go-jose/go-jose: error in cryptographic primitive")
        return token.claims

    def for_audiences(self, held: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[str, ...]:
        """Raises InvalidCredential when none of the wanted audiences is held; a token for none is for this server."""
        held = held or self.audiences
        good = intersection(held, wanted)
        if not good:
            text = f"token audiences {_go_list(held)} is invalid for the target audiences {_go_list(wanted)}"
            raise InvalidCredential(text)
        return good

    def _in_time(self, claims: Obj) -> None:
        now = self.clock.now()
        for name, early, why in (
            ("nbf", True, "is not valid yet"), ("exp", False, "has expired"), ("iat", True, "is issued in the future")
        ):  # fmt: skip
            when = claims.get(name)
            if when is None:
                continue
            if not isinstance(when, int | float):
                raise InvalidCredential("go-jose/go-jose/jwt: expected number value to unmarshal NumericDate")
            if (now + LEEWAY < when) if early else (now - LEEWAY > when):
                raise InvalidCredential(f"service account token {why}")

    def _user(self, claims: Obj) -> UserInfo:
        about: Obj = claims["kubernetes.io"]
        namespace, account = about["namespace"], about["serviceaccount"]
        found = self._objects.get(ACCOUNTS, namespace, account["name"])
        if found is None:
            raise InvalidCredential(f'serviceaccounts "{account["name"]}" not found')
        if found["metadata"]["uid"] != account["uid"]:
            text = f"service account UID ({found['metadata']['uid']}) does not match claim ({account['uid']})"
            raise InvalidCredential(text)
        if self._deleted(found):
            raise InvalidCredential(f"service account {namespace}/{account['name']} has been deleted")
        extra: list[tuple[str, tuple[str, ...]]] = []
        extra += [(f"{_PREFIX}credential-id", (f"JTI={claims['jti']}",))] if claims.get("jti") else []
        for kind in BINDABLE:
            if about.get(kind.lower()) is not None:
                extra += self._binding(kind, namespace, about)
        return account_user(namespace, account["name"], account["uid"], tuple(extra))

    def _binding(self, kind: str, namespace: str, about: Obj) -> list[tuple[str, tuple[str, ...]]]:
        """What a binding adds to the user. The node of a pod is only told; another binding must live."""
        ref, word = about[kind.lower()], kind.lower()
        if kind != "Node" or about.get("pod") is None:
            found = self._objects.get(BINDABLE[kind], "" if kind == "Node" else namespace, ref["name"])
            if found is None:
                raise InvalidCredential(_GONE)
            if found["metadata"]["uid"] != ref.get("uid"):
                of = f"service account {word} ref claim ({ref.get('uid', '')})"
                raise InvalidCredential(f"{word} UID ({found['metadata']['uid']}) does not match {of}")
            if self._deleted(found):
                raise InvalidCredential(_GONE)
        if kind == "Secret":
            return []
        return [(f"{_PREFIX}{word}-{part}", (ref[part],)) for part in ("name", "uid") if ref.get(part)]

    def _deleted(self, obj: Obj) -> bool:
        when = obj["metadata"].get("deletionTimestamp")
        return when is not None and times.unix(when) < self.clock.now() - LEEWAY

    # Discovery for those who verify tokens themselves.

    def configuration(self, server: str) -> Obj:
        """/.well-known/openid-configuration"""
        return {
            "issuer": self.issuer,
            "jwks_uri": self.options.jwks_uri or f"https://{server}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": sorted({key.algorithms[0] for key in self._keys}),
        }

    def keys(self) -> Obj:
        """/openid/v1/jwks"""
        return {"keys": [key.jwk() for key in self._keys]}


def account_user(namespace: str, name: str, uid: str, extra: tuple[tuple[str, tuple[str, ...]], ...] = ()) -> UserInfo:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    return UserInfo(f"system:serviceaccount:{namespace}:{name}", uid, groups, extra)


def _audiences(claims: Obj) -> tuple[str, ...]:
    given: Any = claims.get("aud") or ()
    return (given,) if isinstance(given, str) else tuple(given)


def _go_list(values: Sequence[str]) -> str:
    from json import dumps

    return f"[{' '.join(map(dumps, values))}]"
