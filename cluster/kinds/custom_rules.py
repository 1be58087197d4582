"""`x-kubernetes-validations`: the rules of a schema, run over an object and what it was before.

A tree of compiled rules is made of a schema when an object first meets it. Transition rules run where the old value
can be found; faults of values that did not change are let pass (ratcheting).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cluster.kinds.cel_schema import type_of, value_of
from cluster.kinds.checks import Faults
from cluster.meta.cel import Budget, BudgetExceeded, CompileError, EvalError, Opt, Program, compile
from cluster.meta.cel.types import OPT
from cluster.meta.field import OMITTED, FaultType, FieldError, Path
from cluster.meta.types import Obj

Schema = Mapping[str, Any]
_WHOLE_BUDGET, _CALL_BUDGET = 10_000_000, 1_000_000
_KEPT = 128
_OUT = "validation failed due to running out of cost budget, no further validation rules will be run"
_REASONS = {
    "FieldValueForbidden": FaultType.FORBIDDEN,
    "FieldValueRequired": FaultType.REQUIRED,
    "FieldValueDuplicate": FaultType.DUPLICATE,
}
_MISSING: Any = object()


@dataclass(slots=True)
class Rule:
    """One rule, compiled. `program` is None where it does not compile (it then is passed over)."""

    spec: Schema
    program: Program
    message: Program | None
    transition: bool
    optional: bool


@dataclass(slots=True)
class Level:
    """The rules at one place of a schema and below it."""

    schema: Schema
    rules: list[Rule]
    fields: dict[str, Level] = field(default_factory=dict)
    items: Level | None = None
    extra: Level | None = None

    @property
    def empty(self) -> bool:
        return not (self.rules or self.fields or self.items or self.extra)


def level_of(schema: Schema, root: bool = False) -> Level:
    """The tree of rules of a schema."""
    held = schema.get("x-kubernetes-validations") or ()
    rules = [rule for spec in held if (rule := _rule(spec, schema, root)) is not None]
    out = Level(schema, rules)
    for name, child in sorted((schema.get("properties") or {}).items()):
        below = level_of(child)
        if not below.empty:
            out.fields[name] = below
    out.items, out.extra = _below(schema.get("items")), _below(schema.get("additionalProperties"))
    return out


def _below(schema: Any) -> Level | None:
    if not isinstance(schema, Mapping):
        return None
    below = level_of(schema)
    return None if below.empty else below


def _rule(spec: Schema, schema: Schema, root: bool) -> Rule | None:
    held = type_of(schema, root)
    optional = bool(spec.get("optionalOldSelf"))
    variables = {"self": held, "oldSelf": OPT if optional else held}
    try:
        program = compile(spec["rule"], variables)
    except CompileError:
        return None
    message = None
    if spec.get("messageExpression"):
        try:
            message = compile(spec["messageExpression"], variables)
        except CompileError:
            message = None
    return Rule(spec, program, message, "oldSelf" in program.names, optional)


class CelRules:
    """Called as `cluster.kinds.custom.Rules`: (new, old or None, schema) -> faults."""

    def __init__(self) -> None:
        self._levels: dict[int, tuple[Schema, Level]] = {}

    def __call__(self, new: Obj, old: Obj | None, schema: Schema) -> Faults:
        level = self._level(schema)
        if level.empty:
            return []
        budget = Budget(_WHOLE_BUDGET)
        try:
            return list(_walk(level, Path(""), new, _MISSING if old is None else old, budget))
        except _Spent as spent:
            return [*spent.faults, FieldError(FaultType.INVALID, "<nil>", None, _OUT)]

    def applies(self, schema: Schema) -> bool:
        return not self._level(schema).empty

    def _level(self, schema: Schema) -> Level:
        """Kept by identity: a kind's schema is one object for as long as the kind is served."""
        found = self._levels.get(id(schema))
        if found is None or found[0] is not schema:
            if len(self._levels) >= _KEPT:
                del self._levels[next(iter(self._levels))]
            found = self._levels[id(schema)] = (schema, level_of(schema, root=True))
        return found[1]


class _Spent(Exception):
    def __init__(self, faults: Faults) -> None:
        self.faults = faults


