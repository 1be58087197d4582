"""What exists in every cluster from the first second: namespaces, priority classes, the `kubernetes` Service.

Runs at each start and makes only what is missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cluster.apiserver import bootstrap_flow
from cluster.apiserver.authz.bootstrap import policy_objects
from cluster.apiserver.registry.create import create
from cluster.apiserver.registry.options import WriteOptions
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.request import LOOPBACK
from cluster.kinds.checks import LOOPBACK as LOOPBACK_ADDRESSES
from cluster.meta import errors
from cluster.meta.objects import clone
from cluster.meta.times import seconds
from cluster.meta.types import GroupVersionResource, Obj

if TYPE_CHECKING:
    from cluster.apiserver.server import ApiServer

_SLICES = GroupVersionResource("discovery.k8s.io", "v1", "endpointslices")
_SERVICE_NAME = "kubernetes.io/service-name"
_TELLING = ("subsets", "ports", "endpoints")
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
    await _flow_control(server)
    await _service_range(server)
    await _accounts_of_itself(server)


async def _flow_control(server: ApiServer) -> None:
    """Levels and schemas, as they must be, and on the schemas that their level is there."""
    if server.kinds.by_gvr(bootstrap_flow.SCHEMAS) is None:
        return
    async with asyncio.TaskGroup() as group:
        for gvr, obj in bootstrap_flow.objects():
            group.create_task(ensure(server, gvr, clone(obj), manager=bootstrap_flow.PRODUCER))
    await server.flow.put_back()


async def _service_range(server: ApiServer) -> None:
    """The range that Service addresses come from, and that it is ready."""
    gvr = GroupVersionResource("networking.k8s.io", "v1", "servicecidrs")
    if server.kinds.by_gvr(gvr) is None:
        return
    held = server.registry_of(gvr).cache.get("", "kubernetes")
    if held is not None:
        return
    obj = _named("networking.k8s.io/v1", "ServiceCIDR", "kubernetes")
    await ensure(server, gvr, obj | {"spec": {"cidrs": [server.options.service_cidr]}})
    ready = {
        "type": "Ready",
        "status": "True",
        "lastTransitionTime": seconds(server.clock.now()),
        "reason": "",
        "message": "Kubernetes default Service CIDR is ready",
    }
    patch = obj | {"status": {"conditions": [ready]}}
    client = server.client(manager="kubernetes-service-cidr-controller")
    await client.patch(
        gvr,
        "kubernetes",
        "",
        patch,
        patch_type="application/apply-patch+yaml",
        subresource="status",
        field_manager="kubernetes-service-cidr-controller",
        force=True,
    )


async def _accounts_of_itself(server: ApiServer) -> None:
    """What others read of this server."""
    gvr = GroupVersionResource("", "v1", "configmaps")
    since = _named("v1", "ConfigMap", "kube-apiserver-legacy-service-account-token-tracking")
    since["data"] = {"since": seconds(server.clock.now())[:10]}
    await ensure(server, gvr, since, "kube-system")


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
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "ipFamilyPolicy": "SingleStack",
    }
    return service


async def advertise(server: ApiServer, masters: Sequence[tuple[str, int]] = ()) -> None:
    """Say where the API servers listen (only this one, unless `masters` says more): the Endpoints and the slices of
    the Service `kubernetes`. Loopback addresses are no endpoints in Kubernetes; they are told only where this server
    tolerates them."""
    address = server.options.advertise or server.options.address
    if not server.port or (address.startswith("127.") and LOOPBACK_ADDRESSES not in server.options.allowances):
        return
    by_port: dict[int, list[str]] = {}
    for ip, port in masters or [(address, server.port)]:
        by_port.setdefault(port, []).append(ip)
    endpoints = _named("v1", "Endpoints", "kubernetes")
    endpoints["metadata"]["labels"] = {"endpointslice.kubernetes.io/skip-mirror": "true"}
    endpoints["subsets"] = [
        {"addresses": [{"ip": ip} for ip in ips], "ports": [_https(port)]} for port, ips in by_port.items()
    ]
    await _put(server, GroupVersionResource("", "v1", "endpoints"), endpoints)
    # A slice has one list of ports. The first is called like the Service, as where all servers have the same port.
    slices = {"kubernetes" + f"-{port}" * bool(at): (port, ips) for at, (port, ips) in enumerate(by_port.items())}
    for name, (port, ips) in slices.items():
        slice_ = _named("discovery.k8s.io/v1", "EndpointSlice", name)
        slice_["metadata"]["labels"] = {_SERVICE_NAME: "kubernetes"}
        slice_ |= {"addressType": "IPv4", "ports": [_https(port)]}
        slice_["endpoints"] = [{"addresses": [ip], "conditions": {"ready": True}} for ip in ips]
        await _put(server, _SLICES, slice_)
    await _remove_other_slices(server, slices)


def _https(port: int) -> Obj:
    return {"name": "https", "port": port, "protocol": "TCP"}


async def _remove_other_slices(server: ApiServer, wanted: Mapping[str, object]) -> None:
    for slice_ in list(server.feed.all(_SLICES.group_resource, "default")):
        meta = slice_["metadata"]
        if (meta.get("labels") or {}).get(_SERVICE_NAME) == "kubernetes" and meta["name"] not in wanted:
            await server.client().delete(_SLICES, meta["name"], "default")


async def _put(server: ApiServer, gvr: GroupVersionResource, obj: Obj) -> None:
    """Create in namespace default, or bring what is there up to date."""
    kind = server.kinds.by_gvr(gvr)
    if kind is None:
        return
    entry = server.registry(kind).cache.get("default", obj["metadata"]["name"])
    if entry is None:
        await ensure(server, gvr, obj, "default")
        return
    if all(entry.obj.get(field) == obj[field] for field in _TELLING if field in obj):
        return
    await server.client().update(gvr, {**obj, "metadata": {**obj["metadata"], "namespace": "default"}})


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
