"""JSON in the words of Go."""

from __future__ import annotations

import orjson
import pytest

from cluster.meta.gojson import JSONError, loads, sprint


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", "unexpected end of JSON input"),
        (b"{", "unexpected end of JSON input"),
        (b"data", "invalid character 'd' looking for beginning of value"),
        (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b"[1 2]", "invalid character '2' after array element"),
        (b"nul", "unexpected end of JSON input"),
        (b"nulx", "invalid character 'x' in literal null (expecting 'l')"),
        (b'"\n"', "invalid character '\\n' in string literal"),
        (b"1 2", "invalid character '2' after top-level value"),
        (b"01", "invalid character '1' after top-level value"),
        (b'"\\x"', "invalid character 'x' in string escape code"),
        (b"1e999", "json: cannot unmarshal number 1e999 into Go value of type float64"),
    ],
)
def test_faults_of_syntax(text: bytes, fault: str) -> None:
    with pytest.raises(JSONError) as caught:
        loads(text)
    assert str(caught.value) == fault


@pytest.mark.parametrize("text", [b'{"a":"\\ud800x"}', b'{"a":"\xffx"}'])
def test_what_is_no_unicode_becomes_the_replacement_character(text: bytes) -> None:
    assert loads(text) == {"a": "\ufffdx"}
    assert orjson.dumps(loads(text))


def test_nesting_is_bounded() -> None:
    assert loads(b"[" * 200 + b"]" * 200)
    for depth in (300, 1500, 100_000):
        with pytest.raises(JSONError):
            loads(b"[" * depth + b"]" * depth)
        with pytest.raises(JSONError):
            loads(b'{"a":' * depth + b"1" + b"}" * depth)


def test_values_print_as_go_prints_them() -> None:
    value = {"b": [1, 2.5, "x"], "a": None, "c": True, "d": 1e30}
    assert sprint(value) == "map[a:<nil> b:[1 2.5 x] c:true d:1e+30]"
