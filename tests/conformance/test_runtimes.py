"""What every runtime must do, real or simulated."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.kubelet.runtimes.interface import (
    ContainerConfig,
    ContainerState,
    ContainerStatus,
    Runtime,
    RuntimeFault,
    SandboxConfig,
)
from cluster.kubelet.runtimes.process import ProcessRuntime
from cluster.kubelet.runtimes.simulated import SimulatedRuntime

MAKERS: dict[str, Callable[[Path], Any]] = {"process": ProcessRuntime, "simulated": lambda _: SimulatedRuntime()}


@pytest.fixture(params=[*MAKERS])
async def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Runtime]:
    made = MAKERS[request.param](tmp_path / "runtime")
    yield made
    await made.close()


def sandbox(tmp_path: Path, uid: str = "u1", **more: Any) -> SandboxConfig:
    given = {"pod_uid": uid, "name": "p", "namespace": "default", "hostname": "p", "ip": "127.2.0.2"}
    return SandboxConfig(**{**given, "log_directory": tmp_path / "logs" / uid, **more})


def container(tmp_path: Path, *command: str, name: str = "main", attempt: int = 0, **more: Any) -> ContainerConfig:
    log = tmp_path / "logs" / "u1" / name / f"{attempt}.log"
    return ContainerConfig(name=name, attempt=attempt, image="busybox:1", command=command, log_path=log, **more)


async def started(runtime: Runtime, tmp_path: Path, *command: str, **more: Any) -> ContainerStatus:
    box = await runtime.run_sandbox(sandbox(tmp_path))
    return await runtime.start_container(box.id, container(tmp_path, *command, **more))


async def state(runtime: Runtime, id_: str) -> ContainerStatus:
    found = await runtime.pod("u1")
    assert found is not None
    return next(c for c in found[1] if c.id == id_)


async def test_a_started_container_runs_and_is_listed(runtime: Runtime, tmp_path: Path) -> None:
    status = await started(runtime, tmp_path, "sleep", "60")
    assert status.state is ContainerState.RUNNING
    assert status.started_at is not None
    ((box, containers),) = await runtime.list_pods()
    assert (box.pod_uid, box.ip, box.ready) == ("u1", "127.2.0.2", True)
    assert [c.id for c in containers] == [status.id]


async def test_stopping_ends_it_and_tells(runtime: Runtime, tmp_path: Path) -> None:
    status = await started(runtime, tmp_path, "sleep", "60")
    await runtime.stop_container(status.id, 5)
    assert (await state(runtime, status.id)).state is ContainerState.EXITED
    assert await asyncio.wait_for(runtime.wait_event(), 5) == "u1"
    ended = await state(runtime, status.id)
    assert ended.exit_code is not None
    assert ended.finished_at is not None


async def test_stopping_what_is_stopped_or_unknown_is_no_error(runtime: Runtime, tmp_path: Path) -> None:
    status = await started(runtime, tmp_path, "sleep", "60")
    await runtime.stop_container(status.id, 1)
    await runtime.stop_container(status.id, 1)
    await runtime.stop_container("nobody", 1)
    await runtime.remove_sandbox("nobody")


async def test_without_grace_it_is_killed(runtime: Runtime, tmp_path: Path) -> None:
    status = await started(runtime, tmp_path, "sleep", "60")
    await runtime.stop_container(status.id, 0)
    ended = await state(runtime, status.id)
    assert (ended.exit_code, ended.signal, ended.reason) == (137, 9, "Error")


async def test_run_sandbox_twice_is_the_same_sandbox(runtime: Runtime, tmp_path: Path) -> None:
    one = await runtime.run_sandbox(sandbox(tmp_path))
    two = await runtime.run_sandbox(sandbox(tmp_path, ip="127.2.0.9"))
    assert (one.id, one.ip) == (two.id, two.ip)


async def test_latest_attempt_and_the_one_before_are_kept(runtime: Runtime, tmp_path: Path) -> None:
    for attempt in range(4):
        status = await started(runtime, tmp_path, "sleep", "60", attempt=attempt)
        await runtime.stop_container(status.id, 1)
    found = await runtime.pod("u1")
    assert found is not None
    assert [c.attempt for c in found[1]] == [2, 3]


async def test_removing_a_sandbox_ends_what_runs_in_it(runtime: Runtime, tmp_path: Path) -> None:
    await started(runtime, tmp_path, "sleep", "60")
    found = await runtime.pod("u1")
    assert found is not None
    await runtime.remove_sandbox(found[0].id)
    assert await runtime.list_pods() == []
    assert await runtime.pod("u1") is None


async def test_exec_answers_and_refuses_what_does_not_run(runtime: Runtime, tmp_path: Path) -> None:
    status = await started(runtime, tmp_path, "sleep", "60")
    assert (await runtime.exec(status.id, ("true",), 5)).exit_code == 0
    await runtime.stop_container(status.id, 0)
    with pytest.raises(RuntimeFault):
        await runtime.exec(status.id, ("true",), 5)


async def test_an_unknown_sandbox_and_a_bad_image_name_are_refused(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(RuntimeFault) as refused:
        await runtime.start_container("nobody", container(tmp_path, "true"))
    assert refused.value.reason == "CreateContainerError"
    with pytest.raises(RuntimeFault) as refused:
        await runtime.pull_image("UPPER")
    assert refused.value.reason == "InvalidImageName"


async def test_containers_of_pods_meant_to_end_do_end(runtime: Runtime, tmp_path: Path) -> None:
    box = await runtime.run_sandbox(sandbox(tmp_path, restart_policy="Never"))
    status = await runtime.start_container(box.id, container(tmp_path, "true"))
    assert await asyncio.wait_for(runtime.wait_event(), 5) == "u1"
    ended = await state(runtime, status.id)
    assert (ended.exit_code, ended.reason) == (0, "Completed")
