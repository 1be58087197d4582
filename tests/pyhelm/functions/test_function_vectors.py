"""Every recorded vector of the function library, through the engine, in Helm's words."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from pyhelm.testing.vectors import evaluate

GOLDENS = Path(__file__).resolve().parents[4] / "shared" / "goldens" / "helm" / "functions.jsonl"


def _groups() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    if GOLDENS.exists():
        with GOLDENS.open(encoding="utf-8") as lines:
            for vector in map(json.loads, lines):
                found[vector["group"]].append(vector)
    return found


GROUPS = _groups()


@pytest.mark.skipif(not GROUPS, reason="the recorded vectors are not beside this checkout")
@pytest.mark.parametrize("group", sorted(GROUPS))
def test_a_group_of_vectors(group: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    faults = {vector["id"]: fault for vector in GROUPS[group] if (fault := evaluate(vector))}
    assert not faults
