"""`--set`: what is written in its little language is read back; text that is no sentence of it never crashes."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pyhelm.errors import ValuesError
from pyhelm.values.strvals import parse_literal, parse_set, parse_string

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
LEAVES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=12)


def _escaped(text: str) -> str:
    return "".join("\\" + char if char in "\\.,=[]{}" else char for char in text)


def _assignments(value: Any, path: str) -> list[str]:
    if isinstance(value, dict):
        dot = f"{path}." if path else ""
        return [line for key, inner in value.items() for line in _assignments(inner, dot + _escaped(key))]
    return [f"{path}={_escaped(value)}"]


TREES = st.recursive(LEAVES, lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3), max_leaves=6)


@given(st.dictionaries(NAMES, TREES, min_size=1, max_size=3))
def test_a_tree_of_texts_is_read_back(tree: dict[str, Any]) -> None:
    found: dict[str, Any] = {}
    parse_string(",".join(_assignments(tree, "")), found)
    assert found == tree


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_keep_their_value(number: int) -> None:
    found: dict[str, Any] = {}
    parse_set(f"n={number}", found)
    assert found == {"n": number}


@given(NAMES.filter(lambda name: not set(name) & set("\\.=[")), LEAVES)
def test_a_literal_is_taken_as_it_stands(name: str, text: str) -> None:
    found: dict[str, Any] = {}
    parse_literal(f"{name}={text}", found)
    assert found == {name: text}


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_set, parse_string, parse_literal):
        try:
            parse(text, {})
        except ValuesError as error:
            assert str(error)
