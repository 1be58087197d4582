"""Checksums of text, in hexadecimal (adler32 in decimal)."""

from __future__ import annotations

import hashlib
import zlib

__all__ = ["adler32sum", "sha1sum", "sha256sum", "sha512sum"]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def sha1sum(text: str) -> str:
    """SHA-1."""
    return hashlib.sha1(_bytes(text), usedforsecurity=False).hexdigest()


def sha256sum(text: str) -> str:
    """SHA-256."""
    return hashlib.sha256(_bytes(text)).hexdigest()


def sha512sum(text: str) -> str:
    """SHA-512."""
    return hashlib.sha512(_bytes(text)).hexdigest()


def adler32sum(text: str) -> str:
    """Adler-32."""
    return str(zlib.adler32(_bytes(text)))