def _walk(level: Level, path: Path, value: Any, old: Any, budget: Budget) -> Iterator[FieldError]:
    if value is None:
        return
    if level.rules:
        yield from _own(level, path, value, old, budget)
    if isinstance(value, dict):
        before = old if isinstance(old, dict) else {}
        for name, below in level.fields.items():
            if name in value:
                yield from _walk(below, path / name, value[name], before.get(name, _MISSING), budget)
        if level.extra is not None:
            for name in sorted(value):
                yield from _walk(level.extra, path[name], value[name], before.get(name, _MISSING), budget)
    elif isinstance(value, list) and level.items is not None:
        counterpart = _counterparts(level.schema, old)
        for at, item in enumerate(value):
            yield from _walk(level.items, path[at], item, counterpart(item), budget)


def _counterparts(schema: Schema, old: Any):  # type: ignore[no-untyped-def]
    """Which old item a new one was: known for lists that are maps only."""
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    if schema.get("x-kubernetes-list-type") != "map" or not isinstance(old, list):
        return lambda item: _MISSING
    known = {tuple(str(o.get(k)) for k in keys): o for o in old if isinstance(o, dict)}
    return lambda item: (
        known.get(tuple(str(item.get(k)) for k in keys), _MISSING) if isinstance(item, dict) else _MISSING
    )


def _own(level: Level, path: Path, value: Any, old: Any, budget: Budget) -> Iterator[FieldError]:
    unchanged = old is not _MISSING and old == value
    seen: Any = None
    for rule in level.rules:
        if rule.transition and not rule.optional and (old is _MISSING or old is None):
            continue
        if seen is None:
            seen = _variables(level.schema, value, old)
        variables = {**seen, "oldSelf": _optional(seen)} if rule.optional else seen
        fault = _run(rule, path, value, variables, budget)
        if fault is not None and not (unchanged and not rule.transition):
            yield fault


def _variables(schema: Schema, value: Any, old: Any) -> dict[str, Any]:
    out = {"self": value_of(value, schema)}
    if old is not _MISSING and old is not None:
        out["oldSelf"] = value_of(old, schema)
    return out


def _optional(seen: dict[str, Any]) -> Opt:
    return Opt.of(seen["oldSelf"]) if "oldSelf" in seen else Opt()


def _run(rule: Rule, path: Path, value: Any, variables: dict[str, Any], budget: Budget) -> FieldError | None:
    own = Budget(min(_CALL_BUDGET, budget.left))
    before = own.left
    words = str(rule.spec.get("message") or rule.spec["rule"]).strip()
    try:
        held = rule.program.run(variables, own)
        return None if held is True else _fault(rule, path, value, variables, own)
    except BudgetExceeded:
        if own.left + before >= budget.left:
            raise _Spent([]) from None
        detail = f"no further validation rules will be run due to call cost exceeds limit for rule: {words}"
        raise _Spent([FieldError(FaultType.INVALID, path, _shown(value), detail)]) from None
    except EvalError as error:
        return FieldError(FaultType.INVALID, path, _shown(value), f"{error} evaluating rule: {words}")
    finally:
        budget.left -= before - max(own.left, 0)


def _fault(rule: Rule, path: Path, value: Any, variables: dict[str, Any], budget: Budget) -> FieldError:
    detail = _message(rule, variables, budget)
    where = Path(path + _field_path(rule.spec.get("fieldPath") or "")) if rule.spec.get("fieldPath") else path
    type = _REASONS.get(rule.spec.get("reason") or "", FaultType.INVALID)
    if type is FaultType.DUPLICATE:
        return FieldError(type, where.lstrip("."), _shown(value))
    return FieldError(type, where.lstrip("."), "" if type is not FaultType.INVALID else _shown(value), detail)


def _field_path(text: str) -> str:
    """`.a['b']` as paths are written: `.a[b]`."""
    return re.sub(r"\['((?:[^'\\]|\\.)*)'\]", lambda m: f"[{m[1]}]", text)


def _message(rule: Rule, variables: dict[str, Any], budget: Budget) -> str:
    fallback = str(rule.spec.get("message") or "").strip() or f"failed rule: {str(rule.spec['rule']).strip()}"
    if rule.message is None:
        return fallback
    try:
        found = rule.message.run(variables, budget)
    except BudgetExceeded:
        raise
    except EvalError:
        return fallback
    fits = isinstance(found, str) and found.strip() and "\n" not in found and len(found) <= 5120
    return str(found).strip() if fits else fallback


def _shown(value: Any) -> Any:
    """Structures are too long to be shown."""
    return OMITTED if isinstance(value, dict | list) else value
