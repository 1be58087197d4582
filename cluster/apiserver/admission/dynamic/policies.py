"""Policies and their bindings: which of them are about a write, and with which parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cluster.apiserver.admission.dynamic.matching import GROUP, exempt, matches
from cluster.apiserver.admission.interface import Attributes, Surroundings
from cluster.meta.selectors import LabelSelector
from cluster.meta.types import GroupResource, GroupVersionKind, Obj


class Misconfigured(Exception):
    """A binding cannot be used; the text says why."""


class Bound(NamedTuple):
    """A policy with one of its bindings, both about the write."""

    policy: Obj
    binding: Obj

    @property
    def name(self) -> str:
        return str(self.policy["metadata"]["name"])

    @property
    def ignores_faults(self) -> bool:
        return bool(self.policy["spec"].get("failurePolicy") == "Ignore")


def bound(plural: str, a: Attributes, around: Surroundings) -> Iterator[Bound]:
    """Policies of a kind (`validatingadmissionpolic` or `mutatingadmissionpolic`) for a write, by name."""
    if exempt(a.resource):
        return
    bindings = list(around.objects.all(GroupResource(GROUP, f"{plural}ybindings")))
    if not bindings:
        return
    by_policy: dict[str, list[Obj]] = {}
    for binding in bindings:
        by_policy.setdefault(binding["spec"]["policyName"], []).append(binding)
    for name in sorted(by_policy):
        policy = around.objects.get(GroupResource(GROUP, f"{plural}ies"), "", name)
        if policy is None or not matches(policy["spec"].get("matchConstraints"), a, around.objects, around.kinds):
            continue
        for binding in by_policy[name]:
            if matches(binding["spec"].get("matchResources"), a, around.objects, around.kinds):
                yield Bound(policy, binding)


def params_of(found: Bound, a: Attributes, around: Surroundings) -> list[Obj | None]:
    """The parameters to run a policy with, one after the other; [None] where it takes none. Raises Misconfigured."""
    kind, ref = found.policy["spec"].get("paramKind"), found.binding["spec"].get("paramRef")
    if kind is None or ref is None:
        return [None]
    group, _, version = kind["apiVersion"].rpartition("/")
    served = around.kinds.by_gvk(GroupVersionKind(group, version, kind["kind"]))
    if served is None:
        raise Misconfigured(
            f"failed to find resource referenced by paramKind: '{group}/{version}, Kind={kind['kind']}'"
        )
    namespace = _namespace(served.namespaced, ref, a)
    objects = _named(ref, served.storage_resource, namespace, around)
    if not objects:
        if ref.get("parameterNotFoundAction") == "Allow":
            return []
        raise Misconfigured("no params found for policy binding with `Deny` parameterNotFoundAction")
    return list(objects)


def _namespace(namespaced: bool, ref: Obj, a: Attributes) -> str:
    if not namespaced:
        if ref.get("namespace"):
            raise Misconfigured("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        return ""
    namespace = ref.get("namespace") or a.namespace
    if not namespace:
        raise Misconfigured("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
    return str(namespace)


def _named(ref: Obj, resource: GroupResource, namespace: str, around: Surroundings) -> list[Obj]:
    if ref.get("name"):
        found = around.objects.get(resource, namespace, ref["name"])
        return [] if found is None else [found]
    wanted = LabelSelector.from_dict(ref.get("selector") or {})
    return [o for o in around.objects.all(resource, namespace) if wanted.matches(o["metadata"].get("labels"))]
