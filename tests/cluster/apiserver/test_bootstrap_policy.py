"""The roles a cluster starts with are those Kubernetes starts with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cluster.apiserver.authz.bootstrap import policy_objects

GOLDEN = Path(__file__).resolve().parents[4] / "shared" / "goldens" / "kube" / "default-roles.json"
SECTIONS = {
    "ClusterRole": "clusterRoles",
    "ClusterRoleBinding": "clusterRoleBindings",
    "Role": "roles",
    "RoleBinding": "roleBindings",
}


def flat(obj: dict[str, Any]) -> dict[str, Any]:
    rest = {k: v for k, v in obj.items() if k not in ("apiVersion", "kind", "metadata") and v is not None}
    return {**obj["metadata"], **rest}


@pytest.mark.skipif(not GOLDEN.exists(), reason="the recorded answers of the API server are not here")
def test_bootstrap_roles_and_bindings_are_the_recorded_ones() -> None:
    ours: dict[str, list[Any]] = {section: [] for section in SECTIONS.values()}
    for _, obj in policy_objects():
        ours[SECTIONS[obj["kind"]]].append(flat(obj))

    def in_order(listed: list[Any]) -> list[Any]:
        return sorted(listed, key=lambda o: (o.get("namespace", ""), o["name"]))

    theirs = json.loads(GOLDEN.read_text())
    for section in theirs:
        assert in_order(ours[section]) == in_order(theirs[section]), section


def test_every_binding_names_a_role_that_exists() -> None:
    objects = [obj for _, obj in policy_objects()]
    roles = {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]) for o in objects}
    for binding in (o for o in objects if o["kind"].endswith("Binding")):
        ref, namespace = binding["roleRef"], binding["metadata"].get("namespace", "")
        assert (ref["kind"], namespace, ref["name"]) in roles
