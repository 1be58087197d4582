"""NoExecute taints drive pods away: at once, or after the seconds they tolerate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cluster.controllers.context import Context
from cluster.machinery import pods as podlib
from cluster.machinery.clock import rfc3339
from cluster.machinery.events import NORMAL
from cluster.machinery.fitting import tolerates
from cluster.machinery.owners import STRATEGIC
from cluster.machinery.resources import NODES, POD, PODS
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey


def no_execute(node: Obj | None) -> list[dict[str, Any]]:
    taints = ((node or {}).get("spec") or {}).get("taints") or ()
    return [taint for taint in taints if taint["effect"] == "NoExecute"]


def stays_for(pod: Obj, taints: Sequence[dict[str, Any]]) -> float | None:
    """Seconds the pod tolerates all of the taints; None: for ever."""
    shortest: float | None = None
    for taint in taints:
        fitting = [t for t in pod["spec"].get("tolerations") or () if tolerates(t, taint)]
        if not fitting:
            return 0.0
        for limit in (t.get("tolerationSeconds") for t in fitting):
            if limit is not None:
                shortest = max(float(limit), 0.0) if shortest is None else min(shortest, max(float(limit), 0.0))
    return shortest


class TaintEvictionController:
    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._nodes, self._pods = context.informers.of(NODES), context.informers.of(PODS)
        self._pods.add_index("node", lambda pod: (podlib.node_name(pod),))
        self._recorder = context.recorder("taint-eviction-controller")
        self._since: dict[str, float] = {}
        self.loop = context.controller("taint-eviction", self.reconcile, [self._nodes, self._pods], workers=2)
        self._nodes.add_handler(self._node_changed)
        self._pods.add_handler(self._pod_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _node_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is not None and no_execute(old) != no_execute(new):
            for pod in self._pods.by_index("node", new["metadata"]["name"]):
                self.loop.queue.add(key_of(pod))

    def _pod_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is None:
            self._since.pop((old or {})["metadata"]["uid"], None)
        elif podlib.node_name(new) and (old is None or podlib.node_name(old) != podlib.node_name(new)):
            self.loop.queue.add(key_of(new))

    async def reconcile(self, key: ObjectKey) -> float | None:
        pod = self._pods.get(key.name, key.namespace)
        if pod is None or pod["metadata"].get("deletionTimestamp"):
            return None
        uid, now = pod["metadata"]["uid"], self._context.clock.now()
        taints = no_execute(self._nodes.get(podlib.node_name(pod)))
        limit = stays_for(pod, taints) if taints else None
        if limit is None:
            if self._since.pop(uid, None) is not None:
                self._say(pod, f"Cancelling deletion of Pod {key}")
            return None
        left = self._since.setdefault(uid, now) + limit - now
        if left > 0:
            return left
        self._say(pod, f"Marking for deletion Pod {key}")
        await self._evict(pod)
        return None

    def _say(self, pod: Obj, text: str) -> None:
        self._recorder.event(pod, POD, NORMAL, "TaintManagerEviction", text)

    async def _evict(self, pod: Obj) -> None:
        meta = pod["metadata"]
        disrupted: dict[str, Any] = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "DeletionByTaintManager",
            "message": "Taint manager: deleting due to NoExecute taint",
            "lastProbeTime": None,
            "lastTransitionTime": rfc3339(self._context.clock.now()),
        }
        if meta.get("generation"):
            disrupted["observedGeneration"] = meta["generation"]
        body = {"metadata": {"uid": meta["uid"]}, "status": {"conditions": [disrupted]}}
        try:
            await self._client.patch(
                PODS, meta["name"], meta["namespace"], body, patch_type=STRATEGIC, subresource="status"
            )
            await self._client.delete(PODS, meta["name"], meta["namespace"], uid=meta["uid"])
        except StatusError as error:
            if not is_not_found(error):
                raise


def start(context: Context) -> TaintEvictionController:
    return TaintEvictionController(context)
