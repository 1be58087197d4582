"""values.schema.json: the `jsonschema` package decides, and its errors are told in the words of the validator that
Helm uses (santhosh-tekuri/jsonschema v6), as a tree: what one subschema found stands together.

Schemas are the chart's, so a stranger's: `$ref` may point into the schema itself, `urn:` references that nobody
resolves are accepted as Helm accepts them, and anything that would need a disk or a network is refused by name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.exceptions import SchemaError
from jsonschema.validators import validator_for
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from pyhelm.chart.model import Chart
from pyhelm.errors import ValuesError
from pyhelm.formats.json_read import JSONError, load
from pyhelm.values.formats import CHECKS
from pyhelm.values.patterns import Way, additional, bad_patterns, with_re2

Values = dict[str, Any]
ASSERTED = ("draft-03", "draft-04", "draft-06", "draft-07")
"""Drafts in which `format` is an assertion."""


def check_values(chart: Chart, values: Values) -> None:
    """Check the values of a chart and of its subcharts, each against its own schema. Raises one ValuesError."""
    faults = "".join(_faults(chart, values))
    if faults:
        head = "values don't meet the specifications of the schema(s) in the following chart(s):\n"
        raise ValuesError(head + faults.rstrip("\n"))


def _faults(chart: Chart, values: Values) -> Iterator[str]:
    if chart.schema is not None:
        text = schema_fault(chart.schema, values)
        if text:
            yield f"{chart.name}:\n{text}\n"
    for child in chart.dependencies:
        below = values.get(child.name)
        if isinstance(below, dict):
            yield from _faults(child, below)


def schema_fault(schema_text: bytes, values: Values) -> str:
    """What is wrong with one chart's values, or with its schema; empty when all is well."""
    if not schema_text.strip():
        return "EOF"
    try:
        schema = load(schema_text.decode("utf-8", "replace"))
    except JSONError as error:
        return "unexpected EOF" if str(error) == "unexpected end of JSON input" else str(error)
    schema = _whole(schema)
    if not isinstance(schema, dict | bool):
        return '"file:///values.schema.json#" is not valid against metaschema: a schema is an object or a boolean'
    cls: Any = validator_for(schema, default=Draft202012Validator)
    if refused := _bad_patterns(schema, cls):
        return refused
    try:
        cls.check_schema(schema, format_checker=FormatChecker(formats=()))
    except SchemaError as error:
        return _bad_schema(error)
    cls = with_re2(cls)
    asserted = isinstance(schema, dict) and any(d in str(schema.get("$schema")) for d in ASSERTED)
    registry: Any = Registry(retrieve=_retrieve)  # type: ignore[call-arg]  # an attrs class, which mypy cannot read
    validator = cls(schema, registry=registry, format_checker=_CHECKER if asserted else None)
    try:
        errors = list(validator.iter_errors(_whole(values)))
    except Unresolvable as error:
        return _unresolved(error)
    return "\n".join(line for item in _tree(errors, ()).flat() for line in item.lines(0))


