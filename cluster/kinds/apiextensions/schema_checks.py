"""Whether a schema is structural, so that pruning, defaulting and merging can follow it.

Every field has a type said once, outside of the logical junctors; lists say what they hold. Expressions of
`x-kubernetes-validations` are checked for presence here and compiled where a CEL compiler is handed in.
"""

from __future__ import annotations

import re
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.meta.field import Path, forbidden, invalid, not_supported, required

Schema = dict[str, Any]
TYPES = ("array", "boolean", "integer", "number", "object", "string")
LIST_TYPES = ("atomic", "set", "map")
_JUNCTORS = ("anyOf", "allOf", "oneOf")
_NOT_STRUCTURAL = "must be empty to be structural"
_IN_JUNCTOR = (
    "type", "title", "description", "default", "nullable", "additionalProperties", "x-kubernetes-int-or-string",
    "x-kubernetes-embedded-resource", "x-kubernetes-preserve-unknown-fields",
)  # fmt: skip
_KEEP, _INT_OR_STRING, _EMBEDDED = (
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-int-or-string",
    "x-kubernetes-embedded-resource",
)


def root(path: Path, schema: Schema) -> Faults:
    """Faults of the schema of a version."""
    faults: Faults = []
    if schema.get("type") not in (None, "", "object"):
        return [invalid(path / "type", schema["type"], "must be object at the root")]
    if not schema.get("type"):
        faults.append(required(path / "type", "must not be empty at the root"))
    faults += _metadata(path, schema)
    forms = _form(path, schema)
    return forms or faults + _structural(path, schema, "") or _rules(path, schema)


def _rules(path: Path, schema: Schema) -> Faults:
    """Only a schema with rules brings in the compiler."""
    if not _has_rules(schema):
        return []
    from cluster.kinds.apiextensions.rule_checks import rules

    return rules(path, schema)


def _has_rules(schema: Any) -> bool:
    if isinstance(schema, dict):
        return bool(schema.get("x-kubernetes-validations")) or any(_has_rules(child) for child in schema.values())
    return isinstance(schema, list) and any(_has_rules(child) for child in schema)


def _metadata(path: Path, schema: Schema) -> Faults:
    """metadata is the API's; only name and generateName may be restricted."""
    held = (schema.get("properties") or {}).get("metadata")
    if held is None:
        return []
    here = (path / "properties")["metadata"]
    if held.get("type") not in ("object", None):
        return [invalid(here / "type", held.get("type"), "must be object")]
    allowed = {"type", "properties", "description"}
    inner = set(held.get("properties") or ())
    if set(held) - allowed or inner - {"name", "generateName"}:
        why = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        return [forbidden(here, why)]
    return []


def _form(path: Path, schema: Schema) -> Faults:
    """What is wrong with the keywords themselves."""
    faults: Faults = []
    kind = schema.get("type")
    if kind and kind not in TYPES:
        faults.append(not_supported(path / "type", kind, list(TYPES)))
    if schema.get("uniqueItems"):
        why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        faults.append(forbidden(path / "uniqueItems", why))
    if schema.get("properties") and schema.get("additionalProperties") not in (None, False):
        why = "additionalProperties and properties are mutual exclusive"
        faults.append(forbidden(path / "additionalProperties", why))
    if schema.get(_KEEP) is False:
        faults.append(invalid(path / _KEEP, False, "must be true or undefined"))
    faults += _pattern(path / "pattern", schema.get("pattern") or "")
    faults += _list(path, schema)
    if schema.get("x-kubernetes-map-type") is not None:
        if kind != "object":
            why = f"must be object if x-kubernetes-map-type is {schema['x-kubernetes-map-type']}"
            faults.append(invalid(path / "type", kind or "", why))
        faults += checks.one_of(path / "x-kubernetes-map-type", schema["x-kubernetes-map-type"], ("atomic", "granular"))
    for at, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        faults += _rule((path / "x-kubernetes-validations")[at], rule)
    return faults + _forms_within(path, schema)


def _pattern(path: Path, pattern: str) -> Faults:
    try:
        re.compile(pattern)
    except re.error as error:
        known = {"missing ), unterminated subpattern": "missing closing )"}
        text = known.get(error.msg, error.msg)
        why = f"must be a valid regular expression, but isn't: error parsing regexp: {text}: `{pattern}`"
        return [invalid(path, pattern, why)]
    return []


