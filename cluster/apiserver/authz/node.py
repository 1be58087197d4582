"""The node authorizer: a kubelet may read what the pods bound to its node refer to, and write what is its node's own.

Answers for users system:node:NAME in the group system:nodes only; everybody else is left to the other authorizers. What
its own object may be changed to is checked by the admission plugin NodeRestriction. Wording and order of the checks are
those of plugin/pkg/auth/authorizer/node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cluster.apiserver.authz.bootstrap import policy_objects
from cluster.apiserver.authz.interface import ALLOWED, NO_OPINION, Answer, Attributes, Decision, Rules
from cluster.apiserver.authz.node_relations import NodeRelations
from cluster.apiserver.authz.rbac import RoleSource, Rule, allows
from cluster.apiserver.request import UserInfo
from cluster.meta.types import GroupResource

PREFIX, NODES = "system:node:", "system:nodes"
LEASE_NAMESPACE = "kube-node-lease"
_OWN = frozenset(("get", "create", "update", "patch", "delete"))


def node_of(user: UserInfo) -> str | None:
    """The node a user is; None for a user who is no node."""
    if NODES not in user.groups or not user.name.startswith(PREFIX):
        return None
    return user.name.removeprefix(PREFIX)


class NodeAuthorizer:
    """See the module."""

    def __init__(self, source: RoleSource) -> None:
        self._relations = NodeRelations(source)
        self._rules: list[Rule] | None = None

    def authorize(self, attributes: Attributes) -> Answer:
        node = node_of(attributes.user)
        if node is None:
            return NO_OPINION
        if not node:
            return _no(f'unknown node for user "{attributes.user.name}"')
        if attributes.is_resource:
            special = _SPECIAL.get((attributes.group, attributes.resource))
            if special is not None:
                return special(self, attributes, node)
        return self._plain(attributes)

    def rules_for(self, user: UserInfo, namespace: str) -> Rules:
        if node_of(user) is None:
            return Rules([])
        return Rules([], "node authorizer does not support user rule resolution", True)

    def _plain(self, a: Attributes) -> Answer:
        if self._rules is None:
            # The role exists for this; no binding of it is needed.
            self._rules = next(o["rules"] for _, o in policy_objects() if o["metadata"]["name"] == "system:node")
        return ALLOWED if any(allows(rule, a) for rule in self._rules) else NO_OPINION

    def _related(self, a: Attributes, node: str) -> Answer:
        if not a.name:
            return _no("No Object name found")
        return self._reachable(a, node)

    def _reachable(self, a: Attributes, node: str) -> Answer:
        if self._relations.holds(node, GroupResource(a.group, a.resource), a.namespace, a.name):
            return ALLOWED
        return _no(f"no relationship found between node '{node}' and this object")

    def read_named(self, a: Attributes, node: str) -> Answer:
        if a.verb not in ("get", "list", "watch"):
            return _no("can only read resources of this type")
        if a.subresource:
            return _no("cannot read subresource")
        if not a.namespace:
            return _no("can only read namespaced object of this type")
        return self._related(a, node)

    def get_related(self, a: Attributes, node: str) -> Answer:
        if a.verb != "get":
            return _no("can only get individual resources of this type")
        if a.subresource:
            return _no("cannot get subresource")
        return self._related(a, node)

    def claim(self, a: Attributes, node: str) -> Answer:
        if a.subresource != "status":
            return self.get_related(a, node)
        return self._related(a, node) if a.verb in ("update", "patch") else _no("can only get/update/patch this type")

    def account(self, a: Attributes, node: str) -> Answer:
        if a.verb == "get" and not a.subresource:
            return self.read_named(a, node)
        if a.verb != "create" or not a.name:
            return _no("can only create tokens for individual service accounts")
        if a.subresource != "token":
            return _no("can only create token subresource of serviceaccount")
        return self._reachable(a, node)

    def lease(self, a: Attributes, node: str) -> Answer:
        if a.verb not in _OWN:
            return _no("can only get, create, update, patch, or delete a node lease")
        if a.namespace != LEASE_NAMESPACE:
            return _no(f'can only access leases in the "{LEASE_NAMESPACE}" system namespace')
        if a.verb != "create" and a.name != node:
            return _no("can only access node lease with the same name as the requesting node")
        return ALLOWED

    def driver_node(self, a: Attributes, node: str) -> Answer:
        if a.verb not in _OWN:
            return _no("can only get, create, update, patch, or delete a CSINode")
        if a.subresource:
            return _no("cannot authorize CSINode subresources")
        if a.verb != "create" and a.name != node:
            return _no("can only access CSINode with the same name as the requesting node")
        return ALLOWED

    def slice(self, a: Attributes, node: str) -> Answer:
        if a.subresource:
            return _no("cannot authorize ResourceSlice subresources")
        if a.verb == "create":
            return ALLOWED
        if a.verb in ("get", "update", "patch", "delete"):
            return self._related(a, node)
        if a.verb in ("watch", "list", "deletecollection"):
            if _selects(a, "spec.nodeName", node):
                return ALLOWED
            return _no("can only list/watch/deletecollection resourceslices with nodeName field selector")
        verbs = "get, watch, list, create, update, patch, delete, deletecollection"
        return _no(f"only the following verbs are allowed for a ResourceSlice: {verbs}")

    def pod_certificate(self, a: Attributes, node: str) -> Answer:
        if a.subresource:
            return _no("nodes may not access the status subresource of PodCertificateRequests")
        if a.verb == "create":
            return ALLOWED
        if a.verb == "get":
            return self._related(a, node)
        if a.verb in ("list", "watch"):
            if _selects(a, "spec.nodeName", node):
                return ALLOWED
            return _no("can only list/watch podcertificaterequests with nodeName field selector")
        return _no(f"nodes may not {a.verb} podcertificaterequests")

    def node(self, a: Attributes, node: str) -> Answer:
        if a.subresource == "status":
            return ALLOWED if a.verb in ("update", "patch") else NO_OPINION
        if a.subresource:
            return NO_OPINION
        if a.verb in ("create", "update", "patch"):
            return ALLOWED
        if a.verb not in ("get", "list", "watch"):
            return NO_OPINION
        if a.name == node:
            return ALLOWED
        what = f"'{a.name}'" if a.name else "all nodes"
        return _no(f"node '{node}' cannot read {what}, only its own Node object")

    def pod(self, a: Attributes, node: str) -> Answer:
        if a.subresource == "status":
            return ALLOWED if a.verb in ("update", "patch") else NO_OPINION
        if a.subresource == "eviction":
            return ALLOWED if a.verb == "create" else NO_OPINION
        if a.subresource:
            return NO_OPINION
        if a.verb == "get":
            return self.get_related(a, node)
        if a.verb in ("list", "watch"):
            if _selects(a, "spec.nodeName", node):
                return ALLOWED
            if a.name:
                return self._related(a, node)
            return _no("can only list/watch pods with spec.nodeName field selector")
        return ALLOWED if a.verb in ("create", "delete") else NO_OPINION


def _selects(a: Attributes, field: str, node: str) -> bool:
    """Whether the question is restricted to objects of the node."""
    terms = a.selectors.fields if a.selectors is not None else ()
    return any(term.equal and (term.field, term.value) == (field, node) for term in terms)


def _no(reason: str) -> Answer:
    return Answer(Decision.NO_OPINION, reason)


_SPECIAL: Mapping[tuple[str, str], Callable[[NodeAuthorizer, Attributes, str], Answer]] = {
    ("", "secrets"): NodeAuthorizer.read_named,
    ("", "configmaps"): NodeAuthorizer.read_named,
    ("", "persistentvolumeclaims"): NodeAuthorizer.claim,
    ("", "persistentvolumes"): NodeAuthorizer.get_related,
    ("", "serviceaccounts"): NodeAuthorizer.account,
    ("", "nodes"): NodeAuthorizer.node,
    ("", "pods"): NodeAuthorizer.pod,
    ("certificates.k8s.io", "podcertificaterequests"): NodeAuthorizer.pod_certificate,
    ("coordination.k8s.io", "leases"): NodeAuthorizer.lease,
    ("resource.k8s.io", "resourceclaims"): NodeAuthorizer.get_related,
    ("resource.k8s.io", "resourceslices"): NodeAuthorizer.slice,
    ("storage.k8s.io", "csinodes"): NodeAuthorizer.driver_node,
    ("storage.k8s.io", "volumeattachments"): NodeAuthorizer.get_related,
}
