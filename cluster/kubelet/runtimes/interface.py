"""What the kubelet needs of a container runtime, shaped like CRI: sandboxes and containers, about eight verbs.

A runtime knows nothing of the API server: it is told what to run in plain values and reports what runs. One
module a runtime; one conformance suite over all. What a runtime cannot honour it lists in `refusals`, so the
kubelet can say it in an event instead of pretending.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class ContainerState(StrEnum):
    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"


@dataclass(frozen=True, slots=True)
class Mount:
    """A host path shown at an absolute path of the container."""

    host_path: Path
    container_path: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    """The pod around the containers. `ip` is the address asked for; the runtime may answer another."""

    pod_uid: str
    name: str
    namespace: str
    hostname: str
    ip: str
    log_directory: Path
    host_network: bool = False
    restart_policy: str = "Always"
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerConfig:
    """One start of one container: `attempt` counts from 0 and is part of its identity."""

    name: str
    attempt: int
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    mounts: tuple[Mount, ...] = ()
    log_path: Path = Path()
    """File of CRI log lines: `<RFC3339Nano> stdout|stderr F|P <text>`."""
    stdin: bool = False
    tty: bool = False
    ends: bool = False
    """Others wait for its end: a container of init that is no sidecar."""
    run_as_user: int | None = None
    run_as_group: int | None = None
    read_only_root: bool = False
    privileged: bool = False
    memory_limit: int | None = None
    """Bytes."""
    cpu_limit: float | None = None
    """Cores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerStatus:
    id: str
    name: str
    attempt: int
    image: str
    image_id: str
    state: ContainerState
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    reason: str = ""
    """Completed, Error, OOMKilled, ContainerCannotRun."""
    message: str = ""
    pid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxStatus:
    id: str
    pod_uid: str
    name: str
    namespace: str
    ip: str
    ready: bool
    created_at: float


@dataclass(frozen=True, slots=True)
class ExecResult:
    exit_code: int
    stdout: bytes
    stderr: bytes


class RuntimeFault(Exception):
    """The runtime refused or failed; `reason` is what the pod shows: ErrImagePull, InvalidImageName,
    CreateContainerError, RunContainerError, CreatePodSandboxError."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Runtime(Protocol):
    """Verbs of a runtime. Stopping what is stopped and removing what is gone are not errors."""

    name: str
    version: str
    reachable: bool
    """Whether something really listens on the addresses of pods; otherwise network probes succeed by definition."""
    mounts: bool
    """Whether containers see their mounts at the paths asked for."""

    def refusals(self, sandbox: SandboxConfig, container: ContainerConfig) -> list[str]:
        """Settings of this container the runtime cannot honour, one sentence each."""
        ...

    async def pull_image(self, image: str, *, always: bool = False) -> str:
        """Make an image usable; answers its id. Raises RuntimeFault (ErrImagePull, InvalidImageName)."""
        ...

    async def run_sandbox(self, config: SandboxConfig) -> SandboxStatus: ...

    async def start_container(self, sandbox_id: str, config: ContainerConfig) -> ContainerStatus:
        """Create and start. Raises RuntimeFault."""
        ...

    async def stop_container(self, container_id: str, grace_seconds: float) -> None:
        """TERM, wait, KILL, and return when it has ended."""
        ...

    async def remove_sandbox(self, sandbox_id: str) -> None:
        """Stop what still runs in it and forget it."""
        ...

    async def exec(self, container_id: str, command: tuple[str, ...], timeout: float) -> ExecResult: ...

    async def list_pods(self) -> list[tuple[SandboxStatus, list[ContainerStatus]]]:
        """Everything known, also after a restart of this program: latest attempt of each container and the
        one before it."""
        ...

    async def pod(self, uid: str) -> tuple[SandboxStatus, list[ContainerStatus]] | None:
        """One entry of list_pods, by the pod's uid."""
        ...

    async def wait_event(self) -> str:
        """The uid of a pod in which something changed (a container ended)."""
        ...

    async def close(self) -> None:
        """Let go; containers keep running if the runtime can find them again, else they are stopped."""
        ...
