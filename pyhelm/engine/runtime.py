"""What compiled templates run on: Go's access to data, loops, named templates, limits.

Compiled code sees nothing but the names a `Linker` gives it: `T` (text of a value), `G1`… and `E1`… (chains of
fields), `M` (methods), `R` and `P` (what a range walks), `X` (the template action), `F` (a failure known beforehand),
`f_NAME` (functions) and `i_N` (constants of Go's int). Neither the parser nor Jinja2 is imported from here.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from types import CodeType, FunctionType
from typing import Any, ClassVar

from pyhelm.engine.functions import resolve
from pyhelm.engine.functions.errors import GoCallError, GoTypeError
from pyhelm.engine.goprint import text_of, to_text
from pyhelm.engine.interface import Limits
from pyhelm.formats.gotypes import GoInt, GoObject, StringMap, type_of

__all__ = ["FailError", "GoExecError", "LimitError", "Linker", "Meter", "Scope", "Unit", "field", "not_text"]


class Scope(dict[str, Any]):
    """`common.Values`: the data a file of a chart is run with, and its .Values."""

    go_type: ClassVar[str] = "common.Values"
    go_kind: ClassVar[str] = "map"


class GoExecError(Exception):
    """What text/template itself finds wrong while it runs a template; said as it stands."""


class FailError(Exception):
    """`fail`, and `required` without a value: the chart's own words."""


class LimitError(Exception):
    """A bound for hostile charts was reached."""


class Meter:
    """Counts what a render uses up, against its limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.loops = limits.loops
        self.output = limits.output_bytes
        self.calls = 0
        self.depth = 0
        self.names: dict[str, int] = {}
        self.deadline = monotonic() + limits.seconds

    def check_time(self) -> None:
        if monotonic() > self.deadline:
            raise LimitError(f"rendering takes longer than {self.limits.seconds:g} seconds")

    def loop(self, count: int) -> None:
        self.loops -= count
        if self.loops < 0:
            raise LimitError(f"more than {self.limits.loops} rounds of loops")

    def text(self, size: int) -> None:
        self.output -= size
        if self.output < 0:
            raise LimitError(f"more than {self.limits.output_bytes} characters of output")


class Unit:
    """The named templates of one file, compiled; unmarshalled when the first of them is wanted."""

    __slots__ = ("blob", "codes", "filename", "names")

    def __init__(self, filename: str, names: list[tuple[str, bool]], blob: bytes) -> None:
        self.filename = filename
        self.names = names
        self.blob = blob
        self.codes: list[CodeType] | None = None

    def code(self, index: int) -> CodeType:
        if self.codes is None:
            self.codes = marshal.loads(self.blob)
        return self.codes[index]


def not_text(value: Any, argument: int) -> GoTypeError:
    """The refusal of an argument that should be a string."""
    if value is None:
        return GoTypeError("invalid value; expected string", argument)
    return GoTypeError(f"wrong type for value; expected string; got {type_of(value)}", argument)


# fields


def _types_of(value: Any) -> str:
    return "interface {}" if value is None else type_of(value)


def _methods(value: Any) -> Mapping[str, Callable[..., Any]]:
    found = getattr(value, "go_methods", None)
    return found() if found is not None else {}


def _invoke(method: Callable[..., Any], name: str, arguments: tuple[Any, ...]) -> Any:
    wanted = getattr(method, "parameters", None)
    if wanted is not None:
        if len(wanted) != len(arguments):
            raise GoExecError(f"wrong number of args for {name}: want {len(wanted)} got {len(arguments)}")
        for index, (kind, value) in enumerate(zip(wanted, arguments)):
            if kind == "string" and not isinstance(value, str):
                raise not_text(value, index)
    return method(*arguments)


def _step(value: Any, name: str, shown: str) -> Any:
    """The field or method `name` of a value that is not nil."""
    method = _methods(value).get(name)
    if method is not None:
        return _invoke(method, name, ())
    if isinstance(value, dict):
        found = dict.get(value, name)
        if found is None and type(value) is not dict:
            if isinstance(value, StringMap):
                return ""
            if value.__class__.__name__ == "Files":
                return b""
        return found
    if isinstance(value, GoObject):
        fields = value.go_fields()
        if name in fields:
            return fields[name]
    raise GoExecError(f"can't evaluate field {name} in type {shown}")


def field(value: Any, names: Iterable[str], element: bool) -> Any:
    """The slow road of a chain of fields: methods, missing keys and Go's complaints."""
    shown = "interface {}" if element else _types_of(value)
    for place, name in enumerate(names):
        if value is None:
            if not place and not element:
                return None
            raise GoExecError(f"nil pointer evaluating {shown}.{name}")
        inside_map = isinstance(value, dict)
        value = _step(value, name, shown)
        shown = "interface {}" if inside_map else _types_of(value)
    return value


