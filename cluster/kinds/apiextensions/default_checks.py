"""Defaults of a schema are values that the schema would accept: pruned, well formed, and within its rules."""

from __future__ import annotations

from typing import Any

from cluster.kinds.apiextensions.structural import EMBEDDED
from cluster.kinds.checks import Faults
from cluster.kinds.custom_schema import validate_embedded, validate_value
from cluster.kinds.schema_custom import prune_value
from cluster.meta.field import FieldError, Path, invalid
from cluster.meta.objects import clone

Schema = dict[str, Any]


def defaults(path: Path, schema: Schema) -> Faults:
    """Faults of every default below a version's schema, which is structural."""
    faults: Faults = []
    if schema.get("default") is not None:
        faults += _default(path / "default", schema["default"], schema)
    # Below additionalProperties defaults are refused as such.
    if isinstance(schema.get("items"), dict):
        faults += defaults(path / "items", schema["items"])
    for name in sorted(schema.get("properties") or ()):
        faults += defaults((path / "properties")[name], schema["properties"][name])
    return faults


def _default(path: Path, value: Any, schema: Schema) -> Faults:
    faults: Faults = []
    pruned = prune_value(clone(value), schema, embedded=bool(schema.get(EMBEDDED)))
    if pruned != value:
        faults.append(invalid(path, value, "must not have unknown fields"))
    found = [_at(path, fault) for fault in _embedded(value, schema) or validate_value(value, schema)]
    return faults + (found or _rules(path, value, schema))


def _embedded(value: Any, schema: Schema) -> Faults:
    return validate_embedded(Path(""), value, schema)


def _at(path: Path, fault: FieldError) -> FieldError:
    """A fault of a value, told at the place of the value."""
    where = fault.path if fault.path == "<nil>" or not fault.path else f"{path}.{fault.path.lstrip('.')}"
    return FieldError(fault.type, where or path, fault.value, fault.detail)


def _rules(path: Path, value: Any, schema: Schema) -> Faults:
    """The default as it was, and as it would be made anew."""
    from cluster.kinds.apiextensions.schema_checks import has_rules

    if not has_rules(schema):
        return []
    from cluster.kinds.custom_rules import faults_of_value

    return faults_of_value(path, value, value, schema) or faults_of_value(path, value, None, schema)
