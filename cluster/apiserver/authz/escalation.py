"""Nobody hands out rights he does not have: what a write of a role or binding must pass beyond validation.

Holders of the verb `escalate` on a role, or `bind` on the role referred to, and members of system:masters are free of
it. Follows the policy-based storage of Kubernetes' RBAC registry, wording included; writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import product

from cluster.apiserver.authz.interface import Attributes, AuthorizerChain, Decision
from cluster.apiserver.authz.rbac import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    GROUP,
    ROLE_BINDINGS,
    ROLES,
    RbacAuthorizer,
    Rule,
    path_covers,
)
from cluster.apiserver.registry.services import Hooks
from cluster.apiserver.request import MASTERS, UserInfo
from cluster.meta import errors
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupResource, Obj

_SHOWN = (
    ("apiGroups", "APIGroups"),
    ("resources", "Resources"),
    ("nonResourceURLs", "NonResourceURLs"),
    ("resourceNames", "ResourceNames"),
    ("verbs", "Verbs"),
)
_ROLE_KINDS = ("Role", "ClusterRole")
_FULL: list[Rule] = [
    {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
    {"nonResourceURLs": ["*"], "verbs": ["*"]},
]


class EscalationCheck:
    """`permit` of the four RBAC resources (see Hooks)."""

    def __init__(self, rbac: RbacAuthorizer, authorizer: AuthorizerChain) -> None:
        self._rbac = rbac
        self._authorizer = authorizer

    def hooks(self) -> dict[GroupResource, Hooks]:
        roles, bindings = Hooks(permit=self._role), Hooks(permit=self._binding)
        return {ROLES: roles, CLUSTER_ROLES: roles, ROLE_BINDINGS: bindings, CLUSTER_ROLE_BINDINGS: bindings}

    async def _role(self, new: Obj, old: Obj | None, user: UserInfo) -> None:
        """Raises 403."""
        meta = new["metadata"]
        namespace, name = meta.get("namespace", ""), meta.get("name", "")
        resource = ROLES if namespace else CLUSTER_ROLES
        if MASTERS in user.groups or await self._may(user, "escalate", resource, namespace, name):
            return
        if old is not None and _for_collection(new, old):
            return
        self._confirm(resource, name, user, new.get("rules") or [], namespace)
        if new.get("aggregationRule") or (old or {}).get("aggregationRule"):
            if self.missing(user, _FULL, namespace):
                why = "must have cluster-admin privileges to use the aggregationRule"
                raise errors.forbidden(resource, name, why)

    async def _binding(self, new: Obj, old: Obj | None, user: UserInfo) -> None:
        """Raises 403, 404 for a role that is not there."""
        meta = new["metadata"]
        namespace, ref = meta.get("namespace", ""), new.get("roleRef") or {}
        resource = ROLE_BINDINGS if namespace else CLUSTER_ROLE_BINDINGS
        if MASTERS in user.groups or (old is not None and _for_collection(new, old)):
            return
        role = ROLES if ref.get("kind") == "Role" else CLUSTER_ROLES
        kind, called = ref.get("kind") or "", ref.get("name") or ""
        if kind in _ROLE_KINDS and await self._may(user, "bind", role, namespace, called):
            return
        self._check_reference(kind, called, namespace)
        rules = self._rbac.role_rules(ref, namespace)
        if rules is None:
            raise errors.not_found(resource, called)
        self._confirm(resource, meta.get("name", ""), user, rules, namespace)

    @staticmethod
    def _check_reference(kind: str, name: str, namespace: str) -> None:
        """Raises 400, 500 for what can be no role."""
        if kind not in _ROLE_KINDS:
            raise StatusError(500, "", f'unsupported role reference kind: "{kind}"')
        if kind == "Role" and not namespace:
            raise errors.bad_request("Namespace parameter required.")
        if not name:
            raise errors.bad_request("Name parameter required.")

    async def _may(self, user: UserInfo, verb: str, resource: GroupResource, namespace: str, name: str) -> bool:
        asked = Attributes(user, verb, GROUP, "*", resource.resource, "", name, namespace)
        return (await self._authorizer.decide(asked)).decision is Decision.ALLOW

    def _confirm(self, resource: GroupResource, name: str, user: UserInfo, rules: list[Rule], namespace: str) -> None:
        missing = self.missing(user, rules, namespace)
        if missing:
            raise _refusal(resource, name, user, missing, self._rbac.rules_for(user, namespace).problem)

    def missing(self, user: UserInfo, rules: Iterable[Rule], namespace: str) -> list[Rule]:
        """The parts of `rules` that no single rule of the user covers."""
        held = self._rbac.rules_for(user, namespace).rules
        return [part for rule in rules for part in parts(rule) if not any(covers(h, part) for h in held)]


def _for_collection(new: Obj, old: Obj) -> bool:
    """Whether a change is one that garbage collection needs, which gives nobody a right."""
    return _without(new, old) == _without(old, old)


def _without(obj: Obj, old: Obj) -> Obj:
    meta = {"resourceVersion": old["metadata"].get("resourceVersion"), **obj["metadata"]}
    kept = {k: v for k, v in meta.items() if k not in ("ownerReferences", "finalizers", "managedFields") and v}
    return {**{k: v for k, v in obj.items() if v not in (None, [], {})}, "metadata": kept}


def _refusal(resource: GroupResource, name: str, user: UserInfo, missing: list[Rule], problem: str) -> StatusError:
    groups = " ".join(json.dumps(g) for g in user.groups)
    text = f"user {json.dumps(user.name)} (groups=[{groups}]) is attempting to grant RBAC permissions"
    text += " not currently held:\n" + "\n".join(sorted(shown(rule) for rule in compact(missing)))
    if problem:
        text += f"; resolution errors: [{problem}]"
    return errors.forbidden(resource, name, text)


def shown(rule: Rule) -> str:
    """`{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`"""
    listed = [f"{title}:[{' '.join(json.dumps(v) for v in rule[field])}]" for field, title in _SHOWN if rule.get(field)]
    return "{" + ", ".join(listed) + "}"


def parts(rule: Rule) -> Iterator[Rule]:
    """A rule as rules of one verb on one thing each."""
    verbs, names = rule.get("verbs") or [], rule.get("resourceNames") or []
    for group, resource, verb in product(rule.get("apiGroups") or [], rule.get("resources") or [], verbs):
        part = {"apiGroups": [group], "resources": [resource], "verbs": [verb]}
        if names:
            yield from ({**part, "resourceNames": [name]} for name in names)
        else:
            yield part
    for url, verb in product(rule.get("nonResourceURLs") or [], verbs):
        yield {"nonResourceURLs": [url], "verbs": [verb]}


def compact(rules: Iterable[Rule]) -> list[Rule]:
    """Parts on the same thing as one rule with all their verbs."""
    out: dict[tuple[str, ...], Rule] = {}
    for rule in rules:
        key = tuple(str(rule.get(field) or "") for field, _ in _SHOWN[:4])
        held = out.setdefault(key, {**rule, "verbs": []})
        held["verbs"].extend(v for v in rule["verbs"] if v not in held["verbs"])
    return list(out.values())


def covers(held: Rule, part: Rule) -> bool:
    """Whether one rule grants all that a part (of one thing) grants."""
    if not _within(part["verbs"], held.get("verbs") or []):
        return False
    if "nonResourceURLs" in part:
        return all(any(path_covers(p, u) for p in held.get("nonResourceURLs") or []) for u in part["nonResourceURLs"])
    if not _within(part["apiGroups"], held.get("apiGroups") or []):
        return False
    if not all(_resource_within(r, held.get("resources") or []) for r in part["resources"]):
        return False
    names = held.get("resourceNames") or []
    return not names or (bool(part.get("resourceNames")) and set(part["resourceNames"]) <= set(names))


def _within(wanted: list[str], held: list[str]) -> bool:
    return "*" in held or set(wanted) <= set(held)


def _resource_within(resource: str, held: list[str]) -> bool:
    if "*" in held or resource in held:
        return True
    _, slash, sub = resource.partition("/")
    return bool(slash) and f"*/{sub}" in held
