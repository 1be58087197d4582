"""The schemas of OpenAPI documents: definitions and custom resources in the forms of OpenAPI v2 and v3.

The definitions on disk are JSON schema (`type: [x, null]`, `#/$defs/`); the API server publishes plain types, and in
v3 wraps a reference that has a description into `allOf` and tells Go's zero values as defaults.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

import orjson

from cluster.kinds.kind import Kind
from cluster.kinds.schema_decode import GoType

META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_V3 = "#/components/schemas/"
_V2 = "#/definitions/"
_ZERO: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_DROPPED_V2 = frozenset(("oneOf", "anyOf", "not", "nullable", "allOf", "default"))


class Schemas:
    """Converts the definitions of one minor; lives only while a document is built."""

    def __init__(self, raw: dict[str, Any], go_types: dict[str, dict[str, str]], version: int) -> None:
        self._raw = raw
        self._go = go_types
        facts = orjson.loads(resources.files("cluster.data").joinpath("field-facts.json").read_bytes())
        self._choices: dict[str, dict[str, list[str]]] = facts["choices"]
        self._defaults: dict[str, dict[str, Any]] = facts["defaults"]
        self._prefix = _V3 if version == 3 else _V2
        self._v3 = version == 3

    def closure(self, names: Iterable[str]) -> dict[str, Any]:
        """The definitions and everything they refer to, converted, in order of name."""
        todo, found = [name for name in names if name in self._raw], {}
        while todo:
            name = todo.pop()
            if name in found:
                continue
            found[name] = self.definition(name)
            todo += _references(self._raw[name])
        return dict(sorted(found.items()))

    def definition(self, name: str) -> dict[str, Any]:
        raw = self._raw[name]
        out = self._convert(raw)
        if "properties" in raw:
            out["properties"] = {key: self._property(name, key, child) for key, child in raw["properties"].items()}
        if name.endswith(".IntOrString"):
            either = {"oneOf": [{"type": "integer"}, {"type": "string"}]} if self._v3 else {"type": "string"}
            return {**_described(raw), "format": "int-or-string", **either}
        if name.endswith(".resource.Quantity") and not self._v3:
            return {**_described(raw), "type": "string"}
        return out

    def _property(self, name: str, key: str, raw: dict[str, Any]) -> dict[str, Any]:
        out = self._convert(raw)
        if key in ("apiVersion", "kind"):
            out.pop("enum", None)
        choices = self._choices.get(name, {}).get(key)
        if choices:
            # Of a list or a map of strings, its items have them.
            out.get("items", out.get("additionalProperties", out))["enum"] = choices
        if not self._v3:
            return out
        go = self._go.get(name, {}).get(key, "")
        default = self._defaults.get(name, {}).get(key, self._default(raw, GoType(go)) if go else None)
        if default is not None:
            out["default"] = default
        if "$ref" in out and len(out) > 1:
            # Beside a reference nothing else may stand.
            out["allOf"] = [{"$ref": out.pop("$ref")}]
        return out

    def _default(self, raw: dict[str, Any], go: GoType) -> Any:
        if go.pointer:
            return None
        name = raw.get("$ref", "").rpartition("/")[2]
        if name:
            return {} if "properties" in self._raw.get(name, {}) else None
        return None if go.omit_empty or raw.get("format") == "byte" else _ZERO.get(_kind(raw))

    def _convert(self, raw: dict[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, value in raw.items():
            if key == "$ref":
                out[key] = self._prefix + value.rpartition("/")[2]
            elif key == "type":
                out[key] = value[0] if isinstance(value, list) else value
            elif key in ("items", "additionalProperties") and isinstance(value, dict):
                out[key] = self._convert(value)
            elif key in ("oneOf", "anyOf"):
                out[key] = [self._convert(child) for child in value]
            elif key != "properties":
                out[key] = value
        return out


def _kind(raw: dict[str, Any]) -> str:
    kind = raw.get("type", "")
    return str(kind[0] if isinstance(kind, list) else kind)


def _described(raw: dict[str, Any]) -> dict[str, Any]:
    return {"description": raw["description"]} if "description" in raw else {}


def _references(value: Any) -> list[str]:
    """Names of the definitions a schema refers to."""
    if isinstance(value, dict):
        found = [child for item in value.values() for child in _references(item)]
        reference = value.get("$ref")
        return [*found, reference.rpartition("/")[2]] if isinstance(reference, str) else found
    if isinstance(value, list):
        return [child for item in value for child in _references(item)]
    return []


# -- custom resources --------------------------------------------------------------------------------------------


def definition_key(kind: Kind) -> str:
    """The name a kind's schema is published under: of a custom one, its group backwards."""
    if kind.definition:
        return kind.definition
    return ".".join([*reversed(kind.group.split(".")), kind.version, kind.kind])


def list_key(kind: Kind) -> str:
    return f"{definition_key(kind)}List"


