"""HorizontalPodAutoscalers: replicas within bounds, by metrics where somebody serves them.

Metrics are read through the API (metrics.k8s.io); where no one serves it, the autoscaler says so as upstream does
and keeps to its bounds alone.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cluster.controllers.context import Context
from cluster.controllers.rollout import replicas as wanted_replicas
from cluster.machinery import pods as podlib
from cluster.machinery.clock import rfc3339
from cluster.machinery.events import NORMAL, WARNING
from cluster.machinery.resources import (
    AUTOSCALER,
    AUTOSCALERS,
    DEPLOYMENTS,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    STATEFUL_SETS,
)
from cluster.machinery.selecting import equality, label_selector, labels_of
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.objects import clone
from cluster.meta.quantity import Quantity
from cluster.meta.types import GroupVersionResource, Obj

_POD_METRICS = GroupVersionResource("metrics.k8s.io", "v1beta1", "pods")
_TARGETS = {
    ("apps", "Deployment"): DEPLOYMENTS,
    ("apps", "ReplicaSet"): REPLICA_SETS,
    ("apps", "StatefulSet"): STATEFUL_SETS,
    ("", "ReplicationController"): REPLICATION_CONTROLLERS,
}
_TOLERANCE = 0.1
_STABLE_DOWN = 300.0
_WITHIN = "the desired count is within the acceptable range"


class NoMetrics(Exception):
    """Why a metric has no value."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One resource metric of the pods: use and request in milli-units, by pod."""

    used: dict[str, int]
    requested: dict[str, int]

    def utilization(self) -> float:
        """Percent of what the pods request."""
        total = sum(self.requested[name] for name in self.used if name in self.requested)
        if not total:
            raise NoMetrics("missing request for the resource")
        return 100.0 * sum(v for name, v in self.used.items() if name in self.requested) / total


def proposal(current: int, ready: int, ratio: float) -> int:
    """Replicas for a ratio of use to target; within a tenth of it nothing changes."""
    return current if abs(1.0 - ratio) <= _TOLERANCE else math.ceil(ratio * ready)


def bounded(autoscaler: Obj, number: int) -> tuple[int, str]:
    """Within min and max, and the reason where a bound held it."""
    spec = autoscaler["spec"]
    least, most = spec.get("minReplicas") or 1, spec["maxReplicas"]
    if number < least:
        return least, "TooFewReplicas"
    return (most, "TooManyReplicas") if number > most else (number, "DesiredWithinRange")


@dataclass(slots=True)
class _State:
    """A status in the making."""

    autoscaler: Obj
    status: dict[str, Any]
    now: float
    recommendations: list[tuple[float, int]] = field(default_factory=list)

    def condition(self, type_: str, value: bool, reason: str, message: str) -> None:
        new = {"type": type_, "status": "True" if value else "False", "reason": reason, "message": message}
        conditions = self.status.setdefault("conditions", [])
        for index, old in enumerate(conditions):
            if old["type"] == type_:
                since = old["lastTransitionTime"] if old["status"] == new["status"] else rfc3339(self.now)
                conditions[index] = new | {"lastTransitionTime": since}
                return
        conditions.append(new | {"lastTransitionTime": rfc3339(self.now)})


