"""The node authorizer: a kubelet may read what the pods bound to its node refer to, and write what is its node's own.

Answers for users system:node:NAME in the group system:nodes only; everybody else is left to the other authorizers.
Reachability is looked up among the pods at each question instead of being kept as a graph: a node has few pods.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cluster.apiserver.authz.bootstrap import policy_objects
from cluster.apiserver.authz.interface import Attributes, Decision
from cluster.apiserver.authz.rbac import RoleSource, Rule, allows
from cluster.apiserver.request import UserInfo
from cluster.meta.objects import dig
from cluster.meta.types import GroupResource, Obj

PREFIX, NODES = "system:node:", "system:nodes"
PODS = GroupResource("", "pods")
CLAIMS, VOLUMES = GroupResource("", "persistentvolumeclaims"), GroupResource("", "persistentvolumes")
LEASE_NAMESPACE = "kube-node-lease"
_READ = frozenset(("get", "list", "watch"))
_UNRELATED = "no relationship found between node '{}' and this object"
Answer = tuple[Decision, str]


def node_of(user: UserInfo) -> str | None:
    """The node a user is; None for a user who is no node."""
    if NODES not in user.groups or not user.name.startswith(PREFIX):
        return None
    return user.name.removeprefix(PREFIX)


class NodeAuthorizer:
    """See the module."""

    def __init__(self, source: RoleSource) -> None:
        self._source = source
        self._rules: list[Rule] | None = None

    def authorize(self, attributes: Attributes) -> Answer:
        node = node_of(attributes.user)
        if node is None:
            return Decision.NO_OPINION, ""
        special = None if not attributes.is_resource else self._special(attributes, node)
        return special if special is not None else self._plain(attributes)

    def _plain(self, a: Attributes) -> Answer:
        if self._rules is None:
            # The role exists for this; no binding of it is needed.
            self._rules = next(o["rules"] for _, o in policy_objects() if o["metadata"]["name"] == "system:node")
        return (Decision.ALLOW if any(allows(rule, a) for rule in self._rules) else Decision.NO_OPINION), ""

    def _special(self, a: Attributes, node: str) -> Answer | None:
        """The answer for what depends on the node; None leaves it to the plain rules."""
        what = (a.group, a.resource)
        if what in (("", "secrets"), ("", "configmaps")):
            return self._read_named(a, node)
        if what == ("", "persistentvolumeclaims") and a.subresource == "status":
            return self._named(a, node, frozenset(("get", "update", "patch")))
        if what in (("", "persistentvolumeclaims"), ("", "persistentvolumes")):
            return self._named(a, node, frozenset(("get",)))
        if what == ("", "serviceaccounts"):
            return self._account(a, node)
        if what == ("coordination.k8s.io", "leases"):
            return self._lease(a, node)
        if what == ("storage.k8s.io", "csinodes"):
            return self._own(a, node)
        if what == ("", "nodes") and a.verb in ("get", "list", "watch") and not a.subresource:
            return self._own_node(a, node)
        return None

    def _read_named(self, a: Attributes, node: str) -> Answer:
        if a.verb not in _READ or a.subresource:
            return _no("can only read resources of this type" if not a.subresource else "cannot read subresource")
        return self._reach(a, node, "can only read namespaced object of this type")

    def _named(self, a: Attributes, node: str, verbs: frozenset[str]) -> Answer:
        if a.verb not in verbs:
            return _no("can only get individual resources of this type")
        return self._reach(a, node, "can only read namespaced object of this type")

    def _account(self, a: Attributes, node: str) -> Answer:
        if (a.verb, a.subresource) == ("create", "token"):
            return self._reach(a, node, "")
        if a.verb != "get" or a.subresource:
            return _no("can only create tokens for individual service accounts")
        return self._reach(a, node, "")

    def _reach(self, a: Attributes, node: str, nameless: str) -> Answer:
        if not a.name:
            return _no(nameless)
        wanted = (a.resource, a.namespace, a.name)
        if any(wanted == found for found in self._reachable(node, a.namespace)):
            return Decision.ALLOW, ""
        return _no(_UNRELATED.format(node))

    def _lease(self, a: Attributes, node: str) -> Answer:
        if a.verb not in ("get", "create", "update", "patch", "delete"):
            return _no("can only get, create, update, patch, or delete a node lease")
        if a.namespace != LEASE_NAMESPACE:
            return _no(f'can only access leases in the "{LEASE_NAMESPACE}" system namespace')
        if a.verb != "create" and a.name != node:
            return _no("can only access node lease with the same name as the requesting node")
        return Decision.ALLOW, ""

    @staticmethod
    def _own(a: Attributes, node: str) -> Answer:
        if a.verb not in ("get", "create", "update", "patch", "delete"):
            return _no("can only get, create, update, patch, or delete a CSINode")
        if a.subresource:
            return _no("cannot authorize CSINode subresources")
        if a.verb != "create" and a.name != node:
            return _no("can only access CSINode with the same name as the requesting node")
        return Decision.ALLOW, ""

    @staticmethod
    def _own_node(a: Attributes, node: str) -> Answer:
        if a.name == node:
            return Decision.ALLOW, ""
        return _no(f"node '{node}' cannot read '{a.name}', only its own Node object" if a.name else "")

    def _reachable(self, node: str, namespace: str) -> Iterator[tuple[str, str, str]]:
        """(resource, namespace, name) of everything the node's pods refer to."""
        for pod in self._source.all(PODS, namespace):
            if dig(pod, "spec", "nodeName") == node:
                where = pod["metadata"]["namespace"]
                for resource, name in references(pod):
                    yield resource, where, name
                    if resource == "persistentvolumeclaims":
                        yield from self._of_claim(where, name)

    def _of_claim(self, namespace: str, name: str) -> Iterator[tuple[str, str, str]]:
        claim = self._source.get(CLAIMS, namespace, name)
        volume_name = dig(claim, "spec", "volumeName")
        if not volume_name:
            return
        yield "persistentvolumes", "", volume_name
        volume = self._source.get(VOLUMES, "", volume_name)
        for ref in _secret_refs(dig(volume, "spec", default={})):
            yield "secrets", ref.get("namespace") or namespace, ref.get("name") or ""


