"""The roles and bindings every cluster starts with, as objects; the head of `policy.txt` says how that table reads."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from cluster.meta.types import GroupVersionResource, Obj

GROUP = "rbac.authorization.k8s.io"
LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
ANNOTATIONS = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
_SUBJECTS = {"user": "User", "group": "Group"}


def policy_objects() -> Iterator[tuple[GroupVersionResource, Obj]]:
    """Every bootstrap role and binding with its resource, roles before the bindings that name them."""
    role: Obj | None = None
    for line in files(__package__).joinpath("policy.txt").read_text("utf-8").splitlines():
        if line.startswith("  ") and role is not None:
            role.setdefault("rules", []).append(_rule(line))
            continue
        if role is not None:
            yield _resource(role), role
            role = None
        if line.startswith("role "):
            role = _role(line.split()[1:])
        elif line.startswith("bind "):
            binding = _binding(line.removeprefix("bind "))
            yield _resource(binding), binding


def _resource(obj: Obj) -> GroupVersionResource:
    return GroupVersionResource(GROUP, "v1", obj["kind"].lower() + "s")


def _after(words: list[str], word: str) -> str:
    return words[words.index(word) + 1] if word in words else ""


def _named(kind: str, name: str, namespace: str) -> Obj:
    metadata: dict[str, Any] = {"name": name, "labels": dict(LABELS), "annotations": dict(ANNOTATIONS)}
    if namespace:
        metadata["namespace"] = namespace
    prefix = "" if namespace else "Cluster"
    return {"apiVersion": f"{GROUP}/v1", "kind": prefix + kind, "metadata": metadata}


def _role(words: list[str]) -> Obj:
    role = _named("Role", words[0], _after(words, "in"))
    gathered = _after(words, "from")
    for word in words[1:]:
        if word.startswith("aggregate-to-") and word != gathered:
            role["metadata"]["labels"][f"{GROUP}/{word}"] = "true"
    if gathered:
        role["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {f"{GROUP}/{gathered}": "true"}}]}
        role["rules"] = None
    return role


def _rule(line: str) -> dict[str, Any]:
    verbs, group, what, *names = (part.strip() for part in line.split("|"))
    if group == "url":
        return {"verbs": verbs.split(","), "nonResourceURLs": what.split(",")}
    groups = ["" if g == "core" else g for g in group.split(",")]
    rule: dict[str, Any] = {"verbs": verbs.split(","), "apiGroups": groups, "resources": what.split(",")}
    if names:
        rule["resourceNames"] = names[0].split(",")
    return rule


def _binding(text: str) -> Obj:
    head, _, subjects = text.rpartition(":" if text.endswith(":") else ": ")
    words = head.split()
    binding = _named("RoleBinding", words[0], _after(words, "in"))
    kind = "Role" if "in" in words else "ClusterRole"
    binding["roleRef"] = {"apiGroup": GROUP, "kind": kind, "name": _after(words, "to") or words[0]}
    binding["subjects"] = [_subject(s.strip()) for s in subjects.split(",") if s.strip()]
    if not binding["subjects"]:
        del binding["subjects"]
    return binding


def _subject(text: str) -> dict[str, str]:
    kind, name = text.split()
    if kind == "account":
        return {"kind": "ServiceAccount", "name": name, "namespace": "kube-system"}
    return {"kind": _SUBJECTS[kind], "apiGroup": GROUP, "name": name}
