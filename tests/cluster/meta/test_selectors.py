"""Selectors: the grammar, the words of its faults, and what they select."""

from __future__ import annotations

import pytest

from cluster.meta.selectors import NOTHING, FieldSelector, LabelSelector, SelectorError


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ("a=b", {"a": "b"}, True),
        ("a==b", {"a": "c"}, False),
        ("a!=b", {}, True),
        ("a in (b, c)", {"a": "c"}, True),
        ("a notin (b,c)", {"a": "c"}, False),
        ("a", {"a": ""}, True),
        ("!a", {"a": ""}, False),
        ("n>1", {"n": "2"}, True),
        ("n<2", {"n": "x"}, False),
        ("a in ()", {"a": ""}, True),
        ("", {}, True),
        ("in in (in)", {"in": "in"}, True),
    ],
)
def test_a_selector_matches(text: str, labels: dict[str, str], matches: bool) -> None:
    assert LabelSelector.parse(text).matches(labels) is matches


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("=", "found '=', expected: !, identifier, or 'end of string'"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("a,", "found '', expected: identifier after ','"),
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("!a=x", "found '=', expected: ',' or 'end of string'"),
        ("a===b", "unable to parse requirement: found '=', expected: identifier"),
    ],
)
def test_a_broken_selector_is_refused_in_the_words_of_the_api_server(text: str, fault: str) -> None:
    with pytest.raises(SelectorError) as caught:
        LabelSelector.parse(text)
    assert str(caught.value) == fault


def test_the_canonical_text_is_sorted_by_key() -> None:
    assert str(LabelSelector.parse("z,a in (c,b),!m,k==v")) == "a in (b,c),k==v,!m,z"


def test_a_null_label_selector_selects_nothing_and_an_empty_one_everything() -> None:
    assert LabelSelector.from_dict(None) is NOTHING
    assert not NOTHING.matches({})
    assert LabelSelector.from_dict({}).matches({"a": "b"})


def test_match_expressions_and_labels_are_joined() -> None:
    selector = LabelSelector.from_dict(
        {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "Exists"}]}
    )
    assert selector.matches({"a": "b", "c": ""})
    assert not selector.matches({"a": "b"})
    with pytest.raises(SelectorError, match="not a valid label selector operator"):
        LabelSelector.from_dict({"matchExpressions": [{"key": "c", "operator": "Near"}]})


def test_field_selectors_escape_and_negate() -> None:
    selector = FieldSelector.parse(r"metadata.name=a\,b,status.phase!=Running")
    assert selector.matches({"metadata.name": "a,b", "status.phase": "Pending"})
    assert selector.exact("metadata.name") == "a,b"
    assert FieldSelector.parse(str(selector)) == selector
    with pytest.raises(SelectorError, match="can't understand"):
        FieldSelector.parse("metadata.name in (x)")