def _no(reason: str) -> Answer:
    return Decision.NO_OPINION, reason


def references(pod: Obj) -> Iterator[tuple[str, str]]:
    """(resource, name) of the objects of its namespace that a pod refers to."""
    spec = pod.get("spec") or {}
    if spec.get("serviceAccountName"):
        yield "serviceaccounts", spec["serviceAccountName"]
    for ref in spec.get("imagePullSecrets") or []:
        yield "secrets", ref.get("name") or ""
    for part in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(part) or []:
            yield from _of_container(container)
    for volume in spec.get("volumes") or []:
        yield from _of_volume(pod, volume)


def _of_container(container: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for source in container.get("envFrom") or []:
        for field, resource in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
            if source.get(field):
                yield resource, source[field].get("name") or ""
    for variable in container.get("env") or []:
        origin = variable.get("valueFrom") or {}
        for field, resource in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
            if origin.get(field):
                yield resource, origin[field].get("name") or ""


def _of_volume(pod: Obj, volume: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if volume.get("secret"):
        yield "secrets", volume["secret"].get("secretName") or ""
    if volume.get("configMap"):
        yield "configmaps", volume["configMap"].get("name") or ""
    if volume.get("persistentVolumeClaim"):
        yield "persistentvolumeclaims", volume["persistentVolumeClaim"].get("claimName") or ""
    if volume.get("ephemeral"):
        yield "persistentvolumeclaims", f"{pod['metadata']['name']}-{volume['name']}"
    for source in (volume.get("projected") or {}).get("sources") or []:
        for field, resource in (("secret", "secrets"), ("configMap", "configmaps")):
            if source.get(field):
                yield resource, source[field].get("name") or ""
    for ref in _secret_refs(volume):
        yield "secrets", ref.get("name") or ""


def _secret_refs(holder: Any) -> Iterator[dict[str, Any]]:
    """The secrets a volume's driver needs, whichever driver it is."""
    for source in holder.values() if isinstance(holder, dict) else ():
        for field, value in source.items() if isinstance(source, dict) else ():
            if field.endswith("SecretRef") or field == "secretRef":
                yield value or {}
