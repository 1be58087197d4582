"""Custom resources against their schema: values checked in the API's words.

Pruning happens on decoding. Rules of `x-kubernetes-validations` are run by whoever hands in an evaluator.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cluster.kinds.checks import Faults
from cluster.kinds.string_formats import fits
from cluster.meta.field import FaultType, FieldError, Path, duplicate, invalid, required
from cluster.meta.goregex import compiled

Schema = Mapping[str, Any]
_OWN = frozenset(("apiVersion", "kind", "metadata"))
NEW: Any = object()
"""Stands for the old value of something that was not there, or cannot be found again."""


def validate_schema(obj: Mapping[str, Any], schema: Schema, old: Mapping[str, Any] | None = None) -> Faults:
    """Faults of an object; apiVersion, kind and metadata are the API's own business. What is as it was in `old` is
    let pass, by value: a field, or an item of a list whose items can be told from another."""
    properties = {key: child for key, child in (schema.get("properties") or {}).items() if key not in _OWN}
    wanted = [name for name in schema.get("required") or () if name not in _OWN]
    mine = {**schema, "properties": properties, "required": wanted, "type": "object"}
    return _value(Path(""), without_own(obj), mine, NEW if old is None else without_own(old))


def validate_value(value: Any, schema: Schema, old: Any = NEW) -> Faults:
    """Faults of any value."""
    return _value(Path(""), value, schema, old)


def without_own(obj: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in obj.items() if key not in _OWN}


def _kind(value: Any) -> str:
    """The JSON type, as OpenAPI names it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def _bad_type(path: Path, wanted: str, value: Any) -> FieldError:
    kind = _kind(value)
    return FieldError(FaultType.TYPE_INVALID, path, kind, f'{path} in body must be of type {wanted}: "{kind}"')


def _invalid(path: Path, value: Any, words: str) -> FieldError:
    return FieldError(FaultType.INVALID, path, value, f"{path} in body {words}")


def _value(path: Path, value: Any, schema: Schema, old: Any = NEW) -> Faults:
    if value is None and schema.get("nullable"):
        return []
    if old is not NEW and type(old) is type(value) and old == value:
        return []
    if value is None:
        return _type(path, value, schema) + _enum(path, value, schema)
    faults = _type(path, value, schema) + _junctors(path, value, schema)
    if isinstance(value, str):
        faults += _string(path, value, schema)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        faults += _number(path, value, schema)
    elif isinstance(value, list):
        faults += _array(path, value, schema, old)
    faults += _enum(path, value, schema)
    if isinstance(value, dict):
        faults += _object(path, value, schema, old)
    return faults


def _type(path: Path, value: Any, schema: Schema) -> Faults:
    kind, wanted = _kind(value), schema.get("type")
    if schema.get("x-kubernetes-int-or-string"):
        return [] if kind in ("integer", "string") else [_bad_type(path, "integer,string", value)]
    if not wanted or kind == wanted or (wanted == "number" and kind == "integer"):
        return []
    if wanted == "integer" and kind == "number" and float(value).is_integer() and abs(value) < _WORD:
        return []
    return [_bad_type(path, str(wanted), value)]


def _enum(path: Path, value: Any, schema: Schema) -> Faults:
    allowed = schema.get("enum")
    if not allowed or value in allowed:
        return []
    listed = ", ".join(json.dumps(item if isinstance(item, str) else json.dumps(item)) for item in allowed)
    return [FieldError(FaultType.NOT_SUPPORTED, path, value, f"supported values: {listed}")]


def _string(path: Path, value: str, schema: Schema) -> Faults:
    faults = _text(path, value, schema)
    style = str(schema.get("format") or "")
    if style and not fits(value, style):
        words = f'{path} in body must be of type {style}: "{value}"'
        faults.append(FieldError(FaultType.TYPE_INVALID, path, value, words))
    return faults


def _text(path: Path, value: str, schema: Schema) -> Faults:
    """The first thing that is wrong with a text."""
    longest, shortest, pattern = schema.get("maxLength"), schema.get("minLength"), schema.get("pattern")
    if longest is not None and len(value) > longest:
        return [FieldError(FaultType.TOO_LONG, path, value, f"may not be more than {longest} bytes")]
    if shortest is not None and len(value) < shortest:
        return [_invalid(path, value, f"should be at least {shortest} chars long")]
    if pattern and not compiled(pattern).search(value):
        return [_invalid(path, value, f"should match '{pattern}'")]
    return []