class AutoscalerController:
    """Looks at every autoscaler once a period; without any it sleeps until there is one."""

    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._autoscalers, self._pods = context.informers.of(AUTOSCALERS), context.informers.of(PODS)
        self._recorder = context.recorder("horizontal-pod-autoscaler")
        self._some = asyncio.Event()
        self._history: dict[str, list[tuple[float, int]]] = {}
        self._autoscalers.add_handler(lambda _old, new: self._some.set() if new is not None else None)

    async def run(self) -> None:
        for informer in (self._autoscalers, self._pods):
            await informer.synced.wait()
        while True:
            if not len(self._autoscalers):
                self._some.clear()
                await self._some.wait()
            await self._context.clock.sleep(self._context.options.autoscaler_sync)
            for autoscaler in self._autoscalers.list():
                await self._try(autoscaler)

    async def _try(self, autoscaler: Obj) -> None:
        try:
            await self.reconcile(autoscaler)
        except (StatusError, OSError):
            return

    def _say(self, autoscaler: Obj, type_: str, reason: str, message: str) -> None:
        self._recorder.event(autoscaler, AUTOSCALER, type_, reason, message)

    async def reconcile(self, found: Obj) -> None:
        autoscaler = {**found, "apiVersion": AUTOSCALER.api_version, "kind": AUTOSCALER.kind}
        status = clone(found.get("status") or {})
        state = _State(autoscaler, status, self._context.clock.now())
        status.setdefault("desiredReplicas", 0)
        status.setdefault("currentMetrics", None)
        ref = autoscaler["spec"]["scaleTargetRef"]
        try:
            gvr, target = await self._target(autoscaler, ref)
        except StatusError as error:
            self._say(autoscaler, WARNING, "FailedGetScale", str(error))
            text = f"the HPA controller was unable to get the target's current scale: {error}"
            state.condition("AbleToScale", False, "FailedGetScale", text)
        else:
            text = "the HPA controller was able to get the target's current scale"
            state.condition("AbleToScale", True, "SucceededGetScale", text)
            await self._scale(state, gvr, target)
        if status != found.get("status"):
            await self._client.update(AUTOSCALERS, {**autoscaler, "status": status}, subresource="status")

    async def _target(self, autoscaler: Obj, ref: Obj) -> tuple[GroupVersionResource, Obj]:
        group = (ref.get("apiVersion") or "").rpartition("/")[0]
        gvr = _TARGETS.get((group, ref["kind"]))
        if gvr is None:
            raise StatusError(404, "NotFound", f'no matches for kind "{ref["kind"]}" in group "{group}"')
        return gvr, await self._client.get(gvr, ref["name"], autoscaler["metadata"]["namespace"])

    async def _scale(self, state: _State, gvr: GroupVersionResource, target: Obj) -> None:
        current = wanted_replicas(target)
        spec, status = state.autoscaler["spec"], state.status
        seen = (target.get("status") or {}).get("replicas") or 0
        if current == 0 and (spec.get("minReplicas") or 1) != 0:
            text = "scaling is disabled since the replica count of the target is zero"
            state.condition("ScalingActive", False, "ScalingDisabled", text)
            return
        if seen:
            status["currentReplicas"] = seen
        else:
            status.pop("currentReplicas", None)
        if current > spec["maxReplicas"]:
            await self._rescale(
                state, gvr, target, spec["maxReplicas"], "Current number of replicas above Spec.MaxReplicas"
            )
        elif current < (spec.get("minReplicas") or 1):
            least = spec.get("minReplicas") or 1
            await self._rescale(state, gvr, target, least, "Current number of replicas below Spec.MinReplicas")
        else:
            await self._by_metrics(state, gvr, target, current)

    async def _rescale(self, state: _State, gvr: GroupVersionResource, target: Obj, number: int, reason: str) -> None:
        meta = target["metadata"]
        try:
            await self._client.patch(
                gvr, meta["name"], meta["namespace"], {"spec": {"replicas": number}}, subresource="scale"
            )
        except StatusError as error:
            text = f"New size: {number}; reason: {reason}; error: {error}"
            self._say(state.autoscaler, WARNING, "FailedRescale", text)
            text = f"the HPA controller was unable to update the target scale: {error}"
            state.condition("AbleToScale", False, "FailedUpdateScale", text)
            raise
        self._say(state.autoscaler, NORMAL, "SuccessfulRescale", f"New size: {number}; reason: {reason}")
        text = f"the HPA controller was able to update the target scale to {number}"
        state.condition("AbleToScale", True, "SucceededRescale", text)
        state.status["desiredReplicas"] = number
        state.status["lastScaleTime"] = rfc3339(state.now)

    async def _by_metrics(self, state: _State, gvr: GroupVersionResource, target: Obj, current: int) -> None:
        metrics = state.autoscaler["spec"].get("metrics") or ()
        proposals: list[int] = []
        failures: list[tuple[str, str]] = []
        shown: list[dict[str, Any]] = []
        for metric in metrics:
            try:
                number, reading = await self._metric(state, metric, target, current)
                proposals.append(number)
                shown.append(reading)
            except NoMetrics as error:
                failures.append((_failure_reason(metric), str(error)))
                shown.append({"type": ""})
        state.status["currentMetrics"] = shown or None
        if failures and (not proposals or max(proposals) < current):
            self._invalid(state, metrics, failures)
            return
        text = "the HPA was able to successfully calculate a replica count from the metrics"
        state.condition("ScalingActive", True, "ValidMetricFound", text)
        await self._decide(state, gvr, target, current, max(proposals, default=current))

    def _invalid(self, state: _State, metrics: Sequence[Obj], failures: list[tuple[str, str]]) -> None:
        reason, text = failures[0]
        self._say(state.autoscaler, WARNING, reason, text)
        name = (metrics[0].get("resource") or {}).get("name", "")
        first = f"failed to get {name} resource metric value: {text}"
        message = f"invalid metrics ({len(failures)} invalid out of {len(metrics)}), first error is: {first}"
        self._say(state.autoscaler, WARNING, "FailedComputeMetricsReplicas", message)
        text = f"the HPA was unable to compute the replica count: {text}"
        state.condition("ScalingActive", False, reason, text)

    async def _metric(self, state: _State, metric: Obj, target: Obj, current: int) -> tuple[int, dict[str, Any]]:
        if metric["type"] != "Resource":
            raise NoMetrics(f"unable to get {metric['type'].lower()} metric: no metrics server is known for it")
        name, aim = metric["resource"]["name"], metric["resource"]["target"]
        what = "utilization" if aim["type"] == "Utilization" else "usage"
        try:
            reading = await self._read(name, target)
        except NoMetrics as error:
            why = f"unable to get metrics for resource {name}: {error}"
            raise NoMetrics(f"failed to get {name} {what}: {why}") from error
        count = max(len(reading.used), 1)
        average = sum(reading.used.values()) // count
        shown: dict[str, Any] = {"averageValue": f"{average}m"}
        if aim["type"] == "Utilization":
            percent = reading.utilization()
            shown["averageUtilization"] = int(percent)
            ratio = percent / aim["averageUtilization"]
        else:
            goal = Quantity.parse(aim.get("averageValue") or aim.get("value") or "0").milli_value()
            ratio = average / goal if goal else 1.0
        return proposal(current, count, ratio), {"type": "Resource", "resource": {"name": name, "current": shown}}

    async def _read(self, name: str, target: Obj) -> Reading:
        namespace = target["metadata"]["namespace"]
        try:
            found = await self._client.list(_POD_METRICS, namespace)
        except StatusError as error:
            text = "the server could not find the requested resource (get pods.metrics.k8s.io)"
            why = text if is_not_found(error) or error.code == 404 else str(error)
            raise NoMetrics(f"unable to fetch metrics from resource metrics API: {why}") from error
        selector = target["spec"].get("selector")
        nested = isinstance(selector, dict) and ("matchLabels" in selector or "matchExpressions" in selector)
        selects = label_selector(selector) if nested else equality(selector)
        pods = {
            p["metadata"]["name"]: p for p in self._pods.list(namespace) if selects(labels_of(p)) and podlib.ready(p)
        }
        used = {
            item["metadata"]["name"]: sum(_milli(c["usage"].get(name)) for c in item.get("containers") or ())
            for item in found.items
            if item["metadata"]["name"] in pods
        }
        if not used:
            raise NoMetrics("no metrics returned from resource metrics API")
        requested = {n: _request(p, name) for n, p in pods.items() if _request(p, name)}
        return Reading(used, requested)

    async def _decide(self, state: _State, gvr: GroupVersionResource, target: Obj, current: int, wanted: int) -> None:
        """Up at once, down only to the highest of the last five minutes."""
        uid = state.autoscaler["metadata"]["uid"]
        history = [(t, n) for t, n in self._history.get(uid, []) if t > state.now - _STABLE_DOWN]
        self._history[uid] = [*history, (state.now, wanted)]
        stable = max((n for _, n in self._history[uid]), default=wanted) if wanted < current else wanted
        number, reason = bounded(state.autoscaler, min(stable, max(current * 2, 4)))
        limited = reason != "DesiredWithinRange"
        text = f"the desired replica count is bounded: {reason}" if limited else _WITHIN
        state.condition("ScalingLimited", limited, reason, text)
        state.status["desiredReplicas"] = number
        if number != current:
            why = "resource metric above target" if number > current else "All metrics below target"
            await self._rescale(state, gvr, target, number, why)


def _failure_reason(metric: Obj) -> str:
    return f"FailedGet{metric['type']}Metric"


def _milli(text: str | None) -> int:
    return Quantity.parse(text).milli_value() if text else 0


def _request(pod: Obj, name: str) -> int:
    asked = ((c.get("resources") or {}).get("requests") or {} for c in pod["spec"].get("containers") or ())
    return sum(_milli(requests.get(name)) for requests in asked)


def start(context: Context) -> AutoscalerController:
    return AutoscalerController(context)
