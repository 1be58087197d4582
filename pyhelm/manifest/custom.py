"""Schemas of custom resources, from CustomResourceDefinitions to the form `validate` walks.

Combinations (anyOf, allOf, not) are left to the server; types, fields, required names, choices and bounds are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyhelm.manifest.schema import OPEN, Definition

_KEPT = (
    "type", "enum", "required", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", OPEN,
)  # fmt: skip
_DEEPEST = 200


def is_definition(body: Any) -> bool:
    """Whether an object is a CustomResourceDefinition."""
    return isinstance(body, dict) and body.get("kind") == "CustomResourceDefinition"


def kinds_of(crd: dict[str, Any]) -> Iterator[tuple[tuple[str, str], Definition]]:
    """((apiVersion, kind), schema) for every version that is served; a version without a schema takes anything."""
    spec = _map(crd.get("spec"))
    kind = str(_map(spec.get("names")).get("kind") or "")
    shared = _map(_map(spec.get("validation")).get("openAPIV3Schema"))
    versions = spec.get("versions") or [{"name": spec.get("version")}]
    for version in versions if isinstance(versions, list) else []:
        if isinstance(version, dict) and version.get("served", True):
            schema = _map(_map(version.get("schema")).get("openAPIV3Schema")) or shared
            yield (f"{spec.get('group')}/{version.get('name')}", kind), _top(schema)


def _top(schema: dict[str, Any]) -> Definition:
    found: Definition = _simplified(schema, 0) if schema else {OPEN: True}
    own = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
    found["properties"] = {**found.get("properties", {}), **own}
    return found


def _simplified(schema: Any, depth: int) -> Definition:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {OPEN: True}
    if schema.get("x-kubernetes-int-or-string"):
        return {"oneOf": [{"type": "string"}, {"type": "integer"}]}
    out: Definition = {key: schema[key] for key in _KEPT if schema.get(key) is not None}
    if schema.get("x-kubernetes-embedded-resource"):
        out[OPEN] = True
    if isinstance(schema.get("properties"), dict):
        out["properties"] = {name: _simplified(below, depth + 1) for name, below in schema["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            out[key] = _simplified(schema[key], depth + 1)
    return out


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
