"""YAML, JSON and TOML as Go's libraries read and write them."""

from __future__ import annotations

from typing import Any

import pytest

from pyhelm.formats import json_read, json_write, toml_read, toml_write, yaml_pretty, yaml_read, yaml_write


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a2": 1.0, "a10": 2.0, "b": {}}, "a2: 1\na10: 2\nb: {}\n"),
        (
            ["yes", "1", "~", "1e3", "0x1", "1:20", "2024-01-01"],
            "".join(f'- "{word}"\n' for word in ("yes", "1", "~", "1e3", "0x1", "1:20", "2024-01-01")),
        ),
        ({"k": "a\nb\n", "l": "a\nb", "m": "a\n\n"}, "k: |\n  a\n  b\nl: |-\n  a\n  b\nm: |+\n  a\n\n"),
        ({"k": "  lead\nx"}, "k: |2-\n    lead\n  x\n"),
        ([[1.0], [{"a": None}]], "- - 1\n- - a: null\n"),
        ({"f": [1e6, 1234567.5, 1e21, 0.1]}, "f:\n- 1000000\n- 1.2345675e+06\n- 1e+21\n- 0.1\n"),
        ({"t": "tab\there", "e": "😀"}, 'e: "\\U0001F600"\nt: "tab\\there"\n'),
        ({"q": "it's: so", "h": "a #b", "d": "- x"}, "d: '- x'\nh: 'a #b'\nq: 'it''s: so'\n"),
        ("word " * 20 + "end", "word " * 16 + "word\n  word word word end\n"),
    ],
)
def test_to_yaml(value: Any, text: str) -> None:
    assert yaml_write.dump(value) == text
    assert yaml_read.load(text) == value


def test_pretty_yaml_indents_lists_and_keeps_floats() -> None:
    assert yaml_pretty.dump({"l": [1e6, {"a": "yes"}]}) == 'l:\n  - 1e+06\n  - a: "yes"\n'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: b: c", "error converting YAML to JSON: yaml: mapping values are not allowed in this context"),
        ("a:\n\t- b", "error converting YAML to JSON: yaml: line 2: found character that cannot start any token"),
        ("a: .inf", "error converting YAML to JSON: json: unsupported value: +Inf"),
        ("a: *nope", "error converting YAML to JSON: yaml: unknown anchor 'nope' referenced"),
        ('a: "\\/"', "error converting YAML to JSON: yaml: found unknown escape character"),
        ("%YAML 1.2\n---\na: 1", "error converting YAML to JSON: yaml: found incompatible YAML document"),
        (
            "- 1",
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type "
            "map[string]interface {}",
        ),
    ],
)
def test_yaml_faults(text: str, fault: str) -> None:
    with pytest.raises(yaml_read.YAMLError) as raised:
        yaml_read.load_map(text)
    assert str(raised.value) == fault


def test_yaml_is_version_1_1_with_json_numbers() -> None:
    text = "a: 017\nb: 1_000\nc: on\nd: 0b11\ne: 2001-02-03\n1: x\ny: z\nf: 0o17"
    assert yaml_read.load(text) == {
        "a": 15.0, "b": 1000.0, "c": True, "d": 3.0, "e": "2001-02-03", "1": "x", "true": "z", "f": 15.0,
    }  # fmt: skip


def test_aliases_are_copies_and_bombs_are_refused() -> None:
    loaded = yaml_read.load("a: &x {k: [1]}\nb: *x")
    loaded["a"]["k"].append(2)
    assert loaded["b"] == {"k": [1.0]}
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdef", "bcdefg")
    )
    with pytest.raises(yaml_read.YAMLError, match="excessive aliasing"):
        yaml_read.load(bomb)


def test_json_is_escaped_and_numbers_are_gos() -> None:
    assert json_write.dump({"b": "<&>\u2028", "a": [1e21, 1e-7, 1e6]}) == (
        '{"a":[1e+21,1e-7,1000000],"b":"\\u003c\\u0026\\u003e\\u2028"}'
    )
    assert json_write.dump("<", html=False) == '"<"'
    assert json_write.dump_pretty({"a": [], "b": [1.0]}) == '{\n  "a": [],\n  "b": [\n    1\n  ]\n}'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "unexpected end of JSON input"),
        ('{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        ("[1 2]", "invalid character '2' after array element"),
        ("nul", "unexpected end of JSON input"),
        ("tru1", "invalid character '1' in literal true (expecting 'e')"),
        ("{} x", "invalid character 'x' after top-level value"),
        ("1e400", "json: cannot unmarshal number 1e400 into Go value of type float64"),
    ],
)
def test_json_faults(text: str, fault: str) -> None:
    with pytest.raises(json_read.JSONError) as raised:
        json_read.load(text)
    assert str(raised.value) == fault


def test_toml_goes_there_and_back() -> None:
    text = 'a = 1\nf = 2.0\ns = "x\\n"\n\n[t]\n  l = [1, 2]\n\n[[ts]]\n  n = "a"\n'
    assert toml_write.dump(toml_read.load(text)) == text


def test_toml_faults_name_line_and_key() -> None:
    with pytest.raises(toml_read.TOMLError) as raised:
        toml_read.load("a = 1\na = 2")
    assert str(raised.value) == "toml: line 2 (last key \"a\"): Key 'a' has already been defined."
