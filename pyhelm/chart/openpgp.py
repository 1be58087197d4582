"""The part of OpenPGP (RFC 4880) that checking a clear-signed text needs: key rings, signatures, clear-sign framing.

Version 4 keys and signatures with RSA, ECDSA over NIST curves and EdDSA; whatever else appears is refused by name.
`cryptography` does the arithmetic.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Clearsigned", "Key", "OpenPGPError", "check_signature", "read_clearsigned", "read_keyring"]


class OpenPGPError(ValueError):
    """Data that is no OpenPGP, or a signature that does not hold; the message is Go's."""


@dataclass(slots=True)
class Key:
    """A public key with its owner's identities; subkeys carry those of their primary key."""

    algorithm: int
    material: bytes
    fingerprint: bytes
    identities: list[str] = field(default_factory=list)
    primary: bytes = b""
    """Fingerprint of the primary key."""


@dataclass(frozen=True, slots=True)
class Clearsigned:
    """A clear-signed message: the text as it was, what was signed, and the signature's packets."""

    text: bytes
    signed: bytes
    signature: bytes


_PUBLIC_KEY, _SUBKEY, _USER_ID, _SIGNATURE = 6, 14, 13, 2


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        first = data[at]
        if not first & 0x80:
            raise OpenPGPError("openpgp: invalid data: tag byte does not have MSB set")
        at += 1
        if first & 0x40:
            tag = first & 0x3F
            length, at = _new_length(data, at)
        else:
            tag = first >> 2 & 0x0F
            length, at = _old_length(data, at, first & 3)
        if at + length > len(data):
            raise OpenPGPError("unexpected EOF")
        yield tag, data[at : at + length]
        at += length


def _old_length(data: bytes, at: int, kind: int) -> tuple[int, int]:
    if kind == 3:
        return len(data) - at, at
    size = 1 << kind
    return int.from_bytes(data[at : at + size], "big"), at + size


def _new_length(data: bytes, at: int) -> tuple[int, int]:
    first = data[at] if at < len(data) else 0
    if first < 192:
        return first, at + 1
    if first < 224:
        return ((first - 192) << 8) + data[at + 1] + 192, at + 2
    if first == 255:
        return int.from_bytes(data[at + 1 : at + 5], "big"), at + 5
    raise OpenPGPError("openpgp: unsupported feature: partial lengths")


_ARMOR = re.compile(
    rb"-----BEGIN PGP [A-Z ]+-----\r?\n(?:[^\r\n]+\r?\n)*\r?\n(?P<body>.*?)-----END PGP [A-Z ]+-----", re.S
)


def _dearmored(data: bytes) -> bytes:
    found = _ARMOR.search(data)
    if found is None:
        return data
    lines = [line.strip() for line in found["body"].splitlines()]
    body = b"".join([line for line in lines if line and not line.startswith(b"=")])
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise OpenPGPError("openpgp: invalid data: armor is no base64") from None


def read_keyring(data: bytes) -> list[Key]:
    """The public keys of a ring, binary or armoured."""
    keys: list[Key] = []
    identities: list[str] = []
    primary = b""
    for tag, body in _packets(_dearmored(data)):
        if tag in (_PUBLIC_KEY, _SUBKEY) and body[:1] == b"\x04":
            fingerprint = hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).digest()
            if tag == _PUBLIC_KEY:
                identities, primary = [], fingerprint
            keys.append(Key(body[5], body[6:], fingerprint, identities, primary))
        elif tag == _USER_ID:
            identities.append(body.decode("utf-8", "replace"))
    return keys


_CLEARSIGNED = re.compile(
    rb"-----BEGIN PGP SIGNED MESSAGE-----\r?\n(?:[^\r\n]+\r?\n)*\r?\n(?P<text>.*?)\r?\n"
    rb"(?P<signature>-----BEGIN PGP SIGNATURE-----.*?-----END PGP SIGNATURE-----)",
    re.S,
)


def read_clearsigned(data: bytes) -> Clearsigned:
    """Takes a clear-signed message apart. Raises OpenPGPError."""
    found = _CLEARSIGNED.search(data)
    if found is None:
        raise OpenPGPError("signature block not found")
    lines = [line.removesuffix(b"\r").removeprefix(b"- ") for line in found["text"].split(b"\n")]
    signed = b"\r\n".join([line.rstrip(b" \t") for line in lines])
    return Clearsigned(b"\n".join(lines) + b"\n", signed, _dearmored(found["signature"]))


@dataclass(slots=True)
class _Signature:
    """A version 4 signature."""

    algorithm: int
    digest: int
    hashed: bytes
    numbers: bytes
    issuers: set[bytes]


_HASHES = {1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}