_WORD = 2**63
_RANGES = {"int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1), "uint64": (0, 2**64 - 1)}
_FLOAT32 = 3.4028234663852886e38


def _number(path: Path, value: float, schema: Schema) -> Faults:
    faults = _range(path, value, schema) + _multiple(path, value, schema.get("multipleOf"))
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(value, int):
        # Bounds of whole numbers are taken as whole numbers.
        low, high = (None if bound is None else int(bound) for bound in (low, high))
    if low is not None and (value < low or (schema.get("exclusiveMinimum") and value == low)):
        words = "greater than" if schema.get("exclusiveMinimum") else "greater than or equal to"
        faults.append(_invalid(path, value, f"should be {words} {_plain(low)}"))
    if high is not None and (value > high or (schema.get("exclusiveMaximum") and value == high)):
        words = "less than" if schema.get("exclusiveMaximum") else "less than or equal to"
        faults.append(_invalid(path, value, f"should be {words} {_plain(high)}"))
    return faults


def _range(path: Path, value: float, schema: Schema) -> Faults:
    """Whether a number is one of its type and format."""
    kind, style = schema.get("type"), schema.get("format") or ""
    if kind == "integer":
        low, high = _RANGES.get(style, (-_WORD, _WORD - 1))
        good = float(value).is_integer() and low <= value <= high
    else:
        good = style not in ("float", "float32") or abs(value) <= _FLOAT32
    if good:
        return []
    shown = f"with format {style}" if style else "(default format)"
    return [FieldError(FaultType.INVALID, "<nil>", "", f"Checked value must be of type {kind} {shown} in {path}")]


def _multiple(path: Path, value: float, step: float | None) -> Faults:
    if step is None:
        return []
    if isinstance(value, int):
        step = int(step)
    if step <= 0:
        words = f"factor MultipleOf declared for {path} must be positive: {_plain(step)}"
        return [FieldError(FaultType.INVALID, path, step, words)]
    whole = value % step == 0 if isinstance(value, int) else abs(value / step - round(value / step)) <= 1e-9
    return [] if whole else [_invalid(path, value, f"should be a multiple of {_plain(step)}")]


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)


def _array(path: Path, value: list[Any], schema: Schema, old: Any) -> Faults:
    faults: Faults = []
    most, least = schema.get("maxItems"), schema.get("minItems")
    if least is not None and len(value) < least:
        faults.append(_invalid(path, len(value), f"should have at least {least} items"))
    if most is not None and len(value) > most:
        faults.append(FieldError(FaultType.TOO_MANY, path, len(value), f"must have at most {most} items"))
    items = schema.get("items")
    if isinstance(items, Mapping):
        counterpart = _counterparts(schema, old)
        for at, item in enumerate(value):
            faults += _value(path[at], item, items, counterpart(item))
    return faults


def _counterparts(schema: Schema, old: Any) -> Callable[[Any], Any]:
    """Which old item a new one was: known for lists that are maps only."""
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    if schema.get("x-kubernetes-list-type") != "map" or not isinstance(old, list):
        return lambda item: NEW
    known = {_key(held, keys): held for held in old if isinstance(held, dict)}
    return lambda item: known.get(_key(item, keys), NEW) if isinstance(item, dict) else NEW


def _key(item: Mapping[str, Any], keys: Sequence[str]) -> str:
    return json.dumps([item.get(key) for key in keys])


def _object(path: Path, value: dict[str, Any], schema: Schema, old: Any) -> Faults:
    faults: Faults = []
    most, least = schema.get("maxProperties"), schema.get("minProperties")
    if least is not None and len(value) < least:
        faults.append(_invalid(path, len(value), f"should have at least {least} properties"))
    if most is not None and len(value) > most:
        faults.append(FieldError(FaultType.TOO_MANY, path, len(value), f"must have at most {most} items"))
    properties, extra = schema.get("properties") or {}, schema.get("additionalProperties")
    before = old if isinstance(old, dict) else {}
    for name in sorted(value):
        if name in properties:
            faults += _value(path / name, value[name], properties[name], before.get(name, NEW))
        elif isinstance(extra, Mapping):
            faults += _value(path / name, value[name], extra, before.get(name, NEW))
    faults += [required(path / name) for name in schema.get("required") or () if name not in value]
    return faults


