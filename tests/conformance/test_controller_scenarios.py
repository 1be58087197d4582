"""Recorded scenarios of the real controllers and scheduler, replayed on a virtual clock."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

GOLDEN = Path(__file__).resolve().parents[3] / "shared/goldens/kube/controllers.jsonl"
KNOWN = {
    "deployment/quota-blocked": "one more failed creation than was recorded within the same time",
    "deployment/sa-missing": "the name of a pod to be named by the server in admission errors",
    "statefulset/pvc": "the scheduler tries once, where two tries were recorded",
    "statefulset/pvc-bound-retain-and-delete": "the scheduler tries once, where two tries were recorded",
}


def _scenarios() -> list[dict]:
    return [json.loads(line) for line in GOLDEN.read_text().splitlines()] if GOLDEN.exists() else []


@pytest.mark.skipif(not GOLDEN.exists(), reason="the recorded scenarios are not here")
@pytest.mark.parametrize("group", sorted({s["group"] for s in _scenarios()}))
def test_controllers_leave_what_the_real_ones_left(group: str) -> None:
    from cluster.testing.controller_vectors import run_all

    scenarios = _scenarios()
    chosen = [s for s in scenarios if s["group"] == group and s["id"] not in KNOWN]
    differing = {s["id"]: faults[0] for s, faults in run_all(chosen, earlier=scenarios) if faults}
    assert not differing
