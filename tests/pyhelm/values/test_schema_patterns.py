"""Expressions of values schemas are RE2's: hostile ones take no time, and what RE2 does not know is refused."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from pyhelm.chart.model import Chart
from pyhelm.values.quick_schema import surely_valid
from pyhelm.values.schema import schema_fault

EVIL = "a" * 40 + "!"


def fault(schema: Any, values: dict[str, Any]) -> str:
    return schema_fault(json.dumps(schema).encode(), values)


@pytest.mark.parametrize(
    ("schema", "values", "said"),
    [
        ({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": EVIL}, "does not match pattern"),
        ({"patternProperties": {"^(a+)+$": False}}, {EVIL: 1}, ""),
        ({"patternProperties": {"^(a|a)*$": {}}, "additionalProperties": False}, {EVIL: 1}, "additional properties"),
        ({"patternProperties": {"^(a|aa)+$": {}}, "unevaluatedProperties": False}, {EVIL: 1}, "false schema"),
        ({"properties": {"a": {"format": "regex"}}}, {"a": "(?=x)"}, ""),
    ],
)
def test_hostile_expressions_end_soon(schema: Any, values: dict[str, Any], said: str) -> None:
    started = time.monotonic()
    assert not surely_valid(json.dumps(schema).encode(), values) or not said
    found = fault(schema, values)
    assert said in found if said else not found
    assert time.monotonic() - started < 5


def test_keys_that_match_are_evaluated() -> None:
    schema = {"patternProperties": {"^x-": {"type": "string"}}, "unevaluatedProperties": False}
    assert fault(schema, {"x-a": "1"}) == ""
    assert "false schema" in fault(schema, {"x-a": "1", "y": 1})


def test_what_go_knows_and_python_does_not_is_fine() -> None:
    assert fault({"properties": {"a": {"pattern": r"^\pL+\z"}}}, {"a": "é"}) == ""


def test_lookaround_is_refused_with_its_place() -> None:
    schema = {"properties": {"a": {"properties": {"b": {"pattern": "(?!x)"}}}}}
    assert fault(schema, {}) == (
        '"file:///values.schema.json#" is not valid against metaschema: jsonschema validation failed with '
        "'https://json-schema.org/draft/2020-12/schema#'\n- at '': 'allOf' failed\n  - at '/properties/a': 'allOf' "
        "failed\n    - at '/properties/a/properties/b': 'allOf' failed\n      - at "
        "'/properties/a/properties/b/pattern': '(?!x)' is not valid regex: error parsing regexp: invalid or "
        "unsupported Perl syntax: `(?!`"
    )


def test_drafts_without_vocabularies_are_not_nested() -> None:
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"pattern": "("}}}
    assert fault(schema, {}).split("\n")[1:] == [
        "- at '/properties/a/pattern': '(' is not valid regex: error parsing regexp: missing closing ): `(`"
    ]


def test_a_chart_without_schema_takes_anything() -> None:
    from pyhelm.values.schema import check_values

    check_values(Chart({"name": "c"}), {"a": 1})
