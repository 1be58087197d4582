"""Types of an expression before it is run: which overload each call takes, and every fault, in cel-go's words.

Works on the expansion of an expression. What it finds out stays with the tree, for the estimate of the cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cluster.meta.cel import declarations
from cluster.meta.cel.declarations import Declared
from cluster.meta.cel.expansion import Fold, expand
from cluster.meta.cel.literals import faults_of
from cluster.meta.cel.parser import KEYWORDS
from cluster.meta.cel.syntax import Call, CompileError, Ident, ListOf, Literal, MapOf, Message, Node, Select
from cluster.meta.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    ERROR,
    INT,
    NULL,
    STRING,
    UINT,
    Bindings,
    Type,
    assignable,
    list_of,
    map_of,
    most_general,
    opt_of,
    substitute,
)
from cluster.meta.cel.values import UInt

Scope = Mapping[str, Type]


@dataclass(slots=True)
class Checked:
    """The expanded tree, and by the identity of its nodes: types, overloads, and names of functions that a target
    was part of."""

    tree: Node
    types: dict[int, Type] = field(default_factory=dict)
    overloads: dict[int, tuple[str, ...]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    @property
    def type(self) -> Type:
        return self.types[id(self.tree)]


def check(text: str, tree: Node, variables: Scope) -> Checked:
    """Raises CompileError with all faults."""
    checked = Checked(expand(tree))
    checker = _Checker(checked, variables)
    checker.node(checked.tree, variables)
    if checker.faults:
        raise CompileError(text, *checker.faults[0], rest=checker.faults[1:])
    for key, held in checked.types.items():
        checked.types[key] = substitute(checker.bound, held, to_dyn=True)
    literals = list(faults_of(checked.tree, checked.types))
    if literals:
        raise CompileError(text, *literals[0], rest=literals[1:])
    return checked


class _Checker:
    def __init__(self, checked: Checked, variables: Scope) -> None:
        self.out = checked
        self.outer = variables
        self.bound: Bindings = {}
        self.faults: list[tuple[int, str]] = []
        self._made = 0
        self._patches = "JSONPatch" in variables

    def fault(self, at: int, why: str) -> Type:
        self.faults.append((at, why))
        return ERROR

    def fresh(self) -> Type:
        self._made += 1
        return Type("param", (), f"_var{self._made - 1}")

    def fits(self, given: Sequence[Type], wanted: Sequence[Type]) -> bool:
        found = assignable(self.bound, given, wanted)
        if found is None:
            return False
        self.bound = found
        return True

    def node(self, node: Node, scope: Scope) -> Type:
        found = self._node(node, scope)
        self.out.types[id(node)] = found
        return found

    def _node(self, node: Node, scope: Scope) -> Type:
        match node:
            case Literal():
                return _literal(node)
            case Ident():
                return self.ident(node, scope)
            case Select():
                return self.select(node, scope)
            case Call():
                return self.call(node, scope)
            case ListOf():
                return self.elements(node, scope)
            case MapOf():
                return self.entries(node, scope)
            case Message():
                return self.message(node, scope)
            case Fold():
                return self.fold(node, scope)
        raise AssertionError(node)

    # Names and fields.

    def ident(self, node: Ident, scope: Scope) -> Type:
        found = scope.get(node.name) or declarations.named_type(node.name)
        return found or self.fault(node.at, f"undeclared reference to '{node.name}' (in container '')")

    def select(self, node: Select, scope: Scope) -> Type:
        name = "" if node.test else qualified(node)
        found = declarations.named_type(name) if name and name.partition(".")[0] not in scope else None
        if found is not None:
            self.out.names[id(node)] = name
            return found
        held = self.field(node.at, self.node(node.operand, scope), node.name, optional=False)
        return BOOL if node.test else substitute(self.bound, held)

    def field(self, at: int, held: Type, name: str, *, optional: bool) -> Type:
        held = substitute(self.bound, held)
        inner = held.params[0] if held.kind == "opt" else held
        found = self._field(at, inner, name)
        return opt_of(found) if optional or held.kind == "opt" else found

    def _field(self, at: int, held: Type, name: str) -> Type:
        if held.kind == "map":
            return held.params[1]
        if held.kind == "object":
            return self._object_field(at, held, name)
        if held.kind == "param":
            self.fits([DYN], [held])
        elif held.known:
            self.fault(at, f"type '{held}' does not support field selection")
        return DYN

    def _object_field(self, at: int, held: Type, name: str) -> Type:
        if held.name in declarations.BARE:
            return self.fault(at, f"unexpected failed resolution of '{held.name}'")
        fields = held.fields or {}
        found = fields.get(name) or (fields.get(f"__{name}__") if name in KEYWORDS else None)
        return found or self.fault(at, f"undefined field '{name}'")

    # Literals.

    def elements(self, node: ListOf, scope: Scope) -> Type:
        elem: Type | None = None
        for at, item in enumerate(node.items):
            found = self._unwrapped(item, self.node(item, scope), at in node.optional)
            elem = self.joined(elem, found)
        return list_of(elem or self.fresh())

    def entries(self, node: MapOf, scope: Scope) -> Type:
        key_type: Type | None = None
        held_type: Type | None = None
        for key, value, optional in node.entries:
            key_type = self.joined(key_type, self.node(key, scope))
            found = self._unwrapped(value, self.node(value, scope), optional)
            held_type = self.joined(held_type, found)
        if key_type is None or held_type is None:
            key_type, held_type = self.fresh(), self.fresh()
        return map_of(held_type, key_type)

    def _unwrapped(self, node: Node, found: Type, optional: bool) -> Type:
        if not optional:
            return found
        if found.kind == "opt":
            return found.params[0]
        if found.kind != "dyn":
            self.fault(node.at, f"expected type '{opt_of(found)}' but found '{found}'")
        return found

    def joined(self, before: Type | None, now: Type) -> Type:
        if before is None:
            return now
        return most_general(before, now) if self.fits([before], [now]) else DYN

    def message(self, node: Message, scope: Scope) -> Type:
        known = scope.get(node.name.partition(".")[0])
        found = known.params[0] if known is not None and known.kind == "type" else None
        if found is None:
            self.fault(node.at, f"undeclared reference to '{node.name}' (in container '')")
        for name, value, optional in node.entries:
            given = self._unwrapped(value, self.node(value, scope), optional)
            if found is not None and found.kind == "object":
                wanted = self._object_field(node.at, found, name)
                if not self.fits([wanted], [given]):
                    words = f"expected type of field '{name}' is '{wanted}' but provided type is '{given}'"
                    self.fault(node.at, words)
        return found or ERROR

    # Loops.

    def fold(self, node: Fold, scope: Scope) -> Type:
        held = substitute(self.bound, self.node(node.range, scope))
        accu = self.node(node.start, scope)
        outer = {**scope, node.accu: accu}
        inner = {**outer, **self._items(node, held)}
        self.meets(node.condition, self.node(node.condition, inner), BOOL)
        self.meets(node.step, self.node(node.step, inner), accu)
        return substitute(self.bound, self.node(node.result, outer))

    def _items(self, node: Fold, held: Type) -> dict[str, Type]:
        two = len(node.variables) == 2
        if held.kind == "list":
            found = [INT, held.params[0]] if two else [held.params[0]]
        elif held.kind == "map":
            found = list(held.params) if two else [held.params[0]]
        elif held.kind in ("dyn", "error", "param"):
            self.fits([DYN], [held])
            found = [DYN] * len(node.variables)
        else:
            why = f"expression of type '{held}' cannot be range of a comprehension (must be list, map, or dynamic)"
            self.fault(node.range.at, why)
            found = [ERROR] * len(node.variables)
        return dict(zip(node.variables, found, strict=True))

    def meets(self, node: Node, found: Type, wanted: Type) -> None:
        if not self.fits([wanted], [found]):
            self.fault(node.at, f"expected type '{wanted}' but found '{found}'")

    # Calls.

    def call(self, node: Call, scope: Scope) -> Type:
        if node.name == "_?._":
            held = self.node(node.args[0], scope)
            self.out.types[id(node.args[1])] = STRING
            self.out.overloads[id(node)] = ("select_optional_field",)
            return substitute(self.bound, self.field(node.at, held, node.args[1].value, optional=True))  # type: ignore[attr-defined]
        args = [self.node(arg, scope) for arg in node.args]
        if node.target is None:
            return self.resolve(node, node.name, args, False)
        prefix = qualified(node.target)
        if prefix and declarations.declared(f"{prefix}.{node.name}", self._patches):
            name = self.out.names[id(node)] = f"{prefix}.{node.name}"
            return self.resolve(node, name, args, False)
        return self.resolve(node, node.name, [self.node(node.target, scope), *args], True)

    def resolve(self, node: Call, name: str, args: list[Type], member: bool) -> Type:
        known = declarations.declared(name, self._patches)
        if not known:
            return self.fault(node.at, f"undeclared reference to '{name}' (in container '')")
        if name in ("_&&_", "_||_"):
            return self.junction(node, args)
        found: Type | None = None
        taken: list[str] = []
        for one in known:
            if one.member != member:
                continue
            gives = self.overload(one, args)
            if gives is None:
                continue
            taken.append(one.id)
            if found is None:
                found = gives
            elif found.kind != "dyn" and found != gives:
                found = DYN
        if found is None:
            return self._unfit(node, name, args, member)
        self.out.overloads[id(node)] = tuple(taken)
        return found

    def overload(self, one: Declared, args: list[Type]) -> Type | None:
        """What an overload gives for these arguments; None where it does not take them."""
        own = {Type("param", (), name): self.fresh() for name in one.parameters}
        takes = [substitute(own, held) for held in one.takes]
        if not self.fits(args, takes):
            return None
        return substitute(self.bound, substitute(own, one.gives))

    def junction(self, node: Call, args: list[Type]) -> Type:
        self.out.overloads[id(node)] = ("logical_and" if node.name == "_&&_" else "logical_or",)
        wrong = False
        for arg, given in zip(node.args, args, strict=True):
            if not self.fits([given], [BOOL]):
                self.fault(arg.at, f"expected type 'bool' but found '{given}'")
                wrong = True
        return ERROR if wrong else BOOL

    def _unfit(self, node: Call, name: str, args: list[Type], member: bool) -> Type:
        shown = [str(substitute(self.bound, arg, to_dyn=True)) for arg in args]
        applied = f"{shown[0]}.({', '.join(shown[1:])})" if member else f"({', '.join(shown)})"
        return self.fault(node.at, f"found no matching overload for '{name}' applied to '{applied}'")


def qualified(node: Node) -> str:
    """`a.b.c` as a name, empty for anything else."""
    if isinstance(node, Ident):
        return node.name
    if isinstance(node, Select) and not node.test:
        before = qualified(node.operand)
        return f"{before}.{node.name}" if before else ""
    return ""


def _literal(node: Literal) -> Type:
    value = node.value
    if isinstance(value, bool):
        return BOOL
    if value is None:
        return NULL
    if isinstance(value, UInt):
        return UINT
    if isinstance(value, str):
        return STRING
    return INT if isinstance(value, int) else DOUBLE if isinstance(value, float) else BYTES
