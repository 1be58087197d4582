"""Decoders and structures of custom resources, from the structural schema of their definition.

A custom resource is pruned, not typed: types are the schema validation's business. Only metadata is read as strictly
as that of a built-in kind. `x-kubernetes-preserve-unknown-fields` keeps what is not named;
`x-kubernetes-embedded-resource` adds apiVersion, kind and metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.kinds.schema_decode import DecodeFault, Decoder
from cluster.meta.structure import ANY, Fields, Structure

Raw = Mapping[str, Any]
_ROOT = ("apiVersion", "kind", "metadata")
_SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}


def custom_decoder(schema: Raw | None, preserve_unknown: bool, metadata: Decoder) -> Decoder:
    """Reads an object: metadata typed, the rest pruned by the schema. Without one everything is kept."""

    def decode(value: Any, path: str, unknown: list[str]) -> Any:
        out = dict(value)
        if "metadata" in out:
            out["metadata"] = _metadata(out["metadata"], metadata, unknown)
        if schema is not None:
            pruned = prune(out, schema, preserve_unknown, "", unknown, _ROOT)
            return pruned
        return out

    return decode


def _metadata(value: Any, decoder: Decoder, unknown: list[str]) -> Any:
    if value is None:
        return {}
    if type(value) is not dict:
        raise DecodeFault(f"json: cannot unmarshal {_go_kind(value)} into Go value of type v1.ObjectMeta")
    return decoder(value, "metadata", unknown)


def _go_kind(value: Any) -> str:
    from cluster.meta.gojson import kind_of

    return kind_of(value)


def prune(value: Any, schema: Raw, keep: bool, path: str, unknown: list[str], known: tuple[str, ...] = ()) -> Any:
    """The value without fields the schema does not name; their paths go to `unknown`."""
    keep = keep or bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    if schema.get("x-kubernetes-embedded-resource"):
        known = _ROOT
    if isinstance(value, dict):
        return _prune_object(value, schema, keep, path, unknown, known)
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        items = schema["items"]
        return [prune(item, items, False, f"{path}[{index}]", unknown) for index, item in enumerate(value)]
    return value


def _prune_object(
    value: dict[str, Any], schema: Raw, keep: bool, path: str, unknown: list[str], known: tuple[str, ...]
) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    out = {}
    for key, item in value.items():
        where = f"{path}.{key}" if path else key
        if key in known:
            out[key] = item
        elif key in properties:
            out[key] = prune(item, properties[key], False, where, unknown)
        elif isinstance(extra, Mapping):
            out[key] = prune(item, extra, False, where, unknown)
        elif keep or extra is True:
            out[key] = item
        else:
            unknown.append(where)
    return out


def custom_structure(schema: Raw | None, preserve_unknown: bool, metadata: Structure) -> Structure:
    """The structure of a custom resource for server-side apply."""
    properties = dict((schema or {}).get("properties") or {})
    opened = schema is None or preserve_unknown or bool(schema.get("x-kubernetes-preserve-unknown-fields"))

    def build(name: str) -> Structure:
        if name == "metadata":
            return metadata
        return _PLAIN["string"] if name in ("apiVersion", "kind") else _node(properties[name])

    out = Structure("struct", fields=Fields(frozenset((*properties, *_ROOT)), build))
    out.open = opened
    return out


_PLAIN = {name: Structure("scalar", scalar=name) for name in ("string", "number", "boolean", "untyped")}


def _node(schema: Raw) -> Structure:
    if schema.get("x-kubernetes-int-or-string"):
        return _PLAIN["untyped"]
    kind = schema.get("type")
    if kind == "array":
        return _list(schema)
    if kind == "object" or "properties" in schema:
        return _object(schema)
    if kind is None:
        return ANY if schema.get("x-kubernetes-preserve-unknown-fields") else _PLAIN["untyped"]
    return _PLAIN[_SCALARS.get(str(kind), "untyped")]


def _list(schema: Raw) -> Structure:
    items = schema.get("items") or {}
    keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
    made: list[Structure] = []

    def element() -> Structure:
        if not made:
            made.append(_node(items))
        return made[0]

    out = Structure("list", element=element, list_type=schema.get("x-kubernetes-list-type") or "atomic", keys=keys)
    named = items.get("properties") or {}
    out.defaults = {key: named[key]["default"] for key in keys if "default" in named.get(key, {})}
    return out


def _object(schema: Raw) -> Structure:
    atomic = schema.get("x-kubernetes-map-type") == "atomic"
    properties = dict(schema.get("properties") or {})
    extra = schema.get("additionalProperties")
    if properties or not isinstance(extra, Mapping):
        return _struct(schema, properties, atomic)
    made: list[Structure] = []

    def element() -> Structure:
        if not made:
            made.append(_node(extra))
        return made[0]

    return Structure("map", element=element, atomic=atomic)


def _struct(schema: Raw, properties: dict[str, Any], atomic: bool) -> Structure:
    names = frozenset(properties)
    if schema.get("x-kubernetes-embedded-resource"):
        names |= frozenset(_ROOT)
    fields = Fields(names, lambda name: _node(properties[name]) if name in properties else ANY)
    out = Structure("struct", fields=fields, atomic=atomic)
    out.open = bool(schema.get("x-kubernetes-preserve-unknown-fields")) or schema.get("additionalProperties") is True
    return out