def _whole(value: Any) -> Any:
    """Floats without a fraction as integers: JSON knows one kind of number."""
    if isinstance(value, dict):
        return {k: _whole(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_whole(v) for v in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _retrieve(uri: str) -> Resource[Any]:
    if uri.startswith("urn:"):
        return DRAFT202012.create_resource(True)
    raise LookupError(uri)


def _unresolved(error: Unresolvable) -> str:
    ref = str(error.ref)
    if ref.startswith(("#", "/")):
        return f'json-pointer in "file:///values.schema.json#{ref.removeprefix("#")}" not found'
    return f'"{ref}" is not part of the schema, and a schema of a chart may not be read from elsewhere'


def _bad_schema(error: SchemaError) -> str:
    place = _pointer(error.absolute_path)
    why = _message(error)
    return f'"file:///values.schema.json#" is not valid against metaschema: at {_q(place)}: {why}'


def _bad_patterns(schema: Any, cls: Any) -> str:
    """The refusal of expressions RE2 does not know, as the validator of Helm's language nests it."""
    faults = [_pattern_fault(*found, nested=_is_layered(cls)) for found in bad_patterns(schema)]
    if not faults:
        return ""
    lines = "\n".join(line for fault in _merged(faults) for line in fault.lines(0))
    name = str(cls.META_SCHEMA.get("$id") or cls.META_SCHEMA.get("id")).rstrip("#")
    head = f"jsonschema validation failed with '{name}#'"
    return f'"file:///values.schema.json#" is not valid against metaschema: {head}\n{lines}'


def _is_layered(cls: Any) -> bool:
    """Whether the draft's metaschema is made of vocabularies."""
    return "allOf" in cls.META_SCHEMA


def _pattern_fault(way: Way, keyword: str, expression: str, why: str, *, nested: bool) -> _Fault:
    said = f"{_q(expression)} is not valid regex: {why}"
    place = _pointer((*way[-1], keyword))
    fault = _Fault(place, said)
    if keyword == "patternProperties":
        fault = _Fault(place, f"invalid propertyName {_q(expression)}", [_Fault("", said)])
    for pointer in reversed(way) if nested else ():
        fault = _Fault(_pointer(pointer), "'allOf' failed", [fault])
    return fault


def _merged(faults: list[_Fault]) -> list[_Fault]:
    """Faults below the same place put together."""
    out: list[_Fault] = []
    for fault in faults:
        same = next((f for f in out if (f.place, f.message) == (fault.place, fault.message) and f.below), None)
        if same is None:
            out.append(fault)
        else:
            same.below = _merged([*same.below, *fault.below])
    return out


# The tree. An error of `jsonschema` is a leaf with the way through the schema that led to it. Steps of that way that
# enter a subschema on the same or a deeper value are branches; a branch that holds one fault stands for it, one that
# holds several is "validation failed" with the faults below it.


@dataclass
class _Fault:
    place: str
    message: str
    below: list[_Fault] = field(default_factory=list)
    group: bool = False

    def flat(self) -> list[_Fault]:
        """What stands at the top: a group there is its parts."""
        return self.below if self.group else [self]

    def lines(self, depth: int) -> Iterator[str]:
        yield f"{'  ' * depth}- at {_q(self.place)}: {self.message}"
        for fault in self.below:
            yield from fault.lines(depth + 1)


_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions"})
"""Keywords whose next step is a name, then the subschema."""
_ENTERING = frozenset(
    {"additionalProperties", "unevaluatedProperties", "additionalItems", "unevaluatedItems", "items", "prefixItems"}
    | {"$ref", "$dynamicRef", "$recursiveRef", "if", "then", "else", "contains", "propertyNames", "allOf"}
)
_TRANSPARENT = frozenset({"$ref", "$dynamicRef", "$recursiveRef", "if", "then", "else"})


def _tree(errors: Iterable[ValidationError], base: tuple[Any, ...]) -> _Fault:
    """All faults that one evaluation of a schema found."""
    found = [(list(error.relative_schema_path), error) for error in errors]
    return _evaluation([(path, [], error) for path, error in found], base)


Step = tuple[list[Any], list[Any], ValidationError]


def _evaluation(steps: list[Step], place: tuple[Any, ...]) -> _Fault:
    faults: list[_Fault] = []
    branches: dict[tuple[Any, ...], list[Step]] = {}
    for path, passed, error in steps:
        taken = _entered(path)
        if not taken:
            faults.extend(
                f for f in _leaves(error) if (f.place, f.message) not in {(g.place, g.message) for g in faults}
            )
            continue
        keyword = path[0]
        instance = _instance_step(keyword, error, len(passed))
        branch = (*path[: 1 if keyword == "allOf" else taken], *instance)
        branches.setdefault(branch, []).append((path[taken:], [*passed, *instance], error))
    for branch, inner in branches.items():
        faults.extend(_branch(branch[0], inner, place))
    return _joined(faults, _pointer(place))


def _branch(keyword: str, steps: list[Step], place: tuple[Any, ...]) -> list[_Fault]:
    below = tuple(_absolute(steps[0])[: len(place) + (len(steps[0][1]) - len(place))])
    if keyword == "allOf":
        parts = [_evaluation([step], below) for step in steps]
        return [_Fault(_pointer(below), "'allOf' failed", parts)]
    if keyword == "propertyNames":
        by_name: dict[str, list[Step]] = {}
        for step in steps:
            by_name.setdefault(str(step[2].instance), []).append(step)
        return [
            _Fault("", f"invalid propertyName {_q(n)}", [_detached(_evaluation(s, ()))]) for n, s in by_name.items()
        ]
    fault = _evaluation(steps, below)
    if keyword in _TRANSPARENT and fault.group:
        return fault.below
    return [fault]


def _absolute(step: Step) -> list[Any]:
    return list(step[2].absolute_path)[: len(step[1])]


def _entered(path: Sequence[Any]) -> int:
    """How many steps of the way lead into a subschema; 0 for a keyword's own fault."""
    if len(path) < 2:
        return 0
    keyword = path[0]
    if keyword in _NAMED and len(path) > 2:
        return 2
    if keyword in ("allOf", "prefixItems") or (keyword == "items" and isinstance(path[1], int)):
        return 2
    return 1 if keyword in _ENTERING else 0


def _instance_step(keyword: str, error: ValidationError, depth: int) -> list[Any]:
    """The part of the value that a keyword steps into."""
    if keyword in ("properties", "patternProperties", "additionalProperties", "unevaluatedProperties") or keyword in (
        "items",
        "prefixItems",
        "additionalItems",
        "unevaluatedItems",
        "contains",
    ):
        way = list(error.absolute_path)
        return way[depth : depth + 1]
    return []


def _joined(faults: list[_Fault], place: str) -> _Fault:
    if len(faults) == 1:
        return faults[0]
    return _Fault(place, "validation failed", faults, group=True)


def _detached(fault: _Fault) -> _Fault:
    """A name has no place of its own among the values."""
    return _Fault("", fault.message, [_detached(f) for f in fault.below], fault.group)


def _leaves(error: Any) -> list[_Fault]:
    """The faults one error of a keyword stands for: what no schema allows is named one by one."""
    if error.validator == "unevaluatedProperties" and error.validator_value is False:
        names = [n for n in error.instance if repr(n) in error.message]
        return [_Fault(_pointer([*error.absolute_path, name]), "false schema") for name in names]
    return [_leaf(error)]


def _leaf(error: Any) -> _Fault:
    place = _pointer(error.absolute_path)
    keyword = str(error.validator)
    below: list[_Fault] = []
    if keyword in ("anyOf", "oneOf"):
        below = _alternatives(error)
    elif keyword == "contains":
        below = _contained(error)
    return _Fault(place, _message(error), below)


def _alternatives(error: ValidationError) -> list[_Fault]:
    """One fault for each alternative that failed."""
    by_index: dict[Any, list[Step]] = {}
    way = list(error.absolute_path)
    for inner in error.context or []:
        path = list(inner.relative_schema_path)
        by_index.setdefault(path[0], []).append((path[1:], list(way), inner))
    return [_evaluation(steps, tuple(way)) for steps in by_index.values()]


def _contained(error: Any) -> list[_Fault]:
    out = []
    cls = validator_for(error.schema, default=Draft202012Validator)
    for i, item in enumerate(error.instance):
        for inner in with_re2(cls)(error.validator_value).iter_errors(item):
            place = _pointer([*error.absolute_path, i, *inner.absolute_path])
            out.append(_Fault(place, _message(inner)))
    return out


def _pointer(path: Iterable[Any]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _q(text: str) -> str:
    """A quoted word of a message."""
    inner = json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"'{inner}'"


def _list(words: Iterable[str]) -> str:
    return ", ".join(_q(word) for word in words)


def _number(value: Any) -> str:
    """Numbers of messages: digits in threes, at most three after the point."""
    if isinstance(value, float):
        text = f"{value:,.3f}".rstrip("0").rstrip(".")
        return text or "0"
    return f"{value:,}"


def _type(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return _q(value)
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _message(error: Any) -> str:
    make = _MESSAGES.get(str(error.validator))
    return make(error) if make else "false schema" if error.validator is None else f"'{error.validator}' failed"


def _wanted_type(error: Any) -> str:
    wanted = error.validator_value
    words = [wanted] if isinstance(wanted, str) else wanted
    return f"got {_type(error.instance)}, want {' or '.join(words)}"


def _missing(error: Any) -> str:
    missing = [name for name in error.validator_value if name not in error.instance]
    return f"missing propert{'y' if len(missing) == 1 else 'ies'} {_list(missing)}"


def _additional(error: Any) -> str:
    extra = additional(error.instance, error.schema)
    return f"additional properties {_list(extra)} not allowed"


def _enum(error: Any) -> str:
    if any(isinstance(v, dict | list) for v in error.validator_value):
        return "enum failed"
    return "value must be one of " + ", ".join(_shown(v) for v in error.validator_value)


def _const(error: Any) -> str:
    value = error.validator_value
    return "const failed" if isinstance(value, dict | list) else f"value must be {_shown(value)}"


def _one_of(error: Any) -> str:
    if error.context:
        return "'oneOf' failed, none matched"
    cls = validator_for(error.schema, default=Draft202012Validator)
    matched = [str(i) for i, s in enumerate(error.validator_value) if with_re2(cls)(s).is_valid(error.instance)]
    return f"'oneOf' failed, subschemas {', '.join(matched[:2])} matched"


def _dependency(error: Any) -> str:
    for name, wanted in error.validator_value.items():
        if name in error.instance and isinstance(wanted, list):
            missing = [w for w in wanted if w not in error.instance]
            if missing:
                return f"properties {_list(missing)} required, if {_q(name)} exists"
    return "validation failed"


def _equal_items(error: Any) -> str:
    items = error.instance
    for j in range(len(items)):
        for i in range(j):
            if items[i] == items[j] and type(items[i]) is type(items[j]):
                return f"items at {i} and {j} are equal"
    return "items are not unique"


def _contains(error: Any) -> str:
    return "no items match contains schema"


def _format(error: Any) -> str:
    check = CHECKS.get(error.validator_value)
    why = check(error.instance) if check else ""
    return f"{_q(str(error.instance))} is not valid {error.validator_value}: {why}"


def _got_want(measure: Callable[[Any], Any]) -> Callable[[Any], str]:
    def message(error: Any) -> str:
        got, want = _number(measure(error.instance)), _number(error.validator_value)
        return f"{error.validator}: got {got}, want {want}"

    return message


_MESSAGES: dict[str, Callable[[Any], str]] = {
    "type": _wanted_type,
    "required": _missing,
    "additionalProperties": _additional,
    "unevaluatedProperties": lambda error: "false schema",
    "enum": _enum,
    "const": _const,
    "oneOf": _one_of,
    "pattern": lambda error: f"{_q(error.instance)} does not match pattern {_q(error.validator_value)}",
    "dependencies": _dependency,
    "dependentRequired": _dependency,
    "uniqueItems": _equal_items,
    "contains": _contains,
    "format": _format,
    **{key: _got_want(len) for key in ("minLength", "maxLength", "minItems", "maxItems")},
    **{key: _got_want(len) for key in ("minProperties", "maxProperties")},
    **{key: _got_want(lambda v: v) for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")},
    "multipleOf": _got_want(lambda v: v),
}

_CHECKER = FormatChecker(formats=())
for _name, _check in CHECKS.items():
    _CHECKER.checks(_name)(lambda value, check=_check: not check(value))
