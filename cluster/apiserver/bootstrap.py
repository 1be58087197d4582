"""What exists in every cluster from the first second: namespaces, priority classes, the `kubernetes` Service.

Runs at each start and makes only what is missing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cluster.apiserver.authz.bootstrap import policy_objects
from cluster.apiserver.registry.create import create
from cluster.apiserver.registry.options import WriteOptions
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.request import LOOPBACK
from cluster.meta import errors
from cluster.meta.types import GroupVersionResource, Obj

if TYPE_CHECKING:
    from cluster.apiserver.server import ApiServer

NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "default")
PRIORITIES = (
    (
        "system-node-critical",
        2000001000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    (
        "system-cluster-critical",
        2000000000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
)


async def run(server: ApiServer) -> None:
    """Raises StatusError when something that must exist cannot be made."""
    for name in NAMESPACES:
        await ensure(server, GroupVersionResource("", "v1", "namespaces"), _named("v1", "Namespace", name))
    for name, value, text in PRIORITIES:
        obj = _named("scheduling.k8s.io/v1", "PriorityClass", name) | {"value": value, "description": text}
        await ensure(server, GroupVersionResource("scheduling.k8s.io", "v1", "priorityclasses"), obj)
    await ensure(server, GroupVersionResource("", "v1", "services"), _kubernetes_service(server), "default")
    await _policy(server)


async def _policy(server: ApiServer) -> None:
    """All roles and bindings at once, so that they share a few commits."""
    async with asyncio.TaskGroup() as group:
        for gvr, obj in policy_objects():
            group.create_task(ensure(server, gvr, obj, obj["metadata"].get("namespace", "")))


def _named(api_version: str, kind: str, name: str) -> Obj:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}


def _kubernetes_service(server: ApiServer) -> Obj:
    first = server.allocator.first()
    port = server.options.port or 6443
    service = _named("v1", "Service", "kubernetes")
    service["metadata"]["labels"] = {"component": "apiserver", "provider": "kubernetes"}
    service["spec"] = {
        "ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": port}],
        "clusterIP": first,
        "clusterIPs": [first],
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
    }
    return service


async def ensure(
    server: ApiServer,
    gvr: GroupVersionResource,
    obj: Obj,
    namespace: str = "",
    manager: str = "kube-apiserver",
) -> None:
    """Create unless it is there (or unless this server does not serve its kind)."""
    kind = server.kinds.by_gvr(gvr)
    if kind is None:
        return
    registry: Registry = server.registry(kind)
    if registry.cache.get(namespace, obj["metadata"]["name"]) is not None:
        return
    from cluster.apiserver.handlers.body import digest

    options = WriteOptions(LOOPBACK, manager=manager)
    try:
        await create(registry, namespace, digest(registry, obj, options), options)
    except errors.StatusError as error:
        if not errors.is_already_exists(error):
            raise
