"""Which cipher a value is under: told by its prefix, as in k8s.io/apiserver/pkg/storage/value.

`k8s:enc:aescbc:v1:NAME:` names provider and key. The first provider and its first key write; all are tried in reading.
A value that another than the first opens is *stale*: it should be written again although nothing in it has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cluster.storage.encryption.ciphers import Cipher, Unreadable


class Transformer(Protocol):
    """How the values of a resource are stored. `about` is the key of the store."""

    def to_store(self, plain: bytes, about: bytes) -> bytes: ...

    def from_store(self, stored: bytes, about: bytes) -> tuple[bytes, bool]:
        """The plain value and whether it is stale. Raises Unreadable."""
        ...


class Whole:
    """A cipher with nothing before it."""

    def __init__(self, cipher: Cipher) -> None:
        self._cipher = cipher

    def to_store(self, plain: bytes, about: bytes) -> bytes:
        return self._cipher.seal(plain, about)

    def from_store(self, stored: bytes, about: bytes) -> tuple[bytes, bool]:
        return self._cipher.open(stored, about), False


class Prefixed:
    """Several transformers, each below a prefix. `unknown` is said of a value under none of them."""

    def __init__(self, choices: Sequence[tuple[bytes, Transformer]], unknown: str) -> None:
        self._choices = tuple(choices)
        self._unknown = unknown

    def to_store(self, plain: bytes, about: bytes) -> bytes:
        prefix, first = self._choices[0]
        return prefix + first.to_store(plain, about)

    def from_store(self, stored: bytes, about: bytes) -> tuple[bytes, bool]:
        faults: list[str] = []
        for at, (prefix, choice) in enumerate(self._choices):
            if not stored.startswith(prefix):
                continue
            try:
                plain, stale = choice.from_store(stored[len(prefix) :], about)
                return plain, stale or at > 0
            except Unreadable as fault:
                # One key of several with the same name may fit where another does not. That plain text was not
                # recognised (no prefix) is no reason of its own.
                if prefix:
                    faults.append(str(fault))
        raise Unreadable(_joined(faults) or self._unknown)


def _joined(faults: list[str]) -> str:
    """As Go's aggregate of errors is printed."""
    told = list(dict.fromkeys(faults))
    return told[0] if len(told) == 1 else f"[{', '.join(told)}]" if told else ""
