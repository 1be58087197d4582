"""What is written is read back: YAML in both styles, JSON and TOML, for any plain data."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pyhelm.formats import json_read, json_write, toml_read, toml_write, yaml_pretty, yaml_read, yaml_write

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00\ufeff"), max_size=40)
WORDY = st.lists(
    st.sampled_from(["word", "a:", "#x", "- b", "'", '"', "\n", "  ", "yes", "0x1", "é", "\t"]), max_size=30
)
TEXTS = TEXT | WORDY.map(" ".join)
KEYS = TEXTS.filter(lambda key: key != "<<")
"""`<<` is written plain, as Go writes it, and read as a merge."""
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53).map(float)
PLAIN = st.none() | st.booleans() | NUMBERS | TEXTS
DATA = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@given(DATA)
@settings(max_examples=300, deadline=None)
def test_yaml_is_read_back(value: Any) -> None:
    assert yaml_read.load(yaml_write.dump(value)) == value


@given(DATA)
@settings(max_examples=200, deadline=None)
def test_pretty_yaml_is_read_back(value: Any) -> None:
    assert yaml_read.load(yaml_pretty.dump(value)) == value


@given(DATA)
@settings(max_examples=200, deadline=None)
def test_json_is_read_back(value: Any) -> None:
    assert json_read.load(json_write.dump(value)) == value
    assert json_read.load(json_write.dump_pretty(value)) == value


@given(st.dictionaries(KEYS, st.booleans() | NUMBERS | TEXTS | st.lists(TEXTS, max_size=3), max_size=5))
@settings(max_examples=200, deadline=None)
def test_toml_is_read_back(value: dict[str, Any]) -> None:
    assert toml_read.load(toml_write.dump(value)) == value
