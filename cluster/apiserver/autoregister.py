"""APIService objects for what this server serves itself: built-in groups from the start, defined ones as they come.

APIServices that name a service are other servers' and left alone.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cluster.apiserver.bootstrap import ensure
from cluster.apiserver.registry.cache import Change, Watch
from cluster.kinds.apiextensions.acceptance import holds
from cluster.meta import errors
from cluster.meta.types import GroupResource, GroupVersion, GroupVersionResource, Obj

if TYPE_CHECKING:
    from cluster.apiserver.server import ApiServer

SERVICES = GroupVersionResource("apiregistration.k8s.io", "v1", "apiservices")
CRDS = GroupResource("apiextensions.k8s.io", "customresourcedefinitions")
MANAGED = "kube-aggregator.kubernetes.io/automanaged"
_PRIORITIES = {
    "": (18000, 1),
    "apps": (17800, 15),
    "events.k8s.io": (17750, 15),
    "authentication.k8s.io": (17700, 15),
    "authorization.k8s.io": (17600, 15),
    "autoscaling": (17500, 15),
    "batch": (17400, 15),
    "certificates.k8s.io": (17300, 15),
    "networking.k8s.io": (17200, 15),
    "policy": (17100, 15),
    "rbac.authorization.k8s.io": (17000, 15),
    "storage.k8s.io": (16800, 15),
    "apiextensions.k8s.io": (16700, 15),
    "admissionregistration.k8s.io": (16700, 15),
    "scheduling.k8s.io": (16600, 15),
    "coordination.k8s.io": (16500, 15),
    "node.k8s.io": (16300, 15),
    "discovery.k8s.io": (16200, 15),
    "flowcontrol.apiserver.k8s.io": (16100, 21),
    "resource.k8s.io": (16200, 21),
}
"""Group -> the priority of the group and of its version; the order of discovery."""
_OTHERS = (1000, 15)
_CUSTOM = (1000, 100)


class AutoRegistration:
    """`start` registers what is built in; `run` must be a task for as long as the server lives."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self._changed = asyncio.Event()

    async def start(self) -> None:
        """Raises StatusError."""
        server = self._server
        server.feed.cache(CRDS).add_watch(Watch("", "", None, self._happened))
        wanted = [gv for gv in server.kinds.group_versions() if gv not in self._defined()]
        async with asyncio.TaskGroup() as group:
            for gv in wanted:
                if gv.group != SERVICES.group:
                    group.create_task(self._ensure(gv, _priority(gv), "onstart"))
        self._changed.set()

    async def run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._sync()
            except errors.StatusError:
                # Somebody else wrote meanwhile; look again when that has been seen.
                asyncio.get_running_loop().call_later(0.05, self._changed.set)

    def _happened(self, _type: str, _change: Change) -> None:
        self._changed.set()

    def _defined(self) -> dict[GroupVersion, tuple[int, int]]:
        """The served versions of custom resources; of equal priority, so that their names order them."""
        out: dict[GroupVersion, tuple[int, int]] = {}
        for crd in self._server.feed.all(CRDS):
            if not holds(crd, "Established"):
                continue
            for version in crd["spec"]["versions"]:
                if version.get("served"):
                    out.setdefault(GroupVersion(crd["spec"]["group"], version["name"]), _CUSTOM)
        return out

    async def _sync(self) -> None:
        defined = self._defined()
        for gv, priority in defined.items():
            await self._ensure(gv, priority, "true")
        client = self._server.client()
        for service in list(self._server.feed.all(SERVICES.group_resource)):
            spec = service["spec"]
            managed = (service["metadata"].get("labels") or {}).get(MANAGED) == "true"
            if managed and GroupVersion(spec.get("group") or "", spec["version"]) not in defined:
                await client.delete(SERVICES, service["metadata"]["name"])

    async def _ensure(self, gv: GroupVersion, priority: tuple[int, int], managed: str) -> None:
        await ensure(self._server, SERVICES, _service(gv, priority, managed))


def _priority(gv: GroupVersion) -> tuple[int, int]:
    group, version = _PRIORITIES.get(gv.group, _OTHERS)
    return group, 30 if gv == GroupVersion("autoscaling", "v2") else version


def _service(gv: GroupVersion, priority: tuple[int, int], managed: str) -> Obj:
    metadata = {"name": f"{gv.version}.{gv.group}", "labels": {MANAGED: managed}}
    spec: Obj = {"version": gv.version, "groupPriorityMinimum": priority[0], "versionPriority": priority[1]}
    if gv.group:
        spec["group"] = gv.group
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": metadata,
        "spec": spec,
    }
