"""NodeRestriction: a kubelet writes its own node and the pods bound to it, and marks neither as what it is not."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.certificates import REQUESTS as CERTIFICATE_REQUESTS
from cluster.apiserver.admission.plugins.certificates import common_name
from cluster.apiserver.admission.plugins.node_tokens import check_token
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.apiserver.authz.node import LEASE_NAMESPACE, node_of
from cluster.apiserver.authz.node_relations import api_reference
from cluster.meta import errors
from cluster.meta.objects import dig
from cluster.meta.types import GroupResource, Obj

PODS, NODES = GroupResource("", "pods"), GroupResource("", "nodes")
CLAIMS, ACCOUNTS = GroupResource("", "persistentvolumeclaims"), GroupResource("", "serviceaccounts")
SLICES, REQUESTS = GroupResource("resource.k8s.io", "resourceslices"), CERTIFICATE_REQUESTS
LEASES, CSI_NODES = GroupResource("coordination.k8s.io", "leases"), GroupResource("storage.k8s.io", "csinodes")
MIRROR = "kubernetes.io/config.mirror"
_ALLOWED_LABELS = frozenset(
    (
        "kubernetes.io/hostname",
        "kubernetes.io/arch",
        "kubernetes.io/os",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
    )
)
_ALLOWED_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
_KUBELET_SIGNERS = ("kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet")


class NodeRestriction(PlainPlugin):
    name = "NodeRestriction"

    def handles(self, operation: Operation, resource: GroupResource, subresource: str) -> bool:
        return operation is not Operation.CONNECT and (
            (resource in (PODS, NODES, LEASES, CSI_NODES))
            or (resource in (SLICES, REQUESTS) and not subresource)
            or (resource == CLAIMS and subresource == "status")
            or (resource == ACCOUNTS and subresource == "token")
        )

    async def mutate(self, attributes: Attributes) -> None:
        node = node_of(attributes.user)
        if node is None:
            return
        if not node:
            why = f'could not determine node from user "{attributes.user.name}"'
            raise attributes.refused(why)
        checks = {
            PODS: self._pod,
            NODES: self._node,
            LEASES: self._lease,
            CSI_NODES: self._csi_node,
            SLICES: self._slice,
            REQUESTS: self._request,
        }
        check = checks.get(attributes.resource)
        if attributes.resource == ACCOUNTS:
            await check_token(self.around, attributes, node)
        elif check is not None:
            check(attributes, node)

    # Pods.

    def _pod(self, a: Attributes, node: str) -> None:
        if a.subresource == "status":
            self._pod_status(a, node)
        elif a.subresource == "eviction":
            pod = self._live_pod(a)
            if pod is None:
                raise errors.not_found(GroupResource("", "pod"), a.name)
            if dig(pod, "spec", "nodeName") != node:
                raise a.refused(f"node {node} can only evict pods with spec.nodeName set to itself")
        elif not a.subresource and a.operation is Operation.CREATE:
            self._create_pod(a, node, a.obj or {})
        elif not a.subresource and a.operation is Operation.DELETE:
            self._only_own(a, node, a.old or self._live_pod(a), "delete pods")
        else:
            raise a.refused(
                f'unexpected operation "{a.operation}", node "{node}" can only create and delete mirror pods'
            )

    def _live_pod(self, a: Attributes) -> Obj | None:
        return self.around.objects.get(PODS, a.namespace, a.name)

    def _only_own(self, a: Attributes, node: str, pod: Obj | None, what: str) -> None:
        if pod is not None and dig(pod, "spec", "nodeName") != node:
            raise a.refused(f'node "{node}" can only {what} with spec.nodeName set to itself')

    def _pod_status(self, a: Attributes, node: str) -> None:
        if a.operation is not Operation.UPDATE or a.old is None or a.obj is None:
            raise a.refused(f'unexpected operation "{a.operation}"')
        self._only_own(a, node, a.old, "update pod status for pods")
        if (a.old["metadata"].get("labels") or {}) != (a.obj["metadata"].get("labels") or {}):
            raise a.refused(f'node "{node}" cannot update labels through pod status')
        before, now = a.old.get("status") or {}, a.obj.get("status") or {}
        if _claims(before) != _claims(now):
            raise a.refused(f'node "{node}" cannot update resource claim statues')
        if before.get("extendedResourceClaimStatus") != now.get("extendedResourceClaimStatus"):
            raise a.refused(f'node "{node}" cannot update extended resource claim status')

    def _create_pod(self, a: Attributes, node: str, pod: Obj) -> None:
        if MIRROR not in (pod["metadata"].get("annotations") or {}):
            why = f'pod does not have "{MIRROR}" annotation, node "{node}" can only create mirror pods'
            raise a.refused(why)
        if dig(pod, "spec", "nodeName") != node:
            raise a.refused(f'node "{node}" can only create pods with spec.nodeName set to itself')
        self._owner(a, node, pod["metadata"].get("ownerReferences") or [])
        found = api_reference(pod)
        if found:
            raise a.refused(f'node "{node}" can not create pods that reference {found}')

    def _owner(self, a: Attributes, node: str, owners: list[dict[str, Any]]) -> None:
        why = f'node "{node}" can only create pods with '
        if len(owners) > 1:
            raise a.refused(f"{why}a single owner reference set to itself")
        if not owners:
            raise a.refused(f"{why}an owner reference set to itself")
        owner = owners[0]
        if (owner.get("apiVersion"), owner.get("kind"), owner.get("name")) != ("v1", "Node", node):
            raise a.refused(f"{why}an owner reference set to itself")
        if not owner.get("controller"):
            raise a.refused(f"{why}a controller owner reference set to itself")
        if owner.get("blockOwnerDeletion"):
            raise a.refused(f'node "{node}" must not set blockOwnerDeletion on an owner reference')
        found = self.around.objects.get(NODES, "", node)
        if found is None:
            raise errors.not_found(GroupResource("", "node"), node)
        uid = found["metadata"].get("uid")
        if uid != owner.get("uid"):
            raise a.refused(f"node {node} UID mismatch: expected {owner.get('uid', '')} got {uid}")

    # The node itself.

    def _node(self, a: Attributes, node: str) -> None:
        named = a.name or ((a.obj or {}).get("metadata") or {}).get("name") or ""
        if named != node:
            raise errors.forbidden(NODES, named, f'node "{node}" is not allowed to modify node "{named}"')
        if a.operation is Operation.CREATE and a.obj is not None:
            if dig(a.obj, "spec", "configSource") is not None:
                raise a.refused(f'node "{node}" is not allowed to create pods with a non-nil configSource')
            self._labels(a, a.obj, {}, f'node "{node}" is not allowed to set the following labels')
        elif a.operation is Operation.UPDATE and a.obj is not None and a.old is not None:
            source = dig(a.obj, "spec", "configSource")
            if source is not None and source != dig(a.old, "spec", "configSource"):
                why = f'node "{node}" is not allowed to update configSource to a new non-nil configSource'
                raise a.refused(why)
            if (a.obj.get("spec") or {}).get("taints") != (a.old.get("spec") or {}).get("taints"):
                raise a.refused(f'node "{node}" is not allowed to modify taints')
            if a.obj["metadata"].get("ownerReferences") != a.old["metadata"].get("ownerReferences"):
                raise a.refused(f'node "{node}" is not allowed to modify ownerReferences')
            self._labels(a, a.obj, a.old["metadata"].get("labels") or {}, "is not allowed to modify labels")

    def _labels(self, a: Attributes, new: Obj, before: dict[str, str], what: str) -> None:
        now = new["metadata"].get("labels") or {}
        changed = {k for k in now.keys() | before.keys() if now.get(k) != before.get(k)}
        forbidden = sorted(k for k in changed if _is_restricted(k))
        if forbidden:
            raise a.refused(f"{what}: {', '.join(forbidden)}")

    # Its lease, its drivers and devices, its certificates.

    def _lease(self, a: Attributes, node: str) -> None:
        if a.namespace != LEASE_NAMESPACE:
            raise a.refused(f'can only access leases in the "{LEASE_NAMESPACE}" system namespace')
        if a.name and a.name != node:
            raise a.refused("can only access node lease with the same name as the requesting node")

    def _csi_node(self, a: Attributes, node: str) -> None:
        if a.name and a.name != node:
            raise a.refused("can only access CSINode with the same name as the requesting node")

    def _slice(self, a: Attributes, node: str) -> None:
        held = {Operation.CREATE: a.obj, Operation.DELETE: a.old}.get(a.operation)
        if held is not None and dig(held, "spec", "nodeName") != node:
            verb = "create" if a.operation is Operation.CREATE else "delete"
            raise a.refused(f"can only {verb} ResourceSlice with the same NodeName as the requesting node")

    def _request(self, a: Attributes, node: str) -> None:
        if a.operation is Operation.CREATE and dig(a.obj, "spec", "signerName") in _KUBELET_SIGNERS:
            if common_name(str(dig(a.obj, "spec", "request") or "")) != f"system:node:{node}":
                raise a.refused(f"can only create a node CSR with CN=system:node:{node}")


def _claims(status: Obj) -> list[tuple[object, object]]:
    return [(c.get("name"), c.get("resourceClaimName")) for c in status.get("resourceClaimStatuses") or []]


def _is_restricted(label: str) -> bool:
    """Labels of the cluster's own domains, but for those that describe a machine."""
    domain = label.partition("/")[0] if "/" in label else ""
    ours = any(domain == d or domain.endswith("." + d) for d in ("kubernetes.io", "k8s.io"))
    if not ours or label in _ALLOWED_LABELS:
        return False
    return not any(domain == d or domain.endswith("." + d) for d in _ALLOWED_DOMAINS)
