"""Macros written out, as cel-go does before it checks types and estimates costs.

The evaluator runs macros as they are; what an expression is of type and what it may cost is defined by its expansion,
down to the hidden variable that gathers the result.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from cluster.meta.cel.syntax import Call, Comprehension, Ident, ListOf, Literal, MapOf, Message, Node, Select

RESULT = "@result"
UNUSED = "#unused"
SORTED = "@__sortBy_input__"


@dataclass(slots=True)
class Fold(Node):
    """A loop: `accu` starts as `start`, becomes `step` for each item while `condition` holds, and gives `result`."""

    range: Node
    variables: list[str]
    accu: str
    start: Node
    condition: Node
    step: Node
    result: Node

    @property
    def binds(self) -> bool:
        """Whether it is no loop but gives a name to a value."""
        empty = isinstance(self.range, ListOf) and not self.range.items
        return empty and isinstance(self.condition, Literal) and self.condition.value is False


def expand(node: Node) -> Node:
    """The expansion, a tree of its own: no node stands in it twice."""
    match node:
        case Select(optional=True):
            return Call(node.at, "_?._", [expand(node.operand), Literal(node.at, node.name)])
        case Select():
            return Select(node.at, expand(node.operand), node.name, False, node.test)
        case Call():
            target = expand(node.target) if node.target is not None else None
            return Call(node.at, node.name, [expand(arg) for arg in node.args], target)
        case ListOf():
            return ListOf(node.at, [expand(item) for item in node.items], set(node.optional))
        case MapOf():
            return MapOf(node.at, [(expand(k), expand(v), opt) for k, v, opt in node.entries])
        case Message():
            return Message(node.at, node.name, [(name, expand(v), opt) for name, v, opt in node.entries])
        case Comprehension():
            return _MACROS[node.kind](node)
    return copy.copy(node)


def _accu(at: int) -> Ident:
    return Ident(at, RESULT)


def _true(at: int) -> Literal:
    return Literal(at, True)


def _loop(node: Comprehension, start: Node, condition: Node, step: Node, result: Node | None = None) -> Fold:
    end = result or _accu(node.at)
    return Fold(node.at, expand(node.range), list(node.variables), RESULT, start, condition, step, end)


def _all(node: Comprehension) -> Node:
    at, body = node.at, expand(node.bodies[0])
    condition = Call(at, "@not_strictly_false", [_accu(at)])
    return _loop(node, _true(at), condition, Call(at, "_&&_", [_accu(at), body]))


def _exists(node: Comprehension) -> Node:
    at, body = node.at, expand(node.bodies[0])
    condition = Call(at, "@not_strictly_false", [Call(at, "!_", [_accu(at)])])
    return _loop(node, Literal(at, False), condition, Call(at, "_||_", [_accu(at), body]))


def _exists_one(node: Comprehension) -> Node:
    at, body = node.at, expand(node.bodies[0])
    more = Call(at, "_+_", [_accu(at), Literal(at, 1)])
    step = Call(at, "_?_:_", [body, more, _accu(at)])
    return _loop(node, Literal(at, 0), _true(at), step, Call(at, "_==_", [_accu(at), Literal(at, 1)]))


def _gathering(node: Comprehension, start: Node, step: Node, test: Node | None) -> Node:
    if test is not None:
        step = Call(node.at, "_?_:_", [expand(test), step, _accu(node.at)])
    return _loop(node, start, _true(node.at), step)


def _listing(node: Comprehension, item: Node, test: Node | None) -> Node:
    at = node.at
    return _gathering(node, ListOf(at, []), Call(at, "_+_", [_accu(at), ListOf(at, [item])]), test)


def _filter(node: Comprehension) -> Node:
    return _listing(node, Ident(node.at, node.variables[0]), node.bodies[0])


def _map(node: Comprehension) -> Node:
    return _listing(node, expand(node.bodies[-1]), node.bodies[0] if len(node.bodies) == 2 else None)


def _transform_map(node: Comprehension) -> Node:
    at, test = node.at, node.bodies[0] if len(node.bodies) == 2 else None
    args = [_accu(at), Ident(at, node.variables[0]), expand(node.bodies[-1])]
    return _gathering(node, MapOf(at, []), Call(at, "cel.@mapInsert", list(args)), test)


def _transform_entry(node: Comprehension) -> Node:
    at, test = node.at, node.bodies[0] if len(node.bodies) == 2 else None
    return _gathering(node, MapOf(at, []), Call(at, "cel.@mapInsert", [_accu(at), expand(node.bodies[-1])]), test)


def _naming(at: int, name: str, value: Node, result: Node) -> Node:
    return Fold(at, ListOf(at, []), [UNUSED], name, value, Literal(at, False), Ident(at, name), result)


def _optional(node: Comprehension, flat: bool) -> Node:
    at = node.at
    inner = _naming(at, node.variables[0], Call(at, "value", [], expand(node.range)), expand(node.bodies[0]))
    held = inner if flat else Call(at, "optional.of", [inner])
    return Call(at, "_?_:_", [Call(at, "hasValue", [], expand(node.range)), held, Call(at, "optional.none", [])])


def _sort_by(node: Comprehension) -> Node:
    at = node.at
    keys = Comprehension(at, "map", Ident(at, SORTED), node.variables, node.bodies)
    ordered = Call(at, "@sortByAssociatedKeys", [_map(keys)], Ident(at, SORTED))
    return _naming(at, SORTED, expand(node.range), ordered)


_MACROS = {
    "all": _all,
    "exists": _exists,
    "exists_one": _exists_one,
    "existsOne": _exists_one,
    "filter": _filter,
    "map": _map,
    "transformList": _map,
    "transformMap": _transform_map,
    "transformMapEntry": _transform_entry,
    "optMap": lambda node: _optional(node, False),
    "optFlatMap": lambda node: _optional(node, True),
    "sortBy": _sort_by,
}
