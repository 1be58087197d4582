"""Password hashes and passwords derived from a master password."""

from __future__ import annotations

import hashlib
import hmac
import struct

__all__ = ["bcrypt_", "derive_password", "htpasswd"]

_SEED = b"com.lyndir.masterpassword"

_TEMPLATES = {
    "maximum": "anoxxxxxxxxxxxxxxxxx axxxxxxxxxxxxxxxxxno",
    "long": "CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv CvccCvcvCvcvno CvcvnoCvccCvcv "
    "CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc CvcvCvcvCvccno CvccnoCvccCvcv CvccCvccnoCvcv "
    "CvccCvccCvcvno CvcvnoCvccCvcc CvcvCvccnoCvcc CvcvCvccCvccno CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno",
    "medium": "CvcnoCvc CvcCvcno",
    "short": "Cvcn",
    "basic": "aaanaaan aannaaan aaannaaa",
    "pin": "nnnn",
}

_CHARACTERS = {
    "V": "AEIOU",
    "C": "BCDFGHJKLMNPQRSTVWXYZ",
    "v": "aeiou",
    "c": "bcdfghjklmnpqrstvwxyz",
    "A": "AEIOUBCDFGHJKLMNPQRSTVWXYZ",
    "a": "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
    "n": "0123456789",
    "o": "@&%?,=[]_:-+*$#!'^~;()/.",
    "x": "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
}


def bcrypt_(password: str) -> str:
    """A bcrypt hash of cost 10."""
    import bcrypt

    data = password.encode("utf-8", "surrogateescape")
    if len(data) > 72:
        return "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes"
    return bcrypt.hashpw(data, bcrypt.gensalt(10, prefix=b"2a")).decode("ascii")


def htpasswd(user: str, password: str) -> str:
    """A line of an htpasswd file."""
    if ":" in user:
        return f"invalid username: {user}"
    return f"{user}:{bcrypt_(password)}"


def derive_password(counter: int, kind: str, password: str, user: str, site: str) -> str:
    """The password of a site, by the algorithm of masterpasswordapp.com."""
    if kind not in _TEMPLATES:
        return f"cannot find password template {kind}"
    templates = _TEMPLATES[kind].split()
    name, place = user.encode("utf-8", "surrogateescape"), site.encode("utf-8", "surrogateescape")
    salt = _SEED + struct.pack(">I", len(name)) + name
    secret = password.encode("utf-8", "surrogateescape")
    key = hashlib.scrypt(secret, salt=salt, n=32768, r=8, p=2, dklen=64, maxmem=128 * 1024 * 1024)
    message = _SEED + struct.pack(">I", len(place)) + place + struct.pack(">I", int(counter))
    seed = hmac.new(key, message, hashlib.sha256).digest()
    template = templates[seed[0] % len(templates)]
    return "".join(
        [_CHARACTERS[kind][seed[i + 1] % len(_CHARACTERS[kind])] for i, kind in enumerate(template)]
    )
