"""Patches of client-side upgrades: from the old manifest, the new one and the live object.

What the new manifest says is enforced against the live object; what only the old one said is removed; what others
added stays. Lists of known kinds merge by the keys their schema names.
"""

from __future__ import annotations

from typing import Any

from pyhelm.manifest.schema import Definition, Definitions, definitions_for

Object = dict[str, Any]
_SCHEMA_RELEASE = "v1.35"


def strategic_patch(old: Object, new: Object, live: Object) -> Object | None:
    """A strategic merge patch, None where the kind has no schema."""
    definitions = definitions_for(_SCHEMA_RELEASE)
    definition = definitions.kind(str(new.get("apiVersion")), str(new.get("kind")))
    if definition is None:
        return None
    return _Strategic(definitions).patch(old, new, live, definition)


def json_merge_patch(old: Object, new: Object, live: Object | None) -> Object:
    """A JSON merge patch from `old` to `new`; with `live`, what is already as wished is left out."""
    patch: Object = {}
    for key, value in new.items():
        present = (live if live is not None else old).get(key)
        if isinstance(value, dict) and isinstance(present, dict):
            before = old.get(key)
            below = before if isinstance(before, dict) else {}
            inner = json_merge_patch(below, value, present if live is not None else None)
            if inner:
                patch[key] = inner
        elif value != present:
            patch[key] = value
    for key in old:
        if key not in new and (live is None or key in live):
            patch[key] = None
    return patch


class _Strategic:
    """One walk over three objects along the schema."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    def patch(self, old: Object, new: Object, live: Object, definition: Definition) -> Object:
        schema = self._definitions.resolve(definition)
        properties = schema.get("properties") or {}
        extra = schema.get("additionalProperties")
        patch: Object = {}
        for key, value in new.items():
            inner = properties.get(key) or (extra if isinstance(extra, dict) else {})
            self._field(patch, key, old.get(key), value, live.get(key), inner)
        for key in old:
            if key not in new and key in live:
                patch[key] = None
        return patch

    def _field(self, patch: Object, key: str, old: Any, new: Any, live: Any, definition: Definition) -> None:
        if isinstance(new, dict) and isinstance(live, dict):
            inner = self.patch(old if isinstance(old, dict) else {}, new, live, definition)
            if inner:
                patch[key] = inner
        elif isinstance(new, list) and isinstance(live, list) and _merges(definition):
            self._merged_list(patch, key, old if isinstance(old, list) else [], new, live, definition)
        elif new != live:
            patch[key] = new

    def _merged_list(
        self, patch: Object, key: str, old: list[Any], new: list[Any], live: list[Any], d: Definition
    ) -> None:
        merge_key = d.get("x-kubernetes-patch-merge-key")
        if not merge_key:
            self._primitive_list(patch, key, old, new, live)
            return
        before, present = _keyed(old, merge_key), _keyed(live, merge_key)
        wanted = _keyed(new, merge_key)
        entries: list[Any] = []
        for name, item in wanted.items():
            if name not in present:
                entries.append(item)
                continue
            inner = self.patch(before.get(name, {}), item, present[name], d.get("items") or {})
            if inner:
                entries.append({merge_key: name, **inner})
        entries += [{"$patch": "delete", merge_key: name} for name in before if name not in wanted and name in present]
        if entries:
            patch[key] = entries

    def _primitive_list(self, patch: Object, key: str, old: list[Any], new: list[Any], live: list[Any]) -> None:
        added = [item for item in new if item not in live]
        removed = [item for item in old if item not in new and item in live]
        if added:
            patch[key] = added
        if removed:
            patch[f"$deleteFromPrimitiveList/{key}"] = removed


def _merges(definition: Definition) -> bool:
    return "merge" in str(definition.get("x-kubernetes-patch-strategy") or "").split(",")


def _keyed(items: list[Any], key: str) -> dict[Any, Object]:
    return {item[key]: item for item in items if isinstance(item, dict) and key in item}
