"""Every recorded vector of the template language and its functions, where they are at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyhelm.testing.vectors import evaluate

GOLDENS = Path(__file__).parents[4] / "shared/goldens/helm/functions.jsonl"


def _groups() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for vector in _vectors():
        found.setdefault(vector["group"], []).append(vector)
    return found


def _vectors() -> Iterator[dict[str, Any]]:
    if GOLDENS.exists():
        with GOLDENS.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


GROUPS = _groups()


@pytest.mark.skipif(not GROUPS, reason="the recorded vectors are not here")
@pytest.mark.parametrize("group", sorted(GROUPS))
def test_a_group_of_vectors_comes_out_as_recorded(group: str) -> None:
    faults = {vector["id"]: fault for vector in GROUPS[group] if (fault := evaluate(vector))}
    assert faults == {}
