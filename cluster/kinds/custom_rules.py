"""`x-kubernetes-validations`: the rules of a schema, run over an object and what it was before.

A tree of compiled rules is made of a schema when an object first meets it. Transition rules run where the old value
can be found; faults of values that did not change are let pass with a warning (ratcheting).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cluster.kinds.apiextensions.field_paths import follow
from cluster.kinds.cel_schema import Shape, shape_of, value_of
from cluster.kinds.checks import Faults
from cluster.kinds.custom import Judged
from cluster.meta.cel import Budget, BudgetExceeded, CompileError, EvalError, Opt, Program, compile
from cluster.meta.cel.types import opt_of
from cluster.meta.field import OMITTED, FaultType, FieldError, Path, invalid
from cluster.meta.types import Obj

Schema = Mapping[str, Any]
_WHOLE_BUDGET, _CALL_BUDGET = 10_000_000, 1_000_000
_KEPT = 128
_LONGEST_MESSAGE = 5120
_OUT = "validation failed due to running out of cost budget, no further validation rules will be run"
_REASONS = {
    "FieldValueForbidden": FaultType.FORBIDDEN,
    "FieldValueRequired": FaultType.REQUIRED,
    "FieldValueDuplicate": FaultType.DUPLICATE,
}
_MISSING: Any = object()


@dataclass(slots=True)
class Rule:
    """One rule, compiled; `broken` says why it could not be."""

    spec: Schema
    program: Program | None
    message: Program | None
    broken: str = ""
    place: str = ""
    """`fieldPath` as faults show it."""

    @property
    def transition(self) -> bool:
        return self.program is not None and "oldSelf" in self.program.names

    @property
    def optional(self) -> bool:
        return bool(self.spec.get("optionalOldSelf"))

    @property
    def words(self) -> str:
        return str(self.spec.get("message") or self.spec["rule"]).strip()


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
    shape = shape_of(schema, root or bool(schema.get("x-kubernetes-embedded-resource"))) if held else None
    out = Level(schema, [_rule(spec, schema, shape) for spec in held if (spec.get("rule") or "").strip()])
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


def _rule(spec: Schema, schema: Schema, shape: Shape | None) -> Rule:
    if shape is None:
        return Rule(spec, None, None, "rule compiler initialization error: failed to convert to declType")
    variables = {"self": shape.type, "oldSelf": opt_of(shape.type) if spec.get("optionalOldSelf") else shape.type}
    try:
        program = compile(spec["rule"], variables)
    except CompileError as error:
        return Rule(spec, None, None, f"rule compile error: compilation failed: {error}")
    # Types are done with: what is kept is what runs.
    program.checked = None
    return Rule(spec, program, _message_program(spec, variables), place=_place(spec, schema))


def _message_program(spec: Schema, variables: dict[str, Any]) -> Program | None:
    try:
        made = compile(spec["messageExpression"], variables) if spec.get("messageExpression") else None
    except CompileError:
        return None
    if made is not None:
        made.checked = None
    return made


def _place(spec: Schema, schema: Schema) -> str:
    try:
        return str(follow(spec.get("fieldPath") or "", dict(schema))[0])
    except ValueError:
        return ""


class CelRules:
    """Called as `cluster.kinds.custom.Rules`."""

    def __init__(self) -> None:
        self._levels: dict[int, tuple[Schema, Level]] = {}

    def __call__(self, new: Obj, old: Obj | None, schema: Schema) -> Judged:
        level = self._level(schema)
        return Judged([], []) if level.empty else _Walk().judge(level, Path(""), new, _MISSING if old is None else old)

    def _level(self, schema: Schema) -> Level:
        """Kept by identity: a kind's schema is one object for as long as the kind is served."""
        found = self._levels.get(id(schema))
        if found is None or found[0] is not schema:
            if len(self._levels) >= _KEPT:
                del self._levels[next(iter(self._levels))]
            found = self._levels[id(schema)] = (schema, level_of(schema, root=True))
        return found[1]


def faults_of_value(path: Path, value: Any, old: Any, schema: Schema) -> Faults:
    """Faults of one value by the rules of its schema; no old value is None."""
    return _Walk().judge(level_of(schema), path, value, _MISSING if old is None else old).faults


class _Spent(Exception):
    """No rule is run any more."""


@dataclass(frozen=True, slots=True)
class _Before:
    """What a value was: `old` to compare with in rules, `same` whether faults of it were there before: it, or the
    nearest value around it that can be told again, did not change."""

    old: Any
    same: bool
    traced: bool

    def within(self, old: Any, value: Any, traced: bool) -> _Before:
        known = self.traced and traced and old is not _MISSING
        if known:
            return _Before(old, old == value, True)
        return _Before(old, self.same, False)


