"""What changes between two manifests, object by object, as lines a person reads.

Objects are matched by kind, namespace and name; the order of keys makes no difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from pyhelm.manifest.objects import objects_of

Identity = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One object: `verb` is add, change or remove; `lines` a unified diff of its YAML."""

    verb: str
    kind: str
    namespace: str
    name: str
    lines: tuple[str, ...]


def diff_manifests(old: str, new: str, namespace: str = "", context: int = 3) -> list[Change]:
    """Changes from one manifest to another, in the order of the new one; removed objects come last."""
    before, after = _by_identity(old, namespace), _by_identity(new, namespace)
    changes = [_change(key, before.get(key), body, context) for key, body in after.items()]
    changes += [_change(key, body, None, context) for key, body in before.items() if key not in after]
    return [change for change in changes if change is not None]


def _by_identity(manifest: str, namespace: str) -> dict[Identity, dict[str, Any]]:
    found: dict[Identity, dict[str, Any]] = {}
    for _, body in objects_of(manifest):
        metadata = body.get("metadata") or {}
        group = str(body.get("apiVersion") or "").rpartition("/")[0]
        place = str(metadata.get("namespace") or namespace)
        found[(group, str(body.get("kind") or ""), place, str(metadata.get("name") or ""))] = body
    return found


def _change(key: Identity, old: dict[str, Any] | None, new: dict[str, Any] | None, context: int) -> Change | None:
    if old == new:
        return None
    verb = "add" if old is None else "remove" if new is None else "change"
    lines = unified_diff(_lines(old), _lines(new), "old", "new", lineterm="", n=context)
    return Change(verb, key[1], key[2], key[3], tuple(lines)[2:])


def _lines(body: dict[str, Any] | None) -> list[str]:
    from pyhelm.formats.yaml_write import dump

    return dump(body).splitlines() if body is not None else []
