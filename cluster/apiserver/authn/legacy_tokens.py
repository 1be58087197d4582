"""Tokens of Secrets of type kubernetes.io/service-account-token: they have no audience, never expire, and live as long
as the Secret holds them. When one was last used is written on its Secret, once a day.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable

from cluster.apiserver.authn.interface import InvalidCredential, Recognised
from cluster.apiserver.authn.service_accounts import ACCOUNTS, BINDABLE, Objects, TokenIssuer, account_user
from cluster.meta.types import Obj

ISSUER = "kubernetes/serviceaccount"
LAST_USED = "kubernetes.io/legacy-token-last-used"
INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since"
_CLAIM = "kubernetes.io/serviceaccount/"
_DAY = 86400.0
Label = Callable[[str, str, str, str], Awaitable[None]]
"""Writes a label of a Secret, given namespace, name, uid and the date."""


def claims_of(account: Obj, secret: Obj) -> Obj:
    """What such a token says."""
    meta = account["metadata"]
    return {
        "iss": ISSUER,
        f"{_CLAIM}namespace": meta["namespace"],
        f"{_CLAIM}secret.name": secret["metadata"]["name"],
        f"{_CLAIM}service-account.name": meta["name"],
        f"{_CLAIM}service-account.uid": meta["uid"],
        "sub": f"system:serviceaccount:{meta['namespace']}:{meta['name']}",
    }


class LegacyTokens:
    """Signed by the keys of the token issuer."""

    def __init__(self, issuer: TokenIssuer, objects: Objects, label: Label) -> None:
        self._issuer = issuer
        self._objects = objects
        self._label = label

    async def authenticate_token(self, token: str, audiences: tuple[str, ...]) -> Recognised | None:
        claims = self._issuer.verified(token, (ISSUER,))
        if claims is None:
            return None
        good = self._issuer.for_audiences((), audiences)
        namespace, name, account, uid = _named(claims)
        secret = self._secret(namespace, name, token)
        self._account(namespace, account, uid)
        meta = secret["metadata"]
        labels = meta.get("labels") or {}
        await self._used(meta, labels)
        if labels.get(INVALID_SINCE):
            raise InvalidCredential(_marked(namespace, name, account))
        return Recognised(account_user(namespace, account, uid), good)

    def _secret(self, namespace: str, name: str, token: str) -> Obj:
        secret = self._objects.get(BINDABLE["Secret"], namespace, name)
        if secret is None or secret["metadata"].get("deletionTimestamp"):
            raise InvalidCredential("Token has been invalidated")
        held = base64.b64decode((secret.get("data") or {}).get("token") or "")
        if not hmac.compare_digest(held, token.encode()):
            raise InvalidCredential("Token does not match server's copy")
        return secret

    def _account(self, namespace: str, name: str, uid: str) -> None:
        account = self._objects.get(ACCOUNTS, namespace, name)
        if account is None:
            raise InvalidCredential(f'serviceaccounts "{name}" not found')
        if account["metadata"].get("deletionTimestamp"):
            raise InvalidCredential(f"ServiceAccount {namespace}/{name} has been deleted")
        if account["metadata"]["uid"] != uid:
            raise InvalidCredential(f"ServiceAccount UID ({account['metadata']['uid']}) does not match claim ({uid})")

    async def _used(self, meta: Obj, labels: dict[str, str]) -> None:
        from cluster.meta.times import seconds

        now = self._issuer.clock.now()
        today, tomorrow = seconds(now)[:10], seconds(now + _DAY)[:10]
        if labels.get(LAST_USED) not in (today, tomorrow):
            await self._label(meta["namespace"], meta["name"], meta["uid"], today)


def _named(claims: Obj) -> tuple[str, str, str, str]:
    """Namespace, Secret, account and its uid. Raises InvalidCredential."""
    subject = str(claims.get("sub") or "")
    if not subject:
        raise InvalidCredential("sub claim is missing")
    found = []
    for claim, called in (
        ("namespace", "namespace"),
        ("secret.name", "secretName"),
        ("service-account.name", "serviceAccountName"),
        ("service-account.uid", "serviceAccountUID"),
    ):
        value = str(claims.get(_CLAIM + claim) or "")
        if not value:
            raise InvalidCredential(f"{called} claim is missing")
        found.append(value)
    namespace, secret, account, uid = found
    if subject != f"system:serviceaccount:{namespace}:{account}":
        raise InvalidCredential("sub claim is invalid")
    return namespace, secret, account, uid


def _marked(namespace: str, secret: str, account: str) -> str:
    return (
        f"the token in secret {namespace}/{secret} for service account {namespace}/{account} has been marked invalid. "
        "Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the "
        f"'{INVALID_SINCE}' label from the secret to temporarily allow use of this token"
    )
