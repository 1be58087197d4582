"""NamespaceLifecycle: nothing is created where there is no namespace or where it is going; some never go."""

from __future__ import annotations

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.meta import errors
from cluster.meta.errors import Cause
from cluster.meta.types import GroupResource

NAMESPACES = GroupResource("", "namespaces")
IMMORTAL = frozenset(("default", "kube-system", "kube-public"))
_ALWAYS = frozenset(("localsubjectaccessreviews",))


class NamespaceLifecycle(PlainPlugin):
    name = "NamespaceLifecycle"

    def handles(self, operation: Operation, resource: GroupResource, subresource: str) -> bool:
        if operation is Operation.DELETE:
            return resource == NAMESPACES and not subresource
        return operation is Operation.CREATE and resource != NAMESPACES and resource.resource not in _ALWAYS

    async def mutate(self, attributes: Attributes) -> None:
        a = attributes
        if a.operation is Operation.DELETE:
            if a.name in IMMORTAL:
                raise errors.forbidden(NAMESPACES, a.name, "this namespace may not be deleted")
            return
        if not a.namespace:
            return
        namespace = self.around.objects.get(NAMESPACES, "", a.namespace)
        if namespace is None:
            raise errors.not_found(NAMESPACES, a.namespace)
        if (namespace.get("status") or {}).get("phase") == "Terminating":
            raise self._terminating(a)

    @staticmethod
    def _terminating(a: Attributes) -> errors.StatusError:
        error = a.refused(f"unable to create new content in namespace {a.namespace} because it is being terminated")
        cause = Cause("NamespaceTerminating", f"namespace {a.namespace} is being terminated", "metadata.namespace")
        error.details = {**(error.details or {}), "causes": [cause.as_dict()]}
        return error
