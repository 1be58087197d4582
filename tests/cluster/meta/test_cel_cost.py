"""What expressions may cost is reckoned as Kubernetes does: the figures are those of its own estimate."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.kinds.cel_schema import shape_of
from cluster.meta.cel import compile
from cluster.meta.cel.cost import estimate


def _list(items: Any, most: int | None = None) -> dict[str, Any]:
    return {"type": "array", "items": items, **({} if most is None else {"maxItems": most})}


def _text(most: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": most}


_ANY: dict[str, Any] = {"type": "string"}
_INT: dict[str, Any] = {"type": "integer"}
_ITEM = {"type": "object", "required": ["name"], "properties": {"name": _text(8), "v": _INT, "tags": _list(_ANY, 3)}}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["s", "ls"],
    "properties": {
        "s": _text(10),
        "t": _ANY,
        "e": {"type": "string", "enum": ["aa", "bbbb"]},
        "by": {"type": "string", "format": "byte", "maxLength": 20},
        "ls": _list(_text(5), 7),
        "lu": _list(_ANY),
        "li": _list(_INT, 9),
        "ll": _list(_list(_text(6), 4), 3),
        "lo": _list(_ITEM, 6),
        "ms": {"type": "object", "additionalProperties": _text(4), "maxProperties": 5},
        "mo": {"type": "object", "additionalProperties": {"type": "object", "properties": {"k": _ANY}}},
        "is": {"x-kubernetes-int-or-string": True},
        "o": {"type": "object", "properties": {"x": _ANY}},
    },
}


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("self.s == 'x'", 3, 3),
        ("self.t.startsWith(self.s)", 4, 8),
        ("self.lu.all(x, x.contains('abc'))", 3, 329857577778),
        ("self.lu.all(x, self.lu.all(y, x == y))", 3, 345881509131242703),
        ("self.lo.all(o, o.name.size() > 3 && o.v < 4)", 3, 63),
        ("self.lo.filter(o, o.v > 1).map(o, o.name).exists(n, n == 'a')", 25, 235),
        ("self.ms.all(k, self.ms[k] == 'v')", 3, 43),
        ("self.mo.exists(k, self.mo[k].k == 'x')", 3, 3932153),
        ("type(self.is) == string ? self.is.endsWith('%') : self.is > 3", 7, 7),
        ("has(self.o.x) && self.o.x.matches('^a.*$')", 2, 629151),
        ("self.ls + self.lu == ['a']", 16, 16),
        ("self.ll.map(l, l.size()).sum() > 3", 14, 59),
        ("self.t.replace('a','bb').size() > 3", 4, 629150),
        ("self.t.split(' ').size() == 2", 4, 629150),
        ("self.ls.join(',') == 'a'", 3, 18),
        ("self.t.findAll('[a-z]+').size() == 2", 6, 629150),
        ("cidr('10.0.0.0/8').containsIP(self.s)", 4, 11),
        ("isQuantity(self.t)", 2, 314575),
        ("!format.dns1123Label().validate(self.t).hasValue()", 5, 10066341),
        ("sets.equivalent(self.ls, self.lu)", 5, 14680055),
        ("string(self.by) == 'hello'", 3, 5),
        ("self.ms.transformMap(k, v, v + 'x').size() > 1", 35, 65),
        ("self.?o.optFlatMap(x, x.?x).orValue('') == 'a'", 6, 20),
        ("self.lo.sortBy(o, o.name).size() > 0", 38, 198),
        ("self.li.distinct().size() == 3", 15, 177),
        ("self.lo.map(o, o.tags).all(t, t.all(x, x.startsWith('aaa')))", 14, 128),
        ("self.ls.all(x, self.ls.filter(y, y == x).size() == 1)", 3, 962),
        ("{'a': self.ls}['a'].all(x, x == 'a')", 34, 69),
        ("self.e.size() > 1", 4, 4),
        ("'%s'.format([self.t]) == 'a'", 14, 14),
        ("self.lo.map(o, o.name + o.name).all(x, x.contains('abc'))", 14, 176),
    ],
)
def test_the_estimate_is_that_of_kubernetes(text: str, least: int, most: int) -> None:
    shape = shape_of(SCHEMA, root=True)
    assert shape is not None
    program = compile(text, {"self": shape.type})
    assert program.checked is not None
    assert estimate(program.checked, shape.size_at) == (least, most)


def test_what_a_schema_does_not_limit_is_limited_by_a_request() -> None:
    shape = shape_of(SCHEMA, root=True)
    assert shape is not None
    sizes = {name: shape.size_at(["self", name]) for name in ("s", "t", "e", "lu", "ms", "mo", "none")}
    assert sizes == {"s": 40, "t": 3145726, "e": 4, "lu": 1048575, "ms": 5, "mo": 393215, "none": None}
    assert shape.least == 2 + (1 + 2 + 4) + (2 + 2 + 4)
