"""AES-CBC of text, base64 outside: the key is the password padded with zeros to 32 bytes."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from pyhelm.engine.functions.encoding import b64dec_bytes
from pyhelm.engine.functions.errors import GoCallError

__all__ = ["decrypt_aes", "encrypt_aes"]

_BLOCK = 16


def _cipher(password: str, vector: bytes) -> Cipher[Any]:
    key = password.encode("utf-8", "surrogateescape")[:32].ljust(32, b"\0")
    return Cipher(AES(key), CBC(vector))


def encrypt_aes(password: str, text: str) -> str:
    """The text, encrypted."""
    if not text:
        return ""
    content = text.encode("utf-8", "surrogateescape")
    padding = _BLOCK - len(content) % _BLOCK
    vector = secrets.token_bytes(_BLOCK)
    encryptor = _cipher(password, vector).encryptor()
    data = encryptor.update(content + bytes([padding]) * padding) + encryptor.finalize()
    return base64.b64encode(vector + data).decode("ascii")


def decrypt_aes(password: str, encrypted: str) -> str:
    """What `encrypt_aes` encrypted."""
    if not encrypted:
        return ""
    data = b64dec_bytes(encrypted)
    if len(data) < _BLOCK:
        raise GoCallError(f"runtime error: slice bounds out of range [:16] with capacity {len(data)}")
    vector, content = data[:_BLOCK], data[_BLOCK:]
    if len(content) % _BLOCK:
        raise GoCallError("crypto/cipher: input not full blocks")
    if not content:
        raise GoCallError("runtime error: index out of range [-1]")
    decryptor = _cipher(password, vector).decryptor()
    plain = decryptor.update(content) + decryptor.finalize()
    if plain[-1] > len(plain):
        raise GoCallError(f"runtime error: slice bounds out of range [:{len(plain) - plain[-1]}]")
    return plain[: len(plain) - plain[-1]].decode("utf-8", "surrogateescape")
