"""Whether a schema is structural, so that pruning, defaulting and merging can follow it.

Every field has a type that is said once, outside of the logical junctors; lists say what they hold; metadata is the
API's own. Faults come sorted, as Kubernetes sorts them.
"""

from __future__ import annotations

from typing import Any

from cluster.kinds.checks import Faults
from cluster.meta.field import Path, forbidden, invalid, required
from cluster.meta.goregex import PatternError, compiled

Schema = dict[str, Any]
KEEP, INT_OR_STRING, EMBEDDED = (
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-int-or-string",
    "x-kubernetes-embedded-resource",
)
UNSUPPORTED = ("id", "$schema", "$ref", "patternProperties", "dependencies", "additionalItems", "definitions")
_ROOT, _ITEM, _FIELD = "at the root", "for specified array items", "for specified object fields"
_EITHER = [{"type": "integer"}, {"type": "string"}]
_UNDEFINED = "must be undefined to be structural"
_IN_JUNCTOR = (
    ("default", _UNDEFINED),
    ("title", "must be empty to be structural"),
    ("description", "must be empty to be structural"),
    ("nullable", "must be false to be structural"),
    (KEEP, "must be false to be structural"),
    (EMBEDDED, "must be false to be structural"),
    (INT_OR_STRING, "must be false to be structural"),
    ("x-kubernetes-list-map-keys", "must be empty to be structural"),
    ("x-kubernetes-list-type", _UNDEFINED),
    ("x-kubernetes-map-type", _UNDEFINED),
    ("x-kubernetes-validations", "must be empty to be structural"),
)


def structural(path: Path, schema: Schema) -> Faults:
    """Faults of the schema of a version, each once, in order of their text."""
    faults = _invariants(path, schema, _ROOT) + _complete(path, schema, schema, path)
    return sorted(faults, key=lambda fault: f"{fault.path}: {fault.body()}")


def not_convertible(schema: Any) -> str:
    """The keyword anywhere in a schema that no structure can be made of; empty where there is none."""
    if isinstance(schema, dict):
        for key in UNSUPPORTED:
            if schema.get(key) not in (None, "", {}, []):
                return f"OpenAPIV3Schema '{key.removeprefix('$') if key == '$schema' else key}' is not supported"
        if isinstance(schema.get("items"), list):
            return "OpenAPIV3Schema 'items' must be a schema, but is an array"
        if schema.get(KEEP) is False:
            return f"internal error: '{KEEP}' must be true or undefined"
        for child in _below(schema):
            if found := not_convertible(child):
                return found
    return ""


def _below(schema: Schema) -> list[Any]:
    out = [schema.get("not"), schema.get("items"), schema.get("additionalProperties")]
    for name in ("allOf", "anyOf", "oneOf"):
        out += schema.get(name) or ()
    return [*out, *(schema.get("properties") or {}).values()]


def _invariants(path: Path, schema: Schema, level: str) -> Faults:
    faults: Faults = []
    items, extra = schema.get("items"), schema.get("additionalProperties")
    if schema.get("type") == "array" and items is None:
        faults.append(required(path / "items", "must be specified"))
    if isinstance(items, dict):
        faults += _invariants(path / "items", items, _ITEM)
    for name, child in (schema.get("properties") or {}).items():
        faults += _invariants((path / "properties")[name], child, _FIELD)
    if extra is not None and level == _ROOT:
        faults.append(forbidden(path / "additionalProperties", "must not be used at the root"))
    if isinstance(extra, dict):
        faults += _invariants(path / "additionalProperties", extra, _FIELD)
    faults += _extensions(path, schema)
    faults += _values(path, schema, schema.get("anyOf") == _EITHER, _first_either(schema))
    faults += _typed(path, schema, level)
    return faults + _own_fields(path, schema, level)


def _extensions(path: Path, schema: Schema) -> Faults:
    if not schema.get(INT_OR_STRING):
        return []
    why = f"must be false if {INT_OR_STRING} is true"
    return [invalid(path / key, True, why) for key in (KEEP, EMBEDDED) if schema.get(key)]


def _typed(path: Path, schema: Schema, level: str) -> Faults:
    faults: Faults = []
    kind = schema.get("type") or ""
    if schema.get(EMBEDDED) and kind != "object":
        why = f"must be object if {EMBEDDED} is true"
        faults.append(invalid(path / "type", kind, why) if kind else required(path / "type", why))
    elif not kind and not schema.get(INT_OR_STRING) and not schema.get(KEEP):
        faults.append(required(path / "type", f"must not be empty {level}"))
    if schema.get(EMBEDDED) and schema.get("additionalProperties") is not None:
        faults.append(forbidden(path / "additionalProperties", f"must not be used if {EMBEDDED} is set"))
    if level == _ROOT and kind and kind != "object":
        faults.append(invalid(path / "type", kind, "must be object at the root"))
    return faults


