"""The schema of a version of a CustomResourceDefinition: its keywords, its structure, its defaults and its rules.

In Kubernetes' order: the structure first, then every keyword from the outside in, and rules only where the keywords
at their place and below are sound. What rules mean and cost is `rule_checks`' business, brought in by the first rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from cluster.kinds.apiextensions.field_paths import follow
from cluster.kinds.apiextensions.structural import EMBEDDED, KEEP, not_convertible, structural
from cluster.kinds.checks import Faults
from cluster.kinds.golang import dump
from cluster.meta.field import Path, forbidden, invalid, not_supported, required

Schema = dict[str, Any]
TYPES = ("array", "boolean", "integer", "number", "object", "string")
_UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_META = frozenset(("metadata", "kind", "apiVersion"))
_DEFINITION = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
_AT_ROOT = {
    "description": "Description", "type": "Type", "format": "Format", "title": "Title", "maximum": "Maximum",
    "exclusiveMaximum": "ExclusiveMaximum", "minimum": "Minimum", "exclusiveMinimum": "ExclusiveMinimum",
    "maxLength": "MaxLength", "minLength": "MinLength", "pattern": "Pattern", "maxItems": "MaxItems",
    "minItems": "MinItems", "uniqueItems": "UniqueItems", "multipleOf": "MultipleOf", "required": "Required",
    "items": "Items", "properties": "Properties", "externalDocs": "ExternalDocs", "example": "Example", KEEP:
    "XPreserveUnknownFields", "x-kubernetes-validations": "XValidations",
}  # fmt: skip
"""What a root may say beside a status subresource, and how the API server calls it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a schema a check stands. `no_default` is why there may be none, `lost` the path below which old values
    are not known, `times` how often it may stand in an object (None: nobody knows)."""

    no_default: str = ""
    in_meta: bool = False
    lost: str = ""
    root: bool = False
    times: int | None = 1


@dataclass(slots=True)
class Found:
    schema: Faults = field(default_factory=list)
    rules: Faults = field(default_factory=list)

    def add(self, other: Found) -> None:
        self.schema += other.schema
        self.rules += other.rules


def root(path: Path, schema: Schema, status: bool = False, known: bool = False) -> Faults:
    """Faults of a version's schema at `path`. `status`: there is a status subresource; `known`: it was accepted
    before, and costs of single rules are not held against it."""
    faults = _beside_status(path, schema) if status else []
    if schema.get("nullable"):
        faults.append(forbidden(f"{path}.nullable", "nullable cannot be true at the root"))
    broken = not_convertible(schema)
    shape = [] if broken else structural(path, schema) or _defaults(path, schema)
    faults += shape
    costs = _costs(path, schema, known) if not broken and not shape and has_rules(schema) else None
    found = _walk(path, schema, Place(root=True), costs)
    faults += found.schema + found.rules
    if broken and not faults:
        faults.append(invalid(path, "", broken))
    if costs is not None:
        faults += costs.total_faults()
    return faults


def has_rules(schema: Any) -> bool:
    if isinstance(schema, dict):
        return bool(schema.get("x-kubernetes-validations")) or any(has_rules(child) for child in schema.values())
    return isinstance(schema, list) and any(has_rules(child) for child in schema)


def _costs(path: Path, schema: Schema, known: bool) -> Any:
    from cluster.kinds.apiextensions.rule_checks import Costs

    return Costs(path, schema, known)


def _beside_status(path: Path, schema: Schema) -> Faults:
    if schema.get("type") not in (None, "", "object"):
        why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
        return [invalid(f"{path}.type", schema["type"], why)]
    said = (key for key, value in schema.items() if value not in (None, "", False, [], {}) or _is_choice(key, value))
    odd = [key for key in said if key not in _AT_ROOT]
    if not odd:
        return []
    why = (
        f"only [{' '.join(_AT_ROOT.values())}] fields are allowed at the root of the schema "
        "if the status subresource is enabled"
    )
    return [invalid(path, dump(schema, _DEFINITION), why)]


def _is_choice(key: str, value: Any) -> bool:
    """False says something where the other choice is a schema."""
    return key == "additionalProperties" and value is False


def _defaults(path: Path, schema: Schema) -> Faults:
    if not _has_defaults(schema):
        return []
    from cluster.kinds.apiextensions.default_checks import defaults

    return defaults(path, schema)


def _has_defaults(schema: Any) -> bool:
    if isinstance(schema, dict):
        return schema.get("default") is not None or any(_has_defaults(child) for child in schema.values())
    return isinstance(schema, list) and any(_has_defaults(child) for child in schema)


# Keywords, from the outside in.


def _walk(path: Path, schema: Schema, place: Place, costs: Any) -> Found:
    found = Found(_keywords(path, schema, place))
    for child_path, child, child_place, follows in _children(path, schema, place):
        found.add(_walk(child_path, child, child_place, costs if follows else None))
    found.schema += _extensions(path, schema)
    rules = schema.get("x-kubernetes-validations") or ()
    for at, rule in enumerate(rules):
        found.schema += _rule((path / "x-kubernetes-validations")[at], rule, schema)
    if rules and not found.schema and costs is not None:
        found.rules += costs.rules(path, schema, place)
    return found


def _keywords(path: Path, schema: Schema, place: Place) -> Faults:
    faults: Faults = []
    kind = schema.get("type")
    if kind and kind not in TYPES:
        faults.append(not_supported(path / "type", kind, list(TYPES)))
    if schema.get("default") is not None and place.no_default:
        faults.append(forbidden(path / "default", f"must not be set {place.no_default}"))
    for key in _UNSUPPORTED:
        if schema.get(key) not in (None, "", {}, []):
            faults.append(forbidden(path / key, f"{key} is not supported"))
    if kind == "null":
        faults.append(forbidden(path / "type", "type cannot be set to null, use nullable as an alternative"))
    if isinstance(schema.get("items"), list):
        faults.append(forbidden(path / "items", "items must be a schema object and not an array"))
    if place.in_meta and schema.get(EMBEDDED):
        faults.append(forbidden(path / EMBEDDED, "must not be used inside of resource meta"))
    if schema.get("uniqueItems"):
        why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        faults.append(forbidden(path / "uniqueItems", why))
    if schema.get("properties") and schema.get("additionalProperties") not in (None, True):
        why = "additionalProperties and properties are mutual exclusive"
        faults.append(forbidden(path / "additionalProperties", why))
    return faults


def _children(path: Path, schema: Schema, place: Place) -> Iterator[tuple[Path, Schema, Place, bool]]:
    """Schemas within a schema, and whether rules count in them."""
    extra, items = schema.get("additionalProperties"), schema.get("items")
    if isinstance(extra, dict):
        inner = replace(place, root=False, times=_times(place, schema))
        if place.in_meta:
            inner = replace(inner, no_default="inside additionalProperties applying to object metadata")
        yield path / "additionalProperties", extra, inner, True
    for name in sorted(schema.get("properties") or ()):
        yield (path / "properties")[name], schema["properties"][name], _of_field(path, schema, place, name), True
    below = replace(place, root=False)
    if isinstance(schema.get("not"), dict):
        yield path / "not", schema["not"], below, False
    for key in ("allOf", "oneOf", "anyOf"):
        for at, child in enumerate(schema.get(key) or ()):
            yield (path / key)[at], child, below, False
    if isinstance(items, dict):
        lost = place.lost if schema.get("x-kubernetes-list-type") == "map" else place.lost or str(path)
        yield path / "items", items, replace(below, lost=lost, times=_times(place, schema)), True


def _of_field(path: Path, schema: Schema, place: Place, name: str) -> Place:
    inner = replace(place, root=False, times=_times(place, schema))
    if (place.root or schema.get(EMBEDDED)) and name in _META:
        inner = replace(inner, in_meta=True)
        if place.root:
            inner = replace(inner, no_default=f"in top-level {name}")
    return inner


def _times(place: Place, schema: Schema) -> int | None:
    """How often what is within a schema may stand in an object."""
    kind, most = schema.get("type"), 1
    if kind == "array":
        most = schema.get("maxItems")  # type: ignore[assignment]
    elif kind == "object" and schema.get("additionalProperties") is not None:
        most = schema.get("maxProperties")  # type: ignore[assignment]
    if place.times is None or most is None:
        return None
    return min(place.times * max(most, 0), 2**64 - 1)


# Kubernetes' extensions.


def _extensions(path: Path, schema: Schema) -> Faults:
    faults: Faults = []
    if schema.get(KEEP) is False:
        faults.append(invalid(path / KEEP, False, "must be true or undefined"))
    faults += _map_type(path, schema)
    faults += _list_type(path, schema)
    faults += _list_keys(path, schema)
    return faults + _unique_items(path, schema)


def _wrong_type(path: Path, schema: Schema, wanted: str, key: str) -> Faults:
    kind = schema.get("type") or ""
    if kind == wanted:
        return []
    why = f"must be {wanted} if {key} is specified"
    return [invalid(path / "type", kind, why) if kind else required(path / "type", why)]


def _map_type(path: Path, schema: Schema) -> Faults:
    key = "x-kubernetes-map-type"
    held = schema.get(key)
    if held is None:
        return []
    faults = _wrong_type(path, schema, "object", key)
    if held not in ("atomic", "granular"):
        faults.append(not_supported(path / key, held, ["atomic", "granular"]))
    return faults


def _list_type(path: Path, schema: Schema) -> Faults:
    key = "x-kubernetes-list-type"
    held, items = schema.get(key), schema.get("items")
    if held is None:
        return []
    faults = _wrong_type(path, schema, "array", key)
    if not faults and held == "set" and isinstance(items, dict):
        faults += _set_of(path / "items", items)
    if held not in ("atomic", "set", "map"):
        faults.append(not_supported(path / key, held, ["atomic", "set", "map"]))
    return faults


def _set_of(path: Path, items: Schema) -> Faults:
    why = "must be atomic as item of a list with x-kubernetes-list-type=set"
    held = items.get("x-kubernetes-list-type")
    if items.get("type") == "array" and held not in (None, "atomic"):
        return [invalid(path / "x-kubernetes-list-type", held, why)]
    if items.get("type") == "object" and items.get("x-kubernetes-map-type") != "atomic":
        return [invalid(path / "x-kubernetes-map-type", held, why)]
    return []


def _list_keys(path: Path, schema: Schema) -> Faults:
    faults: Faults = []
    held, keys, items = schema.get("x-kubernetes-list-type"), _keys(schema), schema.get("items")
    here, keys_path = path / "x-kubernetes-list-type", path / "x-kubernetes-list-map-keys"
    why = "must be map if x-kubernetes-list-map-keys is non-empty"
    if keys and held is None:
        faults.append(required(here, why))
    elif keys and held != "map":
        faults.append(invalid(here, held, why))
    if held != "map":
        return faults
    if not keys:
        faults.append(required(keys_path, "must not be empty if x-kubernetes-list-type is map"))
    if items is None:
        faults.append(required(path / "items", "must have a schema if x-kubernetes-list-type is map"))
    if isinstance(items, dict) and items.get("type") != "object":
        why = "must be object if parent array's x-kubernetes-list-type is map"
        faults.append(invalid(path / "items" / "type", items.get("type") or "", why))
    elif isinstance(items, dict):
        faults += _key_fields(path / "items", items, keys, keys_path)
    return faults


def _keys(schema: Schema) -> list[str]:
    return schema.get("x-kubernetes-list-map-keys") or []


def _key_fields(path: Path, items: Schema, keys: list[str], keys_path: Path) -> Faults:
    faults: Faults = []
    properties = items.get("properties") or {}
    for at, key in enumerate(keys):
        if key not in properties:
            faults.append(invalid(keys_path, keys, "entries must all be names of item properties"))
        elif properties[key].get("type") in ("array", "object"):
            why = "must be a scalar type if parent array's x-kubernetes-list-type is map"
            faults.append(invalid((path / "properties")[key] / "type", items["type"], why))
        if key in keys[:at]:
            faults.append(invalid(keys_path, keys, "must not contain duplicate entries"))
    return faults


def _unique_items(path: Path, schema: Schema) -> Faults:
    """Items of sets and keys of maps are always there."""
    held, items = schema.get("x-kubernetes-list-type"), schema.get("items")
    if held not in ("set", "map") or not isinstance(items, dict):
        return []
    faults: Faults = []
    if items.get("nullable"):
        why = f"cannot be nullable when x-kubernetes-list-type is {held}"
        faults.append(forbidden(path / "items" / "nullable", why))
    properties = items.get("properties") or {}
    for key in _keys(schema) if held == "map" else ():
        if key not in properties:
            continue
        here = (path / "items" / "properties")[key]
        about = "this property is in x-kubernetes-list-map-keys, so it"
        if properties[key].get("default") is None and key not in (items.get("required") or ()):
            faults.append(required(here / "default", f"{about} must have a default or be a required property"))
        if properties[key].get("nullable"):
            faults.append(forbidden(here / "nullable", f"{about} cannot be nullable"))
    return faults


# Rules, but for their expressions.

_LINES = re.compile(r"[\n\r]")


def _rule(path: Path, rule: Schema, schema: Schema) -> Faults:
    return _rule_text(path, rule) + _rule_more(path, rule) + _field_path(path / "fieldPath", rule, schema)


def _rule_text(path: Path, rule: Schema) -> Faults:
    text, message = (rule.get("rule") or "").strip(), rule.get("message") or ""
    if not text:
        return [required(path / "rule", "rule is not specified")]
    if message and not message.strip():
        return [invalid(path / "message", message, "must be non-empty if specified")]
    if _LINES.search(message.strip()):
        return [invalid(path / "message", message, "must not contain line breaks")]
    if _LINES.search(text) and not message.strip():
        return [required(path / "message", "message must be specified if rule contains line breaks")]
    return []


def _rule_more(path: Path, rule: Schema) -> Faults:
    faults: Faults = []
    expression, reason = rule.get("messageExpression") or "", rule.get("reason")
    if expression and not expression.strip():
        why = "messageExpression must be non-empty if specified"
        faults.append(required(path / "messageExpression", why))
    if reason is not None and reason not in _REASONS:
        faults.append(not_supported(path / "reason", reason, list(_REASONS)))
    return faults


def _field_path(path: Path, rule: Schema, schema: Schema) -> Faults:
    text = rule.get("fieldPath") or ""
    faults: Faults = []
    if text and not text.strip():
        faults.append(invalid(path, text, "must be non-empty if specified"))
    if _LINES.search(text):
        faults.append(invalid(path, text, "must not contain line breaks"))
    try:
        follow(text, schema)
    except ValueError:
        faults.append(invalid(path, text, "must be a valid path"))
    return faults
