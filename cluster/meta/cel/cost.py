"""What an expression may cost at most, before it is run, from the greatest sizes of what it looks at.

The figures decide which rules a definition may have, so they must be those of Kubernetes to the unit: the steps follow
cel-go's checker/cost.go, with its quirks. All arithmetic is on 64 bits and sticks at the greatest number. Sizes are
looked up by the path on which an expression reaches a value (`self.spec.hosts[@items]`). What functions cost is in
`cost_functions`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from cluster.meta.cel.checker import Checked
from cluster.meta.cel.expansion import Fold
from cluster.meta.cel.syntax import Call, Ident, ListOf, Literal, MapOf, Message, Node, Select
from cluster.meta.cel.types import Type

MOST = 2**64 - 1
TRAVERSAL, REGEX = 0.1, 0.25
"""Cost of each character of a text, and of each character of a pattern."""
_LIST, _MAP, _MESSAGE = 10, 30, 40


class Range(NamedTuple):
    """The least and the most, of a size or of a cost."""

    least: int
    most: int

    def add(self, other: Range) -> Range:
        return Range(_plus(self.least, other.least), _plus(self.most, other.most))

    def times(self, other: Range) -> Range:
        return Range(_by(self.least, other.least), _by(self.most, other.most))

    def scaled(self, factor: float) -> Range:
        return Range(_scaled(self.least, factor), _scaled(self.most, factor))

    def union(self, other: Range) -> Range:
        return Range(min(self.least, other.least), max(self.most, other.most))


def _plus(a: int, b: int) -> int:
    return min(a + b, MOST)


def _by(a: int, b: int) -> int:
    return min(a * b, MOST)


def _scaled(amount: int, factor: float) -> int:
    number = float(amount)
    if number > 0 and factor > 0 and number > MOST / factor:
        return MOST
    up = math.ceil(number * factor)
    return MOST if up >= 2**64 else up


def fixed(amount: int) -> Range:
    return Range(amount, amount)


UNKNOWN = Range(0, MOST)
_ONE, _NOTHING = fixed(1), fixed(0)


class Way:
    """A path with the growth of Go's slices: two ways that go on from the same one may share their last step."""

    __slots__ = ("_length", "_room")

    def __init__(self, room: list[str], length: int) -> None:
        self._room = room
        self._length = length

    @classmethod
    def to(cls, name: str) -> Way:
        return cls([name], 1)

    def then(self, step: str) -> Way:
        if self._length < len(self._room):
            self._room[self._length] = step
            return Way(self._room, self._length + 1)
        room = self._room[: self._length] + [step] + [""] * max(self._length - 1, 0)
        return Way(room, self._length + 1)

    @property
    def steps(self) -> list[str]:
        return self._room[: self._length]


_NOWHERE = Way([], 0)


@dataclass(slots=True)
class Items:
    """Sizes of what a container holds: keys (or indices) and values."""

    kind: str
    key: Range
    value: Range

    def union(self, other: Items | None) -> Items | None:
        if other is None:
            return None
        return Items(self.kind, self.key.union(other.key), self.value.union(other.value))


@dataclass(slots=True)
class _Local:
    way: Way
    size: Range | None
    items: Items | None


@dataclass(slots=True)
class Seen:
    """An argument as the cost of a call sees it."""

    node: Node | None
    type: Type
    way: list[str]
    size: Range | None


class Called(NamedTuple):
    """What a call costs, its arguments not counted, and how large its result is."""

    cost: Range
    size: Range | None = None


Sizes = Callable[[list[str]], int | None]
"""The greatest size at the end of a path, None where it leads nowhere."""


def estimate(checked: Checked, sizes: Sizes) -> Range:
    """The cost of an expression."""
    return _Coster(checked, sizes).cost(checked.tree)


