"""Expressions: what they give, what they cost, and how their faults are worded."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.meta.cel import Budget, BudgetExceeded, CompileError, EvalError, compile
from cluster.meta.cel.types import DYN, INT, STRING, list_of, object_of

HELD: dict[str, Any] = {
    "self": {"name": "web", "ports": [80, 443], "labels": {"a": "1", "b-c": "2"}, "__namespace__": 1, "empty": []},
    "none": None,
}


def give(text: str, **more: Any) -> Any:
    held = HELD | more
    return compile(text, dict.fromkeys(held, DYN)).run(held)


@pytest.mark.parametrize(
    "text",
    [
        "1 + 2 * 3 == 7",
        "-7 / 2 == -3 && -7 % 2 == -1",
        "1 < 1.5 && 2u > 1u",
        "'a' + 'b' == \"ab\" && b'x' == bytes('x')",
        "r'\\d' == '\\\\d' && '\\u0041' == 'A' && '''x\ny''' == 'x\\ny'",
        "true ? 1 == 1 : false",
        "false && 1 / 0 == 1 || true",
        "1 / 0 == 1 || true",
        "has(self.name) && !has(self.other)",
        "self.labels.__namespace__ == 1 || true",
        "self.?other.orValue('x') == 'x' && self.?name.hasValue()",
        "self.labels[?'zz'].orValue('none') == 'none'",
        "optional.of(3).optMap(v, v + 1).value() == 4",
        "[?optional.none(), ?optional.of(1)] == [1] && {?'a': optional.none()} == {}",
        "self.ports.all(p, p > 0) && self.ports.exists(p, p == 443) && self.ports.exists_one(p, p < 100)",
        "self.ports.filter(p, p > 100) == [443] && self.ports.map(p, p > 100, p + 1) == [444]",
        "self.labels.all(k, v, size(k) > 0 && v != '')",
        "self.ports.transformList(i, p, i * p) == [0, 443]",
        "{'a': 1}.transformMap(k, v, v + 1) == {'a': 2}",
        "'a' in self.labels && 80 in self.ports && !(81 in self.ports)",
        "[3, 1, 2].sort() == [1, 2, 3] && [1, 2].sum() == 3 && [1, 5].max() == 5 && [1, 1].distinct() == [1]",
        "[1, 2, 3].slice(1, 3) == [2, 3] && [[1], [2]].flatten() == [1, 2] && lists.range(2) == [0, 1]",
        "sets.contains([1, 2], [1]) && sets.intersects([1], [1, 2]) && sets.equivalent([1, 1], [1])",
        "'a,b,c'.split(',', 2) == ['a', 'b,c'] && ['a', 'b'].join('-') == 'a-b' && 'aXb'.lowerAscii() == 'axb'",
        "'hello'.substring(1, 3) == 'el' && 'hello'.indexOf('l') == 2 && 'x'.replace('x', 'y') == 'y'",
        "'%s has %d (%.2f, %x)'.format(['a', 3, 1.5, 255]) == 'a has 3 (1.50, ff)'",
        "'ab12'.matches('^[a-z]+[0-9]+$') && 'a1b22'.findAll('[0-9]+') == ['1', '22'] && 'xyz'.find('y') == 'y'",
        "duration('1h30m').getMinutes() == 90 && duration('90s') > duration('1m')",
        "timestamp('2021-03-04T05:06:07Z').getMonth() == 2",
        "timestamp('2021-01-01T00:00:00Z') + duration('24h') == timestamp('2021-01-02T00:00:00Z')",
        "quantity('1.5Gi').isGreaterThan(quantity('1500M')) && quantity('100m').add(quantity('900m')).asInteger() == 1",
        "isURL('https://a.b:8080/c?d=e') && url('https://a.b:8080/c?d=e').getPort() == '8080' && !isURL('a b')",
        "ip('::1').isLoopback() && cidr('10.0.0.0/8').containsIP('10.2.3.4') && !isIP('1.2.3') && isCIDR('::/0')",
        "!format.dns1123Label().validate('web').hasValue() && format.named('uuid').hasValue()",
        "semver('1.2.3-rc.1').isLessThan(semver('1.2.3')) && isSemver('v1.2', true) && !isSemver('1.2')",
        "type(1) == int && type('') == string && string(1.0) == '1' && int('42') == 42 && double('1.5') == 1.5",
        "none == null && dyn(1) != dyn('1')",
    ],
)
def test_expressions_that_are_true(text: str) -> None:
    assert give(text) is True


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("self.other", "no such key: other"),
        ("self.ports[7]", "index out of bounds: 7"),
        ("1 / 0", "division by zero"),
        ("5 % 0", "modulus by zero"),
        ("9223372036854775807 + 1", "integer overflow"),
        ("dyn('a') + dyn(1)", "no such overload"),
        ("optional.none().value()", "optional.none() dereference"),
        ("duration(self.name)", 'time: invalid duration "'),
        ("quantity('x')", "quantities must match the regular expression"),
    ],
)
def test_faults_of_evaluation(text: str, words: str) -> None:
    with pytest.raises(EvalError, match=words.replace("(", r"\(").replace(")", r"\)")):
        give(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bogus == 1", "ERROR: <input>:1:1: undeclared reference to 'bogus' (in container '')\n | bogus == 1\n | ^"),
        (
            "s + 1",
            "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(string, int)'\n | s + 1\n | ..^",
        ),
        ("o.other", "ERROR: <input>:1:2: undefined field 'other'\n | o.other\n | .^"),
        ("s.(", "ERROR: <input>:1:3: Syntax error: no viable alternative at input '.('\n | s.(\n | ..^"),
        ("l.all(x, x)", "expected type 'bool' but found 'int'"),
        ("s.nothing()", "undeclared reference to 'nothing' (in container '')"),
        (
            "true &&\n  bogus",
            "ERROR: <input>:2:3: undeclared reference to 'bogus' (in container '')\n |   bogus\n | ..^",
        ),
        ("1 == 'a'", "found no matching overload for '_==_' applied to '(int, string)'"),
    ],
)
def test_faults_of_compilation_point_at_their_place(text: str, words: str) -> None:
    types = {"s": STRING, "l": list_of(INT), "o": object_of("thing", {"known": INT})}
    with pytest.raises(CompileError) as caught:
        compile(text, types)
    assert words in str(caught.value)


def test_an_expression_costs_no_more_than_it_may() -> None:
    program = compile("l.all(a, l.all(b, l.all(c, a + b + c >= 0)))", {"l": DYN})
    with pytest.raises(BudgetExceeded):
        program.run({"l": list(range(1000))}, Budget(10_000))


def test_nesting_is_bounded() -> None:
    with pytest.raises(CompileError):
        compile("(" * 5000 + "1" + ")" * 5000, {})


def test_the_names_of_an_expression_are_known() -> None:
    assert compile("self.a > 1 && oldSelf.b", {"self": DYN, "oldSelf": DYN}).names == {"self", "oldSelf"}