_PLAIN = (KeyError, TypeError, AttributeError)


def _g1(value: Any, a: str) -> Any:
    kind = value.__class__
    if kind is dict or kind is Scope:
        return value.get(a)
    return field(value, (a,), False)


def _g2(value: Any, a: str, b: str) -> Any:
    try:
        found = value[a]
        kind = found.__class__
        if kind is dict or kind is Scope:
            return found.get(b)
    except _PLAIN:
        pass
    return field(value, (a, b), False)


def _g3(value: Any, a: str, b: str, c: str) -> Any:
    try:
        found = value[a][b]
        if found.__class__ is dict:
            return found.get(c)
    except _PLAIN:
        pass
    return field(value, (a, b, c), False)


def _g4(value: Any, a: str, b: str, c: str, d: str) -> Any:
    try:
        found = value[a][b][c]
        if found.__class__ is dict:
            return found.get(d)
    except _PLAIN:
        pass
    return field(value, (a, b, c, d), False)


def _gn(value: Any, *names: str) -> Any:
    return field(value, names, False)


def _e1(value: Any, a: str) -> Any:
    if value.__class__ is dict:
        return value.get(a)
    return field(value, (a,), True)


def _en(value: Any, *names: str) -> Any:
    return field(value, names, True)


def _element_method(value: Any, name: str, *arguments: Any) -> Any:
    return _method(value, name, *arguments, shown="interface {}")


def _method(value: Any, name: str, *arguments: Any, shown: str = "") -> Any:
    if value is None:
        raise GoExecError(f"nil pointer evaluating interface {{}}.{name}")
    method = _methods(value).get(name)
    if method is not None:
        return _invoke(method, name, arguments)
    if isinstance(value, dict):
        raise GoExecError(f"{name} is not a method but has arguments")
    if isinstance(value, GoObject) and name in value.go_fields():
        raise GoExecError(f"{name} has arguments but cannot be invoked as function")
    raise GoExecError(f"can't evaluate field {name} in type {shown or _types_of(value)}")


def _fail(message: str, *_: Any) -> Any:
    raise GoExecError(message)


_WORDS: dict[str, Any] = {
    "T": to_text, "F": _fail, "M": _method, "N": _element_method,
    "G1": _g1, "G2": _g2, "G3": _g3, "G4": _g4, "Gn": _gn,
    "E1": _e1, "E2": _en, "E3": _en, "E4": _en, "En": _en,
}  # fmt: skip
EngineFunctions = Callable[["Linker"], dict[str, Callable[..., Any]]]
"""Makes the functions that need the engine, for one linker."""