def _own_fields(path: Path, schema: Schema, level: str) -> Faults:
    """apiVersion, kind and metadata of whole objects."""
    faults: Faults = []
    properties = schema.get("properties") or {}
    whole = level == _ROOT or bool(schema.get(EMBEDDED))
    for name in ("kind", "apiVersion"):
        if whole and name in properties and properties[name].get("type") != "string":
            here = (path / "properties")[name] / "type"
            faults.append(invalid(here, properties[name].get("type") or "", "must be string"))
    if "metadata" in properties:
        faults += _metadata((path / "properties")["metadata"], properties["metadata"], whole, level)
    if schema.get(EMBEDDED) and not schema.get(KEEP) and not properties:
        why = f"must not be empty if {EMBEDDED} is true without {KEEP}"
        faults.append(required(path / "properties", why))
    return faults


def _metadata(path: Path, held: Schema, whole: bool, level: str) -> Faults:
    faults: Faults = []
    if whole and held.get("type") != "object":
        faults.append(invalid(path / "type", held.get("type") or "", "must be object"))
    inner = set(held.get("properties") or ())
    more = {key for key, value in held.items() if value not in (None, "", False, [], {})}
    allowed = {"type", "default"} | ({"properties"} if inner <= {"name", "generateName"} else set())
    if level == _ROOT and more - allowed:
        why = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        faults.append(forbidden(path, why))
    return faults


def _first_either(schema: Schema) -> bool:
    listed = schema.get("allOf") or [{}]
    return bool(listed[0].get("anyOf") == _EITHER)


def _values(path: Path, schema: Schema, skip_any: bool, skip_first: bool) -> Faults:
    faults: Faults = []
    for at, child in enumerate(() if skip_any else schema.get("anyOf") or ()):
        faults += _nested((path / "anyOf")[at], child, False)
    for at, child in enumerate(schema.get("allOf") or ()):
        faults += _nested((path / "allOf")[at], child, skip_first and at == 0)
    for at, child in enumerate(schema.get("oneOf") or ()):
        faults += _nested((path / "oneOf")[at], child, False)
    if isinstance(schema.get("not"), dict):
        faults += _nested(path / "not", schema["not"], False)
    return faults + _pattern(path / "pattern", schema.get("pattern") or "")


def _pattern(path: Path, pattern: str) -> Faults:
    try:
        compiled(pattern)
    except PatternError as error:
        return [invalid(path, pattern, f"must be a valid regular expression, but isn't: {error}")]
    return []


def _nested(path: Path, schema: Schema, skip_any: bool) -> Faults:
    """A schema below a junctor restricts values and says nothing of the structure."""
    faults = _values(path, schema, skip_any, False)
    if isinstance(schema.get("items"), dict):
        faults += _nested(path / "items", schema["items"], False)
    for name, child in (schema.get("properties") or {}).items():
        faults += _nested((path / "properties")[name], child, False)
    if schema.get("type"):
        faults.append(forbidden(path / "type", "must be empty to be structural"))
    if schema.get("additionalProperties") not in (None, False):
        faults.append(forbidden(path / "additionalProperties", _UNDEFINED))
    for key, why in _IN_JUNCTOR:
        if schema.get(key) not in (None, "", False, [], ()):
            faults.append(forbidden(path / key, why))
    if "metadata" in (schema.get("properties") or ()):
        faults.append(forbidden((path / "properties")["metadata"], "must not be specified in a nested context"))
    return faults


def _complete(path: Path, values: Schema, held: Schema | None, place: Path) -> Faults:
    """What junctors speak of is there outside of them; `place` is where that is looked for."""
    faults: Faults = []
    if isinstance(values.get("not"), dict):
        faults += _there(path / "not", values["not"], held, place)
    for name in ("allOf", "anyOf", "oneOf"):
        for at, child in enumerate(values.get(name) or ()):
            faults += _there((path / name)[at], child, held, place)
    return faults


def _there(path: Path, nested: Schema, held: Schema | None, place: Path) -> Faults:
    if held is None:
        return [required(place, f"because it is defined in {path}")]
    faults = _complete(path, nested, held, place)
    if isinstance(nested.get("items"), dict):
        items = held.get("items")
        faults += _there(path / "items", nested["items"], items if isinstance(items, dict) else None, place / "items")
    known = held.get("properties") or {}
    for name, child in (nested.get("properties") or {}).items():
        here, there = (path / "properties")[name], (place / "properties")[name]
        if name in known:
            faults += _there(here, child, known[name], there)
        else:
            faults.append(required(there, f"because it is defined in {here}"))
    return faults