def _read_signature(body: bytes) -> _Signature:
    if body[:1] != b"\x04":
        raise OpenPGPError(f"openpgp: unsupported feature: signature packet version {body[0] if body else 0}")
    hashed_end = 6 + int.from_bytes(body[4:6], "big")
    unhashed_end = hashed_end + 2 + int.from_bytes(body[hashed_end : hashed_end + 2], "big")
    issuers = _issuers(body[6:hashed_end]) | _issuers(body[hashed_end + 2 : unhashed_end])
    return _Signature(body[2], body[3], body[:hashed_end], body[unhashed_end + 2 :], issuers)


def _issuers(area: bytes) -> set[bytes]:
    """The last eight bytes of the keys that are named as issuers."""
    out: set[bytes] = set()
    at = 0
    while at < len(area):
        length, at = _new_length(area, at)
        kind, body = area[at] & 0x7F, area[at + 1 : at + length]
        if kind in (16, 33):
            out.add(body[-8:])
        at += length
    return out


def _numbers(data: bytes) -> list[int]:
    out = []
    while len(data) >= 2:
        size = (int.from_bytes(data[:2], "big") + 7) // 8
        out.append(int.from_bytes(data[2 : 2 + size], "big"))
        data = data[2 + size :]
    return out


def check_signature(message: Clearsigned, keys: list[Key]) -> Key:
    """The key that signed the message. Raises OpenPGPError when none of these did."""
    for tag, body in _packets(message.signature):
        if tag != _SIGNATURE:
            continue
        signature = _read_signature(body)
        for key in keys:
            if key.fingerprint[-8:] in signature.issuers:
                _verify(key, signature, message.signed)
                return key
    raise OpenPGPError("openpgp: signature made by unknown entity")


def _verify(key: Key, signature: _Signature, signed: bytes) -> None:
    from cryptography.exceptions import InvalidSignature

    if signature.digest not in _HASHES:
        raise OpenPGPError(f"openpgp: unsupported feature: hash function {signature.digest}")
    trailer = signature.hashed + b"\x04\xff" + len(signature.hashed).to_bytes(4, "big")
    digest = hashlib.new(_HASHES[signature.digest], signed + trailer, usedforsecurity=False).digest()
    try:
        _verify_digest(key, signature, digest)
    except (InvalidSignature, ValueError) as error:
        if isinstance(error, OpenPGPError):
            raise
        raise OpenPGPError("openpgp: invalid signature: RSA verification failure") from None


def _verify_digest(key: Key, signature: _Signature, digest: bytes) -> None:
    if key.algorithm in (1, 3):
        _verify_rsa(key, signature, digest)
    elif key.algorithm == 19:
        _verify_ecdsa(key, signature, digest)
    elif key.algorithm == 22:
        _verify_eddsa(key, signature, digest)
    else:
        raise OpenPGPError(f"openpgp: unsupported feature: public key algorithm {key.algorithm}")


def _prehashed(digest: int) -> object:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    kinds: dict[int, hashes.HashAlgorithm] = {
        1: hashes.MD5(), 2: hashes.SHA1(), 8: hashes.SHA256(), 9: hashes.SHA384(), 10: hashes.SHA512(),
        11: hashes.SHA224(),
    }  # fmt: skip
    return Prehashed(kinds[digest])


def _verify_rsa(key: Key, signature: _Signature, digest: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    modulus, exponent = _numbers(key.material)[:2]
    public = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    value = _numbers(signature.numbers)[0].to_bytes((modulus.bit_length() + 7) // 8, "big")
    public.verify(value, digest, padding.PKCS1v15(), _prehashed(signature.digest))  # type: ignore[arg-type]


def _curve_point(key: Key) -> tuple[bytes, bytes]:
    """The curve's identifier and the point."""
    size = key.material[0]
    point = _numbers(key.material[1 + size :])[0]
    return key.material[1 : 1 + size], point.to_bytes((point.bit_length() + 7) // 8, "big")


_CURVES = {
    bytes.fromhex("2a8648ce3d030107"): "SECP256R1",
    bytes.fromhex("2b81040022"): "SECP384R1",
    bytes.fromhex("2b81040023"): "SECP521R1",
}


def _verify_ecdsa(key: Key, signature: _Signature, digest: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    identifier, point = _curve_point(key)
    if identifier not in _CURVES:
        raise OpenPGPError(f"openpgp: unsupported feature: curve {identifier.hex()}")
    public = ec.EllipticCurvePublicKey.from_encoded_point(getattr(ec, _CURVES[identifier])(), point)
    one, two = _numbers(signature.numbers)[:2]
    value = utils.encode_dss_signature(one, two)
    public.verify(value, digest, ec.ECDSA(_prehashed(signature.digest)))  # type: ignore[arg-type]


def _verify_eddsa(key: Key, signature: _Signature, digest: bytes) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    _, point = _curve_point(key)
    one, two = _numbers(signature.numbers)[:2]
    value = one.to_bytes(32, "big") + two.to_bytes(32, "big")
    Ed25519PublicKey.from_public_bytes(point[-32:]).verify(value, digest)
