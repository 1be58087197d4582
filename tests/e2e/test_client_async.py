"""The asynchronous clients of PyPI, kubernetes_asyncio and kr8s, against the bundled cluster."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from land import Land

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _their_leaks_are_theirs() -> Iterator[None]:
    yield
    gc.collect()


def quiet_port() -> int:
    """A port that no outgoing connection takes between now and its use, as one of the ephemeral ones may be."""
    for port in range(21000, 32000):
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    raise AssertionError("every port is taken")


def told(story: Callable[[], Awaitable[Any]]) -> Any:
    async def limited() -> Any:
        return await asyncio.wait_for(story(), 60)

    return asyncio.run(limited())


def test_kubernetes_asyncio_lists_watches_patches_and_streams(cluster: Land, echo_pod: str) -> None:
    asyncio_client = pytest.importorskip("kubernetes_asyncio")
    from kubernetes_asyncio.stream import WsApiClient

    async def story() -> None:
        config = asyncio_client.client.Configuration()
        await asyncio_client.config.load_kube_config(str(cluster.kubeconfig), client_configuration=config)
        async with asyncio_client.client.ApiClient(config) as api:
            core = asyncio_client.client.CoreV1Api(api)
            made = await core.create_namespaced_config_map(
                "default", {"metadata": {"name": "loop", "labels": {"app": "loop"}}, "data": {"a": "1"}}
            )
            await core.patch_namespaced_config_map("loop", "default", {"data": {"b": "2"}})
            await core.delete_namespaced_config_map("loop", "default")
            kinds = []
            async with asyncio_client.watch.Watch().stream(
                core.list_namespaced_config_map, "default", label_selector="app=loop",
                resource_version=made.metadata.resource_version, timeout_seconds=10,
            ) as stream:  # fmt: skip
                async for event in stream:
                    kinds.append((event["type"], event["object"].data))
                    if event["type"] == "DELETED":
                        break
            assert kinds == [("MODIFIED", {"a": "1", "b": "2"}), ("DELETED", {"a": "1", "b": "2"})]
        async with WsApiClient(config) as sockets:
            core = asyncio_client.client.CoreV1Api(sockets)
            said = await core.connect_get_namespaced_pod_exec(
                echo_pod, "default", command=["echo", "hi"], stdin=False, stdout=True, stderr=True, tty=False
            )
        assert said.strip() == "hi"

    told(story)


def test_kubernetes_asyncio_applies_by_its_dynamic_client(cluster: Land) -> None:
    asyncio_client = pytest.importorskip("kubernetes_asyncio")
    from kubernetes_asyncio.dynamic import DynamicClient

    async def story() -> None:
        config = asyncio_client.client.Configuration()
        await asyncio_client.config.load_kube_config(str(cluster.kubeconfig), client_configuration=config)
        async with asyncio_client.client.ApiClient(config) as api, DynamicClient(api) as dynamic:
            maps = await dynamic.resources.get(api_version="v1", kind="ConfigMap")
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "dyn-loop"}, "data": {"a": "1"}}
            made = await maps.server_side_apply(body, namespace="default", field_manager="loop")
            assert made.metadata.managedFields[0].operation == "Apply"
            await maps.delete(name="dyn-loop", namespace="default")

    told(story)


def test_kr8s_execs_forwards_ports_and_reads_logs(cluster: Land, echo_pod: str) -> None:
    kr8s = pytest.importorskip("kr8s")

    async def story() -> None:
        from kr8s.asyncio.objects import Pod

        api = await kr8s.asyncio.api(kubeconfig=str(cluster.kubeconfig))
        pod = await Pod.get(echo_pod, namespace="default", api=api)
        assert await pod.ready()
        done = await pod.exec(["sh", "-c", "echo out; echo err >&2"])
        assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 0)
        assert [line async for line in pod.logs()] == ["listening"]
        # It asks for no subprotocol: the first dialect of the channels.
        async with pod.portforward(7070, local_port=quiet_port()) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"hello\n")
            assert await reader.readline() == b"you said hello\n"
            writer.close()

    told(story)


def test_kr8s_makes_classes_scales_labels_and_waits(cluster: Land) -> None:
    kr8s = pytest.importorskip("kr8s")
    main = {"name": "main", "image": "busybox", "command": ["sleep", "1000"]}
    labels = {"app": "krates"}
    body = {
        "metadata": {"name": "krates", "namespace": "default"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [main], "terminationGracePeriodSeconds": 0},
            },
        },
    }

    async def story() -> None:
        from kr8s.asyncio.objects import Deployment

        api = await kr8s.asyncio.api(kubeconfig=str(cluster.kubeconfig))
        deployment = await Deployment(body, api=api)
        await deployment.create()
        await deployment.wait("condition=Available", timeout=40)
        await deployment.scale(2)
        await deployment.label(tier="front")
        await deployment.refresh()
        assert (deployment.replicas, deployment.labels["tier"]) == (2, "front")
        assert len(await deployment.pods()) == 2
        table = [row async for row in api.get("deployments", namespace="default", label_selector="tier=front")]
        assert [found.name for found in table] == ["krates"]
        await deployment.delete(propagation_policy="Foreground")
        await deployment.wait("delete", timeout=40)

    told(story)
