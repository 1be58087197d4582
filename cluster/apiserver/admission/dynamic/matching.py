"""Which writes a webhook or a policy is about: rules, namespaces, labels.

Shapes are those of MatchResources and of a webhook's rules; matchPolicy Equivalent looks at every served version of
the resource.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.apiserver.admission.interface import Attributes, Objects
from cluster.meta.selectors import LabelSelector
from cluster.meta.types import GroupResource, Obj

NAMESPACES = GroupResource("", "namespaces")
GROUP = "admissionregistration.k8s.io"
_EXEMPT = frozenset(
    GroupResource(GROUP, plural)
    for plural in (
        "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
    )
)


def exempt(resource: GroupResource) -> bool:
    """Configuration of admission itself: nobody may lock himself out."""
    return resource in _EXEMPT


def matches(match: Obj | None, a: Attributes, objects: Objects, kinds: Any) -> bool:
    """MatchResources; None matches all."""
    if match is None:
        return True
    policy = match.get("matchPolicy") or "Equivalent"
    if any(rule_matches(rule, a, policy, kinds) for rule in match.get("excludeResourceRules") or ()):
        return False
    rules = match.get("resourceRules")
    if rules and not any(rule_matches(rule, a, policy, kinds) for rule in rules):
        return False
    return selected(match, a, objects)


def selected(match: Obj, a: Attributes, objects: Objects) -> bool:
    """namespaceSelector and objectSelector."""
    return _object_selected(match.get("objectSelector"), a) and _namespace_selected(
        match.get("namespaceSelector"), a, objects
    )


def _object_selected(selector: Obj | None, a: Attributes) -> bool:
    if not selector:
        return True
    wanted = LabelSelector.from_dict(selector)
    # What has no metadata (options of a connection) has no labels to be told apart by, not even missing ones.
    held = [obj for obj in (a.obj, a.old) if obj is not None and "metadata" in obj]
    return any(wanted.matches((obj.get("metadata") or {}).get("labels")) for obj in held)


def _namespace_selected(selector: Obj | None, a: Attributes, objects: Objects) -> bool:
    if not selector:
        return True
    if not a.namespace and a.resource != NAMESPACES:
        return True
    return LabelSelector.from_dict(selector).matches(namespace_labels(a, objects))


def namespace_labels(a: Attributes, objects: Objects) -> dict[str, str]:
    """Labels of the namespace of a write; of the object itself where that is a namespace."""
    if a.resource == NAMESPACES:
        found = a.obj or a.old or {}
    else:
        found = objects.get(NAMESPACES, "", a.namespace) or {}
    return (found.get("metadata") or {}).get("labels") or {}


def rule_matches(rule: Obj, a: Attributes, policy: str, kinds: Any) -> bool:
    if not _has(rule.get("operations"), str(a.operation)) or not _scope(rule.get("scope") or "*", a):
        return False
    names = rule.get("resourceNames")
    if names and a.name not in names:
        return False
    if not _has(rule.get("apiGroups"), a.kind.group) or not _resources(rule.get("resources") or (), a):
        return False
    return any(_has(rule.get("apiVersions"), version) for version in _versions(a, policy, kinds))


def _has(listed: Iterable[str] | None, wanted: str) -> bool:
    return any(item in ("*", wanted) for item in listed or ())


def _versions(a: Attributes, policy: str, kinds: Any) -> list[str]:
    if policy == "Exact" or kinds is None:
        return [a.kind.version]
    others = [v for v in kinds.versions(a.kind.group) if kinds.resource(a.kind.group, v, a.kind.plural) is not None]
    return [a.kind.version, *others]


def _scope(scope: str, a: Attributes) -> bool:
    if scope == "*":
        return True
    # A namespace counts as cluster-scoped.
    inside = bool(a.namespace) and a.resource != NAMESPACES
    return inside if scope == "Namespaced" else not inside


def _resources(listed: Iterable[str], a: Attributes) -> bool:
    plural, sub = a.kind.plural, a.subresource
    return any(_resource(item, plural, sub) for item in listed)


def _resource(item: str, plural: str, sub: str) -> bool:
    name, slash, wanted = item.partition("/")
    if name not in ("*", plural):
        return False
    return (wanted in ("*", sub) and (bool(sub) or wanted == "*")) if slash else not sub
