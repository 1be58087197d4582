"""Patches of client-side upgrades."""

from __future__ import annotations

from typing import Any

from pyhelm.kube.apply import migrated_managers
from pyhelm.kube.threeway import json_merge_patch, strategic_patch


def pod(containers: list[dict[str, Any]], **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "labels": labels},
        "spec": {"containers": containers},
    }


def test_nothing_to_change_is_an_empty_patch() -> None:
    body = pod([{"name": "a", "image": "1"}])
    assert strategic_patch(body, body, body) == {}


def test_lists_merge_by_key_and_keep_what_others_added() -> None:
    old, new = pod([{"name": "a", "image": "1"}, {"name": "b"}]), pod([{"name": "a", "image": "2"}])
    live = pod([{"name": "a", "image": "1", "tty": True}, {"name": "b"}, {"name": "sidecar"}])
    assert strategic_patch(old, new, live) == {
        "spec": {"containers": [{"name": "a", "image": "2"}, {"$patch": "delete", "name": "b"}]}
    }


def test_only_what_we_set_before_is_removed() -> None:
    patch = strategic_patch(pod([], mine="1"), pod([]), pod([], mine="1", theirs="2"))
    assert patch == {"metadata": {"labels": {"mine": None}}}


def test_drift_is_repaired() -> None:
    same = pod([{"name": "a", "image": "1"}])
    assert strategic_patch(same, same, pod([{"name": "a", "image": "hacked"}])) == {
        "spec": {"containers": [{"name": "a", "image": "1"}]}
    }


def test_custom_resources_have_no_strategic_patch() -> None:
    body = {"apiVersion": "acme.io/v1", "kind": "Widget"}
    assert strategic_patch(body, body, body) is None


def test_a_merge_patch_without_live_ignores_drift() -> None:
    patch = json_merge_patch({"a": 1, "b": 2, "c": {"d": 1}}, {"a": 1, "c": {"d": 2}}, None)
    assert patch == {"b": None, "c": {"d": 2}}


def test_update_entries_become_one_apply_entry() -> None:
    managers = [
        {"manager": "helm", "operation": "Update", "fieldsV1": {"f:a": {}}},
        {"manager": "kubelet", "operation": "Update", "fieldsV1": {"f:s": {}}},
        {"manager": "helm", "operation": "Apply", "fieldsV1": {"f:b": {"f:c": {}}}},
    ]
    assert migrated_managers(managers) == [
        managers[1],
        {"manager": "helm", "operation": "Apply", "fieldsV1": {"f:b": {"f:c": {}}, "f:a": {}}},
    ]
    assert migrated_managers(managers[1:]) is None
