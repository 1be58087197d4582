"""What Go's fmt makes of values, flag by flag."""

from __future__ import annotations

from typing import Any

import pytest

from pyhelm.engine.goprint import GoInt, sprint, sprintf, sprintln, text_of, to_text, type_of
from pyhelm.formats.gotypes import NilMap, StringList


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "<no value>"),
        (1e6, "1e+06"),
        (999999.0, "999999"),
        (356136738.0, "3.56136738e+08"),
        (0.00001, "1e-05"),
        (0.0001, "0.0001"),
        (-0.0, "-0"),
        (float("inf"), "+Inf"),
        (True, "true"),
        ({"b": 1.0, "a": None}, "map[a:<nil> b:1]"),
        ([["x"], []], "[[x] []]"),
        (b"\x01\xff", "[1 255]"),
    ],
)
def test_an_action_prints(value: Any, text: str) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize(
    ("pattern", "values", "text"),
    [
        ("%s-%s", ("a", "b"), "a-b"),
        ("%d", ("5",), "%!d(string=5)"),
        ("%d %s", (GoInt(1),), "1 %!s(MISSING)"),
        ("x", (GoInt(1),), "x%!(EXTRA int=1)"),
        ("100%", (), "100%!(NOVERB)"),
        ("%[3]v", (GoInt(1),), "%!v(BADINDEX)"),
        ("%[2]d %[1]d", (GoInt(1), GoInt(2)), "2 1"),
        ("%*d|", (GoInt(4), GoInt(7)), "   7|"),
        ("%-5s|%5s|", ("ab", "cd"), "ab   |   cd|"),
        ("%05d|%+d|%x", (GoInt(-42), GoInt(3), GoInt(255)), "-0042|+3|ff"),
        ("%6.2f|%e|%g", (3.14159, 123456.789, 1e21), "  3.14|1.234568e+05|1e+21"),
        ("%q %#q", ('a"b', "plain"), '"a\\"b" `plain`'),
        ("%v %s", (None, None), "<nil> %!s(<nil>)"),
        ("%T %T %T", (1.0, GoInt(1), [1]), "float64 int []interface {}"),
        ("%#v", ({"k": [1.5, None]},), 'map[string]interface {}{"k":[]interface {}{1.5, interface {}(nil)}}'),
        ("%t", ("x",), "%!t(string=x)"),
        ("%x % X", ("hi", "hi"), "6869 68 69"),
        ("%c%U", (GoInt(26085), GoInt(233)), "日U+00E9"),
        ("%.2f", (["b"],), "[%!f(string=b)]"),
    ],
)
def test_printf(pattern: str, values: tuple[Any, ...], text: str) -> None:
    assert sprintf(pattern, *values) == text


def test_print_puts_spaces_between_operands_that_are_no_text() -> None:
    assert sprint("a", 1, "b") == "a1b"
    assert sprint(1, 2, None) == "1 2 <nil>"
    assert sprintln("a", 1) == "a 1\n"


def test_types_have_go_names() -> None:
    assert [type_of(v) for v in (None, GoInt(1), 1, StringList(), NilMap(), b"")] == [
        "<nil>",
        "int",
        "int64",
        "[]string",
        "map[string]interface {}",
        "[]uint8",
    ]
    assert text_of(NilMap()) == "map[]"
