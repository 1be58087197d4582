"""A runtime that runs nothing: containers are running as soon as they are started, and end when told.

For controllers and charts at scale. What little programs like `sleep 5` or `exit 1` would do is known (`programs`). Of
the others, containers that are meant to end (of init, or of pods with restartPolicy Never or OnFailure) end by
themselves with code 0, but for `pause` and its like, which never do. The pod annotation `pyhelm.io/simulate` says
otherwise, as `key=value` words: `exit=CODE` (end with it), `after=SECONDS` (when; 0.1 by default), `run` (never end),
`log=TEXT`.

Every image is there, but for those tagged `404`, `bad`, `missing` or `non-existent` and those of registries named
`*.invalid`.
"""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from dataclasses import dataclass, field, replace

from cluster.kubelet.runtimes import images, programs
from cluster.kubelet.runtimes.crilog import LogWriter
from cluster.kubelet.runtimes.interface import (
    ContainerConfig,
    ContainerState,
    ContainerStatus,
    ExecResult,
    RuntimeFault,
    SandboxConfig,
    SandboxStatus,
)

ANNOTATION = "pyhelm.io/simulate"
_MOMENT = 0.1
"""Seconds that a program takes which ends at once."""
_STAYING = frozenset({"pause", "agnhost"})
"""Kubernetes' own images that wait until they are told to end, unless they are given something to do."""
_MISSING = frozenset({"404", "bad", "missing", "non-existent"})
"""Tags that no image has."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`code` None: runs until stopped."""

    code: int | None
    after: float = _MOMENT
    log: str = ""


def behaviour(pod: SandboxConfig, container: ContainerConfig) -> Behaviour:
    """What the container will do: as the pod's annotation says, as its program would, or as its pod is meant to."""
    words = dict(w.partition("=")[::2] for w in pod.annotations.get(ANNOTATION, "").split())
    natural = _natural(pod, container)
    log = f"{words['log']}\n" if words.get("log") else natural.log
    if "run" in words:
        return Behaviour(None, log=log)
    if "exit" in words or "after" in words:
        code = int(words["exit"]) if "exit" in words else natural.code
        return Behaviour(code, float(words.get("after") or _MOMENT), log)
    return replace(natural, log=log)


def _natural(pod: SandboxConfig, container: ContainerConfig) -> Behaviour:
    course = programs.foresee((*container.command, *container.args))
    if course is not None:
        code = None if math.isinf(course.seconds) else course.code
        return Behaviour(code, max(course.seconds, _MOMENT), course.output)
    ends = container.ends or pod.restart_policy != "Always"
    return Behaviour(0 if ends and not _stays(container) else None)


def _stays(container: ContainerConfig) -> bool:
    """Whether it is one of the programs whose only purpose is to be there."""
    found = images.parse(container.image)
    known = found is not None and found.short in _STAYING
    return known and not container.command and container.args in ((), ("pause",))


@dataclass(slots=True)
class _Pod:
    status: SandboxStatus
    config: SandboxConfig
    containers: list[ContainerStatus] = field(default_factory=list)


class SimulatedRuntime:
    name = "simulated"
    version = "1.0.0"
    reachable = False
    mounts = False

    def __init__(self) -> None:
        self._pods: dict[str, _Pod] = {}
        self._events: asyncio.Queue[str] = asyncio.Queue()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def refusals(self, sandbox: SandboxConfig, container: ContainerConfig) -> list[str]:
        return []

    async def pull_image(self, image: str, *, always: bool = False) -> str:
        found = images.parse(image)
        if found is None:
            raise RuntimeFault(
                "InvalidImageName", f'Failed to apply default image tag "{image}": invalid reference format'
            )
        if found.tag in _MISSING or found.name.partition("/")[0].endswith(".invalid"):
            raise RuntimeFault("ErrImagePull", f"{image}: not found")
        return f"simulated/{found.name}:{found.tag}"

    async def run_sandbox(self, config: SandboxConfig) -> SandboxStatus:
        pod = self._pods.get(config.pod_uid)
        if pod is None:
            status = SandboxStatus(
                id=uuid.uuid4().hex, pod_uid=config.pod_uid, name=config.name, namespace=config.namespace,
                ip=config.ip, ready=True, created_at=time.time(),
            )  # fmt: skip
            pod = self._pods[config.pod_uid] = _Pod(status, config)
        return pod.status

    async def start_container(self, sandbox_id: str, config: ContainerConfig) -> ContainerStatus:
        pod = next((p for p in self._pods.values() if p.status.id == sandbox_id), None)
        if pod is None:
            raise RuntimeFault("CreateContainerError", f"sandbox {sandbox_id} does not exist")
        now = time.time()
        status = ContainerStatus(
            id=uuid.uuid4().hex, name=config.name, attempt=config.attempt, image=config.image,
            image_id=await self.pull_image(config.image), state=ContainerState.RUNNING, created_at=now, started_at=now,
        )  # fmt: skip
        course = behaviour(pod.config, config)
        _write_log(course.log, config)
        older = [c for c in pod.containers if c.name == config.name]
        for old in older[:-1]:
            pod.containers.remove(old)
        pod.containers.append(status)
        if course.code is not None:
            loop = asyncio.get_running_loop()
            self._timers[status.id] = loop.call_later(course.after, self._end, pod, status.id, course.code)
        return status

    def _end(self, pod: _Pod, id_: str, code: int, signal: int | None = None) -> None:
        timer = self._timers.pop(id_, None)
        if timer is not None:
            timer.cancel()
        for place, status in enumerate(pod.containers):
            if status.id == id_ and status.state is ContainerState.RUNNING:
                pod.containers[place] = replace(
                    status, state=ContainerState.EXITED, finished_at=time.time(), exit_code=code, signal=signal,
                    reason="Completed" if code == 0 else "Error",
                )  # fmt: skip
                self._events.put_nowait(pod.status.pod_uid)

    async def stop_container(self, container_id: str, grace_seconds: float) -> None:
        for pod in self._pods.values():
            if any(c.id == container_id for c in pod.containers):
                # A program that obeys TERM at once; without grace it is killed.
                self._end(pod, container_id, *((0, None) if grace_seconds > 0 else (137, 9)))

    async def remove_sandbox(self, sandbox_id: str) -> None:
        for uid, pod in [*self._pods.items()]:
            if pod.status.id == sandbox_id:
                for status in pod.containers:
                    timer = self._timers.pop(status.id, None)
                    if timer is not None:
                        timer.cancel()
                del self._pods[uid]

    async def exec(self, container_id: str, command: tuple[str, ...], timeout: float) -> ExecResult:
        for pod in self._pods.values():
            if any(c.id == container_id and c.state is ContainerState.RUNNING for c in pod.containers):
                return ExecResult(0, b"", b"")
        raise RuntimeFault("NotRunning", f"container {container_id} is not running")

    async def list_pods(self) -> list[tuple[SandboxStatus, list[ContainerStatus]]]:
        return [(pod.status, [*pod.containers]) for pod in self._pods.values()]

    async def pod(self, uid: str) -> tuple[SandboxStatus, list[ContainerStatus]] | None:
        pod = self._pods.get(uid)
        return (pod.status, [*pod.containers]) if pod is not None else None

    async def wait_event(self) -> str:
        return await self._events.get()

    async def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()


def _write_log(text: str, config: ContainerConfig) -> None:
    if not text:
        return
    log = LogWriter(config.log_path)
    log.feed("stdout", text.encode())
    log.close()
