"""The kubelet with the process runtime in a whole cluster: what pods go through, as the API shows it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cluster.assembly.cluster import Cluster
from cluster.kubelet.logs import Wanted
from cluster.machinery import pods as podlib
from cluster.machinery.events import EVENTS
from cluster.machinery.resources import CONFIG_MAPS, LEASES, NODES, PODS
from cluster.meta.errors import StatusError
from cluster.meta.types import Obj
from cluster.testing.cluster import eventually, running_cluster

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pod addresses need Linux's loopback network")
SLEEP = ["sleep", "60"]


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with running_cluster(tmp_path / "cluster", runtime="process") as made:
        yield made


def pod(command: list[str], name: str = "p", policy: str = "Always", spec: Any = None, **container: Any) -> Obj:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": policy,
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "main", "image": "python:3", "command": command, **container}],
            **(spec or {}),
        },
    }


async def create(cluster: Cluster, body: Obj) -> None:
    await cluster.client.create(PODS, body, "default")


async def until(cluster: Cluster, good: Any, name: str = "p") -> Obj:
    return await eventually(lambda: cluster.client.get(PODS, name, "default"), good)


def main(subject: Obj) -> dict[str, Any]:
    found: list[dict[str, Any]] = (subject.get("status") or {}).get("containerStatuses") or [{}]
    return found[0]


async def reasons(cluster: Cluster) -> list[str]:
    return [e["reason"] for e in (await cluster.client.list(EVENTS, "default")).items]


async def logs(cluster: Cluster, name: str = "p", **more: Any) -> bytes:
    subject = await cluster.client.get(PODS, name, "default")
    asked = {"follow": False, "previous": False, **more}
    return b"".join([c async for c in cluster.kubelets[0].logs(subject, "main", Wanted(), **asked)])


async def test_node_registers_with_capacity_and_a_lease(cluster: Cluster) -> None:
    node = await cluster.client.get(NODES, "node")
    assert podlib.condition(node, "Ready")["status"] == "True"  # type: ignore[index]
    assert int(node["status"]["capacity"]["cpu"]) >= 1
    assert node["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("process://")
    lease = await cluster.client.get(LEASES, "node", "kube-node-lease")
    assert lease["spec"]["leaseDurationSeconds"] == 40


async def test_a_pod_runs_is_ready_and_is_deleted(cluster: Cluster) -> None:
    await create(cluster, pod(SLEEP))
    found = await until(cluster, podlib.ready)
    assert found["status"]["podIP"].startswith("127.3.0.")
    assert found["status"]["phase"] == "Running"
    await eventually(lambda: reasons(cluster), lambda r: {"Scheduled", "Pulled", "Created", "Started"} <= set(r))
    await cluster.client.delete(PODS, "p", "default")

    async def names() -> list[str]:
        return [p["metadata"]["name"] for p in (await cluster.client.list(PODS, "default")).items]

    await eventually(names, lambda found: found == [])
    assert await cluster.kubelets[0].runtime.list_pods() == []
    assert "Killing" in await eventually(lambda: reasons(cluster), lambda r: "Killing" in r)


async def test_exit_codes_decide_the_phase(cluster: Cluster) -> None:
    await create(cluster, pod(["sh", "-c", "echo bye; exit 0"], "good", "Never"))
    await create(cluster, pod(["sh", "-c", "exit 4"], "bad", "Never"))
    assert (await until(cluster, podlib.terminal, "good"))["status"]["phase"] == "Succeeded"
    bad = await until(cluster, podlib.terminal, "bad")
    assert bad["status"]["phase"] == "Failed"
    assert main(bad)["state"]["terminated"]["exitCode"] == 4
    assert await logs(cluster, "good") == b"bye\n"


async def test_crashes_are_restarted_then_held_back(cluster: Cluster) -> None:
    await create(cluster, pod(["sh", "-c", "echo try; exit 3"]))
    found = await until(
        cluster, lambda p: (main(p).get("state") or {}).get("waiting", {}).get("reason") == "CrashLoopBackOff"
    )
    assert main(found)["restartCount"] == 1
    assert main(found)["lastState"]["terminated"]["exitCode"] == 3
    assert "back-off 10s restarting failed container=main pod=p_default" in main(found)["state"]["waiting"]["message"]
    assert await logs(cluster, previous=True) == b"try\n"
    assert "BackOff" in await eventually(lambda: reasons(cluster), lambda r: "BackOff" in r)


async def test_init_containers_come_first(cluster: Cluster) -> None:
    init = {"name": "init", "image": "busybox", "command": ["sh", "-c", "exit 0"]}
    await create(cluster, pod(SLEEP, spec={"initContainers": [init]}))
    found = await until(cluster, podlib.ready)
    assert found["status"]["initContainerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"


async def test_a_missing_config_map_is_waited_for(cluster: Cluster) -> None:
    reference = {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}
    await create(cluster, pod(["sh", "-c", "echo $X; sleep 60"], env=[reference]))
    found = await until(
        cluster, lambda p: (main(p).get("state") or {}).get("waiting", {}).get("reason") == "CreateContainerConfigError"
    )
    assert main(found)["state"]["waiting"]["message"] == 'configmap "c" not found'
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "now"}}
    await cluster.client.create(CONFIG_MAPS, config, "default")
    await until(cluster, podlib.ready)
    assert await eventually(lambda: logs(cluster), bool) == b"now\n"


async def test_an_image_nobody_knows_is_an_image_error(cluster: Cluster) -> None:
    body = pod([], policy="Always")
    body["spec"]["containers"][0] = {"name": "main", "image": "nginx:1"}
    await create(cluster, body)
    waiting = lambda p: (main(p).get("state") or {}).get("waiting", {})  # noqa: E731
    found = await until(cluster, lambda p: waiting(p).get("reason") in ("ErrImagePull", "ImagePullBackOff"))
    assert found["status"]["phase"] == "Pending"
    await until(cluster, lambda p: waiting(p).get("reason") == "ImagePullBackOff")
    with pytest.raises(StatusError) as refused:
        await logs(cluster)
    assert refused.value.code == 400


async def test_readiness_follows_the_program(cluster: Cluster) -> None:
    program = (
        "import http.server as h, os, time; time.sleep(.2); "
        "h.HTTPServer((os.environ['IP'], 8123), h.SimpleHTTPRequestHandler).serve_forever()"
    )
    probe = {"httpGet": {"path": "/", "port": "web"}, "periodSeconds": 5}
    ip = {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    ports = [{"name": "web", "containerPort": 8123}]
    await create(cluster, pod(["python3", "-c", program], readinessProbe=probe, env=[ip], ports=ports))
    unready = await until(cluster, lambda p: "running" in (main(p).get("state") or {}))
    assert not podlib.ready(unready)
    ready = await until(cluster, podlib.ready)
    assert main(ready)["ready"] is True
    assert "reason" not in podlib.condition(ready, "Ready")  # type: ignore[operator]


async def test_a_dead_program_behind_a_liveness_probe_is_restarted(cluster: Cluster) -> None:
    probe = {"exec": {"command": ["sh", "-c", "exit 1"]}, "periodSeconds": 1, "failureThreshold": 1}
    await create(cluster, pod(SLEEP, livenessProbe=probe))
    found = await until(cluster, lambda p: main(p).get("restartCount", 0) >= 1)
    assert main(found)["lastState"]["terminated"]["exitCode"] in (137, 143)
    assert "Unhealthy" in await reasons(cluster)


async def test_hooks_run_around_the_container(cluster: Cluster, tmp_path: Path) -> None:
    note = tmp_path / "note"
    hooks = {
        "postStart": {"exec": {"command": ["sh", "-c", f"echo start >> {note}"]}},
        "preStop": {"exec": {"command": ["sh", "-c", f"echo stop >> {note}"]}},
    }
    await create(cluster, pod(SLEEP, lifecycle=hooks))
    await until(cluster, podlib.ready)
    await cluster.client.delete(PODS, "p", "default")
    await eventually(lambda: cluster.kubelets[0].runtime.list_pods(), lambda found: found == [])
    assert note.read_text() == "start\nstop\n"


async def test_what_is_not_applied_is_told(cluster: Cluster) -> None:
    await create(cluster, pod(SLEEP, securityContext={"readOnlyRootFilesystem": True}))
    await until(cluster, podlib.ready)

    async def told() -> str:
        events = (await cluster.client.list(EVENTS, "default")).items
        return " ".join(e["message"] for e in events if e["reason"] == "NotSupportedByRuntime")

    assert "readOnlyRootFilesystem is not applied" in await eventually(told, bool)


async def test_a_deadline_fails_the_pod(cluster: Cluster) -> None:
    await create(cluster, pod(SLEEP, spec={"activeDeadlineSeconds": 1}))
    found = await until(cluster, podlib.terminal)
    assert (found["status"]["phase"], found["status"]["reason"]) == ("Failed", "DeadlineExceeded")


async def test_following_a_log_ends_with_the_container(cluster: Cluster) -> None:
    await create(cluster, pod(["sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done"], policy="Never"))
    await until(cluster, lambda p: "running" in (main(p).get("state") or {}) or podlib.terminal(p))
    assert await logs(cluster, follow=True) == b"1\n2\n3\n"
