"""Validation and defaults of what roles grant and to whom bindings grant it."""

from __future__ import annotations

from typing import Any

from cluster.kinds.checks import Faults
from cluster.kinds.golang import dump
from cluster.meta import names
from cluster.meta.field import Path, invalid, not_supported, required
from cluster.meta.types import Obj

GROUP = "rbac.authorization.k8s.io"


def rules(listed: list[dict[str, Any]], *, namespaced: bool) -> Faults:
    faults: Faults = []
    for at, rule in enumerate(listed):
        faults += _rule(Path("rules")[at], rule, namespaced)
    return faults


def _rule(path: Path, rule: dict[str, Any], namespaced: bool) -> Faults:
    faults: Faults = []
    if not rule.get("verbs"):
        faults.append(required(path / "verbs", "verbs must contain at least one value"))
    urls = rule.get("nonResourceURLs") or []
    if urls:
        if namespaced:
            why = "namespaced rules cannot apply to non-resource URLs"
            faults.append(invalid(path / "nonResourceURLs", urls, why))
        if rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
            why = "rules cannot apply to both regular resources and non-resource URLs"
            faults.append(invalid(path / "nonResourceURLs", urls, why))
        return faults
    if not rule.get("apiGroups"):
        faults.append(required(path / "apiGroups", "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        faults.append(required(path / "resources", "resource rules must supply at least one resource"))
    return faults


def default_binding(binding: Obj) -> None:
    """The group of the role, and the group or version of each subject."""
    ref = binding["roleRef"]
    if not ref.get("apiGroup"):
        ref["apiGroup"] = GROUP
    for subject in binding.get("subjects") or ():
        if subject.get("kind") in ("User", "Group") and not subject.get("apiGroup"):
            subject["apiGroup"] = GROUP


def binding(held: Obj, *, kinds: tuple[str, ...], namespaced: bool) -> Faults:
    ref, path = held.get("roleRef") or {}, Path("roleRef")
    faults: Faults = []
    if ref.get("apiGroup") != GROUP:
        faults.append(not_supported(path / "apiGroup", ref.get("apiGroup") or "", [GROUP]))
    if ref.get("kind") not in kinds:
        faults.append(not_supported(path / "kind", ref.get("kind") or "", list(kinds)))
    name = ref.get("name") or ""
    if not name:
        faults.append(required(path / "name"))
    else:
        faults += [invalid(path / "name", name, why) for why in names.path_segment(name)]
    for at, subject in enumerate(held.get("subjects") or ()):
        faults += _subject(Path("subjects")[at], subject, namespaced)
    return faults


def _subject(path: Path, subject: dict[str, Any], namespaced: bool) -> Faults:
    kind, name, group = subject.get("kind") or "", subject.get("name") or "", subject.get("apiGroup") or ""
    faults: Faults = [] if name else [required(path / "name")]
    if kind == "ServiceAccount":
        if name:
            faults += [invalid(path / "name", name, why) for why in names.dns1123_subdomain(name)]
        if group:
            faults.append(not_supported(path / "apiGroup", group, [""]))
        if not namespaced and not subject.get("namespace"):
            faults.append(required(path / "namespace"))
    elif kind in ("User", "Group"):
        if group != GROUP:
            faults.append(not_supported(path / "apiGroup", group, [GROUP]))
    else:
        faults.append(not_supported(path / "kind", kind, ["ServiceAccount", "User", "Group"]))
    return faults


def same_role(new: Obj, old: Obj) -> Faults:
    """A binding keeps its role for ever."""
    if new.get("roleRef") == old.get("roleRef"):
        return []
    shown = dump(new.get("roleRef"), "io.k8s.api.rbac.v1.RoleRef")
    return [invalid(Path("roleRef"), shown, "cannot change roleRef")]
