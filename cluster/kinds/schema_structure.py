"""Structures (merge keys, list types, atoms) from the OpenAPI definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster.meta.structure import ANY, OPAQUE, Fields, Structure

_SCALARS = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean"}
_UNTYPED = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
}
_OPEN = {
    "io.k8s.apimachinery.pkg.runtime.RawExtension": OPAQUE,
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": ANY,
}
_KEY_DEFAULTS = {"protocol": "TCP"}
_EMPTY_NAME = "io.k8s.api.core.v1.LocalObjectReference"
"""Its optional name is declared to default to the empty string."""
_ZERO: dict[str, Any] = {"string": "", "integer": 0, "boolean": False}


class Structures:
    """Builds and keeps the structures of one set of definitions."""

    def __init__(self, definitions: dict[str, dict[str, Any]]) -> None:
        self._definitions = definitions
        self._built: dict[str, Structure] = {}

    def of(self, name: str) -> Structure:
        found = self._built.get(name)
        if found is None:
            found = self._built[name] = self._definition(name)
        return found

    def _definition(self, name: str) -> Structure:
        if name in _OPEN:
            return _OPEN[name]
        if name in _UNTYPED:
            return Structure("scalar", name=name)
        definition = self._definitions.get(name, {})
        if definition.get("type") != "object" and "properties" not in definition:
            return self._plain(definition) if definition.get("type") else ANY
        properties = definition.get("properties", {})
        fields = Fields(frozenset(properties), lambda key: self._property(properties[key]))
        atomic = definition.get("x-kubernetes-map-type") == "atomic"
        return Structure("struct", name=name.rpartition(".")[2], fields=fields, atomic=atomic)

    def _property(self, schema: dict[str, Any]) -> Structure:
        made = self._node(schema)
        strategies = schema.get("x-kubernetes-patch-strategy")
        if not strategies and not schema.get("x-kubernetes-map-type"):
            return made
        out = _clone(made)
        out.strategies = tuple((strategies or "").split(","))
        out.merge_key = schema.get("x-kubernetes-patch-merge-key", "")
        if "x-kubernetes-map-type" in schema:
            out.atomic = schema["x-kubernetes-map-type"] == "atomic"
        return out

    def _node(self, schema: dict[str, Any]) -> Structure:
        if "$ref" in schema:
            return self.of(schema["$ref"])
        if schema.get("type") == "array":
            return self._list(schema)
        if schema.get("type") == "object":
            return self._map(schema)
        return self._plain(schema)

    def _plain(self, schema: dict[str, Any]) -> Structure:
        return _PLAIN[_SCALARS.get(schema.get("type", ""), "untyped")]

    def _list(self, schema: dict[str, Any]) -> Structure:
        items = schema.get("items", {})
        keys = tuple(schema.get("x-kubernetes-list-map-keys", ()))
        out = Structure(
            "list",
            element=_once(lambda: self._node(items)),
            list_type=schema.get("x-kubernetes-list-type", "atomic"),
            keys=keys,
        )
        out.defaults = self._key_defaults(items.get("$ref", ""), keys)
        return out

    def _key_defaults(self, item: str, keys: tuple[str, ...]) -> dict[str, Any]:
        """Values of keys that may be left out: what the API declares, and Go's zero for fields always written."""
        definition = self._definitions.get(item, {})
        out = {key: _KEY_DEFAULTS[key] for key in keys if key in _KEY_DEFAULTS}
        for key in keys:
            kind = definition.get("properties", {}).get(key, {}).get("type", "")
            if key not in out and kind in _ZERO and (item == _EMPTY_NAME or key in definition.get("required", ())):
                out[key] = _ZERO[kind]
        return out

    def _map(self, schema: dict[str, Any]) -> Structure:
        items = schema.get("additionalProperties")
        if items is None:
            return ANY
        atomic = schema.get("x-kubernetes-map-type") == "atomic"
        return Structure("map", element=_once(lambda: self._node(items)), atomic=atomic)


_PLAIN = {name: Structure("scalar", scalar=name) for name in ("string", "number", "boolean", "untyped")}


def _once(build: Callable[[], Structure]) -> Callable[[], Structure]:
    made: list[Structure] = []

    def get() -> Structure:
        if not made:
            made.append(build())
        return made[0]

    return get


def _clone(source: Structure) -> Structure:
    out = Structure(
        source.shape,
        name=source.name,
        fields=source.fields,
        element=source.element,
        list_type=source.list_type,
        keys=source.keys,
        atomic=source.atomic,
        scalar=source.scalar,
    )
    out.defaults = source.defaults
    out.open = source.open
    return out