_API_VERSION = (
    "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized "
    "schemas to the latest internal value, and may reject unrecognized values. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources"
)
_KIND = (
    "Kind is a string value representing the REST resource this object represents. Servers may infer this from the "
    "endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds"
)
_METADATA = (
    "Standard object's metadata. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"
)
_CONVENTIONS = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
_EMBEDDED_API_VERSION = (
    f"apiVersion defines the versioned schema of this representation of an object. More info: {_CONVENTIONS}#resources"
)
_EMBEDDED_KIND = (
    f"kind is a string value representing the type of this object. In CamelCase. More info: {_CONVENTIONS}#types-kinds"
)
_LIST_METADATA = (
    "Standard list metadata. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds"
)


def custom_schemas(kind: Kind, version: int) -> dict[str, Any]:
    """The schemas of a custom resource and its list."""
    prefix = _V3 if version == 3 else _V2
    gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    extensions: dict[str, Any] = {}
    if kind.selectable is not None:
        extensions["x-kubernetes-selectable-fields"] = [{"fieldPath": path} for path in kind.selectable({})]
    schema = _custom_schema(kind, version)
    schema["x-kubernetes-group-version-kind"] = [gvk]
    schema |= extensions
    item = {"$ref": prefix + definition_key(kind)}
    listed = {
        "description": f"{kind.kind}List is a list of {kind.kind}",
        "type": "object",
        "required": ["items"],
        "properties": {
            **_type_properties(),
            "items": {
                "description": f"List of {kind.plural}. More info: "
                "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md",
                "type": "array",
                "items": item,
            },
            "metadata": _reference(f"{prefix}{META}ListMeta", _LIST_METADATA, version),
        },
        "x-kubernetes-group-version-kind": [{**gvk, "kind": kind.list_kind}],
        **extensions,
    }
    return {definition_key(kind): schema, list_key(kind): listed}


def _type_properties() -> dict[str, Any]:
    return {
        "apiVersion": {"description": _API_VERSION, "type": "string"},
        "kind": {"description": _KIND, "type": "string"},
    }


def _reference(target: str, description: str, version: int) -> dict[str, Any]:
    if version == 3:
        return {"description": description, "allOf": [{"$ref": target}]}
    return {"description": description, "$ref": target}


def _custom_schema(kind: Kind, version: int) -> dict[str, Any]:
    """What keeps every unknown field tells nothing in v2, as clients would refuse what is not told."""
    if kind.schema is None:
        return {"type": "object"}
    if version == 2 and (kind.preserve_unknown or kind.schema.get(_PRESERVE)):
        return {"type": "object"}
    schema = _published(kind.schema, version)
    schema["properties"] = {
        **(schema.get("properties") or {}),
        **_type_properties(),
        "metadata": _reference(f"{_V3 if version == 3 else _V2}{META}ObjectMeta", _METADATA, version),
    }
    return schema


def _published(schema: Mapping[str, Any], version: int) -> dict[str, Any]:
    """A schema of a custom resource as it is told: what the extensions mean is said in plain schema too; v2 has no
    junctors, and knows neither null nor what kubectl could not read."""
    out = dict(schema)
    if version == 2:
        _reduce(out, schema)
    elif schema.get("x-kubernetes-int-or-string"):
        _unfold(out)
    if out.get("properties"):
        out["properties"] = {name: _published(child, version) for name, child in out["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(out.get(key), Mapping):
            out[key] = _published(out[key], version)
    if schema.get("x-kubernetes-embedded-resource") and not (version == 2 and schema.get(_PRESERVE)):
        _embed(out, version)
    return out


def _unfold(out: dict[str, Any]) -> None:
    if out.get("anyOf") == _INT_OR_STRING or (out.get("allOf") or [{}])[0].get("anyOf") == _INT_OR_STRING:
        return
    if out.get("anyOf"):
        out["allOf"] = [{"anyOf": _INT_OR_STRING}, *(out.get("allOf") or ())]
    else:
        out["anyOf"] = _INT_OR_STRING


def _embed(out: dict[str, Any], version: int) -> None:
    out["properties"] = {
        **(out.get("properties") or {}),
        "apiVersion": {"description": _EMBEDDED_API_VERSION, "type": "string"},
        "kind": {"description": _EMBEDDED_KIND, "type": "string"},
        "metadata": _reference(f"{_V3 if version == 3 else _V2}{META}ObjectMeta", _METADATA, version),
    }
    required = list(out.get("required") or ())
    out["required"] = required + [name for name in ("kind", "apiVersion") if name not in required]


def _reduce(out: dict[str, Any], schema: Mapping[str, Any]) -> None:
    for key in _DROPPED_V2:
        out.pop(key, None)
    if schema.get("nullable"):
        for key in ("type", "items", "properties"):
            out.pop(key, None)
    if schema.get(_PRESERVE):
        for key in ("items", "properties"):
            out.pop(key, None)
        if out.get("type") == "object":
            del out["type"]
    if out.get("type") == "array" and "items" not in out:
        del out["type"]
    more = out.get("additionalProperties")
    nullable = {name for name, child in (out.get("properties") or {}).items() if child.get("nullable")}
    required = [name for name in out.get("required") or () if name not in nullable]
    if required and not (isinstance(more, Mapping) and more.get("nullable")):
        out["required"] = required
    else:
        out.pop("required", None)
