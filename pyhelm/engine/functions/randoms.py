"""Random text, numbers and identifiers, from the system's secure source."""

from __future__ import annotations

import base64
import secrets
import string
import uuid

from pyhelm.engine.functions.errors import GoCallError
from pyhelm.formats.gotypes import GoInt

__all__ = ["alpha", "alpha_num", "ascii_", "numeric", "random_bytes", "random_int", "shuffle", "uuidv4"]

_ASCII = "".join([chr(code) for code in range(32, 127)])


def _text(count: int, alphabet: str) -> str:
    return "".join([secrets.choice(alphabet) for _ in range(count)])


def alpha_num(count: int) -> str:
    """Letters and digits."""
    return _text(count, string.ascii_letters + string.digits)


def alpha(count: int) -> str:
    """Letters."""
    return _text(count, string.ascii_letters)


def ascii_(count: int) -> str:
    """Printable ASCII characters."""
    return _text(count, _ASCII)


def numeric(count: int) -> str:
    """Digits."""
    return _text(count, string.digits)


def random_bytes(count: int) -> str:
    """base64 of random bytes."""
    if count < 0:
        raise GoCallError("runtime error: makeslice: len out of range")
    return base64.b64encode(secrets.token_bytes(count)).decode("ascii")


def random_int(low: int, high: int) -> int:
    """A number from `low` to before `high`."""
    if high <= low:
        raise GoCallError("invalid argument to Intn")
    return GoInt(low + secrets.randbelow(high - low))


def shuffle(text: str) -> str:
    """The same characters in another order."""
    chars = list(text)
    secrets.SystemRandom().shuffle(chars)
    return "".join(chars)


def uuidv4() -> str:
    """A random UUID."""
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))
