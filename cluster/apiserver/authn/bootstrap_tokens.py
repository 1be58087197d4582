"""Bootstrap tokens, `ID.SECRET`: what a machine joins a cluster with. They live in Secrets of kube-system.

Such a Secret is `bootstrap-token-ID`, of type bootstrap.kubernetes.io/token; it must allow authentication and not
have expired. The user is system:bootstrap:ID, in system:bootstrappers and the extra groups the Secret names.
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import TYPE_CHECKING, Protocol

from cluster.apiserver.request import AUTHENTICATED, UserInfo
from cluster.meta import times
from cluster.meta.types import GroupResource, Obj

if TYPE_CHECKING:
    from cluster.machinery.clock import Clock

SECRETS = GroupResource("", "secrets")
TYPE = "bootstrap.kubernetes.io/token"
GROUP = "system:bootstrappers"
_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")


class Objects(Protocol):
    def get(self, resource: GroupResource, namespace: str, name: str) -> Obj | None: ...


class BootstrapTokens:
    """See the module."""

    def __init__(self, objects: Objects, clock: Clock) -> None:
        self._objects = objects
        self._clock = clock

    def user_of(self, token: str) -> UserInfo | None:
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            return None
        name = f"bootstrap-token-{parts[1]}"
        secret = self._objects.get(SECRETS, "kube-system", name)
        if secret is None or secret.get("type") != TYPE or secret["metadata"].get("deletionTimestamp"):
            return None
        data = _texts(secret)
        same = data.get("token-id") == parts[1] and hmac.compare_digest(data.get("token-secret", ""), parts[2])
        if not same or data.get("usage-bootstrap-authentication") != "true" or self._expired(data):
            return None
        return _user(parts[1], data)

    def _expired(self, data: dict[str, str]) -> bool:
        text = data.get("expiration", "")
        if not text:
            return False
        try:
            return times.unix(text) <= self._clock.now()
        except ValueError:
            # A time that cannot be read lets nobody in.
            return True


def _user(token_id: str, data: dict[str, str]) -> UserInfo | None:
    extra = sorted({g.strip() for g in data.get("auth-extra-groups", "").split(",") if g.strip()})
    if not all(_GROUP.fullmatch(group) for group in extra):
        return None
    return UserInfo(f"system:bootstrap:{token_id}", "", (GROUP, *extra, AUTHENTICATED))


def _texts(secret: Obj) -> dict[str, str]:
    out = {}
    for key, value in (secret.get("data") or {}).items():
        try:
            out[key] = base64.b64decode(value).decode()
        except ValueError:
            out[key] = ""
    return out
