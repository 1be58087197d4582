"""The short hashes in names of ReplicaSets, pods and ControllerRevisions; pure, equal to upstream's bit by bit."""

from __future__ import annotations

import json
from typing import Any

from cluster.controllers.gospew import template_text

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_PRIME = 0x01000193
_OFFSET = 0x811C9DC5


def fnv1a(data: bytes) -> int:
    """FNV-1a, 32 bits (Go's fnv.New32a)."""
    value = _OFFSET
    for byte in data:
        value = ((value ^ byte) * _PRIME) & 0xFFFFFFFF
    return value


def fnv1(data: bytes) -> int:
    """FNV-1, 32 bits (Go's fnv.New32)."""
    value = _OFFSET
    for byte in data:
        value = ((value * _PRIME) & 0xFFFFFFFF) ^ byte
    return value


def safe_encode(text: str) -> str:
    """Letters without vowels and look-alikes, so that no hash spells a word."""
    return "".join(_ALPHABET[ord(c) % len(_ALPHABET)] for c in text)


def template_hash(template: dict[str, Any], collision_count: int | None = None) -> str:
    """pod-template-hash of a pod template (which must not hold that label itself)."""
    data = template_text(template).encode()
    if collision_count is not None:
        data += collision_count.to_bytes(4, "little") + b"\x00" * 4
    return safe_encode(str(fnv1a(data)))


def revision_data(template: dict[str, Any]) -> dict[str, Any]:
    """What a ControllerRevision of a StatefulSet or DaemonSet keeps of its owner, in the order of Go's maps: clients
    compare its bytes with what they write of the owner."""
    return {"spec": {"template": _in_order({**template, "$patch": "replace"})}}


def _in_order(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    return [_in_order(item) for item in value] if isinstance(value, list) else value


def revision_hash(data: dict[str, Any], collision_count: int | None = None) -> str:
    """Hash of a ControllerRevision's data, serialised as Go's encoding/json does."""
    raw = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for plain, escaped in (
        ("&", "\\u0026"),
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        raw = raw.replace(plain, escaped)
    suffix = "" if collision_count is None else str(collision_count)
    return safe_encode(str(fnv1(raw.encode() + suffix.encode())))
