"""The ciphers a value may be stored under, in the byte formats of k8s.io/apiserver/pkg/storage/value/encrypt.

Pure: bytes in, bytes out, no names, no prefixes, no files. What stands for a value's place is handed in as `about`;
only AES-GCM binds the value to it. The libraries are loaded with the first cipher that needs them.
"""

from __future__ import annotations

import os
from typing import Any, Protocol

_BLOCK = 16
_NONCE = 12
_BOX_OVERHEAD = 40
_SHORT = "the stored data was shorter than the required size"


class Unreadable(Exception):
    """A value that no cipher at hand opens; the text is what Kubernetes says."""


class Cipher(Protocol):
    def seal(self, plain: bytes, about: bytes) -> bytes: ...

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Raises Unreadable."""
        ...


class Identity:
    """No encryption; it refuses to take what is encrypted for plain."""

    def seal(self, plain: bytes, about: bytes) -> bytes:
        return plain

    def open(self, sealed: bytes, about: bytes) -> bytes:
        if sealed.startswith(b"k8s:enc:"):
            raise Unreadable("identity transformer tried to read encrypted data")
        return sealed


class AesGcm:
    """A key of 16, 24 or 32 bytes. Stored: nonce, ciphertext, tag; bound to the value's place."""

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._aead = AESGCM(key)

    def seal(self, plain: bytes, about: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._aead.encrypt(nonce, plain, about)

    def open(self, sealed: bytes, about: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag

        if len(sealed) < _NONCE:
            raise Unreadable(_SHORT)
        try:
            return self._aead.decrypt(sealed[:_NONCE], sealed[_NONCE:], about)
        except InvalidTag:
            raise Unreadable("cipher: message authentication failed") from None


class AesCbc:
    """A key of 16, 24 or 32 bytes. Stored: vector, ciphertext padded as PKCS#7 has it. Not authenticated."""

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.algorithms import AES

        self._algorithm = AES(key)

    def _mode(self, vector: bytes) -> Any:
        from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
        from cryptography.hazmat.primitives.ciphers.modes import CBC

        return BlockCipher(self._algorithm, CBC(vector))

    def seal(self, plain: bytes, about: bytes) -> bytes:
        vector = os.urandom(_BLOCK)
        padding = _BLOCK - len(plain) % _BLOCK
        worker = self._mode(vector).encryptor()
        return bytes(vector + worker.update(plain + bytes((padding,)) * padding) + worker.finalize())

    def open(self, sealed: bytes, about: bytes) -> bytes:
        if len(sealed) < _BLOCK:
            raise Unreadable(_SHORT)
        if len(sealed) % _BLOCK:
            raise Unreadable("the stored data is not a multiple of the block size")
        worker = self._mode(sealed[:_BLOCK]).decryptor()
        return _unpadded(worker.update(sealed[_BLOCK:]) + worker.finalize())


def _unpadded(padded: bytes) -> bytes:
    last = padded[-1] if padded else 0
    if not 0 < last <= len(padded):
        raise Unreadable("invalid PKCS7 data (empty or not padded)")
    if padded[-last:] != bytes((last,)) * last:
        raise Unreadable("invalid padding on input")
    return padded[:-last]


class SecretBox:
    """A key of 32 bytes. Stored: nonce, tag, ciphertext of XSalsa20 and Poly1305."""

    def __init__(self, key: bytes) -> None:
        from nacl.secret import SecretBox as Box

        self._box = Box(key)

    def seal(self, plain: bytes, about: bytes) -> bytes:
        return bytes(self._box.encrypt(plain))

    def open(self, sealed: bytes, about: bytes) -> bytes:
        from nacl.exceptions import CryptoError

        if len(sealed) < _BOX_OVERHEAD:
            raise Unreadable(_SHORT)
        try:
            return bytes(self._box.decrypt(sealed))
        except CryptoError:
            # What Kubernetes says, whatever it may mean.
            raise Unreadable("output array was not large enough for encryption") from None