def _junctor_fault(path: Path, words: str) -> FieldError:
    return FieldError(FaultType.INVALID, "<nil>", "", f'"{path}" {words}')


def _junctors(path: Path, value: Any, schema: Schema) -> Faults:
    faults: Faults = []
    if schema.get("anyOf"):
        results = [_value(path, value, child) for child in schema["anyOf"]]
        if all(results):
            faults.append(_junctor_fault(path, "must validate at least one schema (anyOf)"))
            faults += sorted(results, key=len)[0]
    if schema.get("oneOf"):
        results = [_value(path, value, child) for child in schema["oneOf"]]
        valid = results.count([])
        if valid == 0:
            faults.append(_junctor_fault(path, "must validate one and only one schema (oneOf). Found none valid"))
            faults += sorted(results, key=len)[0]
        elif valid > 1:
            words = f"must validate one and only one schema (oneOf). Found {valid} valid alternatives"
            faults.append(_junctor_fault(path, words))
    if schema.get("allOf"):
        failed = [result for result in (_value(path, value, child) for child in schema["allOf"]) if result]
        if failed:
            words = "must validate all the schemas (allOf)"
            none = ". None validated" if len(failed) == len(schema["allOf"]) else ""
            faults.append(_junctor_fault(path, words + none))
            faults += [fault for result in failed for fault in result]
    if isinstance(schema.get("not"), Mapping) and not _value(path, value, schema["not"]):
        faults.append(_junctor_fault(path, "must not validate the schema (not)"))
    return faults


def validate_embedded(path: Path, value: Any, schema: Schema) -> Faults:
    """Faults of whole objects within an object: their apiVersion, kind and metadata."""
    faults: Faults = []
    if isinstance(value, dict):
        if schema.get("x-kubernetes-embedded-resource"):
            faults += _whole_object(path, value)
        properties, extra = schema.get("properties") or {}, schema.get("additionalProperties")
        for name in sorted(value):
            child = properties.get(name, extra)
            if isinstance(child, Mapping):
                where = path / name if name in properties else path[name]
                faults += validate_embedded(where, value[name], child)
    elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        for at, item in enumerate(value):
            faults += validate_embedded(path[at], item, schema["items"])
    return faults


def _whole_object(path: Path, obj: Mapping[str, Any]) -> Faults:
    from cluster.kinds.embedded import api_version_faults, kind_faults, metadata_faults, unreadable

    meta = obj.get("metadata")
    if meta is not None and (why := unreadable(meta)):
        return [invalid(path / "metadata", meta, why)]
    faults = [required(path / name) for name in ("apiVersion", "kind") if name not in obj]
    faults += api_version_faults(path / "apiVersion", obj["apiVersion"]) if "apiVersion" in obj else []
    faults += kind_faults(path / "kind", obj["kind"]) if "kind" in obj else []
    return faults + (metadata_faults(path / "metadata", meta) if meta is not None else [])


def list_types(path: Path, value: Any, schema: Schema) -> Faults:
    """Members of sets, and keys of lists that are maps, appear once."""
    faults: Faults = []
    if isinstance(value, dict):
        properties, extra = schema.get("properties") or {}, schema.get("additionalProperties")
        for name in sorted(value):
            child = properties.get(name, extra)
            if isinstance(child, Mapping):
                faults += list_types(path / name, value[name], child)
    elif isinstance(value, list):
        faults += _members(path, value, schema)
        if isinstance(schema.get("items"), Mapping):
            for at, item in enumerate(value):
                faults += list_types(path[at], item, schema["items"])
    return faults


def _members(path: Path, value: list[Any], schema: Schema) -> Faults:
    kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or ()
    if kind not in ("set", "map"):
        return []
    defaults = (schema.get("items") or {}).get("properties") or {}
    faults: Faults = []
    seen: dict[str, int] = {}
    for at, item in enumerate(value):
        shown = item
        if kind == "map":
            if not isinstance(item, dict):
                continue
            shown = {key: item.get(key, (defaults.get(key) or {}).get("default")) for key in sorted(keys)}
            shown = {key: held for key, held in shown.items() if held is not None}
        identity = json.dumps(shown, sort_keys=True)
        seen[identity] = seen.get(identity, 0) + 1
        # However often it is there, it is told once.
        if seen[identity] == 2:
            faults.append(duplicate(path[at], shown))
    return faults
