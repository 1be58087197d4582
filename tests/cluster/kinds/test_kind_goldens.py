"""Recorded creates and updates, at the level of strategy functions: default, prepare, validate against the answer.

Only what the kind itself decides is compared; names, addresses and what admission adds are the server's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.kinds.kind import Kind
from cluster.kinds.metadata import validate_metadata
from cluster.kinds.registry import KindRegistry
from cluster.meta.objects import clone

GOLDENS = Path(__file__).parents[4] / "shared" / "goldens" / "kube" / "api.jsonl"
REGISTRY = KindRegistry.builtin("1.36")
GROUPS = ("create", "validation", "values", "crd")
ELSEWHERE = (
    "create/service-require-dual", "create/service-family-v6", "validation/service-ip-taken",
    "validation/service-nodeport", "dryrun-bad", "fieldmanager-long", "-cel", "policy-type", "quantity-2",
    "unknown-field", "crd/fieldvalidation",
)  # fmt: skip
"""Decided by allocators, request options, expressions or decoding, not by strategies; or in no fixed order."""


def scenarios() -> list[dict[str, Any]]:
    if not GOLDENS.exists():
        return []
    text = re.sub(r"<(uid-\d+)>", r"\1", GOLDENS.read_text(encoding="utf-8"))
    found = [json.loads(line) for line in text.split("\n") if line]
    return [s for s in found if s["group"] in GROUPS and not any(part in s["id"] for part in ELSEWHERE)]


def creations(scenario: dict[str, Any]) -> Iterator[tuple[Kind, str, dict[str, Any]]]:
    """POSTs of objects of built-in kinds that were taken or found invalid."""
    for at, step in enumerate(scenario["steps"]):
        parts = step["path"].strip("/").split("/")
        group, rest = ("", parts[1:]) if parts[0] == "api" else (parts[1], parts[2:])
        version, rest = rest[0] if rest else "", rest[1:]
        namespace, rest = (rest[1], rest[2:]) if len(rest) > 2 and rest[0] == "namespaces" else ("", rest)
        kind = REGISTRY.resource(group, version, rest[0]) if len(rest) == 1 else None
        wanted = step["method"] == "POST" and isinstance(step.get("body"), dict) and step["status"] in (201, 422)
        if kind and wanted and at not in scenario.get("unstable", ()):
            yield kind, namespace, step


def written(kind: Kind, namespace: str, step: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {}, **clone(step["body"])}
    answer = step["response"].get("metadata") or {}
    meta = obj["metadata"] = obj["metadata"] or {}
    if namespace:
        meta.setdefault("namespace", namespace)
    if meta.get("generateName") and not meta.get("name"):
        meta["name"] = "Foo-<rand>"
    strategy = kind.strategy
    strategy.default(obj)
    meta = obj["metadata"]
    meta["uid"], meta["creationTimestamp"] = answer.get("uid", "uid-2"), "<time>"
    strategy.prepare_create(obj)
    faults = validate_metadata(obj, kind) + strategy.validate(obj)
    strategy.canonicalize(obj)
    return obj, faults


@pytest.mark.skipif(not GOLDENS.exists(), reason="recorded answers are not there")
@pytest.mark.parametrize("scenario", scenarios(), ids=lambda s: s["id"])
def test_a_creation_is_answered_as_recorded(scenario: dict[str, Any]) -> None:
    for kind, namespace, step in creations(scenario):
        if "status" not in step or step["response"].get("__created__"):
            continue
        obj, faults = written(kind, namespace, step)
        found = [f.cause().as_dict() for f in faults]
        if step["status"] == 422:
            assert found == step["response"]["details"]["causes"]
        else:
            assert found == []
            assert spec_of(obj, kind) == spec_of(step["response"], kind)


def spec_of(obj: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """What no allocator and no admission plug-in has a hand in."""
    out = {key: value for key, value in obj.items() if key not in ("metadata", "apiVersion", "kind")}
    return {} if kind.kind in ("Pod", "Service", "Node") else out
