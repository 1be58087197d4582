"""What the objects of a node refer to: which secrets, claims, volumes, … its kubelet has to do with.

Looked up among the pods at each question instead of being kept as a graph: a node has few pods. Knows no verbs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cluster.apiserver.authz.rbac import RoleSource
from cluster.meta.objects import dig
from cluster.meta.types import GroupResource, Obj

PODS = GroupResource("", "pods")
CLAIMS, VOLUMES = GroupResource("", "persistentvolumeclaims"), GroupResource("", "persistentvolumes")
ATTACHMENTS = GroupResource("storage.k8s.io", "volumeattachments")
SLICES = GroupResource("resource.k8s.io", "resourceslices")
_MIRROR = "kubernetes.io/config.mirror"
_NODE_FIELD = {ATTACHMENTS: "nodeName", SLICES: "nodeName", PODS: "nodeName"}
"""Resources whose objects say themselves which node they are of, in their spec."""


class NodeRelations:
    """Reads the newest objects."""

    def __init__(self, source: RoleSource) -> None:
        self._source = source

    def holds(self, node: str, resource: GroupResource, namespace: str, name: str) -> bool:
        """Whether an object has to do with a node."""
        if resource in _NODE_FIELD:
            found = self._source.get(resource, namespace, name)
            return bool(dig(found, "spec", _NODE_FIELD[resource]) == node)
        if resource == VOLUMES:
            claim = dig(self._source.get(VOLUMES, "", name), "spec", "claimRef") or {}
            return self._referred(node, CLAIMS, claim.get("namespace") or "", claim.get("name") or "")
        if self._referred(node, resource, namespace, name):
            return True
        return resource.resource == "secrets" and self._through_volume(node, namespace, name)

    def _referred(self, node: str, resource: GroupResource, namespace: str, name: str) -> bool:
        """Whether a pod of the node refers to it."""
        wanted = (resource.resource, name)
        return any(
            wanted in references(pod)
            for pod in self._source.all(PODS, namespace)
            if dig(pod, "spec", "nodeName") == node and _MIRROR not in (pod["metadata"].get("annotations") or {})
        )

    def _through_volume(self, node: str, namespace: str, secret: str) -> bool:
        """Whether the driver of a volume that a pod of the node has claimed needs the secret."""
        for volume in self._source.all(VOLUMES):
            claim = dig(volume, "spec", "claimRef")
            if not claim:
                continue
            where = claim.get("namespace") or ""
            needed = {(r.get("namespace") or where, r.get("name") or "") for r in _secret_refs(volume.get("spec"))}
            if (namespace, secret) in needed and self._referred(node, CLAIMS, where, claim.get("name") or ""):
                return True
        return False


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
    yield from _of_resource_claims(pod)


def _of_resource_claims(pod: Obj) -> Iterator[tuple[str, str]]:
    status = pod.get("status") or {}
    for claim in (pod.get("spec") or {}).get("resourceClaims") or []:
        if claim.get("resourceClaimName"):
            yield "resourceclaims", claim["resourceClaimName"]
    for made in status.get("resourceClaimStatuses") or []:
        if made.get("resourceClaimName"):
            yield "resourceclaims", made["resourceClaimName"]
    extended = (status.get("extendedResourceClaimStatus") or {}).get("resourceClaimName")
    if extended:
        yield "resourceclaims", extended


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


def api_reference(pod: Obj) -> str:
    """The first kind of object of the API that a pod refers to, as Kubernetes names it; empty for none."""
    spec = pod.get("spec") or {}
    if spec.get("serviceAccountName"):
        return "serviceaccounts"
    held = {resource for resource, _ in references(pod)}
    for resource in ("secrets", "configmaps"):
        if resource in held:
            return resource
    if spec.get("resourceClaims"):
        return "resourceclaims"
    return next((found for volume in spec.get("volumes") or [] if (found := _volume_reference(volume))), "")


_VOLUME_REFERENCES = {
    "csi": "csidrivers (via CSI volumes)",
    "glusterfs": "endpoints (via glusterFS volumes)",
    "persistentVolumeClaim": "persistentvolumeclaims",
    "ephemeral": "persistentvolumeclaims (via ephemeral volumes)",
    "azureFile": "secrets (via azureFile volumes)",
}
_PROJECTED_REFERENCES = {
    "serviceAccountToken": "serviceaccounts (via projected volumes)",
    "clusterTrustBundle": "clustertrustbundles",
    "podCertificate": "podcertificates",
}


def _volume_reference(volume: dict[str, Any]) -> str:
    for field, called in _VOLUME_REFERENCES.items():
        if volume.get(field) is not None:
            return called
    for source in (volume.get("projected") or {}).get("sources") or []:
        for field, called in _PROJECTED_REFERENCES.items():
            if source.get(field) is not None:
                return called
    return ""
