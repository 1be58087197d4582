"""Command lines against recordings of Helm, group by group."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pyhelm.testing.vectors import evaluate

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "goldens" / "helm" / "manifests.jsonl"
GROUPS = (
    "archive", "chart-yaml", "cli", "crds", "create", "dependency", "documents", "helmignore", "hooks", "lint", "notes",
    "order", "package", "pull", "repo", "search-repo", "show", "template-flags", "verify",
)  # fmt: skip


@cache
def vectors() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in RECORDED.read_text(encoding="utf-8").splitlines():
        vector = json.loads(line)
        found[vector["group"]].append(vector)
    return found


@pytest.mark.skipif(not RECORDED.exists(), reason="no recordings of Helm's command lines beside the repository")
@pytest.mark.parametrize("group", GROUPS)
def test_commands_answer_as_helm_does(group: str) -> None:
    assert vectors()[group], "the recording has such vectors"
    failing = {vector["id"]: wrong for vector in vectors()[group] if (wrong := evaluate(vector))}
    assert failing == {}
