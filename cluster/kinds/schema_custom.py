"""Decoders and structures of custom resources, from the structural schema of their definition.

A custom resource is pruned, not typed: types are the schema validation's business. Only metadata is read as strictly
as that of a built-in kind. `x-kubernetes-preserve-unknown-fields` keeps what is not named;
`x-kubernetes-embedded-resource` adds apiVersion, kind and metadata.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.kinds.schema_decode import DecodeFault, Decoder
from cluster.meta.field import invalid
from cluster.meta.structure import ANY, Fields, Structure

Raw = Mapping[str, Any]
_ROOT = ("apiVersion", "kind", "metadata")
_KEEP, _EMBEDDED = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"
_SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}


def custom_decoder(schema: Raw | None, preserve_unknown: bool, metadata: Decoder) -> Decoder:
    """Reads an object: metadata typed, the rest pruned by the schema. Without one everything is kept."""

    with_objects = embeds(schema)

    def decode(value: Any, path: str, unknown: list[str]) -> Any:
        out = _numbered(dict(value))
        if "metadata" in out:
            out["metadata"] = _metadata(out["metadata"], metadata, unknown)
        if schema is None:
            return out
        pruned: list[str] = []
        out = prune(out, schema, preserve_unknown and not _keeps(schema), pruned)
        embedded: list[str] = []
        if with_objects:
            out = {key: typed(item, _of(schema, key), key, embedded, metadata) for key, item in out.items()}
        unknown += sorted(pruned) + sorted(embedded)
        return out

    return decode


def _numbered(value: Any) -> Any:
    """Numbers as Go writes them back: whole ones without a point, and no whole ones that do not fit into 64 bits."""
    if type(value) is dict:
        return {key: _numbered(item) if type(item) in _PARTS else item for key, item in value.items()}
    if type(value) is list:
        return [_numbered(item) if type(item) in _PARTS else item for item in value]
    if type(value) is float:
        return int(value) if value.is_integer() and abs(value) < _WORD else value
    return value if -_WORD <= value < _WORD else float(value)


_PARTS = frozenset((dict, list, float, int))
_WORD = 2**63


def _metadata(value: Any, decoder: Decoder, unknown: list[str]) -> Any:
    if value is None:
        return {}
    if type(value) is not dict:
        raise DecodeFault(f"json: cannot unmarshal {_go_kind(value)} into Go value of type v1.ObjectMeta")
    return decoder(value, "metadata", unknown)


def _go_kind(value: Any) -> str:
    from cluster.meta.gojson import kind_of

    return kind_of(value)


def prune(obj: dict[str, Any], schema: Raw, keep: bool, unknown: list[str]) -> dict[str, Any]:
    """The object without fields the schema does not name; their paths go to `unknown`. Nothing is changed in place."""
    if keep:
        return dict(obj)
    out: dict[str, Any] = _pruned(obj, {**schema, _EMBEDDED: True}, "", unknown, bool(schema.get(_KEEP)))
    return out


def prune_value(value: Any, schema: Raw, embedded: bool) -> Any:
    """Any value without what its schema does not name."""
    return _pruned(value, {**schema, _EMBEDDED: embedded}, "", [], _keeps(schema))


def _pruned(value: Any, schema: Raw | None, path: str, unknown: list[str], keep: bool) -> Any:
    """`keep`: what is not named stays; it holds for lists of lists, and ends at a named field."""
    if isinstance(value, dict):
        return _pruned_object(value, schema or {}, path, unknown, keep)
    if isinstance(value, list) and not (keep and schema is None):
        items = (schema or {}).get("items")
        items = items if isinstance(items, Mapping) else None
        keep = keep or _keeps(items)
        return [_pruned(item, items, f"{path}[{at}]", unknown, keep) for at, item in enumerate(value)]
    return value


def _keeps(schema: Raw | None) -> bool:
    return schema is not None and bool(schema.get(_KEEP))


def _pruned_object(value: dict[str, Any], schema: Raw, path: str, unknown: list[str], keep: bool) -> dict[str, Any]:
    out = {}
    embedded = bool(schema.get(_EMBEDDED))
    for key, item in value.items():
        where = f"{path}.{key}" if path else key
        child = _of(schema, key)
        if embedded and key in _ROOT:
            out[key] = item
        elif child is not None:
            out[key] = _pruned(item, child, where, unknown, _keeps(child)) if isinstance(item, dict | list) else item
        elif keep or schema.get("additionalProperties") is True:
            out[key] = item
        else:
            unknown.append(where)
    return out


def _of(schema: Raw, key: str) -> Raw | None:
    """The schema of a member."""
    found = (schema.get("properties") or {}).get(key)
    if found is None:
        found = schema.get("additionalProperties")
    return found if isinstance(found, Mapping) else None


def typed(value: Any, schema: Raw | None, path: str, unknown: list[str], metadata: Decoder) -> Any:
    """The value with the metadata of embedded objects read as metadata is. Raises DecodeFault."""
    if schema is None:
        return value
    if isinstance(value, list):
        items = schema.get("items")
        return [typed(item, items, f"{path}[{at}]", unknown, metadata) for at, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    out = {key: typed(item, _of(schema, key), f"{path}.{key}", unknown, metadata) for key, item in value.items()}
    if schema.get(_EMBEDDED):
        _embedded(out, path, unknown, metadata)
    return out


def _embedded(obj: dict[str, Any], path: str, unknown: list[str], metadata: Decoder) -> None:
    for key in ("apiVersion", "kind"):
        if key in obj and not isinstance(obj[key], str):
            raise _fault(f"{path}.{key}", obj[key], "must be a string")
    if "metadata" not in obj:
        return
    if obj["metadata"] is None:
        obj["metadata"] = {}
    if not isinstance(obj["metadata"], dict):
        why = f"json: cannot unmarshal {_go_kind(obj['metadata'])} into Go value of type v1.ObjectMeta"
        raise _fault(f"{path}.metadata", obj["metadata"], why)
    try:
        read = metadata(obj["metadata"], f"{path}.metadata", unknown)
    except DecodeFault as fault:
        raise _fault(f"{path}.metadata", obj["metadata"], str(fault)) from None
    obj["metadata"] = {key: item for key, item in read.items() if item is not None}


def _fault(path: str, value: Any, why: str) -> DecodeFault:
    return DecodeFault(f"{path}: {invalid(path, value, why).body()}")


def embeds(schema: Any) -> bool:
    """Whether there are embedded objects anywhere below a schema."""
    if isinstance(schema, Mapping):
        return bool(schema.get(_EMBEDDED)) or any(embeds(child) for child in schema.values())
    return isinstance(schema, list) and any(embeds(child) for child in schema)


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
