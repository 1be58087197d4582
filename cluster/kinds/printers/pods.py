"""Cells of pods: the one word that sums a pod up, out of its phase, its containers and its deletion."""

from __future__ import annotations

from typing import Any

from cluster.kinds.kind import Cell
from cluster.kinds.printers.text import NONE, age, duration, name, seconds_of
from cluster.meta.types import Obj

NODE_LOST = "NodeLost"


def pod(obj: Obj, now: float) -> list[Cell]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    summary = _Summary(obj, spec, status)
    ips = status.get("podIPs") or ()
    ip = (ips[0].get("ip") if ips else status.get("podIP")) or NONE
    return [
        name(obj),
        f"{summary.ready}/{summary.total}",
        summary.word,
        summary.restarts_text(now),
        age(obj, now),
        ip,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _gates(spec, status),
    ]


def _gates(spec: dict[str, Any], status: dict[str, Any]) -> str:
    gates = spec.get("readinessGates") or ()
    if not gates:
        return NONE
    true = {c.get("type") for c in status.get("conditions") or () if c.get("status") == "True"}
    return f"{sum(gate.get('conditionType') in true for gate in gates)}/{len(gates)}"


class _Summary:
    """What is counted while walking over the containers' statuses."""

    def __init__(self, obj: Obj, spec: dict[str, Any], status: dict[str, Any]) -> None:
        sidecars = {c.get("name") for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"}
        self.total = len(spec.get("containers") or ()) + len(sidecars)
        self.ready = 0
        self.restarts = 0
        self.sidecar_restarts = 0
        self.last: float | None = None
        self.sidecar_last: float | None = None
        self.word = status.get("reason") or status.get("phase") or ""
        if any(_is(c, "PodScheduled", reason="SchedulingGated") for c in status.get("conditions") or ()):
            self.word = "SchedulingGated"
        initializing = self._init(spec, status, sidecars)
        if not initializing or _initialized(status):
            self._main(status)
        if (obj.get("metadata") or {}).get("deletionTimestamp"):
            self._deleting(status)

    def _init(self, spec: dict[str, Any], status: dict[str, Any], sidecars: set[str | None]) -> bool:
        """Walk the init containers; whether one of them still holds the pod up."""
        total = len(spec.get("initContainers") or ())
        for at, held in enumerate(status.get("initContainerStatuses") or ()):
            self.restarts += held.get("restartCount") or 0
            self.last = _later(self.last, _finished(held, "lastState"))
            sidecar = held.get("name") in sidecars
            if sidecar:
                self.sidecar_restarts += held.get("restartCount") or 0
                self.sidecar_last = _later(self.sidecar_last, _finished(held, "lastState"))
            state = held.get("state") or {}
            ended, waiting = state.get("terminated"), state.get("waiting")
            if ended is not None and not ended.get("exitCode"):
                continue
            if sidecar and held.get("started"):
                if held.get("ready"):
                    self.ready += 1
                continue
            self.word = _init_word(ended, waiting, at, total)
            return True
        return False

    def _main(self, status: dict[str, Any]) -> None:
        self.restarts, self.last = self.sidecar_restarts, self.sidecar_last
        running = False
        for held in reversed(status.get("containerStatuses") or ()):
            self.restarts += held.get("restartCount") or 0
            self.last = _later(self.last, _finished(held, "lastState"))
            state = held.get("state") or {}
            ended, waiting = state.get("terminated"), state.get("waiting")
            if waiting is not None and waiting.get("reason"):
                self.word = waiting["reason"]
            elif ended is not None:
                self.word = _ended_word(ended)
            elif held.get("ready") and state.get("running") is not None:
                running = True
                self.ready += 1
        if self.word == "Completed" and running:
            ready = any(_is(c, "Ready", "True") for c in status.get("conditions") or ())
            self.word = "Running" if ready else "NotReady"

    def _deleting(self, status: dict[str, Any]) -> None:
        if status.get("reason") == NODE_LOST:
            self.word = "Unknown"
        elif status.get("phase") not in ("Failed", "Succeeded"):
            self.word = "Terminating"

    def restarts_text(self, now: float) -> str:
        if self.restarts and self.last is not None:
            return f"{self.restarts} ({duration(now - self.last)} ago)"
        return str(self.restarts)


def _is(condition: dict[str, Any], kind: str, status: str = "", reason: str = "") -> bool:
    return (
        condition.get("type") == kind
        and (not status or condition.get("status") == status)
        and (not reason or condition.get("reason") == reason)
    )


def _initialized(status: dict[str, Any]) -> bool:
    return any(_is(c, "Initialized", "True") for c in status.get("conditions") or ())


def _finished(held: dict[str, Any], field: str) -> float | None:
    return seconds_of(((held.get(field) or {}).get("terminated") or {}).get("finishedAt"))


def _later(one: float | None, other: float | None) -> float | None:
    return other if one is None or (other is not None and other > one) else one


def _ended_word(ended: dict[str, Any]) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    if ended.get("signal"):
        return f"Signal:{ended['signal']}"
    return f"ExitCode:{ended.get('exitCode') or 0}"


def _init_word(ended: dict[str, Any] | None, waiting: dict[str, Any] | None, at: int, total: int) -> str:
    if ended is not None:
        return f"Init:{_ended_word(ended)}"
    if waiting is not None and waiting.get("reason") and waiting["reason"] != "PodInitializing":
        return f"Init:{waiting['reason']}"
    return f"Init:{at}/{total}"
