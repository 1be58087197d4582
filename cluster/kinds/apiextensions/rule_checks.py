"""Rules of a schema when a definition is written: do they compile, and what may they cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from cluster.kinds.cel_schema import type_of
from cluster.kinds.checks import Faults
from cluster.meta.cel import CompileError, Program, compile
from cluster.meta.cel.checker import UNBOUNDED
from cluster.meta.cel.types import OPT, Type
from cluster.meta.field import Path, Verbatim, forbidden, invalid

Schema = dict[str, Any]
_RULE_LIMIT, _SCHEMA_LIMIT = 10_000_000, 100_000_000
_ADVICE = (
    "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength "
    "where arrays, maps, and strings are declared)"
)


class _Cost(NamedTuple):
    path: Path
    cost: int


def rules(path: Path, schema: Schema) -> Faults:
    """Faults of every rule of a schema, and of all together."""
    costs: list[_Cost] = []
    faults = _level(path, schema, 1, "", costs, root=True)
    total = sum(cost.cost for cost in costs)
    if total > _SCHEMA_LIMIT:
        largest = sorted((c for c in costs if c.cost > _RULE_LIMIT), key=lambda c: -c.cost)[:4]
        words = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
        faults += [forbidden(cost.path, words) for cost in largest]
        name = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
        faults.append(forbidden(path, _exceeds(name, total, _SCHEMA_LIMIT)))
    return faults


def _level(path: Path, schema: Schema, times: int, lost: str, costs: list[_Cost], root: bool = False) -> Faults:
    """`times` is how often the place may stand in an object, `lost` where old values stopped being known."""
    faults: Faults = []
    held = type_of(schema, root)
    for at, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        faults += _rule((path / "x-kubernetes-validations")[at], rule, held, times, lost, costs)
    for name in sorted(schema.get("properties") or ()):
        faults += _level((path / "properties")[name], schema["properties"][name], times, lost, costs)
    extra, items = schema.get("additionalProperties"), schema.get("items")
    if isinstance(extra, dict):
        more = times * _most(schema.get("maxProperties"))
        faults += _level(path / "additionalProperties", extra, more, lost, costs)
    if isinstance(items, dict):
        known = schema.get("x-kubernetes-list-type") == "map"
        more = times * _most(schema.get("maxItems"))
        faults += _level(path / "items", items, more, lost if known else lost or str(path), costs)
    return faults


def _most(stated: int | None) -> int:
    return UNBOUNDED if stated is None else stated


def _rule(path: Path, rule: Schema, held: Type, times: int, lost: str, costs: list[_Cost]) -> Faults:
    optional = bool(rule.get("optionalOldSelf"))
    variables = {"self": held, "oldSelf": OPT if optional else held}
    try:
        program = compile(rule["rule"], variables)
    except CompileError as error:
        return [invalid(path / "rule", _shown(rule), f"compilation failed: {error}")]
    faults: Faults = []
    if program.type.kind not in ("bool", "dyn"):
        return [invalid(path / "rule", _shown(rule), "cel expression must evaluate to a bool")]
    if "oldSelf" in program.names and lost:
        words = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {lost}"
        faults.append(invalid(path / "rule", _shown(rule), words))
    cost = program.cost * times
    costs.append(_Cost(path / "rule", cost))
    if cost > _RULE_LIMIT:
        faults.append(forbidden(path / "rule", _exceeds("estimated rule cost", cost, _RULE_LIMIT)))
    return faults + _message(path / "messageExpression", rule, variables)


def _message(path: Path, rule: Schema, variables: Mapping[str, Type]) -> Faults:
    text = rule.get("messageExpression")
    if not text:
        return []
    try:
        program: Program = compile(text, variables)
    except CompileError as error:
        return [invalid(path, _shown(rule), f"messageExpression compilation failed: {error}")]
    if program.type.kind not in ("string", "dyn"):
        return [invalid(path, _shown(rule), "messageExpression must evaluate to a string")]
    return []


def _exceeds(name: str, cost: int, limit: int) -> str:
    factor = cost / limit
    shown = "more than 100x" if factor > 100 else f"{factor:f}x" if factor < 1.5 else f"{factor:.1f}x"
    return f"{name} exceeds budget by factor of {shown} {_ADVICE}"


def _shown(rule: Schema) -> Verbatim:
    """A rule as Go writes the structure it is held in."""
    held = {
        "Rule": rule.get("rule") or "",
        "Message": rule.get("message") or "",
        "MessageExpression": rule.get("messageExpression") or "",
        "Reason": rule.get("reason"),
        "FieldPath": rule.get("fieldPath") or "",
        "OptionalOldSelf": rule.get("optionalOldSelf"),
    }
    text = json.dumps(held, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Verbatim(text)
