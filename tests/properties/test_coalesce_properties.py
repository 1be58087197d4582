"""Coalescing: the user's value wins, inputs stay as they were, doing it again changes nothing."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pyhelm.chart.model import Chart
from pyhelm.values.coalesce import coalesce_values

KEYS = st.sampled_from(["a", "b", "c", "global", "sub"])
SCALARS = st.booleans() | st.integers(0, 3).map(float) | st.sampled_from(["x", ""])


def trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    inner = st.recursive(leaves, lambda below: st.dictionaries(KEYS, below, max_size=3), max_leaves=6)
    return st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)


def chart_of(defaults: dict[str, Any], below: dict[str, Any] | None = None) -> Chart:
    chart = Chart(metadata={"name": "top", "version": "1.0.0"}, values=defaults)
    if below is not None:
        chart.dependencies.append(Chart(metadata={"name": "sub", "version": "1.0.0"}, values=below, parent=chart))
    return chart


@given(trees(SCALARS), trees(SCALARS | st.none()))
def test_inputs_are_left_alone(defaults: dict[str, Any], given_values: dict[str, Any]) -> None:
    chart = chart_of(defaults)
    before = copy.deepcopy((defaults, given_values))
    coalesce_values(chart, given_values)
    assert (chart.values, given_values) == before


@given(trees(SCALARS), trees(SCALARS))
def test_the_users_scalars_win_and_defaults_fill_the_rest(
    defaults: dict[str, Any], given_values: dict[str, Any]
) -> None:
    found = coalesce_values(chart_of(defaults), given_values)
    assert found.keys() == defaults.keys() | given_values.keys()
    for key, value in given_values.items():
        if not isinstance(value, dict):
            assert found[key] == value


@given(trees(SCALARS), trees(SCALARS), trees(SCALARS))
def test_a_subcharts_defaults_lose_against_its_parents(
    defaults: dict[str, Any], below: dict[str, Any], given_values: dict[str, Any]
) -> None:
    chart = chart_of({**defaults, "sub": given_values}, below)
    found = coalesce_values(chart, {})["sub"]
    assert all(found[key] == value for key, value in given_values.items() if not isinstance(value, dict))
    assert (below.keys() | given_values.keys()) <= found.keys()


@given(trees(SCALARS), trees(SCALARS))
def test_coalescing_twice_is_coalescing_once(defaults: dict[str, Any], given_values: dict[str, Any]) -> None:
    chart = chart_of(defaults)
    once = coalesce_values(chart, given_values)
    assert coalesce_values(chart, once) == once
