"""What the simulated runtime foresees of little programs."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from cluster.kubelet.runtimes.interface import ContainerConfig, RuntimeFault, SandboxConfig
from cluster.kubelet.runtimes.programs import foresee
from cluster.kubelet.runtimes.simulated import SimulatedRuntime, behaviour


@pytest.mark.parametrize(
    ("command", "seconds", "code", "output"),
    [
        (("sleep", "5"), 5, 0, ""),
        (("/bin/sleep", "1m", "2s"), 62, 0, ""),
        (("sleep", "infinity"), math.inf, 0, ""),
        (("tail", "-f", "/dev/null"), math.inf, 0, ""),
        (("true",), 0, 0, ""),
        (("/bin/false",), 0, 1, ""),
        (("echo", "hello", "world"), 0, 0, "hello world\n"),
        (("/bin/sh", "-c", "exit 3"), 0, 3, ""),
        (("sh", "-c", "sleep 2; echo 'a  b'; exit 1; sleep 9"), 2, 1, "a  b\n"),
        (("bash", "-c", "false && echo no\necho yes"), 0, 0, "yes\n"),
        (("sh", "-c", "sleep inf; exit 1"), math.inf, 0, ""),
    ],
)
def test_little_programs_are_foreseen(command: tuple[str, ...], seconds: float, code: int, output: str) -> None:
    course = foresee(command)
    assert course is not None
    assert (course.seconds, course.code, course.output) == (seconds, code, output)


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("nginx",),
        ("exit", "1"),
        ("sleep",),
        ("sleep", "long"),
        ("sh", "-c", "exit $CODE"),
        ("sh", "-c", "while true; do sleep 1; done"),
        ("sh", "-c", "echo a > b"),
        ("sh", "-c", "echo 'a"),
        ("sh", "-e", "-c", "exit 1"),
    ],
)
def test_of_other_programs_nothing_is_guessed(command: tuple[str, ...]) -> None:
    assert foresee(command) is None


def _after(policy: str, *command: str, annotation: str = "", image: str = "busybox:1", ends: bool = False) -> object:
    pod = SandboxConfig(
        pod_uid="u", name="p", namespace="n", hostname="p", ip="", log_directory=Path(), restart_policy=policy,
        annotations={"pyhelm.io/simulate": annotation},
    )  # fmt: skip
    found = behaviour(pod, ContainerConfig(name="c", attempt=0, image=image, command=command, ends=ends))
    return found.code, found.after, found.log


def test_a_container_ends_as_its_program_does_or_as_its_pod_is_meant_to() -> None:
    assert _after("Never", "sleep", "5") == (0, 5, "")
    assert _after("Always", "false") == (1, 0.1, "")
    assert _after("OnFailure", "server") == (0, 0.1, "")
    assert _after("Always", "server") == (None, 0.1, "")
    assert _after("Always", "wait-for-database", ends=True) == (0, 0.1, "")
    assert _after("Never", image="registry.k8s.io/pause:3.10") == (None, 0.1, "")
    assert _after("Never", "porter", image="registry.k8s.io/e2e-test-images/agnhost:2.63.0") == (0, 0.1, "")


def test_what_the_pod_says_goes_before_what_its_program_would_do() -> None:
    assert _after("Never", "sleep", "5", annotation="exit=2") == (2, 0.1, "")
    assert _after("Never", "true", annotation="run log=hi") == (None, 0.1, "hi\n")
    assert _after("Never", "false", annotation="after=3") == (1, 3, "")


@pytest.mark.parametrize("image", ["web:404", "ghcr.io/a/b:missing", "registry.invalid/web:1"])
async def test_images_that_are_nowhere_are_not_pulled(image: str) -> None:
    with pytest.raises(RuntimeFault, match="not found") as caught:
        await SimulatedRuntime().pull_image(image)
    assert caught.value.reason == "ErrImagePull"
    assert await SimulatedRuntime().pull_image("web:1")
