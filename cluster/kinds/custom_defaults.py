"""Defaults of custom resources: put in where a field is not there, or is null and may not be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.meta.objects import clone

Schema = Mapping[str, Any]


def drop_nulls(value: Any, schema: Schema) -> None:
    """Take out nulls of fields that have no default and may not be null; in place."""
    if isinstance(value, dict):
        properties, extra = schema.get("properties") or {}, schema.get("additionalProperties")
        for name in list(value):
            child = properties.get(name)
            if child is None and isinstance(extra, Mapping):
                child = extra
            if child is None:
                continue
            if value[name] is None and not child.get("nullable") and child.get("default") is None:
                del value[name]
            else:
                drop_nulls(value[name], child)
    elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        for item in value:
            drop_nulls(item, schema["items"])


def fill_defaults(value: Any, schema: Schema) -> None:
    """Put in defaults, also for nulls that may not be; in place."""
    if isinstance(value, dict):
        _defaults_of(value, schema)
    elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        items = schema["items"]
        for at, item in enumerate(value):
            if item is None and not items.get("nullable"):
                value[at] = clone(items.get("default"))
            fill_defaults(value[at], items)


def _defaults_of(value: dict[str, Any], schema: Schema) -> None:
    properties, extra = schema.get("properties") or {}, schema.get("additionalProperties")
    for name, child in properties.items():
        default = child.get("default")
        if default is not None and (name not in value or (value[name] is None and not child.get("nullable"))):
            value[name] = clone(default)
    for name, held in value.items():
        child = properties.get(name)
        if child is not None:
            fill_defaults(held, child)
        elif isinstance(extra, Mapping):
            if held is None and not extra.get("nullable"):
                value[name] = clone(extra.get("default"))
            fill_defaults(value[name], extra)
