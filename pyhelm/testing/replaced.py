"""Functions that depend on chance or the clock, or make keys, with answers that are always the same.

The recorded charts were rendered with these; so are charts compared with them, and charts rendered for measuring,
where making RSA keys would hide everything else. Importing this costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyhelm.engine.functions import resolve

__all__ = ["REPLACED"]


def _base64(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode()


def _bcrypt(password: str) -> str:
    import hashlib

    return "$2a$10$" + hashlib.sha256(password.encode()).hexdigest()[:53]


def _pem(kind: str, body: str) -> str:
    return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n"


def _pair(label: str, common_name: str, days: Any) -> dict[str, Any]:
    body = _base64(f"{label}[{common_name} {int(days)}]")
    return {"Cert": _pem("CERTIFICATE", body), "Key": _pem("RSA PRIVATE KEY", body)}


def _signed(label: str) -> Callable[..., Any]:
    def make(common_name: str, ips: Any, names: Any, days: Any, *_: Any) -> dict[str, Any]:
        return _pair(label, common_name, days)

    return make


def _decoded(cert: str, key: str) -> dict[str, Any]:
    import base64

    return {"Cert": base64.b64decode(cert).decode(), "Key": base64.b64decode(key).decode()}


def _repeated(char: str) -> Callable[[Any], str]:
    return lambda count: char * int(count)


def _now() -> Any:
    return resolve("toDate")("2006-01-02T15:04:05Z07:00", "2026-01-01T00:00:00Z")


REPLACED: Mapping[str, Callable[..., Any]] = {
    "randAlphaNum": _repeated("a"),
    "randAlpha": _repeated("b"),
    "randAscii": _repeated("c"),
    "randNumeric": _repeated("1"),
    "randBytes": lambda count: _base64("\0" * int(count)),
    "randInt": lambda low, high: low,
    "uuidv4": lambda: "00000000-0000-4000-8000-000000000000",
    "shuffle": lambda text: text,
    "now": _now,
    "bcrypt": _bcrypt,
    "htpasswd": lambda user, password: f"{user}:{_bcrypt(password)}",
    "genPrivateKey": lambda kind: _pem("RSA PRIVATE KEY", _base64(kind)),
    "genCA": lambda name, days: _pair("ca", name, days),
    "genCAWithKey": lambda name, days, key: _pair("ca", name, days),
    "genSelfSignedCert": _signed("self"),
    "genSelfSignedCertWithKey": _signed("self"),
    "genSignedCert": _signed("signed"),
    "genSignedCertWithKey": _signed("signed"),
    "buildCustomCert": _decoded,
}
