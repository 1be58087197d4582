"""Role-based access control: roles and bindings read through the watch cache, evaluated afresh for each request.

Knows rules and subjects; writes nothing. Bindings are indexed by subject on first use and again only after they have
changed, so a request looks at the few bindings that can concern its user.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from cluster.apiserver.authz.interface import NO_OPINION, Answer, Attributes, Decision, Rules
from cluster.apiserver.request import UserInfo
from cluster.meta.types import GroupResource, Obj

GROUP = "rbac.authorization.k8s.io"
Rule = dict[str, Any]
Grant = tuple[Rule, Obj, str]
"""A rule, the binding that gives it, and the subject by which it is given."""


class RoleSource(Protocol):
    """Objects of the RBAC group, newest state. `version(resource)` grows with each change."""

    def get(self, resource: GroupResource, namespace: str, name: str) -> Obj | None: ...

    def all(self, resource: GroupResource, namespace: str = "") -> Iterable[Obj]: ...

    def version(self, resource: GroupResource) -> int: ...


ROLES = GroupResource(GROUP, "roles")
CLUSTER_ROLES = GroupResource(GROUP, "clusterroles")
ROLE_BINDINGS = GroupResource(GROUP, "rolebindings")
CLUSTER_ROLE_BINDINGS = GroupResource(GROUP, "clusterrolebindings")


class RbacAuthorizer:
    """See the module."""

    def __init__(self, source: RoleSource) -> None:
        self._source = source
        self._index: dict[GroupResource, tuple[int, dict[str, list[Obj]]]] = {}

    def authorize(self, attributes: Attributes) -> Answer:
        problems: list[str] = []
        for rule, binding, subject in self._rules(attributes.user, attributes.namespace, problems.append):
            if allows(rule, attributes):
                return Answer(Decision.ALLOW, f"RBAC: allowed by {_why(binding, subject)}")
        return Answer(Decision.NO_OPINION, f"RBAC: {aggregate(problems)}") if problems else NO_OPINION

    def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        """Every rule that speaks for the user in a namespace (cluster-wide ones first), and what went wrong."""
        problems: list[str] = []
        rules = [rule for rule, _, _ in self._rules(user, namespace, problems.append)]
        return Rules(rules, aggregate(problems))

    def role_rules(self, ref: dict[str, Any], namespace: str) -> list[Rule] | None:
        """The rules of a roleRef; None when the role is missing."""
        resource, where = (ROLES, namespace) if ref.get("kind") == "Role" else (CLUSTER_ROLES, "")
        role = self._source.get(resource, where, str(ref.get("name") or ""))
        return None if role is None else list(role.get("rules") or [])

    def _rules(self, user: UserInfo, namespace: str, complain: Callable[[str], None]) -> Iterator[Grant]:
        yield from self._bound(CLUSTER_ROLE_BINDINGS, user, "", complain)
        if namespace:
            yield from self._bound(ROLE_BINDINGS, user, namespace, complain)

    def _bound(
        self, resource: GroupResource, user: UserInfo, namespace: str, complain: Callable[[str], None]
    ) -> Iterator[Grant]:
        for binding, subject in self._bindings(resource, user, namespace):
            ref = binding.get("roleRef") or {}
            rules = self.role_rules(ref, namespace)
            if rules is None:
                where = "role" if ref.get("kind") == "Role" else "clusterrole"
                complain(f'{where}.{GROUP} "{ref.get("name")}" not found')
                continue
            for rule in rules:
                yield rule, binding, subject

    def _bindings(self, resource: GroupResource, user: UserInfo, namespace: str) -> Iterator[tuple[Obj, str]]:
        index = self._indexed(resource)
        seen: set[int] = set()
        for subject in subjects_of(user):
            for binding in index.get(f"{namespace}|{subject}", ()):
                if id(binding) not in seen:
                    seen.add(id(binding))
                    yield binding, subject

    def _indexed(self, resource: GroupResource) -> dict[str, list[Obj]]:
        version = self._source.version(resource)
        held = self._index.get(resource)
        if held is not None and held[0] == version:
            return held[1]
        index: dict[str, list[Obj]] = {}
        for binding in self._source.all(resource):
            where = binding["metadata"].get("namespace", "")
            for subject in binding.get("subjects") or []:
                index.setdefault(f"{where}|{subject_key(subject, where)}", []).append(binding)
        self._index[resource] = version, index
        return index


def _why(binding: Obj, subject: str) -> str:
    """`RoleBinding "b/ns" of Role "r" to User "u"`."""
    meta, ref = binding["metadata"], binding.get("roleRef") or {}
    namespace = meta.get("namespace")
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    name = f"{meta['name']}/{namespace}" if namespace else meta["name"]
    who, _, called = subject.partition(":")
    if called.startswith("system:serviceaccount:"):
        _, _, where, account = called.split(":", 3)
        who, called = "ServiceAccount", f"{account}/{where}"
    return f'{kind} "{name}" of {ref.get("kind")} "{ref.get("name")}" to {who} "{called}"'


def aggregate(problems: list[str]) -> str:
    """As Go prints several errors in one."""
    told = list(dict.fromkeys(problems))
    return f"[{', '.join(told)}]" if len(told) > 1 else "".join(told)


def subject_key(subject: dict[str, Any], namespace: str) -> str:
    """One text a subject, such that `subjects_of` a user it means contains it."""
    kind, name = subject.get("kind"), subject.get("name")
    if kind == "ServiceAccount":
        return f"User:system:serviceaccount:{subject.get('namespace') or namespace}:{name}"
    return f"{kind}:{name}"


def subjects_of(user: UserInfo) -> Iterator[str]:
    yield f"User:{user.name}"
    for group in user.groups:
        yield f"Group:{group}"


def allows(rule: Rule, a: Attributes) -> bool:
    """Whether one rule covers what is asked."""
    verbs = rule.get("verbs") or ()
    if "*" not in verbs and a.verb not in verbs:
        return False
    if not a.is_resource:
        return any(path_covers(pattern, a.path) for pattern in rule.get("nonResourceURLs") or ())
    groups = rule.get("apiGroups") or ()
    if "*" not in groups and a.group not in groups:
        return False
    if not _resource_covers(rule.get("resources") or (), a):
        return False
    names = rule.get("resourceNames") or ()
    return not names or a.name in names


def _resource_covers(resources: Iterable[str], a: Attributes) -> bool:
    wanted = a.qualified_resource
    wild = f"*/{a.subresource}" if a.subresource else None
    return any(r in ("*", wanted) or (wild is not None and r == wild) for r in resources)


def path_covers(pattern: str, path: str) -> bool:
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern[:-1].rstrip("*")))
