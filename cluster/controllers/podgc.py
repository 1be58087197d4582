"""Pods nobody will ever run or remove: bound to a node that is gone, terminating without a node, or ended long ago."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from cluster.controllers.context import Context
from cluster.machinery import pods as podlib
from cluster.machinery.clock import rfc3339
from cluster.machinery.owners import STRATEGIC
from cluster.machinery.resources import NODES, PODS
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.types import Obj

_PERIOD, _QUARANTINE = 20.0, 40.0


@dataclass(slots=True)
class Plan:
    orphaned: list[Obj] = field(default_factory=list)
    unscheduled: list[Obj] = field(default_factory=list)
    ended: list[Obj] = field(default_factory=list)


def plan(pods: Sequence[Obj], lost_nodes: set[str], threshold: int) -> Plan:
    out = Plan()
    ended = [pod for pod in pods if podlib.terminal(pod)]
    if 0 < threshold < len(ended):
        ended.sort(key=lambda pod: pod["metadata"].get("creationTimestamp") or "")
        out.ended = ended[: len(ended) - threshold]
    for pod in pods:
        node = podlib.node_name(pod)
        if node in lost_nodes:
            out.orphaned.append(pod)
        elif not node and pod["metadata"].get("deletionTimestamp"):
            out.unscheduled.append(pod)
    return out


class PodCollector:
    """Looks every twenty seconds while there is anything to look at; a node must be missing for forty."""

    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._pods, self._nodes = context.informers.of(PODS), context.informers.of(NODES)
        self._missing: dict[str, float] = {}

    async def run(self) -> None:
        for informer in (self._pods, self._nodes):
            await informer.synced.wait()
        while True:
            await self._context.clock.sleep(_PERIOD)
            with suppress(StatusError, OSError):
                await self.collect()

    async def collect(self) -> None:
        """One look."""
        now = self._context.clock.now()
        used = {name for pod in self._pods.list() if (name := podlib.node_name(pod))}
        absent = {name for name in used if self._nodes.get(name) is None}
        self._missing = {name: self._missing.get(name, now) for name in absent}
        lost = {name for name, since in self._missing.items() if now - since >= _QUARANTINE}
        decided = plan(self._pods.list(), lost, self._context.options.terminated_pod_threshold)
        for pod in decided.orphaned:
            await self._remove(pod, "PodGC: node no longer exists")
        for pod in [*decided.unscheduled, *decided.ended]:
            await self._remove(pod, "")

    async def _remove(self, pod: Obj, message: str) -> None:
        meta = pod["metadata"]
        try:
            if not podlib.terminal(pod):
                await self._mark_failed(pod, message)
            await self._client.delete(PODS, meta["name"], meta["namespace"], grace_period=0, uid=meta["uid"])
        except StatusError as error:
            if not is_not_found(error) and error.code != 409:
                raise

    async def _mark_failed(self, pod: Obj, message: str) -> None:
        status: Obj = {"phase": "Failed"}
        if message:
            disrupted = {
                "type": "DisruptionTarget",
                "status": "True",
                "reason": "DeletionByPodGC",
                "message": message,
                "lastProbeTime": None,
                "lastTransitionTime": rfc3339(self._context.clock.now()),
            }
            status["conditions"] = [disrupted]
        meta = pod["metadata"]
        body = {"metadata": {"uid": meta["uid"]}, "status": status}
        await self._client.patch(
            PODS, meta["name"], meta["namespace"], body, patch_type=STRATEGIC, subresource="status"
        )


def start(context: Context) -> PodCollector:
    return PodCollector(context)
