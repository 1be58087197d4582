"""The plain process runtime: a container is a process group of this machine, in a session of its own.

It separates nothing: no root filesystem, no mounts, no users, no network of its own. What a pod asks for beyond that
stands in `refusals`. A pod's address is a loopback address, so replicas do not collide when they listen on it.

What it knows of each container is kept in files below `root`, with pid and start time. After this program was killed
the next one finds them, ends what still runs (its output has lost its reader) and reports the container as ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from cluster.kubelet.runtimes import images, processes
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
from cluster.kubelet.runtimes.records import Records

_LINGER = 0.5
"""Seconds that output may still come after the process has ended (a grandchild may hold the pipe)."""
_MEMORY_PERIOD = 1.0
_INHERITED = ("LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
OUT_OF_MEMORY = "OOMKilled"
_ON_TERMINAL = (
    "import fcntl, os, sys, termios; os.setsid(); "
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
"""Becomes a command in a session whose controlling terminal is its standard input, so that shells have jobs."""


Listener = Callable[[tuple[int, bytes] | None], None]
"""Gets (1 for output or 2 for errors, data) as a container says it; None at its end."""


@dataclass(slots=True)
class _Container:
    status: ContainerStatus
    environ: dict[str, str] = field(default_factory=dict)
    directory: str = ""
    memory_limit: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    killed_for: str = ""
    child: _Child | None = None

    @property
    def running(self) -> bool:
        return self.status.state is ContainerState.RUNNING


@dataclass(slots=True)
class _Pod:
    config: SandboxConfig | None
    status: SandboxStatus
    containers: list[_Container] = field(default_factory=list)


class ProcessRuntime:
    """See the module; `root` is a directory of its own, kept over restarts."""

    name = "process"
    version = "1.0.0"
    reachable = True
    mounts = False

    def __init__(self, root: Path) -> None:
        self._records = Records(root / "pods")
        self._stand_ins = root / "bin"
        self._pods: dict[str, _Pod] = {}
        self._containers: dict[str, tuple[_Pod, _Container]] = {}
        self._events: asyncio.Queue[str] = asyncio.Queue()
        self._memory_watch: asyncio.Task[None] | None = None
        self.ended_leftovers: list[str] = []
        images.write_stand_ins(self._stand_ins)
        self._recover()

    # -- what was there before this program started ------------------------------------------------------------

    def _recover(self) -> None:
        known: dict[str, tuple[int, str]] = {}
        for sandbox, containers in self._records.read():
            pod = self._pods[sandbox.pod_uid] = _Pod(None, sandbox)
            for status, start in containers:
                if status.state is ContainerState.RUNNING and status.pid:
                    known[status.id] = (status.pid, start)
                container = _Container(status)
                pod.containers.append(container)
                self._containers[status.id] = (pod, container)
        self.ended_leftovers = processes.end_leftovers(known) if known else []
        for id_ in known:
            pod, container = self._containers[id_]
            container.status = replace(
                container.status,
                state=ContainerState.EXITED,
                finished_at=time.time(),
                exit_code=137,
                reason="Error",
                message="The cluster was killed while this container ran; its process was ended at the next start.",
            )
            container.ended.set()
            self._records.write_container(pod.status.pod_uid, container.status, "")

    # -- verbs -------------------------------------------------------------------------------------------------

    def refusals(self, sandbox: SandboxConfig, container: ContainerConfig) -> list[str]:
        out = [
            f"the mount at {mount.container_path} is not shown there; its files are in {mount.host_path}"
            for mount in container.mounts
            if str(mount.host_path) != mount.container_path
        ]
        if container.run_as_user is not None and container.run_as_user != os.geteuid():
            out.append(f"runAsUser {container.run_as_user} is not applied: processes run as user {os.geteuid()}")
        if container.run_as_group is not None and container.run_as_group != os.getegid():
            out.append(f"runAsGroup {container.run_as_group} is not applied: processes run as group {os.getegid()}")
        if container.read_only_root:
            out.append("readOnlyRootFilesystem is not applied: there is no root filesystem of its own")
        if container.privileged and os.geteuid() != 0:
            out.append("privileged is not applied")
        if container.cpu_limit is not None:
            out.append(f"the cpu limit of {container.cpu_limit:g} cores is not applied")
        if container.memory_limit is not None and sys.platform != "linux":
            out.append("the memory limit is not applied")
        if container.tty:
            out.append("tty is not applied: the container gets pipes")
        if container.working_dir and not os.path.isdir(container.working_dir):
            out.append(
                f"workingDir {container.working_dir} does not exist on this machine; a directory of the pod is used"
            )
        return out

    async def pull_image(self, image: str, *, always: bool = False) -> str:
        found = images.parse(image)
        if found is None:
            raise RuntimeFault(
                "InvalidImageName", f'Failed to apply default image tag "{image}": invalid reference format'
            )
        return f"host/{found.name}:{found.tag}"

    async def run_sandbox(self, config: SandboxConfig) -> SandboxStatus:
        pod = self._pods.get(config.pod_uid)
        if pod is None:
            status = SandboxStatus(
                id=uuid.uuid4().hex, pod_uid=config.pod_uid, name=config.name, namespace=config.namespace,
                ip=config.ip, ready=True, created_at=time.time(),
            )  # fmt: skip
            pod = self._pods[config.pod_uid] = _Pod(config, status)
        pod.config = config
        pod.status = replace(pod.status, ready=True)
        self._records.write_sandbox(pod.status)
        return pod.status

    async def start_container(self, sandbox_id: str, config: ContainerConfig) -> ContainerStatus:
        pod = self._pod_of_sandbox(sandbox_id)
        image = images.parse(config.image)
        if image is None:
            raise RuntimeFault(
                "InvalidImageName", f'couldn\'t parse image name "{config.image}": invalid reference format'
            )
        argv = [*(config.command or image.entrypoint), *config.args]
        if not config.command and not image.entrypoint:
            raise RuntimeFault(
                "ErrImagePull",
                f'the process runtime pulls no images and knows no default command of image "{config.image}": '
                "give the container a command that is installed on this machine",
            )
        directory = self._directory(pod, config)
        id_ = uuid.uuid4().hex
        environ = self._environ(pod, config, image, id_)
        argv[0] = _resolve(argv[0], environ["PATH"], directory)
        status = ContainerStatus(
            id=id_, name=config.name, attempt=config.attempt, image=config.image,
            image_id=f"host/{image.name}:{image.tag}", state=ContainerState.CREATED, created_at=time.time(),
        )  # fmt: skip
        container = _Container(status, environ, directory, config.memory_limit)
        await self._spawn(pod, container, argv, config)
        pod.containers.append(container)
        self._containers[id_] = (pod, container)
        self._forget_old_attempts(pod, config.name)
        return container.status

    async def stop_container(self, container_id: str, grace_seconds: float) -> None:
        found = self._containers.get(container_id)
        if found is None or not found[1].running or found[1].status.pid is None:
            return
        container, group = found[1], found[1].status.pid
        if grace_seconds > 0:
            processes.signal_group(group, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_seconds):
                    await container.ended.wait()
        if container.running:
            processes.signal_group(group, signal.SIGKILL)
            await container.ended.wait()

    async def remove_sandbox(self, sandbox_id: str) -> None:
        pod = next((p for p in self._pods.values() if p.status.id == sandbox_id), None)
        if pod is None:
            return
        await asyncio.gather(*(self.stop_container(c.status.id, 0) for c in pod.containers))
        for container in pod.containers:
            self._containers.pop(container.status.id, None)
        self._pods.pop(pod.status.pod_uid, None)
        self._records.remove(pod.status.pod_uid)

    async def exec(self, container_id: str, command: tuple[str, ...], timeout: float) -> ExecResult:
        """Raises TimeoutError; RuntimeFault when the container does not run."""
        child = await self.spawn(container_id, command)
        try:
            async with asyncio.timeout(timeout or None):
                out, err = await child.communicate()
        except (TimeoutError, asyncio.CancelledError):
            processes.signal_group(child.pid, signal.SIGKILL)
            await child.wait()
            raise
        return ExecResult(_exit_code(child.returncode or 0), out, err)

    async def spawn(
        self, container_id: str, command: tuple[str, ...], *, stdin: bool = False, terminal: int | None = None
    ) -> asyncio.subprocess.Process:
        """A command beside a container's process, with pipes, or with a pty's slave side as its terminal."""
        found = self._containers.get(container_id)
        if found is None or not found[1].running:
            raise RuntimeFault("NotRunning", f"container {container_id} is not running")
        container = found[1]
        argv = (_resolve(command[0], container.environ["PATH"], container.directory), *command[1:])
        if terminal is not None:
            argv = (sys.executable, "-I", "-S", "-c", _ON_TERMINAL, *argv)
        streams: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), terminal)
        if terminal is None:
            pipe = asyncio.subprocess.PIPE
            streams = {"stdin": pipe if stdin else asyncio.subprocess.DEVNULL, "stdout": pipe, "stderr": pipe}
        return await asyncio.create_subprocess_exec(
            *argv, env=container.environ, cwd=container.directory, start_new_session=terminal is None, **streams
        )

    def attach(self, container_id: str, listener: Listener) -> Attachment:
        """Hear what a running container says from now on. Raises RuntimeFault when it does not run."""
        found = self._containers.get(container_id)
        if found is None or found[1].child is None:
            raise RuntimeFault("NotRunning", f"container {container_id} is not running")
        return Attachment(found[1].child, listener)

    async def list_pods(self) -> list[tuple[SandboxStatus, list[ContainerStatus]]]:
        return [_entry(pod) for pod in self._pods.values()]

    async def pod(self, uid: str) -> tuple[SandboxStatus, list[ContainerStatus]] | None:
        pod = self._pods.get(uid)
        return _entry(pod) if pod is not None else None

    async def wait_event(self) -> str:
        return await self._events.get()

    async def close(self) -> None:
        """Ends every container: its output would have no reader."""
        if self._memory_watch is not None:
            self._memory_watch.cancel()
        await asyncio.gather(*(self.stop_container(id_, 5.0) for id_ in [*self._containers]))

    # -- starting ----------------------------------------------------------------------------------------------

    def _pod_of_sandbox(self, sandbox_id: str) -> _Pod:
        for pod in self._pods.values():
            if pod.status.id == sandbox_id:
                return pod
        raise RuntimeFault("CreateContainerError", f"sandbox {sandbox_id} does not exist")

    def _directory(self, pod: _Pod, config: ContainerConfig) -> str:
        if config.working_dir and os.path.isdir(config.working_dir):
            return config.working_dir
        scratch = self._records.directory(pod.status.pod_uid) / "work" / config.name
        scratch.mkdir(parents=True, exist_ok=True)
        return str(scratch)

    def _environ(self, pod: _Pod, config: ContainerConfig, image: images.Image, id_: str) -> dict[str, str]:
        host = os.environ
        found = {name: host[name] for name in _INHERITED if name in host}
        found |= {
            "PATH": images.search_path(image, self._stand_ins, host.get("PATH") or os.defpath),
            "HOME": host.get("HOME") or "/",
            "HOSTNAME": pod.config.hostname if pod.config is not None else pod.status.name,
        }
        return {**found, **config.env, processes.MARK: id_}

    async def _spawn(self, pod: _Pod, container: _Container, argv: list[str], config: ContainerConfig) -> None:
        log = LogWriter(config.log_path)
        child = _Child(self, pod, container, log)
        pipe = asyncio.subprocess.PIPE
        try:
            transport, _ = await asyncio.get_running_loop().subprocess_exec(
                lambda: child, *argv, env=container.environ, cwd=container.directory, start_new_session=True,
                stdin=pipe if config.stdin else asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            log.close()
            raise RuntimeFault("RunContainerError", f"failed to start {argv[0]}: {error}") from error
        container.child = child
        pid: int = transport.get_pid()
        facts = processes.stat(pid)
        if not child.over:
            container.status = replace(container.status, state=ContainerState.RUNNING, started_at=time.time(), pid=pid)
        self._records.write_container(pod.status.pod_uid, container.status, facts.start if facts else "")
        if container.memory_limit and self._memory_watch is None:
            self._memory_watch = asyncio.get_running_loop().create_task(self._watch_memory())

    def _forget_old_attempts(self, pod: _Pod, name: str) -> None:
        """The latest attempt and the one before it are kept."""
        same = [c for c in pod.containers if c.status.name == name and not c.running]
        for old in same[:-1] if len(same) > 1 else ():
            pod.containers.remove(old)
            self._containers.pop(old.status.id, None)
            self._records.remove_container(pod.status.pod_uid, old.status.id)

    # -- ending ------------------------------------------------------------------------------------------------

    def ended(self, pod: _Pod, container: _Container, code: int) -> None:
        """Called by the child once it has ended and its output is written."""
        number = -code if code < 0 else None
        reason = container.killed_for or ("Completed" if code == 0 else "Error")
        container.status = replace(
            container.status,
            state=ContainerState.EXITED,
            started_at=container.status.started_at or container.status.created_at,
            finished_at=time.time(),
            exit_code=_exit_code(code),
            signal=number,
            reason=reason,
        )
        container.child = None
        container.ended.set()
        if pod.status.pod_uid in self._pods:
            self._records.write_container(pod.status.pod_uid, container.status, "")
            self._events.put_nowait(pod.status.pod_uid)

    async def _watch_memory(self) -> None:
        """Resident memory of limited containers; only while there are any."""
        while True:
            await asyncio.sleep(_MEMORY_PERIOD)
            limited = {
                c.status.pid: c for _, c in self._containers.values() if c.memory_limit and c.running and c.status.pid
            }
            if not limited:
                self._memory_watch = None
                return
            for group, resident in processes.resident_by_group(limited).items():
                if resident > (limited[group].memory_limit or resident):
                    limited[group].killed_for = OUT_OF_MEMORY
                    processes.signal_group(group, signal.SIGKILL)


class _Child(asyncio.SubprocessProtocol):
    """Output to the log, and the end: the rest of the group goes when its first process does."""

    def __init__(self, runtime: ProcessRuntime, pod: _Pod, container: _Container, log: LogWriter) -> None:
        self._runtime, self._pod, self._container, self._log = runtime, pod, container, log
        self._transport: asyncio.SubprocessTransport | None = None
        self._code: int | None = None
        self._open = {1, 2}
        self.listeners: list[Listener] = []
        self.over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if not self.over:
            self._log.feed("stdout" if fd == 1 else "stderr", data)
            for listener in self.listeners:
                listener((fd, data))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._open.discard(fd)
        self._finish_if_quiet()

    def process_exited(self) -> None:
        assert self._transport is not None
        self._code = self._transport.get_returncode()
        processes.signal_group(self._transport.get_pid(), signal.SIGKILL)
        asyncio.get_running_loop().call_later(_LINGER, self._finish)
        self._finish_if_quiet()

    def write(self, data: bytes | None) -> None:
        """To the process's standard input; None closes it."""
        pipe = cast(asyncio.WriteTransport | None, self._transport.get_pipe_transport(0) if self._transport else None)
        if pipe is None:
            return
        if data is None:
            pipe.close()
        else:
            pipe.write(data)

    def _finish_if_quiet(self) -> None:
        if self._code is not None and not self._open:
            self._finish()

    def _finish(self) -> None:
        if self.over or self._code is None:
            return
        self.over = True
        self._log.close()
        for listener in self.listeners:
            listener(None)
        if self._transport is not None:
            self._transport.close()
        self._runtime.ended(self._pod, self._container, self._code)


class Attachment:
    """A listener on a container's output, with a way to its input."""

    def __init__(self, child: _Child, listener: Listener) -> None:
        self._child, self._listener = child, listener
        child.listeners.append(listener)

    def write(self, data: bytes | None) -> None:
        """To the container's input, when it has one; None closes it."""
        if not self._child.over:
            self._child.write(data)

    def detach(self) -> None:
        self._child.listeners.remove(self._listener)


def _entry(pod: _Pod) -> tuple[SandboxStatus, list[ContainerStatus]]:
    return pod.status, [c.status for c in pod.containers]


def _exit_code(code: int) -> int:
    """A shell's way of telling a signal."""
    return code if code >= 0 else 128 - code


def _resolve(program: str, path: str, directory: str) -> str:
    if "/" in program:
        found: str | None = os.path.join(directory, program)
        if found is not None and not os.access(found, os.X_OK):
            found = None
        missing = "no such file or directory"
    else:
        found = shutil.which(program, path=path)
        missing = "executable file not found in $PATH"
    if found is None:
        raise RuntimeFault(
            "RunContainerError", f'exec: "{program}": {missing} (looked on this machine: there is no image)'
        )
    return found
