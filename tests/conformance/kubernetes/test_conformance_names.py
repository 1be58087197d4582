"""The names that the tests of this folder claim: each once, and each one of the suite's where its list is at hand."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

LIST = Path(__file__).resolve().parents[4] / "shared" / "spec" / "conformance.txt"


def _claimed(session: pytest.Session) -> list[str]:
    return [mark.args[0] for item in session.items for mark in item.iter_markers("conforms")]


def test_each_name_is_claimed_once(request: pytest.FixtureRequest) -> None:
    assert not [name for name, count in Counter(_claimed(request.session)).items() if count > 1]


def test_names_are_of_the_suite(request: pytest.FixtureRequest) -> None:
    if not LIST.exists():
        pytest.skip("the list of conformance tests is not here")
    known = {line.split("\t")[3] for line in LIST.read_text().splitlines() if line.startswith(("A\t", "B1\t"))}
    assert not sorted(set(_claimed(request.session)) - known)
