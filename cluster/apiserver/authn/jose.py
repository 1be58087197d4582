"""JSON Web Tokens and keys: reading, signing, verifying. Pure, and ignorant of what claims mean.

Algorithms are RS, PS and ES with 256, 384 and 512 bits (RFC 7518). The library is loaded with the first key.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cluster.meta.types import Obj

_CURVES = {
    "secp256r1": ("P-256", "ES256", 32),
    "secp384r1": ("P-384", "ES384", 48),
    "secp521r1": ("P-521", "ES512", 66),
}
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
ALGORITHMS = ("ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512")


@dataclass(frozen=True, slots=True)
class Token:
    """A token that has been read and not been verified: nothing in it may be believed."""

    header: Obj
    claims: Obj
    signed: bytes
    signature: bytes

    @property
    def key_id(self) -> str:
        return str(self.header.get("kid") or "")

    @property
    def algorithm(self) -> str:
        return str(self.header.get("alg") or "")


def parse(text: str) -> Token:
    """Raises ValueError for what is no signed token in compact form."""
    head, body, signature = text.split(".")
    header, claims = json.loads(decode(head)), json.loads(decode(body))
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ValueError("header and claims must be objects")
    return Token(header, claims, f"{head}.{body}".encode(), decode(signature))


class PublicKey:
    """An RSA or elliptic key of the `cryptography` library. `key_id` is computed where none is given."""

    def __init__(self, key: Any, key_id: str = "", only: str = "") -> None:
        self._key = key
        self.key_id = key_id or _fingerprint(key)
        curve = getattr(key, "curve", None)
        fitting = _RSA if curve is None else (_CURVES[curve.name][1],)
        self.algorithms: Sequence[str] = tuple(name for name in fitting if not only or name == only)

    def verifies(self, token: Token) -> bool:
        from cryptography.exceptions import InvalidSignature

        if token.algorithm not in self.algorithms:
            return False
        try:
            self._verify(token)
        except InvalidSignature:
            return False
        return True

    def _verify(self, token: Token) -> None:
        digest = _hash(token.algorithm)
        if token.algorithm[0] != "E":
            self._key.verify(token.signature, token.signed, _padding(token.algorithm), digest)
            return
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        size = _CURVES[self._key.curve.name][2]
        if len(token.signature) != 2 * size:
            raise InvalidSignature
        r, s = int.from_bytes(token.signature[:size], "big"), int.from_bytes(token.signature[size:], "big")
        self._key.verify(encode_dss_signature(r, s), token.signed, ECDSA(digest))

    def jwk(self) -> Obj:
        """As /openid/v1/jwks shows it."""
        numbers = self._key.public_numbers()
        common = {"use": "sig", "kid": self.key_id, "alg": self.algorithms[0]}
        curve = getattr(self._key, "curve", None)
        if curve is None:
            return {**common, "kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
        name, _, size = _CURVES[curve.name]
        point = {"x": encode(numbers.x.to_bytes(size, "big")), "y": encode(numbers.y.to_bytes(size, "big"))}
        return {**common, "kty": "EC", "crv": name, **point}

    def same_as(self, other: PublicKey) -> bool:
        return bool(self._key == other._key)

    @classmethod
    def from_jwk(cls, jwk: Obj) -> PublicKey | None:
        """None for a key of another use or type. Raises ValueError, KeyError for a broken one."""
        if jwk.get("use", "sig") != "sig" or jwk.get("kty") not in ("RSA", "EC"):
            return None
        from cryptography.hazmat.primitives.asymmetric import ec, rsa

        if jwk["kty"] == "RSA":
            rsa_key = rsa.RSAPublicNumbers(_integer(jwk["e"]), _integer(jwk["n"])).public_key()
            return cls(rsa_key, jwk.get("kid") or "", jwk.get("alg") or "")
        curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
        curve = curves.get(jwk.get("crv") or "")
        if curve is None:
            return None
        key = ec.EllipticCurvePublicNumbers(_integer(jwk["x"]), _integer(jwk["y"]), curve).public_key()
        return cls(key, jwk.get("kid") or "", jwk.get("alg") or "")


def public_keys(pem: bytes) -> list[PublicKey]:
    """Every key of a PEM file: public keys, private keys (their public half), certificates. Raises ValueError."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    out = []
    for block in _blocks(pem):
        if b"CERTIFICATE" in block:
            out.append(PublicKey(x509.load_pem_x509_certificate(block).public_key()))
        elif b"PRIVATE" in block:
            out.append(PublicKey(load_pem_private_key(block, None).public_key()))
        else:
            out.append(PublicKey(load_pem_public_key(block)))
    if not out:
        raise ValueError("no key in PEM form")
    return out


def _blocks(pem: bytes) -> list[bytes]:
    out, held = [], b""
    for line in pem.splitlines(keepends=True):
        held = line if line.startswith(b"-----BEGIN") else held + line
        if line.startswith(b"-----END") and held.startswith(b"-----BEGIN") and b"EC PARAMETERS" not in line:
            out.append(held)
    return out


class SigningKey:
    """A private key in PEM form. Raises ValueError."""

    def __init__(self, pem: bytes) -> None:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        self._key: Any = load_pem_private_key(pem, None)
        self.public = PublicKey(self._key.public_key())
        self.algorithm = self.public.algorithms[0]

    def sign(self, claims: Obj) -> str:
        head = {"alg": self.algorithm, "kid": self.public.key_id}
        text = f"{_encoded(head)}.{_encoded(claims)}".encode()
        return f"{text.decode()}.{encode(self._signature(text))}"

    def _signature(self, text: bytes) -> bytes:
        digest = _hash(self.algorithm)
        if self.algorithm[0] != "E":
            return bytes(self._key.sign(text, _padding(self.algorithm), digest))
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        size = _CURVES[self._key.curve.name][2]
        r, s = decode_dss_signature(self._key.sign(text, ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def _hash(algorithm: str) -> Any:
    from cryptography.hazmat.primitives import hashes

    digests: dict[str, Any] = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
    return digests[algorithm[2:]]()


def _padding(algorithm: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import padding

    if algorithm[0] == "R":
        return padding.PKCS1v15()
    digest = _hash(algorithm)
    return padding.PSS(padding.MGF1(digest), digest.digest_size)


def _fingerprint(key: Any) -> str:
    """The key id that Kubernetes gives to keys of service account tokens."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encode(hashlib.sha256(der).digest())


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _number(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _integer(text: str) -> int:
    return int.from_bytes(decode(text), "big")


def _encoded(value: Obj) -> str:
    return encode(json.dumps(value, separators=(",", ":")).encode())
