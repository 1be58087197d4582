"""Why something is not ready: the pods behind it, their containers' reasons, events and last log lines.

Best effort: what cannot be read is left out, for the error that is being explained matters more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyhelm.errors import KubeError
from pyhelm.kube.client import KubeClient
from pyhelm.kube.resources import Resource

_LOG_LINES = 10
_EVENTS = 5
_PODS = 3
_SELECTING = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController")


async def explain(kube: KubeClient, stuck: Iterable[Resource]) -> list[str]:
    """Lines that tell, for each object, what stands in its way."""
    lines: list[str] = []
    for resource in stuck:
        lines += await _events(kube, resource.namespace, resource.kind, resource.name)
        pods = [pod for pod in await pods_of(kube, resource) if not _is_ready(pod)]
        for pod in pods[:_PODS]:
            lines += await _explain_pod(kube, pod)
        if len(pods) > _PODS:
            lines.append(f"… and {len(pods) - _PODS} more pods of {resource.short}")
    return lines


async def pods_of(kube: KubeClient, resource: Resource) -> list[dict[str, Any]]:
    """The pods an object stands for: itself, or those its selector takes."""
    try:
        if resource.kind == "Pod":
            pod = await kube.find(resource.path)
            return [pod] if pod else []
        live = await kube.find(resource.path) if resource.kind in _SELECTING else None
        selector = label_selector((live or {}).get("spec") or {})
        if not selector:
            return []
        return await kube.list(f"/api/v1/namespaces/{resource.namespace}/pods", labelSelector=selector)
    except KubeError:
        return []


def label_selector(spec: dict[str, Any]) -> str:
    """A workload's selector as a query."""
    selector = spec.get("selector") or {}
    labels = selector.get("matchLabels", selector if "matchExpressions" not in selector else {}) or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def container_trouble(pod: dict[str, Any]) -> list[str]:
    """What the containers of a pod say: waiting and ended ones with reason and message."""
    status = pod.get("status") or {}
    found: list[str] = []
    for entry in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        state = entry.get("state") or {}
        if reason := (state.get("waiting") or {}).get("reason"):
            found.append(_sentence(entry["name"], reason, state["waiting"].get("message"), entry))
        elif (ended := state.get("terminated")) and ended.get("exitCode"):
            found.append(_sentence(entry["name"], f"exit code {ended['exitCode']}", ended.get("message"), entry))
        elif "running" in state and not entry.get("ready"):
            found.append(_sentence(entry["name"], "running, not ready", None, entry))
    return found


def _sentence(name: str, reason: str, message: str | None, entry: dict[str, Any]) -> str:
    restarts = entry.get("restartCount") or 0
    tail = f", restarted {restarts} times" if restarts else ""
    return f"container {name}: {reason}{tail}" + (f": {message}" if message else "")


async def _explain_pod(kube: KubeClient, pod: dict[str, Any]) -> list[str]:
    metadata = pod.get("metadata") or {}
    name, namespace = str(metadata.get("name")), str(metadata.get("namespace"))
    lines = [f"pod {name}: {trouble}" for trouble in container_trouble(pod)]
    lines += await _events(kube, namespace, "Pod", name)
    for entry in (pod.get("status") or {}).get("containerStatuses") or []:
        lines += await _last_lines(kube, namespace, name, entry)
    return lines or [f"pod {name}: {(pod.get('status') or {}).get('phase', 'Pending')}"]


async def _events(kube: KubeClient, namespace: str, kind: str, name: str) -> list[str]:
    scope = f"/api/v1/namespaces/{namespace or 'default'}/events"
    try:
        found = await kube.list(scope, fieldSelector=f"involvedObject.kind={kind},involvedObject.name={name}")
    except KubeError:
        return []
    warnings = [event for event in found if event.get("type") == "Warning"]
    return [f"event {kind}/{name}: {e.get('reason')}: {str(e.get('message')).strip()}" for e in warnings[-_EVENTS:]]


async def _last_lines(kube: KubeClient, namespace: str, pod: str, entry: dict[str, Any]) -> list[str]:
    if not entry.get("restartCount") and "waiting" in (entry.get("state") or {}):
        return []
    previous = "waiting" in (entry.get("state") or {}) or None
    try:
        text = await kube.text(
            f"/api/v1/namespaces/{namespace}/pods/{pod}/log",
            container=entry["name"],
            tailLines=_LOG_LINES,
            previous=previous,
        )
    except KubeError:
        return []
    return [f"log {pod}/{entry['name']}: {line}" for line in text.splitlines()]


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
