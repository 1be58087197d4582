"""Which containers of a pod to start or stop next, decided from its spec and what the runtime says. Pure.

Init containers run one after the other; those that are restartable (sidecars) go on and only have to have started
before the next one begins. Main containers start together. What has ended is started again as the restart policy
says, after its back-off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cluster.kubelet.runtimes.interface import ContainerState, ContainerStatus
from cluster.kubelet.status import Waiting, restartable
from cluster.meta.types import Obj

Attempts = Mapping[str, Sequence[ContainerStatus]]
Left = Callable[[str, float], float]
"""(container, when it ended) -> seconds until it may start again."""
Spec = Mapping[str, Any]


@dataclass(slots=True)
class Plan:
    start: list[Spec] = field(default_factory=list)
    stop: list[str] = field(default_factory=list)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    backing_off: list[tuple[str, float]] = field(default_factory=list)
    """(container, seconds left)"""
    initialized: bool = False
    finished: bool = False
    """Every main container has ended for good."""


def plan(pod: Obj, attempts: Attempts, started: Mapping[str, bool], left: Left) -> Plan:
    spec = pod["spec"]
    policy = spec.get("restartPolicy") or "Always"
    init, mains = spec.get("initContainers") or [], spec["containers"]
    out = Plan()
    if mains and all(_over(c, attempts, policy) for c in mains):
        out.finished = True
        out.stop = [c["name"] for c in reversed(init) if restartable(c) and _running(c, attempts)]
        return out
    begun = any(attempts.get(c["name"]) for c in mains)
    out.initialized = _plan_init(init, attempts, started, policy, left, out, begun=begun)
    if not out.initialized:
        for container in [*init, *mains]:
            if not attempts.get(container["name"]) and container not in out.start:
                out.waiting.setdefault(container["name"], Waiting("PodInitializing"))
        return out
    for container in mains:
        _plan_one(container, attempts, policy, left, out)
    return out


def _plan_init(
    init: Sequence[Spec],
    attempts: Attempts,
    started: Mapping[str, bool],
    policy: str,
    left: Left,
    out: Plan,
    *,
    begun: bool,
) -> bool:
    """Whether all of them are done (or, sidecars, up)."""
    for container in init:
        if restartable(container):
            _plan_one(container, attempts, "Always", left, out)
            up = _running(container, attempts) and started.get(container["name"])
            if not up and not begun:
                return False
            continue
        if begun or _succeeded(container, attempts):
            continue
        if _over(container, attempts, policy):
            out.finished = True
            out.stop = [c["name"] for c in reversed(init) if restartable(c) and _running(c, attempts)]
            out.start.clear()
            return False
        _plan_one(container, attempts, "OnFailure" if policy == "Always" else policy, left, out)
        return False
    return True


def _plan_one(container: Spec, attempts: Attempts, policy: str, left: Left, out: Plan) -> None:
    latest = _latest(container, attempts)
    if latest is None:
        out.start.append(container)
        return
    if latest.state is not ContainerState.EXITED or _over(container, attempts, policy):
        return
    wait = left(container["name"], latest.finished_at or latest.created_at)
    if wait > 0:
        out.backing_off.append((container["name"], wait))
    else:
        out.start.append(container)


def _latest(container: Spec, attempts: Attempts) -> ContainerStatus | None:
    found = attempts.get(container["name"])
    return found[-1] if found else None


def _running(container: Spec, attempts: Attempts) -> bool:
    latest = _latest(container, attempts)
    return latest is not None and latest.state is ContainerState.RUNNING


def _succeeded(container: Spec, attempts: Attempts) -> bool:
    latest = _latest(container, attempts)
    return latest is not None and latest.state is ContainerState.EXITED and latest.exit_code == 0


def _over(container: Spec, attempts: Attempts, policy: str) -> bool:
    """It has ended and is not to be started again."""
    latest = _latest(container, attempts)
    if latest is None or latest.state is not ContainerState.EXITED or policy == "Always":
        return False
    return policy == "Never" or latest.exit_code == 0
