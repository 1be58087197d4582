"""Hashes equal those of the real controllers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cluster.controllers.revision_hash import revision_data, revision_hash, template_hash

GOLDEN = Path(__file__).resolve().parents[4] / "shared/goldens/kube/hashes.jsonl"


def _lines(kind: str) -> list[dict]:
    if not GOLDEN.exists():
        return []
    return [line for line in map(json.loads, GOLDEN.read_text().splitlines()) if line["kind"] == kind]


@pytest.mark.skipif(not GOLDEN.exists(), reason="golden hashes are not here")
def test_pod_template_hash_equals_the_recorded_ones() -> None:
    for line in _lines("ReplicaSet"):
        template = line["template"]
        template["metadata"]["labels"].pop("pod-template-hash")
        assert template_hash(template) == line["pod-template-hash"]


@pytest.mark.skipif(not GOLDEN.exists(), reason="golden hashes are not here")
def test_controller_revision_names_equal_the_recorded_ones() -> None:
    for line in _lines("ControllerRevision"):
        data = line["data"]
        template = {k: v for k, v in data["spec"]["template"].items() if k != "$patch"}
        names = {revision_hash(data), template_hash(template), revision_hash(data, 0), template_hash(template, 0)}
        assert line["name"].split("-", 1)[1] in names


def test_the_data_of_a_revision_is_in_order() -> None:
    template = {"spec": {"containers": [{"name": "c", "image": "i"}]}, "metadata": {"labels": {"b": "1", "a": "2"}}}
    data = revision_data(template)
    assert json.dumps(data) == json.dumps(data, sort_keys=True)