class _Walk:
    """One run over an object: faults, warnings, and what may still be spent."""

    def __init__(self) -> None:
        self.faults: Faults = []
        self.warnings: list[str] = []
        self.left = _WHOLE_BUDGET

    def judge(self, level: Level, path: Path, value: Any, old: Any) -> Judged:
        try:
            self.walk(level, path, value, _Before(old, old is not _MISSING and old == value, old is not _MISSING))
        except _Spent:
            pass
        return Judged(self.faults, self.warnings)

    def walk(self, level: Level, path: Path, value: Any, before: _Before) -> None:
        if value is None:
            return
        if level.rules:
            self.run_all(level, path, value, before)
        for below, where, held, was in _members(level, path, value, before):
            self.walk(below, where, held, was)

    def run_all(self, level: Level, path: Path, value: Any, before: _Before) -> None:
        kind = level.schema.get("type") or ""
        seen: dict[str, Any] | None = None
        for rule in level.rules:
            if rule.program is None:
                self.faults.append(invalid(_at(path), kind, rule.broken))
                continue
            if rule.transition and not rule.optional and before.old in (_MISSING, None):
                continue
            if self.left <= 0:
                self.out(path, kind)
            if seen is None:
                seen = _variables(level.schema, value, before.old)
            variables = {**seen, "oldSelf": _optional(seen)} if rule.optional else seen
            self.run(rule, rule.program, path, kind, value, variables, before)

    def out(self, path: Path, kind: str) -> None:
        self.faults.append(invalid(_at(path), kind, _OUT))
        raise _Spent

    def run(
        self, rule: Rule, program: Program, path: Path, kind: str, value: Any, variables: Any, before: _Before
    ) -> None:
        budget = Budget(_CALL_BUDGET)
        try:
            held = program.run(variables, budget)
        except BudgetExceeded as error:
            words = f"'{error}': no further validation rules will be run due to call cost exceeds limit for rule: "
            self.faults.append(invalid(_at(path), kind, words + rule.words))
            raise _Spent from None
        except EvalError as error:
            self.charge(budget, path, kind)
            self.faults.append(invalid(_at(path), kind, _told(error, rule)))
            return
        self.charge(budget, path, kind)
        if held is not True:
            fault = self.fault(rule, path, kind, value, variables)
            self.tell(fault, ratcheted=before.same and not rule.transition)

    def charge(self, budget: Budget, path: Path, kind: str) -> None:
        spent = _CALL_BUDGET - budget.left
        if spent > self.left:
            self.out(path, kind)
        self.left -= spent

    def tell(self, fault: FieldError, ratcheted: bool) -> None:
        if ratcheted:
            self.warnings.append(f"{fault.path}: {fault.body()}")
        else:
            self.faults.append(fault)

    def fault(self, rule: Rule, path: Path, kind: str, value: Any, variables: Any) -> FieldError:
        where = Path(f"{path}{'.' if rule.place[:1] != '[' else ''}{rule.place}") if rule.place else path
        detail = self.message(rule, where, kind, variables)
        shown = OMITTED if kind in ("object", "array") else value
        type = _REASONS.get(rule.spec.get("reason") or "", FaultType.INVALID)
        if type is FaultType.INVALID:
            return FieldError(type, _at(where), shown, detail)
        return (
            FieldError(type, _at(where), shown)
            if type is FaultType.DUPLICATE
            else FieldError(type, _at(where), "", detail)
        )

    def message(self, rule: Rule, path: Path, kind: str, variables: Any) -> str:
        fallback = str(rule.spec.get("message") or "").strip() or f"failed rule: {rule.words}"
        if rule.message is None:
            return fallback
        budget = Budget(_CALL_BUDGET)
        source = str(rule.spec["messageExpression"])
        try:
            found = rule.message.run(variables, budget)
        except BudgetExceeded:
            words = "no further validation rules will be run due to call cost exceeds limit for messageExpression: "
            self.faults.append(invalid(_at(path), kind, f'{words}"{source}"'))
            raise _Spent from None
        except EvalError:
            found = None
        self.left -= _CALL_BUDGET - budget.left
        text = found.strip() if isinstance(found, str) else ""
        return text if text and "\n" not in text and len(text.encode()) <= _LONGEST_MESSAGE else fallback


def _at(path: str) -> str:
    return path.lstrip(".") or "<nil>"


def _members(level: Level, path: Path, value: Any, before: _Before) -> Iterator[tuple[Level, Path, Any, _Before]]:
    """The parts of a value that there are rules for."""
    if isinstance(value, dict):
        was = before.old if isinstance(before.old, dict) else {}
        for name in sorted(value) if level.extra is not None else ():
            assert level.extra is not None
            yield level.extra, path[name], value[name], before.within(was.get(name, _MISSING), value[name], True)
        for name, below in level.fields.items():
            if name in value:
                yield below, path / name, value[name], before.within(was.get(name, _MISSING), value[name], True)
    elif isinstance(value, list) and level.items is not None:
        counterpart = _counterparts(level.schema, before.old)
        for at, item in enumerate(value):
            old = counterpart(item)
            yield level.items, path[at], item, before.within(old, item, old is not _MISSING)


def _counterparts(schema: Schema, old: Any) -> Callable[[Any], Any]:
    """Which old item a new one was: known for lists that are maps only."""
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    if schema.get("x-kubernetes-list-type") != "map" or not isinstance(old, list):
        return lambda item: _MISSING
    known = {tuple(str(o.get(k)) for k in keys): o for o in old if isinstance(o, dict)}
    return lambda item: (
        known.get(tuple(str(item.get(k)) for k in keys), _MISSING) if isinstance(item, dict) else _MISSING
    )


def _variables(schema: Schema, value: Any, old: Any) -> dict[str, Any]:
    out = {"self": value_of(value, schema)}
    if old is not _MISSING and old is not None:
        out["oldSelf"] = value_of(old, schema)
    return out


def _optional(seen: dict[str, Any]) -> Opt:
    return Opt.of(seen["oldSelf"]) if "oldSelf" in seen else Opt()


_OVERLOAD = re.compile("no such overload")


def _told(error: EvalError, rule: Rule) -> str:
    if _OVERLOAD.match(str(error)):
        words = "call arguments did not match a supported operator, function or macro signature for rule: "
        return f"'{error}': {words}{rule.words}"
    return f"{error} evaluating rule: {rule.words}"
