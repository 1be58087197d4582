"""Objects in the order Go would write their fields: needed only where a message shows an object as JSON."""

from __future__ import annotations

from typing import Any

_HEAD = ("kind", "apiVersion")


def go_order(value: Any, schema: dict[str, Any], definitions: dict[str, Any], go_types: dict[str, Any]) -> Any:
    """The value with struct fields as their Go type lists them and map keys sorted."""
    name = schema.get("$ref")
    if name:
        definition = definitions.get(name, {})
        if isinstance(value, dict) and "properties" in definition:
            return _struct(value, name, definitions, go_types)
        return value
    if isinstance(value, list):
        items = schema.get("items", {})
        return [go_order(item, items, definitions, go_types) for item in value]
    if isinstance(value, dict):
        items = schema.get("additionalProperties", {})
        return {key: go_order(value[key], items, definitions, go_types) for key in sorted(value)}
    return value


def _struct(value: dict[str, Any], name: str, definitions: dict[str, Any], go_types: dict[str, Any]) -> dict[str, Any]:
    rank = {key: index for index, key in enumerate((*_HEAD, *go_types.get(name, ())))}
    properties = definitions[name]["properties"]
    keys = sorted(value, key=lambda key: (rank.get(key, len(rank)), key))
    return {key: go_order(value[key], properties.get(key, {}), definitions, go_types) for key in keys}