class _Coster:
    def __init__(self, checked: Checked, sizes: Sizes) -> None:
        self.checked = checked
        self.sizes = sizes
        self.ways: dict[int, Way] = {}
        self.locals: dict[str, list[_Local]] = {}
        self.known: dict[int, Range] = {}
        self.held: dict[int, Items] = {}

    def cost(self, node: Node) -> Range:
        match node:
            case Literal():
                return _NOTHING
            case Ident():
                return self._ident(node)
            case Select():
                return self._select(node)
            case Call():
                return self._call(node)
            case ListOf():
                return self._list(node)
            case MapOf():
                return self._map(node)
            case Message():
                return self._sum(value for _, value, _ in node.entries).add(fixed(_MESSAGE))
            case Fold():
                return self._naming(node) if node.binds else self._loop(node)
        raise AssertionError(node)

    def _sum(self, nodes) -> Range:  # type: ignore[no-untyped-def]
        total = _NOTHING
        for node in nodes:
            total = total.add(self.cost(node))
        return total

    def _ident(self, node: Ident) -> Range:
        local = self._local(node)
        self.ways[id(node)] = local.way if local is not None else Way.to(node.name)
        return _ONE

    def _select(self, node: Select) -> Range:
        if id(node) in self.checked.names:
            self.ways[id(node)] = Way.to(self.checked.names[id(node)])
            return _ONE
        total = self.cost(node.operand)
        if node.test:
            return total
        if self._type(node.operand).kind in ("map", "object", "param"):
            total = total.add(_ONE)
        self.ways[id(node)] = self._way(node.operand).then(node.name)
        return total

    # Literals.

    def _list(self, node: ListOf) -> Range:
        total, size = _NOTHING, Range(MOST if node.items else 0, 0)
        for item in node.items:
            total = total.add(self.cost(item))
            size = size.union(self._size_or_unknown(item))
        self.held[id(node)] = Items("list", _ONE, size)
        return total.add(fixed(_LIST))

    def _map(self, node: MapOf) -> Range:
        start = Range(MOST if node.entries else 0, 0)
        total, keys, values = _NOTHING, start, start
        for key, value, _ in node.entries:
            total = total.add(self.cost(key)).add(self.cost(value))
            keys = keys.union(self._size_or_unknown(key))
            values = values.union(self._size_or_unknown(value))
        self.held[id(node)] = Items("map", keys, values)
        return total.add(fixed(_MAP))

    # Loops.

    def _naming(self, node: Fold) -> Range:
        total = self.cost(node.range).add(self.cost(node.start))
        self._push(node.accu, self._way(node.start), self._size(node.start), self._items(node.start))
        total = total.add(self.cost(node.result))
        self.locals[node.accu].pop()
        self._copy_sizes(node, node.result)
        return total

    def _loop(self, node: Fold) -> Range:
        total = self.cost(node.range).add(self.cost(node.start))
        self._push(node.accu, self._way(node.start), self._size(node.start), self._items(node.start))
        self._push_variables(node)
        condition, step = self.cost(node.condition), self.cost(node.step)
        for name in node.variables:
            self.locals[name].pop()
        total = total.add(self.cost(node.result))
        self.locals[node.accu].pop()
        times = self._size_or_unknown(node.range)
        total = total.add(times.times(step.add(condition)))
        if isinstance(node.start, Literal):
            self._remember(node, self._size(node.start))
        elif isinstance(node.start, ListOf | MapOf):
            self.known[id(node)] = times
            made = self._items(node.step)
            if made is not None:
                self.held[id(node)] = made
        return total

    def _push_variables(self, node: Fold) -> None:
        items = self._items(node.range)
        kind = items.kind if items is not None else self._type(node.range).kind
        way = self._way(node.range)
        key = items.key if items is not None else None
        value = items.value if items is not None else None
        if len(node.variables) == 2:
            self._push(node.variables[0], way.then("@indices" if kind == "list" else "@keys"), key, None)
            self._push(node.variables[1], way.then("@items" if kind == "list" else "@values"), value, None)
        elif kind == "list":
            self._push(node.variables[0], way.then("@items"), value, None)
        else:
            self._push(node.variables[0], way.then("@keys"), key, None)

    def _push(self, name: str, way: Way, size: Range | None, items: Items | None) -> None:
        self.locals.setdefault(name, []).append(_Local(way, size, items))

    # Calls.

    def _call(self, node: Call) -> Range:
        if node.name == "dyn" and node.target is None:
            cost = self.cost(node.args[0])
            self._copy_sizes(node, node.args[0])
            return _ONE.add(cost)
        costs, seen = [], []
        for arg in node.args:
            costs.append(self.cost(arg))
            seen.append(self._seen(arg))
        taken = self.checked.overloads.get(id(node), ())
        total, target = _NOTHING, None
        if node.target is not None and id(node) not in self.checked.names:
            total = self.cost(node.target)
            target = self._seen(node.target)
        call, size = Range(MOST, 0), None
        for overload in taken:
            found = self._overload(node, overload, target, seen, costs)
            call = call.union(found.cost)
            if found.size is not None:
                size = found.size if size is None else size.union(found.size)
            if overload in ("index_list", "index_map"):
                items = self._items(node.args[0])
                size = items.value if items is not None else None
                step = "@items" if overload == "index_list" else "@values"
                self.ways[id(node)] = self._way(node.args[0]).then(step)
            if size is None:
                size = self._size(node)
        self._remember(node, size)
        return total.add(call)

    def _overload(self, node: Call, overload: str, target: Seen | None, args: list[Seen], costs: list[Range]) -> Called:
        from cluster.meta.cel.cost_functions import own_cost

        if overload in ("logical_and", "logical_or"):
            return Called(Range(costs[0].least, costs[0].add(costs[1]).most))
        if overload == "conditional":
            return self._choice(node, args, costs)
        spent = _NOTHING
        for cost in costs:
            spent = spent.add(cost)
        name = self.checked.names.get(id(node), node.name)
        found = own_cost(name, overload, target, args, self.sizes)
        if found is None and overload in ("add_string", "add_bytes", "add_list"):
            found = self._joined(node, overload, args)
        if found is None:
            return Called(_ONE.add(spent))
        return Called(found.cost.add(spent), found.size)

    def _choice(self, node: Call, args: list[Seen], costs: list[Range]) -> Called:
        size = (args[1].size or UNKNOWN).union(args[2].size or UNKNOWN)
        first, second = self._items(node.args[1]), self._items(node.args[2])
        both = first.union(second) if first is not None else None
        if both is not None:
            self.held[id(node)] = both
        return Called(costs[0].add(costs[1].union(costs[2])), size)

    def _joined(self, node: Call, overload: str, args: list[Seen]) -> Called:
        size = (args[0].size or UNKNOWN).add(args[1].size or UNKNOWN)
        first, second = self._items(node.args[0]), self._items(node.args[1])
        both = first.union(second) if first is not None else None
        if both is not None:
            self.held[id(node)] = both
        return Called(_ONE if overload == "add_list" else size.scaled(TRAVERSAL), size)

    # Sizes and paths.

    def _type(self, node: Node) -> Type:
        return self.checked.types[id(node)]

    def _local(self, node: Node) -> _Local | None:
        stack = self.locals.get(node.name) if isinstance(node, Ident) else None
        return stack[-1] if stack else None

    def _way(self, node: Node) -> Way:
        local = self._local(node)
        return local.way if local is not None else self.ways.get(id(node), _NOWHERE)

    def _seen(self, node: Node) -> Seen:
        steps = self._way(node).steps
        if steps and steps[0] == "@result":
            steps = []
        return Seen(node, self._type(node), steps, self._size(node))

    def _remember(self, node: Node, size: Range | None) -> None:
        if size is not None:
            self.known[id(node)] = size

    def _copy_sizes(self, to: Node, source: Node) -> None:
        self._remember(to, self._size(source))
        items = self._items(source)
        if items is not None:
            self.held[id(to)] = items

    def _size_or_unknown(self, node: Node) -> Range:
        return self._size(node) or UNKNOWN

    def _size(self, node: Node) -> Range | None:
        found = self.known.get(id(node)) or _written(node)
        if found is not None:
            return found
        steps = self._way(node).steps
        most = self.sizes(steps) if steps else None
        if most is not None:
            self.known[id(node)] = Range(0, most)
            return Range(0, most)
        if _scalar(self._type(node)):
            return _ONE
        local = self._local(node)
        return local.size if local is not None else None

    def _items(self, node: Node) -> Items | None:
        found = self.held.get(id(node))
        if found is not None:
            return found
        local = self._local(node)
        return local.items if local is not None else None


def _written(node: Node) -> Range | None:
    """The size of a literal."""
    if isinstance(node, Literal):
        return fixed(len(node.value)) if isinstance(node.value, str | bytes) else _ONE
    if isinstance(node, ListOf):
        return fixed(len(node.items))
    return fixed(len(node.entries)) if isinstance(node, MapOf) else None


def _scalar(held: Type) -> bool:
    if held.kind == "opt":
        return _scalar(held.params[0])
    return held.kind in ("bool", "double", "duration", "int", "timestamp", "uint")
