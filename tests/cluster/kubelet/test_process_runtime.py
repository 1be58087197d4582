"""What only real processes show: environment, output, codes, groups, limits, and a killed predecessor."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cluster.kubelet.runtimes import processes
from cluster.kubelet.runtimes.crilog import LogWriter, rotated
from cluster.kubelet.runtimes.interface import (
    ContainerConfig,
    ContainerState,
    ContainerStatus,
    Mount,
    RuntimeFault,
    SandboxConfig,
)
from cluster.kubelet.runtimes.process import ProcessRuntime


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[ProcessRuntime]:
    made = ProcessRuntime(tmp_path / "runtime")
    yield made
    await made.close()


def box(tmp_path: Path) -> SandboxConfig:
    return SandboxConfig(
        pod_uid="u", name="p", namespace="n", hostname="host", ip="127.2.0.2", log_directory=tmp_path / "logs"
    )


def config(tmp_path: Path, *command: str, image: str = "busybox", attempt: int = 0, **more: Any) -> ContainerConfig:
    return ContainerConfig(
        name="main", attempt=attempt, image=image, command=command, log_path=tmp_path / f"{attempt}.log", **more
    )


async def start(runtime: ProcessRuntime, tmp_path: Path, *command: str, **more: Any) -> ContainerStatus:
    sandbox = await runtime.run_sandbox(box(tmp_path))
    return await runtime.start_container(sandbox.id, config(tmp_path, *command, **more))


async def end(runtime: ProcessRuntime) -> ContainerStatus:
    await asyncio.wait_for(runtime.wait_event(), 10)
    found = await runtime.pod("u")
    assert found is not None
    return found[1][-1]


def lines(path: Path) -> list[tuple[str, ...]]:
    return [tuple(line.split(" ", 3)[1:]) for line in path.read_text().splitlines()]


async def test_output_lands_in_cri_lines(runtime: ProcessRuntime, tmp_path: Path) -> None:
    await start(runtime, tmp_path, "sh", "-c", "echo one; echo two >&2; printf three")
    await end(runtime)
    assert sorted(lines(tmp_path / "0.log")) == [
        ("stderr", "F", "two"),
        ("stdout", "F", "one"),
        ("stdout", "P", "three"),
    ]
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ", (tmp_path / "0.log").read_text())


async def test_exit_codes_and_signals(runtime: ProcessRuntime, tmp_path: Path) -> None:
    await start(runtime, tmp_path, "sh", "-c", "exit 3")
    ended = await end(runtime)
    assert (ended.exit_code, ended.signal, ended.reason) == (3, None, "Error")
    status = await start(runtime, tmp_path, "sleep", "60", attempt=1)
    assert status.pid
    os.kill(status.pid, signal.SIGSEGV)
    ended = await end(runtime)
    assert (ended.exit_code, ended.signal) == (139, 11)


async def test_only_the_configured_environment_and_a_path(
    runtime: ProcessRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/secret")
    await start(runtime, tmp_path, "env", env={"A": "1"})
    await end(runtime)
    found = dict(line[2].split("=", 1) for line in lines(tmp_path / "0.log"))
    assert found["A"] == "1"
    assert found["HOSTNAME"] == "host"
    assert "PYTHONPATH" not in found


async def test_python_is_the_interpreter_of_this_program(runtime: ProcessRuntime, tmp_path: Path) -> None:
    await start(runtime, tmp_path, "python3", "-c", "import sys; print(sys.prefix)", image="python:3.13-alpine")
    await end(runtime)
    assert lines(tmp_path / "0.log") == [("stdout", "F", sys.prefix)]


async def test_python_where_the_host_has_none(
    runtime: ProcessRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    await start(runtime, tmp_path, "python3", "-c", "import sys; print(sys.prefix)")
    await end(runtime)
    assert lines(tmp_path / "0.log") == [("stdout", "F", sys.prefix)]


async def test_the_whole_group_ends(runtime: ProcessRuntime, tmp_path: Path) -> None:
    marker = tmp_path / "child"
    status = await start(
        runtime, tmp_path, "sh", "-c", f"sleep 60 & echo $! > {marker}.part; mv {marker}.part {marker}; wait"
    )
    for _ in range(500):
        if marker.exists():
            break
        await asyncio.sleep(0.01)
    child = int(marker.read_text())
    await runtime.stop_container(status.id, 5)
    for _ in range(500):
        found = processes.stat(child)
        if found is None or found.zombie:
            break
        await asyncio.sleep(0.01)
    else:
        raise AssertionError("the child outlived its container")


async def test_who_ignores_term_is_killed(runtime: ProcessRuntime, tmp_path: Path) -> None:
    status = await start(
        runtime, tmp_path, "python3", "-c",
        "import signal,time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
    )  # fmt: skip
    log = tmp_path / "0.log"
    while not log.exists() or "up" not in log.read_text():
        await asyncio.sleep(0.01)
    await runtime.stop_container(status.id, 0.3)
    ended = await end(runtime)
    assert (ended.exit_code, ended.signal) == (137, 9)


async def test_a_missing_program_is_named(runtime: ProcessRuntime, tmp_path: Path) -> None:
    with pytest.raises(RuntimeFault, match="no-such-program") as refused:
        await start(runtime, tmp_path, "no-such-program")
    assert refused.value.reason == "RunContainerError"


async def test_an_image_without_a_known_command_is_refused(runtime: ProcessRuntime, tmp_path: Path) -> None:
    with pytest.raises(RuntimeFault, match="nginx") as refused:
        await start(runtime, tmp_path, image="nginx:1.27")
    assert refused.value.reason == "ErrImagePull"


async def test_refusals_name_each_setting(runtime: ProcessRuntime, tmp_path: Path) -> None:
    asked = config(
        tmp_path,
        "true",
        mounts=(Mount(tmp_path, "/data"),),
        run_as_user=os.geteuid() + 1,
        read_only_root=True,
        cpu_limit=0.5,
    )
    told = " ".join(runtime.refusals(box(tmp_path), asked))
    for word in ("/data", "runAsUser", "readOnlyRootFilesystem", "cpu"):
        assert word in told
    assert runtime.refusals(box(tmp_path), config(tmp_path, "true")) == []


@pytest.mark.skipif(sys.platform != "linux", reason="memory of groups is read from /proc")
async def test_too_much_memory_is_killed_by_name(runtime: ProcessRuntime, tmp_path: Path) -> None:
    await start(
        runtime, tmp_path, "python3", "-c", "x = b'x' * (80 << 20); import time; time.sleep(60)", memory_limit=40 << 20
    )
    ended = await end(runtime)
    assert (ended.reason, ended.exit_code) == ("OOMKilled", 137)


@pytest.mark.skipif(sys.platform != "linux", reason="start times are read from /proc")
async def test_a_killed_predecessor_leaves_nothing_running(tmp_path: Path) -> None:
    program = f"""
