"""ServiceAccount: every pod has one, and finds a token of it mounted unless somebody says no."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.apiserver.authz.node_relations import references
from cluster.apiserver.registry.metadata import generate_name
from cluster.meta import names
from cluster.meta.types import GroupResource, Obj

PODS = GroupResource("", "pods")
ACCOUNTS = GroupResource("", "serviceaccounts")
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
MIRROR = "kubernetes.io/config.mirror"
TOKEN_SECONDS = 3607


class ServiceAccount(PlainPlugin):
    name = "ServiceAccount"
    operations = frozenset((Operation.CREATE,))
    resources = frozenset((PODS,))

    async def mutate(self, attributes: Attributes) -> None:
        pod = attributes.obj
        assert pod is not None
        spec = pod.setdefault("spec", {})
        if MIRROR in (pod["metadata"].get("annotations") or {}):
            self._check_mirror(attributes, pod)
            return
        name = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        account = self._account(attributes, name)
        if self._wants_token(spec, account):
            _mount_token(spec)
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            spec["imagePullSecrets"] = [dict(s) for s in account["imagePullSecrets"]]

    async def validate(self, attributes: Attributes) -> None:
        pod = attributes.obj
        assert pod is not None
        if MIRROR in (pod["metadata"].get("annotations") or {}):
            self._check_mirror(attributes, pod)

    def _check_mirror(self, a: Attributes, pod: Obj) -> None:
        spec = pod.get("spec") or {}
        if spec.get("serviceAccountName"):
            raise a.refused("a mirror pod may not reference service accounts")
        if any(resource == "secrets" for resource, _ in references(pod)):
            raise a.refused("a mirror pod may not reference secrets")
        for volume in spec.get("volumes") or []:
            for source in (volume.get("projected") or {}).get("sources") or []:
                if "serviceAccountToken" in source:
                    raise a.refused("a mirror pod may not use ServiceAccountToken volume projections")

    def _account(self, a: Attributes, name: str) -> Obj:
        account = self.around.objects.get(ACCOUNTS, a.namespace, name)
        if account is None:
            why = names.unaskable(name) or f'serviceaccount "{name}" not found'
            raise a.refused(f"error looking up service account {a.namespace}/{name}: {why}")
        return account

    @staticmethod
    def _wants_token(spec: Obj, account: Obj) -> bool:
        if spec.get("automountServiceAccountToken") is not None:
            return bool(spec["automountServiceAccountToken"])
        return account.get("automountServiceAccountToken") is not False


def _mount_token(spec: Obj) -> None:
    volumes = spec.get("volumes") or []
    name = next((v["name"] for v in volumes if str(v.get("name", "")).startswith("kube-api-access-")), "")
    fresh = name or _fresh_name({str(v.get("name")) for v in volumes})
    needed = False
    for container in (*(spec.get("initContainers") or []), *(spec.get("containers") or [])):
        mounts = container.get("volumeMounts") or []
        if any(m.get("mountPath") == MOUNT_PATH for m in mounts):
            continue
        container["volumeMounts"] = [*mounts, {"name": fresh, "readOnly": True, "mountPath": MOUNT_PATH}]
        needed = True
    if needed and not name:
        spec["volumes"] = [*volumes, token_volume(fresh)]


def _fresh_name(taken: set[str]) -> str:
    while True:
        name = generate_name("kube-api-access-")
        if name not in taken:
            return name


def token_volume(name: str) -> dict[str, Any]:
    """The projected volume of token, CA and namespace."""
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    return {
        "name": name,
        "projected": {
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [namespace]}},
            ],
            "defaultMode": 420,
        },
    }
