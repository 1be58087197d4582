"""Evaluation: the tree becomes nested closures once, and is then run as often as needed.

Variables live in one dict that macros write to and restore. Errors are values of their own only where && and || may
swallow them; elsewhere they are exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cmp_to_key
from typing import Any

from cluster.meta.cel.checker import Checked, check, qualified
from cluster.meta.cel.declarations import named_type
from cluster.meta.cel.functions import call, overloads
from cluster.meta.cel.library_core import compare
from cluster.meta.cel.parser import parse
from cluster.meta.cel.syntax import (
    Call,
    CompileError,
    Comprehension,
    Ident,
    ListOf,
    Literal,
    MapOf,
    Message,
    Node,
    Select,
)
from cluster.meta.cel.types import Type
from cluster.meta.cel.values import (
    NONE,
    Budget,
    BudgetExceeded,
    Duration,
    EvalError,
    Made,
    Opt,
    TypeValue,
    UInt,
    equal,
    later,
    no_overload,
    number,
)

Env = dict[str, Any]
Run = Callable[[Env], Any]
_BUDGET = "\0"


class Program:
    """A compiled expression. `type` is what the checker found."""

    __slots__ = ("_run", "checked", "names", "text", "type")

    def __init__(self, text: str, tree: Node, checked: Checked) -> None:
        self.text = text
        self.checked: Checked | None = checked
        """For the estimate of the cost; whoever keeps programs to run them forgets it."""
        self.type = checked.type
        self.names = _names(tree)
        """Every identifier in it, so that callers make only what is asked for."""
        self._run = _compile(tree, frozenset())

    def run(self, variables: Mapping[str, Any], budget: Budget | None = None) -> Any:
        """Raises EvalError, BudgetExceeded."""
        env = dict(variables)
        env[_BUDGET] = budget or Budget()
        try:
            return self._run(env)
        except RecursionError:
            raise EvalError("evaluation nests too deeply") from None


def compile(text: str, variables: Mapping[str, Type]) -> Program:
    """Raises CompileError."""
    try:
        tree = parse(text)
        return Program(text, tree, check(text, tree, variables))
    except RecursionError:
        raise CompileError(text, 0, "expression recursion limit exceeded") from None


def _names(tree: Any) -> frozenset[str]:
    found: set[str] = set()
    todo: list[Any] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, Ident):
            found.add(node.name)
        elif isinstance(node, Node):
            todo.extend(getattr(node, slot) for slot in type(node).__slots__)
        elif isinstance(node, list | tuple):
            todo.extend(node)
    return frozenset(found)


def _compile(node: Node, bound: frozenset[str]) -> Run:
    match node:
        case Literal(value=value):
            return lambda env: value
        case Ident(name=name):
            return _ident(name)
        case Select():
            name = qualified(node)
            if name and name.partition(".")[0] not in bound and named_type(name) is not None:
                return _named(name)
            return _select(node, _compile(node.operand, bound))
        case Comprehension():
            return _comprehension(node, bound)
        case ListOf():
            return _list(node, bound)
        case MapOf():
            return _map([(_compile(k, bound), _compile(v, bound), opt) for k, v, opt in node.entries])
        case Message():
            return _message(node.name, [(k, _compile(v, bound), opt) for k, v, opt in node.entries])
        case Call():
            return _call(node, bound)
    raise AssertionError(node)


def _ident(name: str) -> Run:
    def run(env: Env) -> Any:
        if name in env:
            value = env[name]
            return value() if isinstance(value, Lazy) else value
        if named_type(name) is not None:
            return TypeValue(name)
        raise EvalError(f"no such attribute(s): {name}")

    return run


def _named(name: str) -> Run:
    """A type by its full name."""
    found = TypeValue(name)
    return lambda env: found


class Lazy:
    """A variable that is worked out when first asked for; its error is raised wherever it is used."""

    __slots__ = ("_make", "_value")

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make: Callable[[], Any] | None = make
        self._value: Any = None

    def __call__(self) -> Any:
        if self._make is not None:
            self._value, self._make = self._make(), None
        return self._value

    def get(self, name: str) -> Any:
        return self()[name]


# Fields and items.

_ESCAPED = {"__underscores__": "__", "__dot__": ".", "__dash__": "-", "__slash__": "/"}


def unescape(name: str) -> str:
    """The property that an escaped name stands for: `__dash__` is a dash, `__namespace__` the word itself."""
    if "__" not in name:
        return name
    if name.startswith("__") and name.endswith("__") and name not in _ESCAPED and len(name) > 4:
        return name[2:-2]
    for escaped, plain in _ESCAPED.items():
        name = name.replace(escaped, plain)
    return name


def _field(held: Any, name: str) -> Any:
    if isinstance(held, dict):
        if name in held:
            return held[name]
        other = unescape(name)
        if other in held:
            return held[other]
        raise EvalError(f"no such key: {name}")
    fields = getattr(held, "cel_fields", None)
    if fields is not None and name in (known := fields()):
        return known[name]
    raise no_overload()


def _select(node: Select, operand: Run) -> Run:
    name = node.name

    def test(env: Env) -> bool:
        held = operand(env)
        if isinstance(held, Opt):
            held = held.value if held.present else {}
        if not isinstance(held, dict):
            raise no_overload()
        return name in held or unescape(name) in held

    def optional(env: Env) -> Any:
        held = operand(env)
        if isinstance(held, Opt):
            if not held.present:
                return NONE
            held = held.value
        if not isinstance(held, dict):
            raise no_overload()
        try:
            return Opt.of(_field(held, name))
        except EvalError:
            return NONE

    def plain(env: Env) -> Any:
        env[_BUDGET].spend(1)
        held = operand(env)
        return optional_of(held) if isinstance(held, Opt) else _field(held, name)

    def optional_of(held: Opt) -> Opt:
        return Opt.of(_field(held.value, name)) if held.present and name in held.value else NONE

    return test if node.test else optional if node.optional else plain


def _index(held: Any, key: Any) -> Any:
    if isinstance(held, Opt):
        return _optional_index(held, key)
    if isinstance(held, list):
        if not number(key) or int(key) != key:
            raise no_overload()
        if not 0 <= key < len(held):
            raise EvalError(f"index out of bounds: {int(key)}")
        return held[int(key)]
    if isinstance(held, dict):
        if isinstance(key, list | dict) or key not in held:
            raise EvalError(f"no such key: {key}")
        return held[key]
    raise no_overload()


def _optional_index(held: Any, key: Any) -> Opt:
    if isinstance(held, Opt):
        if not held.present:
            return NONE
        held = held.value
    try:
        return Opt.of(_index(held, key))
    except EvalError:
        return NONE


def _list(node: ListOf, bound: frozenset[str]) -> Run:
    items = [(_compile(item, bound), at in node.optional) for at, item in enumerate(node.items)]

    def run(env: Env) -> list[Any]:
        env[_BUDGET].spend(1)
        out = []
        for make, optional in items:
            value = make(env)
            if not optional:
                out.append(value)
            elif value.present:
                out.append(value.value)
        return out

    return run


def _map(entries: list[tuple[Run, Run, bool]]) -> Run:
    def run(env: Env) -> dict[Any, Any]:
        env[_BUDGET].spend(1)
        out: dict[Any, Any] = {}
        for key_of, value_of, optional in entries:
            key, value = key_of(env), value_of(env)
            if isinstance(key, list | dict | float) or key is None:
                raise EvalError("unsupported key type")
            if not optional:
                out[key] = value
            elif value.present:
                out[key] = value.value
        return out

    return run


def _message(name: str, entries: list[tuple[str, Run, bool]]) -> Run:
    def run(env: Env) -> Made:
        out = Made(name)
        for key, make, optional in entries:
            value = make(env)
            if not optional:
                out[unescape(key)] = value
            elif value.present:
                out[unescape(key)] = value.value
        return out

    return run


# Calls.


def _call(node: Call, bound: frozenset[str]) -> Run:
    if node.target is None and node.name in _SPECIAL:
        return _SPECIAL[node.name]([_compile(arg, bound) for arg in node.args])
    if node.target is None and node.name in _OPERATORS:
        return _binary(_OPERATORS[node.name], [_compile(arg, bound) for arg in node.args])
    name, method, args = node.name, node.target is not None, list(node.args)
    if isinstance(node.target, Ident) and node.target.name not in bound:
        joined = f"{node.target.name}.{node.name}"
        if overloads(joined, False):
            name, method = joined, False
    if method and node.target is not None:
        args.insert(0, node.target)
    runs = [_compile(arg, bound) for arg in args]

    def run(env: Env) -> Any:
        budget = env[_BUDGET]
        budget.spend(1)
        return call(name, method, [make(env) for make in runs], budget)

    return run


def _binary(apply: Callable[..., Any], args: list[Run]) -> Run:
    def run(env: Env) -> Any:
        env[_BUDGET].spend(1)
        return apply(*[make(env) for make in args])

    return run


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise no_overload()
    return value


def _junction(decisive: bool) -> Callable[[list[Run]], Run]:
    """&& and ||: a decisive side wins over an error of the other one."""

    def make(args: list[Run]) -> Run:
        left, right = args

        def run(env: Env) -> bool:
            try:
                first = _truth(left(env))
            except BudgetExceeded:
                raise
            except EvalError:
                if _truth(right(env)) is decisive:
                    return decisive
                raise
            return decisive if first is decisive else _truth(right(env))

        return run

    return make


def _choice(args: list[Run]) -> Run:
    test, yes, no = args
    return lambda env: yes(env) if _truth(test(env)) else no(env)


_SPECIAL: dict[str, Callable[[list[Run]], Run]] = {
    "_&&_": _junction(False),
    "_||_": _junction(True),
    "_?_:_": _choice,
}


def _checked(value: int, unsigned: bool) -> int:
    if unsigned:
        if not 0 <= value < 2**64:
            raise EvalError("unsigned integer overflow")
        return UInt(value)
    if not -(2**63) <= value < 2**63:
        raise EvalError("integer overflow")
    return value


def _numbers(apply: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def run(a: Any, b: Any) -> Any:
        if type(a) is not type(b) or not number(a):
            raise no_overload()
        found = apply(a, b)
        return found if isinstance(a, float) else _checked(int(found), isinstance(a, UInt))

    return run


def _add(a: Any, b: Any) -> Any:
    if type(a) is type(b) and type(a) in (str, bytes, list):
        return a + b
    if isinstance(a, Duration) and isinstance(b, Duration):
        return Duration(a.nanos + b.nanos)
    if isinstance(a, datetime) and isinstance(b, Duration):
        return later(a, b)
    if isinstance(a, Duration) and isinstance(b, datetime):
        return later(b, a)
    return _plus(a, b)


def _subtract(a: Any, b: Any) -> Any:
    if isinstance(a, Duration) and isinstance(b, Duration):
        return Duration(a.nanos - b.nanos)
    if isinstance(a, datetime) and isinstance(b, Duration):
        return later(a, Duration(-b.nanos))
    if isinstance(a, datetime) and isinstance(b, datetime):
        gap = a - b
        return Duration((gap.days * 86400 + gap.seconds) * 10**9 + gap.microseconds * 1000)
    return _minus(a, b)


_plus = _numbers(lambda a, b: a + b)
_minus = _numbers(lambda a, b: a - b)


def _divide(a: Any, b: Any) -> Any:
    if isinstance(a, float):
        return a / b if b else float("nan") if a == 0 or a != a else float("inf") * (1 if a > 0 else -1)
    if b == 0:
        raise EvalError("division by zero")
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _modulo(a: Any, b: Any) -> Any:
    if isinstance(a, float):
        raise no_overload()
    if b == 0:
        raise EvalError("modulus by zero")
    return abs(a) % abs(b) * (1 if a >= 0 else -1)


def _negate(a: Any) -> Any:
    if isinstance(a, bool | UInt) or not isinstance(a, int | float):
        raise no_overload()
    return -a if isinstance(a, float) else _checked(-a, False)


def _in(item: Any, held: Any) -> bool:
    if isinstance(held, list):
        return any(equal(item, other) for other in held)
    if isinstance(held, dict):
        return not isinstance(item, list | dict) and item in held
    raise no_overload()


_OPERATORS: dict[str, Callable[..., Any]] = {
    "_==_": equal,
    "_!=_": lambda a, b: not equal(a, b),
    "_<_": lambda a, b: compare(a, b) < 0,
    "_<=_": lambda a, b: compare(a, b) <= 0,
    "_>_": lambda a, b: compare(a, b) > 0,
    "_>=_": lambda a, b: compare(a, b) >= 0,
    "_+_": _add,
    "_-_": _subtract,
    "_*_": _numbers(lambda a, b: a * b),
    "_/_": _numbers(_divide),
    "_%_": _numbers(_modulo),
    "-_": _negate,
    "!_": lambda a: not _truth(a),
    "@in": _in,
    "_[_]": _index,
    "_[?_]": _optional_index,
}


# Macros.


def _comprehension(node: Comprehension, bound: frozenset[str]) -> Run:
    source = _compile(node.range, bound)
    inner = bound | set(node.variables)
    bodies = [_compile(body, inner) for body in node.bodies]
    if node.kind in ("optMap", "optFlatMap"):
        return _single(node.kind, node.variables[0], source, bodies[0])
    fold, two = _FOLDS[node.kind], len(node.variables) == 2

    def run(env: Env) -> Any:
        held = source(env)
        if isinstance(held, dict):
            pairs = list(held.items()) if two else [(key, key) for key in held]
        elif isinstance(held, list):
            pairs = list(enumerate(held))
        else:
            raise no_overload()
        names = node.variables
        saved = [(name, env[name]) for name in names if name in env]

        def at(pair: tuple[Any, Any], body: Run) -> Any:
            env[_BUDGET].spend(1)
            env[names[-1]] = pair[1]
            if two:
                env[names[0]] = pair[0]
            return body(env)

        try:
            return fold(pairs, bodies, at)
        finally:
            for name in names:
                env.pop(name, None)
            env.update(saved)

    return run


At = Callable[[tuple[Any, Any], Run], Any]
Pairs = list[tuple[Any, Any]]


def _quantifier(decisive: bool) -> Callable[[Pairs, list[Run], At], bool]:
    def fold(pairs: Pairs, bodies: list[Run], at: At) -> bool:
        fault: EvalError | None = None
        for pair in pairs:
            try:
                if _truth(at(pair, bodies[0])) is decisive:
                    return decisive
            except BudgetExceeded:
                raise
            except EvalError as error:
                fault = fault or error
        if fault is not None:
            raise fault
        return not decisive

    return fold


def _selected(pairs: Pairs, bodies: list[Run], at: At) -> Pairs:
    """Those that the filter before the last body lets pass."""
    return pairs if len(bodies) == 1 else [pair for pair in pairs if _truth(at(pair, bodies[0]))]


def _entries(pairs: Pairs, bodies: list[Run], at: At) -> dict[Any, Any]:
    out: dict[Any, Any] = {}
    for pair in _selected(pairs, bodies, at):
        for key, value in at(pair, bodies[-1]).items():
            if key in out:
                raise EvalError(f"insert failed: key {key} already exists")
            out[key] = value
    return out


def _sorted(pairs: Pairs, bodies: list[Run], at: At) -> list[Any]:
    """Items in the order of their keys; equal ones stay as they were."""
    keyed = [(at(pair, bodies[0]), pair[1]) for pair in pairs]
    order = cmp_to_key(compare)
    return [item for _, item in sorted(keyed, key=lambda pair: order(pair[0]))]


_one: Callable[[Pairs, list[Run], At], bool] = lambda pairs, bodies, at: sum(  # noqa: E731
    _truth(at(pair, bodies[0])) for pair in pairs
) == 1  # fmt: skip
_FOLDS: dict[str, Callable[[Pairs, list[Run], At], Any]] = {
    "all": _quantifier(False),
    "exists": _quantifier(True),
    "exists_one": _one,
    "existsOne": _one,
    "filter": lambda pairs, bodies, at: [pair[1] for pair in pairs if _truth(at(pair, bodies[0]))],
    "map": lambda pairs, bodies, at: [at(pair, bodies[-1]) for pair in _selected(pairs, bodies, at)],
    "transformList": lambda pairs, bodies, at: [at(pair, bodies[-1]) for pair in _selected(pairs, bodies, at)],
    "transformMap": lambda pairs, bodies, at: {p[0]: at(p, bodies[-1]) for p in _selected(pairs, bodies, at)},
    "transformMapEntry": _entries,
    "sortBy": _sorted,
}


def _single(kind: str, name: str, source: Run, body: Run) -> Run:
    def run(env: Env) -> Any:
        held = source(env)
        if not isinstance(held, Opt):
            raise no_overload()
        if not held.present:
            return NONE
        held = held.value
        missing = object()
        saved = env.get(name, missing)
        env[name] = held
        try:
            found = body(env)
        finally:
            if saved is missing:
                del env[name]
            else:
                env[name] = saved
        return Opt.of(found) if kind == "optMap" else found

    return run