import asyncio, os
from pathlib import Path
from cluster.kubelet.runtimes.interface import *
from cluster.kubelet.runtimes.process import ProcessRuntime
async def main():
    runtime = ProcessRuntime(Path({str(tmp_path / "runtime")!r}))
    logs = Path({str(tmp_path)!r})
    pod = SandboxConfig(
        pod_uid="u", name="p", namespace="n", hostname="h", ip="127.2.0.2", log_directory=logs
    )
    box = await runtime.run_sandbox(pod)
    command = ("sh", "-c", "sleep 61 & sleep 60")
    main = ContainerConfig(name="main", attempt=0, image="busybox", command=command, log_path=logs / "0.log")
    status = await runtime.start_container(box.id, main)
    print(status.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        pid = int(first.stdout.readline())
        first.kill()
        first.wait()
    before = processes.stat(pid)
    assert before is not None
    assert not before.zombie
    second = ProcessRuntime(tmp_path / "runtime")
    assert len(second.ended_leftovers) >= 1
    ((sandbox, (status,)),) = await second.list_pods()
    assert sandbox.ip == "127.2.0.2"
    assert (status.state, status.exit_code) == (ContainerState.EXITED, 137)
    for _ in range(500):
        after = processes.stat(pid)
        if after is None or after.zombie or after.start != before.start:
            break
        await asyncio.sleep(0.01)
    else:
        raise AssertionError("the process outlived its cluster")
    await second.close()


async def test_a_pid_used_again_is_left_alone() -> None:
    mine = os.getpid()
    assert processes.end_leftovers({"x": (mine, "another start")}) == []


def test_logs_rotate_and_old_ones_go(tmp_path: Path) -> None:
    log = LogWriter(tmp_path / "0.log", limit=200, keep=3)
    for number in range(40):
        log.feed("stdout", f"line {number}\n".encode())
    log.close()
    assert len(rotated(tmp_path / "0.log")) == 2
    kept = "".join(p.read_text() for p in [*rotated(tmp_path / "0.log"), tmp_path / "0.log"])
    assert kept.splitlines()[-1].endswith("F line 39")