def _rule(path: Path, rule: Schema) -> Faults:
    faults: Faults = []
    if not (rule.get("rule") or "").strip():
        faults.append(required(path / "rule", "rule is not specified"))
    message = rule.get("message") or ""
    if "\n" in message:
        faults.append(invalid(path / "message", message, "must not contain line breaks"))
    elif message and not message.strip():
        faults.append(invalid(path / "message", message, "message must be non-empty if specified"))
    elif "\n" in (rule.get("rule") or "").strip() and not message:
        faults.append(required(path / "message", "message must be specified if rule contains line breaks"))
    if rule.get("reason") is not None:
        allowed = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
        faults += checks.one_of(path / "reason", rule["reason"], allowed)
    return faults


def _list(path: Path, schema: Schema) -> Faults:
    kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or []
    here = path / "x-kubernetes-list-type"
    faults: Faults = []
    if kind is not None and schema.get("type") != "array":
        faults.append(
            invalid(path / "type", schema.get("type") or "", "must be array if x-kubernetes-list-type is specified")
        )
    if kind is not None:
        faults += checks.one_of(here, kind, LIST_TYPES)
    keys_path = path / "x-kubernetes-list-map-keys"
    if keys and kind != "map":
        faults.append(invalid(here, kind, "must be map if x-kubernetes-list-map-keys is non-empty"))
    if kind == "map":
        if not keys:
            faults.append(required(keys_path, "must not be empty if x-kubernetes-list-type is map"))
        items = schema.get("items")
        if isinstance(items, dict):
            faults += _map_items(path / "items", items, keys, keys_path)
    return faults


def _map_items(path: Path, items: Schema, keys: list[str], keys_path: Path) -> Faults:
    faults: Faults = []
    if items.get("type") != "object":
        why = "must be object if parent array's x-kubernetes-list-type is map"
        faults.append(invalid(path / "type", items.get("type") or "", why))
    properties = items.get("properties") or {}
    for at, key in enumerate(keys):
        if key not in properties:
            why = "entries must all be names of item properties"
            faults.append(invalid(keys_path[at], key, why))
            continue
        if properties[key].get("default") is None and key not in (items.get("required") or ()):
            why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
            faults.append(required((path / "properties")[key] / "default", why))
    return faults


def _forms_within(path: Path, schema: Schema) -> Faults:
    faults: Faults = []
    for here, child, _ in _children(path, schema):
        faults += _form(here, child)
    for name in _JUNCTORS:
        for at, child in enumerate(schema.get(name) or ()):
            faults += _form((path / name)[at], child)
    if isinstance(schema.get("not"), dict):
        faults += _form(path / "not", schema["not"])
    return faults


def _children(path: Path, schema: Schema) -> list[tuple[Path, Schema, str]]:
    """Sub-schemas of values, and what each describes."""
    out = []
    for name in sorted(schema.get("properties") or ()):
        out.append(((path / "properties")[name], schema["properties"][name], "object fields"))
    if isinstance(schema.get("additionalProperties"), dict):
        out.append((path / "additionalProperties", schema["additionalProperties"], "object fields"))
    if isinstance(schema.get("items"), dict):
        out.append((path / "items", schema["items"], "array items"))
    return out


def _structural(path: Path, schema: Schema, what: str) -> Faults:
    """Types where they are needed and not where they are not; the innermost first."""
    faults: Faults = []
    for here, child, kind in _children(path, schema):
        faults += _structural(here, child, kind)
    open_type = schema.get(_INT_OR_STRING) or schema.get(_KEEP)
    for name in _JUNCTORS:
        for at, child in enumerate(schema.get(name) or ()):
            faults += _in_junctor((path / name)[at], child, bool(schema.get(_INT_OR_STRING)))
    if isinstance(schema.get("not"), dict):
        faults += _in_junctor(path / "not", schema["not"], False)
    if what and not schema.get("type") and not open_type:
        faults.append(required(path / "type", f"must not be empty for specified {what}"))
    if schema.get("type") == "array" and schema.get("items") is None:
        faults.append(required(path / "items", "must be specified"))
    if schema.get(_EMBEDDED) and schema.get("type") != "object":
        faults.append(
            invalid(path / "type", schema.get("type") or "", "must be object if x-kubernetes-embedded-resource is true")
        )
    return faults


def _in_junctor(path: Path, schema: Schema, int_or_string: bool) -> Faults:
    """Junctors restrict values; they say nothing about the structure."""
    faults: Faults = []
    for here, child, _ in _children(path, schema):
        faults += _in_junctor(here, child, False)
    for name in _IN_JUNCTOR:
        if schema.get(name) in (None, "", False):
            continue
        if name == "type" and int_or_string and schema[name] in ("integer", "string"):
            continue
        faults.append(forbidden(path / name, _NOT_STRUCTURAL))
    return faults
