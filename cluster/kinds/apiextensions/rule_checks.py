"""Rules of a schema when a definition is written: do they compile, and what may they cost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cluster.kinds.cel_schema import REQUEST, Shape, shape_of
from cluster.kinds.checks import Faults
from cluster.meta.cel import CompileError, Program, compile
from cluster.meta.cel.cost import MOST, estimate
from cluster.meta.cel.types import opt_of
from cluster.meta.field import FaultType, FieldError, Path, Verbatim, forbidden, invalid

if TYPE_CHECKING:
    from cluster.kinds.apiextensions.schema_checks import Place

Schema = dict[str, Any]
_RULE_LIMIT, _SCHEMA_LIMIT = 10_000_000, 100_000_000
_SHOWN = 4
"""Most expensive rules that are named when all together are too expensive, of those over a hundredth of the limit."""
_ADVICE = (
    "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength "
    "where arrays, maps, and strings are declared)"
)


class Costs:
    """What the rules of one schema cost together. `known`: the schema was accepted before."""

    def __init__(self, path: Path, schema: Schema, known: bool) -> None:
        self._path = path
        self._known = known
        self._root = schema
        self._total = 0
        self._listed: list[tuple[int, Path]] = []

    def rules(self, path: Path, schema: Schema, place: Place) -> Faults:
        """Faults of the rules at one place."""
        shape = shape_of(schema, place.root or bool(schema.get("x-kubernetes-embedded-resource")))
        if shape is None:
            why = (
                "internal error: failed to construct type information for x-kubernetes-validations rules: "
                "unable to convert structural schema to CEL declarations"
            )
            return [FieldError(FaultType.INTERNAL, path / "x-kubernetes-validations", "", why)]
        faults: Faults = []
        for at, rule in enumerate(schema["x-kubernetes-validations"]):
            faults += self._rule((path / "x-kubernetes-validations")[at], rule, shape, place)
        return faults

    def total_faults(self) -> Faults:
        if self._total <= _SCHEMA_LIMIT:
            return []
        words = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
        largest = sorted(self._listed, key=lambda listed: -listed[0])[:_SHOWN]
        name = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
        total = _exceeds(name, self._total, _SCHEMA_LIMIT)
        return [*(forbidden(path, words) for _, path in largest), forbidden(self._path, total)]

    def _rule(self, path: Path, rule: Schema, shape: Shape, place: Place) -> Faults:
        optional = bool(rule.get("optionalOldSelf"))
        variables = {"self": shape.type, "oldSelf": opt_of(shape.type) if optional else shape.type}
        try:
            program = compile(rule["rule"], variables)
        except CompileError as error:
            return [invalid(path / "rule", shown(rule), f"compilation failed: {error}"), *_old_unused(path, rule)]
        if program.type.kind != "bool":
            why = "cel expression must evaluate to a bool"
            return [invalid(path / "rule", shown(rule), why), *_old_unused(path, rule)]
        # Where nobody knows how often a value stands in an object, it is as often as fits into a request.
        times = REQUEST // (shape.least + 1) if place.times is None else place.times
        faults = self._charge(path / "rule", "estimated rule cost", min(_cost(program, shape) * times, MOST))
        faults += self._message(path / "messageExpression", rule, shape, variables)
        return faults + _old_self(path, rule, program, place)

    def _message(self, path: Path, rule: Schema, shape: Shape, variables: dict[str, Any]) -> Faults:
        text = rule.get("messageExpression")
        if not text:
            return []
        try:
            program = compile(text, variables)
        except CompileError as error:
            return [invalid(path, shown(rule), f"messageExpression compilation failed: {error}")]
        if program.type.kind != "string":
            return [invalid(path, shown(rule), "messageExpression must evaluate to a string")]
        return self._charge(path, "estimated messageExpression cost", _cost(program, shape))

    def _charge(self, path: Path, name: str, cost: int) -> Faults:
        self._total = min(self._total + cost, MOST)
        if cost >= _SCHEMA_LIMIT // 100:
            self._listed.append((cost, path))
        over = cost > _RULE_LIMIT and not self._known
        return [forbidden(path, _exceeds(name, cost, _RULE_LIMIT))] if over else []


def _cost(program: Program, shape: Shape) -> int:
    assert program.checked is not None
    return estimate(program.checked, shape.size_at).most


def _old_self(path: Path, rule: Schema, program: Program, place: Place) -> Faults:
    if "oldSelf" not in program.names:
        return _old_unused(path, rule)
    if not place.lost:
        return []
    words = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {place.lost}"
    return [invalid(path / "rule", rule["rule"], words)]


def _old_unused(path: Path, rule: Schema) -> Faults:
    if rule.get("optionalOldSelf") is None:
        return []
    why = "may not be set if oldSelf is not used in rule"
    return [invalid(path / "optionalOldSelf", rule["optionalOldSelf"], why)]


def _exceeds(name: str, cost: int, limit: int) -> str:
    factor = cost / limit
    text = "more than 100x" if factor > 100 else f"{factor:f}x" if factor < 1.5 else f"{factor:.1f}x"
    return f"{name} exceeds budget by factor of {text} {_ADVICE}"


def shown(rule: Schema) -> Verbatim:
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
