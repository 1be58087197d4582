"""Secret: data of a type, each type with keys it must have."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.core.sealed import sealed
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import configuration
from cluster.kinds.wire import defaulting
from cluster.meta import names
from cluster.meta.field import Path, invalid, required, too_long
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.core.v1.Secret"
DATA = Path("data")
LIMIT = 1024 * 1024
SERVICE_ACCOUNT = "kubernetes.io/service-account.name"
_REQUIRED: dict[str, tuple[str, ...]] = {
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_JSON = {"kubernetes.io/dockercfg": ".dockercfg", "kubernetes.io/dockerconfigjson": ".dockerconfigjson"}


def _default(secret: Obj) -> None:
    """stringData is written over data and forgotten; the default type is Opaque."""
    plain = secret.pop("stringData", None) or {}
    if plain:
        data = secret.setdefault("data", {})
        for key, text in plain.items():
            data[key] = b64encode((text or "").encode()).decode()
    secret.setdefault("type", "Opaque")


def decoded(secret: Obj, key: str) -> bytes:
    """The bytes under a key; none for a missing one."""
    try:
        return b64decode((secret.get("data") or {}).get(key) or "")
    except (Error, ValueError):
        return b""


def validate(secret: Obj) -> Faults:
    data = secret.get("data") or {}
    faults: Faults = []
    for key in sorted(data):
        faults += checks.by_rule(DATA[key], key, names.config_key)
    if sum(len(value or "") * 3 // 4 for value in data.values()) > LIMIT:
        faults.append(too_long(DATA, LIMIT))
    return faults + _typed(secret, secret.get("type") or "", data)


def _typed(secret: Obj, kind: str, data: dict[str, Any]) -> Faults:
    if kind == "kubernetes.io/service-account-token":
        annotations = (secret.get("metadata") or {}).get("annotations") or {}
        if not annotations.get(SERVICE_ACCOUNT):
            return [required((Path("metadata") / "annotations")[SERVICE_ACCOUNT])]
    if kind in _JSON:
        return _document(secret, _JSON[kind], data)
    if kind == "kubernetes.io/basic-auth":
        if "username" not in data and "password" not in data:
            return [required(DATA["username"]), required(DATA["password"])]
    return [required(DATA[key]) for key in _REQUIRED.get(kind, ()) if key not in data]


def _document(secret: Obj, key: str, data: dict[str, Any]) -> Faults:
    if key not in data:
        return [required(DATA[key])]
    try:
        json.loads(decoded(secret, key))
    except ValueError as error:
        return [invalid(DATA[key], "<secret contents redacted>", str(error))]
    return []


def validate_update(new: Obj, old: Obj) -> Faults:
    faults = checks.immutable(Path("type"), new.get("type"), old.get("type"))
    return faults + sealed(new, old) + validate(new)


def _prepare_update(new: Obj, old: Obj) -> None:
    """A secret sent without a type keeps the one it has."""
    if not new.get("type"):
        new["type"] = old.get("type")


def _selectable(secret: Obj) -> dict[str, str]:
    return {"type": secret.get("type") or ""}


def _warnings(secret: Obj, _old: Obj | None) -> list[str]:
    """A key pair that cannot be one is taken, with a warning."""
    if secret.get("type") != "kubernetes.io/tls":
        return []
    for key, what in (("tls.crt", "certificate"), ("tls.key", "key")):
        if b"-----BEGIN" not in decoded(secret, key):
            return [f"tls: failed to find any PEM data in {what} input"]
    return []


_WRITES = Strategy(
    default=defaulting(DEFINITION, _default),
    prepare_update=_prepare_update,
    validate=validate,
    validate_update=validate_update,
    warnings=_warnings,
)


KIND = Kind(
    group="",
    version="v1",
    kind="Secret",
    plural="secrets",
    singular="secret",
    namespaced=True,
    definition="io.k8s.api.core.v1.Secret",
    table=table("", "secrets", configuration.secret),
    strategy=_WRITES,
    selectable=_selectable,
)
