"""The status of a pod, from its spec, what the runtime says and what probes found. Pure.

Follows what the kubelet writes: container states with their waiting reasons, the phase from the states, conditions
whose transition time moves only when their status does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cluster.kubelet.runtimes.interface import ContainerState, ContainerStatus
from cluster.machinery.clock import rfc3339
from cluster.meta.types import Obj

Spec = Mapping[str, Any]


@dataclass(slots=True)
class Waiting:
    """Why a container does not run now."""

    reason: str
    message: str = ""


@dataclass(slots=True)
class View:
    """What is known of a pod when its status is made. Containers by name; `attempts` oldest first."""

    now: float
    attempts: Mapping[str, Sequence[ContainerStatus]]
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    ready: Mapping[str, bool] = field(default_factory=dict)
    started: Mapping[str, bool] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)
    """Termination messages by container id."""
    ip: str = ""
    host_ip: str = ""
    sandbox: bool = False
    id_prefix: str = ""
    failed: tuple[str, str] | None = None
    """Reason and message when the pod as a whole has failed (DeadlineExceeded, Evicted)."""
    stopping: bool = False


def restartable(container: Spec) -> bool:
    """An init container that goes on beside the main ones."""
    return container.get("restartPolicy") == "Always"


def make_status(pod: Obj, view: View) -> dict[str, Any]:
    """The whole new status, to be patched over the present one."""
    spec, old = pod["spec"], pod.get("status") or {}
    mains = [_container(c, view, _before(old, "containerStatuses", c)) for c in spec["containers"]]
    init = [
        _container(c, view, _before(old, "initContainerStatuses", c), init=True)
        for c in spec.get("initContainers") or ()
    ]
    phase = _phase(pod, init, mains, view)
    status: dict[str, Any] = {
        "phase": phase,
        "startTime": old.get("startTime") or rfc3339(view.now),
        "hostIP": view.host_ip,
        "hostIPs": [{"ip": view.host_ip}],
        "containerStatuses": mains,
        "qosClass": old.get("qosClass") or "BestEffort",
        "observedGeneration": pod["metadata"].get("generation"),
    }
    if status["observedGeneration"] is None:
        del status["observedGeneration"]
    if init:
        status["initContainerStatuses"] = init
    if view.ip:
        status |= {"podIP": view.ip, "podIPs": [{"ip": view.ip}]}
    if view.failed is not None:
        status |= {"reason": view.failed[0], "message": view.failed[1]}
    status["conditions"] = _conditions(pod, view, phase, init, mains)
    return status


def _before(old: Mapping[str, Any], key: str, container: Spec) -> Mapping[str, Any]:
    return next((s for s in old.get(key) or () if s.get("name") == container["name"]), {})


def _container(container: Spec, view: View, before: Mapping[str, Any], *, init: bool = False) -> dict[str, Any]:
    name = container["name"]
    attempts = view.attempts.get(name) or ()
    latest = attempts[-1] if attempts else None
    running = latest is not None and latest.state is ContainerState.RUNNING
    waiting = view.waiting.get(name)
    out: dict[str, Any] = {
        "name": name,
        "image": latest.image if latest else container.get("image") or "",
        "imageID": latest.image_id if latest else "",
        "state": {},
        "lastState": {},
        "ready": _is_ready(container, view, latest, init=init),
        "started": bool(running and view.started.get(name)),
        "restartCount": latest.attempt if latest else before.get("restartCount") or 0,
    }
    if latest is not None:
        out["containerID"] = f"{view.id_prefix}://{latest.id}"
    if latest is None or (waiting is not None and not running):
        shown = waiting or Waiting("ContainerCreating")
        out["state"]["waiting"] = {"reason": shown.reason, **({"message": shown.message} if shown.message else {})}
        if latest is not None:
            out["lastState"] = _state(latest, view)
    else:
        out["state"] = _state(latest, view)
        if len(attempts) > 1:
            out["lastState"] = _state(attempts[-2], view)
    return out


def _is_ready(container: Spec, view: View, latest: ContainerStatus | None, *, init: bool) -> bool:
    if latest is None:
        return False
    if init and not restartable(container):
        return latest.state is ContainerState.EXITED and latest.exit_code == 0
    return latest.state is ContainerState.RUNNING and bool(view.ready.get(container["name"]))


def _state(status: ContainerStatus, view: View) -> dict[str, Any]:
    if status.state is ContainerState.RUNNING:
        return {"running": {"startedAt": rfc3339(status.started_at or status.created_at)}}
    out: dict[str, Any] = {
        "exitCode": status.exit_code if status.exit_code is not None else 0,
        "reason": status.reason,
        "startedAt": rfc3339(status.started_at or status.created_at),
        "finishedAt": rfc3339(status.finished_at or status.created_at),
        "containerID": f"{view.id_prefix}://{status.id}",
    }
    message = view.messages.get(status.id) or status.message
    if status.signal is not None and not message and status.reason != "OOMKilled":
        out["signal"] = status.signal
    if message:
        out["message"] = message
    return {"terminated": out}


def _phase(pod: Obj, init: Sequence[Spec], mains: Sequence[Spec], view: View) -> str:
    if view.failed is not None:
        return "Failed"
    old = (pod.get("status") or {}).get("phase")
    if old in ("Succeeded", "Failed"):
        return str(old)
    policy = pod["spec"].get("restartPolicy") or "Always"
    sidecars = {c["name"] for c in pod["spec"].get("initContainers") or () if restartable(c)}
    for status in init:
        if status["name"] in sidecars:
            continue
        code = _exit(status)
        if code is not None and code != 0 and policy == "Never":
            return "Failed"
        if code != 0:
            return "Pending"
    return _main_phase(mains, policy, stopping=view.stopping)


def _main_phase(mains: Sequence[Spec], policy: str, *, stopping: bool) -> str:
    if any("running" in s["state"] for s in mains):
        return "Running"
    if any("waiting" in s["state"] and not s["lastState"] for s in mains):
        return "Pending"
    if any("waiting" in s["state"] for s in mains):
        return "Running"
    codes = [_exit(s) for s in mains]
    if policy == "Always" and not stopping:
        return "Running"
    if all(code == 0 for code in codes):
        return "Succeeded"
    return "Failed" if policy == "Never" or stopping else "Running"


def _exit(status: Spec) -> int | None:
    found = status["state"].get("terminated")
    return found["exitCode"] if found else None


# -- conditions ------------------------------------------------------------------------------------------------


def _conditions(pod: Obj, view: View, phase: str, init: Sequence[Spec], mains: Sequence[Spec]) -> list[dict[str, Any]]:
    old = {c["type"]: c for c in (pod.get("status") or {}).get("conditions") or ()}
    made = [
        {"type": "PodReadyToStartContainers", "status": "True" if view.sandbox else "False"},
        _initialized(pod, init, mains, phase),
        {"type": "Ready", **_ready(pod, mains, init, phase, old)},
        {"type": "ContainersReady", **_containers_ready(pod, mains, init, phase)},
        {"type": "PodScheduled", "status": "True"},
    ]
    generation = pod["metadata"].get("generation")
    out = []
    for condition in made:
        before = old.pop(condition["type"], {})
        same = before.get("status") == condition["status"]
        moved = before.get("lastTransitionTime") if same else rfc3339(view.now)
        full = {"lastProbeTime": None, "lastTransitionTime": moved or rfc3339(view.now), **condition}
        if generation is not None:
            full["observedGeneration"] = generation
        out.append(full)
    return [*old.values(), *out]


def _initialized(pod: Obj, init: Sequence[Spec], mains: Sequence[Spec], phase: str) -> dict[str, Any]:
    sidecars = {c["name"] for c in pod["spec"].get("initContainers") or () if restartable(c)}
    left = [
        s["name"]
        for s in init
        if not (s["started"] if s["name"] in sidecars else _exit(s) == 0 or _exit_before(s) == 0)
    ]
    if not left or any("running" in s["state"] or "terminated" in s["state"] for s in mains):
        return {"type": "Initialized", "status": "True", **({"reason": "PodCompleted"} if phase == "Succeeded" else {})}
    message = f"containers with incomplete status: [{' '.join(left)}]"
    return {"type": "Initialized", "status": "False", "reason": "ContainersNotInitialized", "message": message}


def _exit_before(status: Spec) -> int | None:
    found = (status.get("lastState") or {}).get("terminated")
    return found["exitCode"] if found else None


def _containers_ready(pod: Obj, mains: Sequence[Spec], init: Sequence[Spec], phase: str) -> dict[str, Any]:
    if phase == "Succeeded":
        return {"status": "False", "reason": "PodCompleted"}
    if phase == "Failed":
        return {"status": "False", "reason": "PodFailed"}
    sidecars = {c["name"] for c in pod["spec"].get("initContainers") or () if restartable(c)}
    watched = [*(s for s in init if s["name"] in sidecars), *mains]
    unready = [s["name"] for s in watched if not s["ready"]]
    if not unready:
        return {"status": "True"}
    message = f"containers with unready status: [{' '.join(unready)}]"
    return {"status": "False", "reason": "ContainersNotReady", "message": message}


def _ready(pod: Obj, mains: Sequence[Spec], init: Sequence[Spec], phase: str, old: Mapping[str, Any]) -> dict[str, Any]:
    containers = _containers_ready(pod, mains, init, phase)
    if containers["status"] != "True":
        return containers
    for gate in pod["spec"].get("readinessGates") or ():
        kind = gate["conditionType"]
        if kind not in old:
            message = f'corresponding condition of pod readiness gate "{kind}" does not exist.'
            return {"status": "False", "reason": "ReadinessGatesNotReady", "message": message}
        if old[kind].get("status") != "True":
            message = f'the status of pod readiness gate "{kind}" is not "True", but {old[kind].get("status")}'
            return {"status": "False", "reason": "ReadinessGatesNotReady", "message": message}
    return {"status": "True"}
