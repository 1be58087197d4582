"""Types of an expression before it is run, as far as they are known, and what it may cost.

An unknown type is never a fault: only what cannot be right is refused. The cost is a lower reading of what
Kubernetes would estimate, from the greatest sizes that the types state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cluster.meta.cel.functions import base, overloads
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
from cluster.meta.cel.types import BOOL, BYTES, DOUBLE, DYN, INT, NULL, OPT, STRING, UINT, Type, common, list_of, map_of
from cluster.meta.cel.values import UInt

_TYPE_NAMES = frozenset(["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type", "dyn"])
_ARITHMETIC = {
    "_+_": ("int", "uint", "double", "string", "bytes", "list", "duration", "timestamp"),
    "_-_": ("int", "uint", "double", "duration", "timestamp"),
    "_*_": ("int", "uint", "double"),
    "_/_": ("int", "uint", "double"),
    "_%_": ("int", "uint"),
}
_ORDERS = ("_<_", "_<=_", "_>_", "_>=_")
_ORDERED = ("bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration")
_NUMBERS = ("int", "uint", "double")
UNBOUNDED = 100_000
"""The size taken for a list or text that says nothing of it: less than what would fit into a request, as elements
are seldom of the smallest size."""


class Checked(NamedTuple):
    type: Type
    cost: int


def check(text: str, tree: Node, variables: Mapping[str, Type]) -> Checked:
    """The type and the estimated cost. Raises CompileError."""
    return _Checker(text).node(tree, dict(variables))


Scope = dict[str, Type]


class _Checker:
    def __init__(self, text: str) -> None:
        self.text = text

    def fault(self, at: int, why: str) -> CompileError:
        return CompileError(self.text, at, why)

    def node(self, node: Node, scope: Scope) -> Checked:
        match node:
            case Literal():
                return Checked(_literal(node), 0)
            case Ident():
                return Checked(self.ident(node, scope), 1)
            case Select():
                return self.select(node, scope)
            case Comprehension():
                return self.comprehension(node, scope)
            case ListOf():
                return self.elements(node, scope)
            case MapOf():
                return self.entries(node, scope)
            case Message():
                cost = sum(self.node(value, scope).cost for _, value, _ in node.entries)
                return Checked(DYN, cost + 40)
            case Call():
                return self.call(node, scope)
        raise AssertionError(node)

    def ident(self, node: Ident, scope: Scope) -> Type:
        found = scope.get(node.name)
        if found is not None:
            return found
        if node.name in _TYPE_NAMES:
            return Type("type")
        raise self.fault(node.at, f"undeclared reference to '{node.name}' (in container '')")

    def select(self, node: Select, scope: Scope) -> Checked:
        held, cost = self.node(node.operand, scope)
        found = self.field(held, node)
        if node.test:
            return Checked(BOOL, cost + 1)
        return Checked(OPT if node.optional or held.kind == "opt" else found, cost + 1)

    def field(self, held: Type, node: Select) -> Type:
        if held.kind == "object":
            known = (held.fields or {}).get(node.name)
            if known is None:
                raise self.fault(node.at, f"undefined field '{node.name}'")
            return known
        if held.kind == "map":
            return held.elem or DYN
        if held.kind in ("dyn", "opt"):
            return DYN
        raise self.fault(node.at, f"type '{held}' does not support field selection")

    def elements(self, node: ListOf, scope: Scope) -> Checked:
        found = [self.node(item, scope) for item in node.items]
        elem = found[0].type if found else DYN
        for one in found:
            elem = common(elem, one.type)
        return Checked(list_of(elem, len(found)), sum(one.cost for one in found) + 10)

    def entries(self, node: MapOf, scope: Scope) -> Checked:
        cost, elem = 30, None
        for key, value, _ in node.entries:
            held = self.node(value, scope)
            elem = held.type if elem is None else common(elem, held.type)
            cost += self.node(key, scope).cost + held.cost
        return Checked(map_of(elem or DYN, len(node.entries)), cost)

    # Macros.

    def comprehension(self, node: Comprehension, scope: Scope) -> Checked:
        held, cost = self.node(node.range, scope)
        inner = {**scope, **_bound(node, held)}
        if held.kind not in ("list", "map", "object", "dyn", "opt") and node.kind != "bind":
            why = f"expression of type '{held}' cannot be range of a comprehension (must be list, map, or dynamic)"
            raise self.fault(node.range.at, why)
        bodies = [self.node(body, inner) for body in node.bodies]
        self._predicates(node, bodies)
        once = node.kind in ("bind", "optMap", "optFlatMap")
        times = 1 if once else _size(held)
        total = cost + 1 + times * (sum(body.cost for body in bodies) + (0 if once else 1))
        return Checked(_result(node, held, bodies), total)

    def _predicates(self, node: Comprehension, bodies: list[Checked]) -> None:
        tests = 1 if node.kind in ("all", "exists", "exists_one", "existsOne", "filter") else 0
        if node.kind in ("map", "transformList", "transformMap", "transformMapEntry"):
            tests = len(bodies) - 1
        for body, tree in zip(bodies[:tests], node.bodies, strict=False):
            if body.type.kind not in ("bool", "dyn"):
                raise self.fault(tree.at, f"expected type 'bool' but found '{body.type}'")

    # Calls.

    def call(self, node: Call, scope: Scope) -> Checked:
        if node.target is not None:
            name = _namespaced(node, scope)
            if name:
                return self.function(node, name, [], False, scope)
            return self.function(node, node.name, [self.node(node.target, scope)], True, scope)
        if node.name[0] in "_@!-":
            return self.operator(node, [self.node(arg, scope) for arg in node.args])
        return self.function(node, node.name, [], False, scope)

    def function(self, node: Call, name: str, before: list[Checked], method: bool, scope: Scope) -> Checked:
        known = overloads(name, method)
        if not known:
            raise self.fault(node.at, f"undeclared reference to '{name}' (in container '')")
        args = before + [self.node(arg, scope) for arg in node.args]
        for takes, gives, _ in known:
            if len(takes) == len(args) and all(_fits(want, arg.type) for want, arg in zip(takes, args, strict=True)):
                open_types = any(not arg.type.known for arg in args) and len({o.gives for o in known}) > 1
                found = DYN if open_types else _given(gives, args)
                return Checked(found, sum(arg.cost for arg in args) + _work(args))
        raise self._unfit(node.at, name, args, method)

    def _unfit(self, at: int, name: str, args: list[Checked], method: bool = False) -> CompileError:
        shown = [str(arg.type) for arg in args]
        applied = f"{shown[0]}.({', '.join(shown[1:])})" if method else f"({', '.join(shown)})"
        return self.fault(at, f"found no matching overload for '{name}' applied to '{applied}'")

    def operator(self, node: Call, args: list[Checked]) -> Checked:
        cost = sum(arg.cost for arg in args) + 1
        kinds = [arg.type.kind for arg in args]
        found = _operator(node.name, [arg.type for arg in args], kinds)
        if found is None:
            raise self._unfit(node.at, node.name, args)
        if node.name == "_?_:_":
            cost = args[0].cost + max(args[1].cost, args[2].cost) + 1
        elif node.name in ("_==_", "_!=_", "@in") or node.name in _ORDERS:
            cost += _work(args)
        return Checked(found, cost)


def _operator(name: str, types: list[Type], kinds: list[str]) -> Type | None:
    """The type an operator gives; None where it does not apply."""
    if name in ("_&&_", "_||_", "!_"):
        return BOOL if all(kind in ("bool", "dyn") for kind in kinds) else None
    if name == "-_":
        return types[0] if kinds[0] in ("int", "double", "dyn") else None
    if name == "_?_:_":
        return common(types[1], types[2]) if kinds[0] in ("bool", "dyn") and _alike(kinds[1:]) else None
    if name in ("_==_", "_!=_"):
        return BOOL if _alike(kinds) else None
    if name in _ORDERS:
        fits = all(kind in (*_ORDERED, "dyn") for kind in kinds)
        return BOOL if fits and (_alike(kinds) or all(kind in _NUMBERS for kind in kinds)) else None
    if name == "@in":
        return BOOL if kinds[1] in ("list", "map", "object", "dyn") else None
    if name in ("_[_]", "_[?_]"):
        return _indexed(name, types, kinds)
    return _arithmetic(name, types, kinds)


def _indexed(name: str, types: list[Type], kinds: list[str]) -> Type | None:
    if kinds[0] not in ("list", "map", "dyn", "opt", "object"):
        return None
    if kinds[0] == "list" and kinds[1] not in ("int", "dyn", "uint", "double"):
        return None
    return OPT if name == "_[?_]" or kinds[0] == "opt" else types[0].elem or DYN


def _arithmetic(name: str, types: list[Type], kinds: list[str]) -> Type | None:
    allowed = _ARITHMETIC[name]
    if not all(kind in (*allowed, "dyn") for kind in kinds):
        return None
    if "dyn" in kinds:
        return next((t for t in types if t.known and t.kind in ("int", "uint", "double", "string")), DYN)
    if "timestamp" in kinds or "duration" in kinds:
        return _time_arithmetic(name, kinds)
    if kinds[0] != kinds[1]:
        return None
    return common(types[0], types[1]) if kinds[0] != "list" else list_of(common(_elem(types[0]), _elem(types[1])))


def _time_arithmetic(name: str, kinds: list[str]) -> Type | None:
    if kinds == ["duration", "duration"] or (kinds == ["timestamp", "timestamp"] and name == "_-_"):
        return Type("duration")
    if kinds == ["timestamp", "duration"] or (kinds == ["duration", "timestamp"] and name == "_+_"):
        return Type("timestamp")
    return None


def _alike(kinds: list[str]) -> bool:
    """Whether two kinds may stand on both sides; objects and maps are one on the wire."""
    a, b = ("map" if kind == "object" else kind for kind in kinds)
    loose = ("map", "list", "opt", "type", "timestamp", "duration")
    return a == b or "dyn" in (a, b) or ("null" in (a, b) and (a in loose or b in loose))


def _elem(held: Type) -> Type:
    return held.elem or DYN


def _bound(node: Comprehension, held: Type) -> Scope:
    """Types of the variables of a macro."""
    if node.kind == "bind":
        return {node.variables[0]: held}
    elem = _elem(held)
    key = STRING if held.kind in ("map", "object") else INT if held.kind == "list" else DYN
    if len(node.variables) == 2:
        return {node.variables[0]: key, node.variables[1]: elem}
    return {node.variables[0]: elem if held.kind == "list" else key if held.kind != "opt" else DYN}


def _result(node: Comprehension, held: Type, bodies: list[Checked]) -> Type:
    match node.kind:
        case "all" | "exists" | "exists_one" | "existsOne":
            return BOOL
        case "filter":
            return held if held.kind == "list" else list_of(STRING if held.kind == "map" else DYN)
        case "map" | "transformList":
            return list_of(bodies[-1].type, held.most)
        case "transformMap":
            return map_of(bodies[-1].type, held.most)
        case "bind":
            return bodies[-1].type
        case "optMap" | "optFlatMap":
            return OPT
    return DYN


def _namespaced(node: Call, scope: Scope) -> str:
    """`optional.of` as one name, where `optional` is no variable."""
    if isinstance(node.target, Ident) and node.target.name not in scope:
        name = f"{node.target.name}.{node.name}"
        return name if overloads(name, False) else ""
    return ""


def _fits(want: str, given: Type) -> bool:
    kind = "map" if given.kind == "object" else given.kind
    return base(want) in (kind, "dyn") or not given.known


def _given(gives: str, args: list[Checked]) -> Type:
    if gives == "same":
        return args[0].type
    if gives == "elem":
        return _elem(args[0].type)
    kind, _, elem = gives.partition(":")
    return Type(kind, Type(elem) if elem else None)


def _size(held: Type) -> int:
    return UNBOUNDED if held.most is None and held.kind in ("list", "map") else held.most or 1


def _work(args: list[Checked]) -> int:
    """What going through the arguments costs: a tenth of what they hold."""
    held = [arg.type for arg in args if arg.type.kind in ("string", "bytes", "list")]
    return 1 + min((t.most if t.most is not None else UNBOUNDED for t in held), default=0) // 10


def _literal(node: Literal) -> Type:
    value = node.value
    if isinstance(value, bool):
        return BOOL
    if value is None:
        return NULL
    if isinstance(value, UInt):
        return UINT
    if isinstance(value, str):
        return Type("string", most=len(value))
    return INT if isinstance(value, int) else DOUBLE if isinstance(value, float) else BYTES
