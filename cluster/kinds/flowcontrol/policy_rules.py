"""Validation of the rules of a flow schema: whose requests, and which of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.meta.field import Path, forbidden, invalid, not_supported, required

Rule = dict[str, Any]

VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"]
_SUBJECTS = {"Group": "group", "ServiceAccount": "serviceAccount", "User": "user"}
_NAMESPACE = "each member of this list must be '*' or a DNS-1123 label; "


def policy_rule(path: Path, rule: Rule) -> Faults:
    faults: Faults = []
    for at, subject in enumerate(rule.get("subjects") or ()):
        faults += _subject((path / "subjects")[at], subject)
    if not rule.get("subjects"):
        faults.append(required(path / "subjects", "subjects must contain at least one value"))
    if not rule.get("resourceRules") and not rule.get("nonResourceRules"):
        faults.append(required(path, "at least one of resourceRules and nonResourceRules has to be non-empty"))
    for at, item in enumerate(rule.get("resourceRules") or ()):
        faults += _resources((path / "resourceRules")[at], item)
    for at, item in enumerate(rule.get("nonResourceRules") or ()):
        faults += _urls((path / "nonResourceRules")[at], item)
    return faults


def _subject(path: Path, subject: Rule) -> Faults:
    kind = subject.get("kind") or ""
    if kind not in _SUBJECTS:
        return [not_supported(path / "kind", kind, list(_SUBJECTS))]
    field = _SUBJECTS[kind]
    held, here = subject.get(field), path / field
    if held is None:
        faults: Faults = [required(here, f"{field} is required when subject kind is '{kind}'")]
    elif kind == "ServiceAccount":
        faults = _account(here, held)
    else:
        faults = [] if held.get("name") else [required(here / "name")]
    for other, name in (("ServiceAccount", "serviceAccount"), ("User", "user"), ("Group", "group")):
        if other != kind and subject.get(name) is not None:
            faults.append(forbidden(path / name, f"{name} is forbidden when subject kind is not '{other}'"))
    return faults


def _account(path: Path, held: Rule) -> Faults:
    name, space = held.get("name") or "", held.get("namespace") or ""
    faults: Faults = [] if name else [required(path / "name")]
    if name and name != "*":
        faults += checks.subdomain(path / "name", name)
    if not space:
        return [*faults, required(path / "namespace", "must specify namespace for service account")]
    return faults + checks.label(path / "namespace", space)


def _verbs(path: Path, verbs: Sequence[str]) -> Faults:
    if not verbs:
        return [required(path, "verbs must contain at least one value")]
    if "*" in verbs:
        return _alone(path, verbs, "verbs")
    return [] if set(verbs) <= set(VERBS) else [not_supported(path, list(verbs), VERBS)]


def _alone(path: Path, values: Sequence[str], what: str) -> Faults:
    """A star says everything, and wants no company."""
    if len(values) == 1:
        return []
    return [invalid(path, list(values), f"if '*' is present, must not specify other {what}")]


def _resources(path: Path, rule: Rule) -> Faults:
    faults = _verbs(path / "verbs", rule.get("verbs") or ())
    for name, one, many in (("apiGroups", "api group", "api groups"), ("resources", "resource", "resources")):
        held = rule.get(name) or []
        if not held:
            faults.append(required(path / name, f"resource rules must supply at least one {one}"))
        elif "*" in held:
            faults += _alone(path / name, held, many)
    spaces, here = rule.get("namespaces") or [], path / "namespaces"
    if not spaces and not rule.get("clusterScope"):
        why = "resource rules that are not cluster scoped must supply at least one namespace"
        return [*faults, required(here, why)]
    if "*" in spaces:
        return faults + _alone(here, spaces, "namespaces")
    for at, space in enumerate(spaces):
        bad = checks.label(here[at], space)
        faults += [invalid(fault.path, space, _NAMESPACE + fault.detail) for fault in bad]
    return faults


def _urls(path: Path, rule: Rule) -> Faults:
    faults = _verbs(path / "verbs", rule.get("verbs") or ())
    urls, here = rule.get("nonResourceURLs") or [], path / "nonResourceURLs"
    if not urls:
        return [*faults, required(here, "nonResourceURLs must contain at least one value")]
    if "*" in urls:
        return faults + _alone(here, urls, "non-resource URLs")
    for at, url in enumerate(urls):
        faults += _url(here[at], url)
    return faults


def _url(path: str, url: str) -> Faults:
    if not url:
        return [invalid(path, url, "must not be empty")]
    if url == "/":
        return []
    if not url.startswith("/"):
        return [invalid(path, url, "must start with slash")]
    if " " in url:
        return [invalid(path, url, "must not contain white-space")]
    if "//" in url:
        return [invalid(path, url, "must not contain double slash")]
    if "*" in url and not (url.count("*") == 1 and url.endswith("/*")):
        return [invalid(path, url, "wildcard can only do suffix matching")]
    return []
