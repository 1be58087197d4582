"""Recorded kubectl sessions against this control plane, where kubectl of the recording's version and they are there;
and how their texts are compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cluster.testing.kubectl_vectors import difference, find_kubectl, run_all

GOLDEN = Path(__file__).resolve().parents[3] / "shared/goldens/kube/kubectl.jsonl"
SESSIONS = ("get", "describe-workloads", "hello-types")
"""Those that say nothing of the program's own build; the others are run by the vectors command."""
BUILD = frozenset(("get/48",))
"""What tells the commit a server was built of."""
CHANCE = frozenset(("describe-workloads/04", "describe-workloads/05"))
"""kubectl describes the data of ConfigMaps and Secrets in the order of a Go map, which is another one each time."""


@pytest.mark.slow
def test_recorded_sessions_print_what_they_printed() -> None:
    if not GOLDEN.exists():
        pytest.skip("the recorded sessions are not here")
    if not find_kubectl():
        pytest.skip("no kubectl 1.32 on PATH")
    listed = [json.loads(line) for line in GOLDEN.read_text().splitlines()]
    chosen = [s for s in listed if s["session"] in SESSIONS and s["id"] not in BUILD | CHANCE]
    assert chosen
    assert {s["id"]: faults for s, faults in run_all(chosen) if faults} == {}


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("web-HHHHHHHHHH-RRRRR\n", "web-7c5ddbdf54-x2x9p\n"),
        ("NAME   AGE   IP\na      <age>    <podIP-1>\n", "NAME   AGE     IP\na      2m10s   10.2.0.4\n"),
        ("<age>   Normal\n", "5s (x2 over 10s)   Normal\n"),
        ("uid: <uid-1>\nowner: <uid-1>\n", "uid: abc\nowner: abc\n"),
        ("ca: <pem>\n\nend\n", "ca: -----BEGIN\nx\n-----END\n\nend\n"),
        ("a  b\n", "a  b\n"),
    ],
)
def test_placeholders_stand_for_what_they_say(expected: str, actual: str) -> None:
    assert difference(expected, actual) == ""


@pytest.mark.parametrize(
    ("expected", "actual", "words"),
    [
        ("a  b\n", "a b\n", "line 1"),
        ("web-HHHHHHHHHH\n", "web-7c5ddbdf5\n", "line 1"),
        ("<uid-1>\n<uid-1>\n", "abc\ndef\n", "equal placeholders"),
        ("one\n", "one\ntwo\n", "line 2: expected ''"),
        ("one\ntwo\n", "one\n", "line 2: expected 'two'"),
        ("size <none>\n", "size <some>\n", "line 1"),
    ],
)
def test_differences_are_told(expected: str, actual: str, words: str) -> None:
    assert words in difference(expected, actual)
