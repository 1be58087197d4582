"""The quick verdict on values never contradicts the validator, and is reached for plain schemas."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyhelm.values.quick_schema import surely_valid
from pyhelm.values.schema import schema_fault

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(-3, 3, width=16), st.sampled_from(["", "a", "ab", "1"])
)
VALUES = st.recursive(
    SCALARS,
    lambda v: st.one_of(st.lists(v, max_size=3), st.dictionaries(st.sampled_from("abc"), v, max_size=3)),
    max_leaves=6,
)
TYPES = st.sampled_from(
    ["object", "array", "string", "number", "integer", "boolean", "null", ["string", "null"], "nonsense"]
)


def _schemas(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(st.sampled_from("abc"), below, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES,
            "properties": named,
            "additionalProperties": below,
            "items": below,
            "not": below,
            "anyOf": st.lists(below, max_size=2),
            "oneOf": st.lists(below, max_size=2),
            "allOf": st.lists(below, max_size=2),
            "required": st.lists(st.sampled_from("abc"), max_size=2),
            "enum": st.lists(SCALARS, max_size=3),
            "const": SCALARS,
            "minimum": st.integers(-2, 2),
            "exclusiveMaximum": st.integers(-2, 2),
            "minLength": st.integers(-1, 2),
            "maxItems": st.integers(0, 2),
            "uniqueItems": st.booleans(),
            "pattern": st.sampled_from(["^a", "[", "b$"]),
            "minProperties": st.integers(0, 2),
            "$ref": st.sampled_from(["#", "#/properties/a", "#/nowhere"]),
            "form": st.just(1),
        },
    )


SCHEMAS = st.recursive(st.one_of(st.booleans(), st.builds(lambda t: {"type": t}, TYPES)), _schemas, max_leaves=5)


@settings(max_examples=300, deadline=None)
@given(
    SCHEMAS,
    VALUES,
    st.sampled_from(["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"]),
)
def test_what_is_surely_valid_is_valid(schema: Any, value: Any, draft: str) -> None:
    if isinstance(schema, dict):
        schema = {"$schema": draft, **schema}
    text = json.dumps(schema).encode()
    if surely_valid(text, value):
        assert schema_fault(text, value) == ""


@pytest.mark.parametrize("draft", ["http://json-schema.org/schema#", "http://json-schema.org/draft-07/schema#"])
def test_a_plain_schema_needs_no_validator(draft: str) -> None:
    schema = {
        "$schema": draft,
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": "integer", "form": True}},
    }
    assert surely_valid(json.dumps(schema).encode(), {"a": 3.0})
    assert not surely_valid(json.dumps(schema).encode(), {"a": "x"})