class Linker:
    """Names -> runnable templates, for one set of named templates; `tpl` with definitions makes another."""

    def __init__(
        self, meter: Meter, functions: Mapping[str, Callable[..., Any]], engine_functions: EngineFunctions
    ) -> None:
        self.meter = meter
        self.functions = functions
        self.engine_functions = engine_functions
        self.table: dict[str, tuple[Unit, int]] = {}
        self.linked: dict[str, Callable[..., None]] = {}
        self.names: dict[str, Any] = {
            "__builtins__": {},
            **_WORDS,
            "R": self.elements,
            "P": self.pairs,
            "X": self.template,
            "f_include": self.include,
        }
        self.own = engine_functions(self)
        self.own["include"] = self.include

    def derived(self) -> Linker:
        """The same templates, to which definitions may be added without changing these."""
        other = Linker(self.meter, self.functions, self.engine_functions)
        other.table = dict(self.table)
        return other

    def add(self, unit: Unit) -> None:
        """Define the templates of a file; an empty one replaces nothing."""
        for index, (name, empty) in enumerate(unit.names):
            if not empty or name not in self.table:
                self.table[name] = (unit, index)
                self.linked.pop(name, None)

    def bind(self, code: CodeType) -> Callable[..., None]:
        names = self.names
        for word in code.co_names:
            if word not in names:
                names[word] = self.resolve(word)
        return FunctionType(code, names)

    def resolve(self, word: str) -> Any:
        if word.startswith("f_"):
            name = word[2:]
            found = self.functions.get(name) or self.own.get(name)
            return found if found is not None else self.late(word, name)
        if word.startswith("i_"):
            return GoInt(word[2:].replace("m", "-"))
        return None

    def late(self, word: str, name: str) -> Callable[..., Any]:
        """A function that is imported when it is first called: a template may name many that it never calls."""

        def call(*arguments: Any) -> Any:
            function = self.names[word] = resolve(name)
            return function(*arguments)

        return call

    def find(self, name: str) -> Callable[..., None] | None:
        found = self.linked.get(name)
        if found is None:
            entry = self.table.get(name)
            if entry is None:
                return None
            found = self.linked[name] = self.bind(entry[0].code(entry[1]))
        return found

    def include(self, name: str, data: Any) -> str:
        run = self.linked.get(name) if name.__class__ is str else None
        if run is None:
            if not isinstance(name, str):
                raise not_text(name, 0)
            run = self.find(name)
            if run is None:
                raise GoCallError(f'template: no template "{name}" associated with template "gotpl"')
        meter = self.meter
        meter.calls += 1
        if not meter.calls & 255:
            meter.check_time()
        names = meter.names
        depth = names.get(name, 0)
        if depth > meter.limits.recursion:
            raise GoCallError(
                f"rendering template has a nested reference name: {name}: unable to execute template"
            )
        names[name] = depth + 1
        out: list[str] = []
        run(data, out)
        names[name] = depth
        text = "".join(out)
        meter.text(len(text))
        return text

    def template(self, out: list[str], name: str, data: Any) -> None:
        """`{{template "name" data}}`."""
        run = self.linked.get(name) or self.find(name)
        if run is None:
            raise GoExecError(f'template "{name}" not defined')
        meter = self.meter
        meter.depth += 1
        meter.calls += 1
        if not meter.calls & 255:
            meter.check_time()
        if meter.depth > 20000:
            raise GoExecError("exceeded maximum template depth (100000)")
        run(data, out)
        meter.depth -= 1

    def execute(self, name: str, data: Any) -> str:
        """The whole output of a file."""
        run = self.find(name)
        if run is None:
            raise GoCallError(f'template: no template "{name}" associated with template "gotpl"')
        out: list[str] = []
        run(data, out)
        text = "".join(out)
        self.meter.text(len(text))
        return text

    def elements(self, value: Any) -> Any:
        """What a range over `value` gives to the dot."""
        if value.__class__ is list:
            self.meter.loop(len(value))
            return value
        if isinstance(value, dict):
            self.meter.loop(len(value))
            return [dict.__getitem__(value, key) for key in sorted(value)]
        return [element for _, element in self.pairs(value, single=True)]

    def pairs(self, value: Any, single: bool = False) -> Any:
        """Index or key, and element."""
        if isinstance(value, (list, tuple)):
            self.meter.loop(len(value))
            return [(GoInt(index), element) for index, element in enumerate(value)]
        if isinstance(value, dict):
            self.meter.loop(len(value))
            return [(key, dict.__getitem__(value, key)) for key in sorted(value)]
        if value is None:
            return ()
        if isinstance(value, bytes):
            self.meter.loop(len(value))
            return [(GoInt(index), byte) for index, byte in enumerate(value)]
        if isinstance(value, int) and not isinstance(value, bool):
            if not single:
                raise GoExecError(f"can't use {text_of(value)} to iterate over more than one variable")
            self.meter.loop(max(value, 0))
            kind = type(value)
            return [(None, kind(index)) for index in range(value)]
        raise GoExecError(f"range can't iterate over {text_of(value)}")
