"""The client libraries of PyPI create, list, watch and delete through their ordinary calls."""

from __future__ import annotations

import asyncio
import gc
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from land import Land

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _their_leaks_are_theirs() -> Iterator[None]:
    """Some of these libraries leave sockets open; they are collected here, not in somebody else's test."""
    yield
    gc.collect()


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def test_kubernetes_client(cluster: Land) -> None:
    kubernetes = pytest.importorskip("kubernetes")
    kubernetes.config.load_kube_config(str(cluster.kubeconfig))
    core = kubernetes.client.CoreV1Api()
    name = unique("kubernetes")
    body = kubernetes.client.V1ConfigMap(metadata={"name": name, "labels": {"app": name}}, data={"a": "1"})
    made = core.create_namespaced_config_map("default", body)
    assert made.metadata.uid
    listed = core.list_namespaced_config_map("default", label_selector=f"app={name}")
    assert [m.metadata.name for m in listed.items] == [name]

    core.patch_namespaced_config_map(name, "default", {"data": {"b": "2"}})
    core.delete_namespaced_config_map(name, "default")
    seen: list[tuple[str, Any]] = []
    stream = kubernetes.watch.Watch().stream(
        core.list_namespaced_config_map,
        "default",
        label_selector=f"app={name}",
        resource_version=made.metadata.resource_version,
        timeout_seconds=10,
    )
    for event in stream:
        seen.append((event["type"], event["object"].data))
        if event["type"] == "DELETED":
            break
    assert seen == [("MODIFIED", {"a": "1", "b": "2"}), ("DELETED", {"a": "1", "b": "2"})]


def test_kubernetes_dynamic_client(cluster: Land) -> None:
    kubernetes = pytest.importorskip("kubernetes")
    dynamic = pytest.importorskip("kubernetes.dynamic")
    api = dynamic.DynamicClient(kubernetes.config.new_client_from_config(str(cluster.kubeconfig)))
    maps = api.resources.get(api_version="v1", kind="ConfigMap")
    name = unique("dynamic")
    maps.create(body={"metadata": {"name": name}, "data": {"a": "1"}}, namespace="default")
    assert maps.get(name=name, namespace="default").data.a == "1"
    maps.delete(name=name, namespace="default")
    with pytest.raises(dynamic.exceptions.NotFoundError):
        maps.get(name=name, namespace="default")


def test_kr8s(cluster: Land) -> None:
    kr8s = pytest.importorskip("kr8s")
    name = unique("kr8s")

    async def story() -> None:
        from kr8s.asyncio.objects import ConfigMap

        api = await kr8s.asyncio.api(kubeconfig=str(cluster.kubeconfig))
        made = await ConfigMap(
            {"metadata": {"name": name, "namespace": "default", "labels": {"app": name}}, "data": {"a": "1"}}, api=api
        )
        await made.create()
        found = [m async for m in api.get("configmaps", namespace="default", label_selector=f"app={name}")]
        assert [m.name for m in found] == [name]
        await made.patch({"data": {"b": "2"}})
        async for kind, thing in api.watch("configmaps", namespace="default", label_selector=f"app={name}"):
            assert (kind, thing.raw["data"]) == ("ADDED", {"a": "1", "b": "2"})
            break
        await made.delete()
        await made.wait("delete", timeout=10)
        assert not await made.exists()

    asyncio.run(asyncio.wait_for(story(), 40))


def test_lightkube(cluster: Land) -> None:
    lightkube = pytest.importorskip("lightkube")
    from lightkube.models.meta_v1 import ObjectMeta
    from lightkube.resources.core_v1 import ConfigMap

    client = lightkube.Client(config=lightkube.KubeConfig.from_file(str(cluster.kubeconfig)))
    name = unique("lightkube")
    made = client.create(
        ConfigMap(metadata=ObjectMeta(name=name, namespace="default", labels={"app": name}), data={"a": "1"})
    )
    assert made.metadata is not None
    assert [m.metadata.name for m in client.list(ConfigMap, namespace="default", labels={"app": name})] == [name]
    client.delete(ConfigMap, name, namespace="default")
    watch = client.watch(
        ConfigMap, namespace="default", labels={"app": name}, resource_version=made.metadata.resourceVersion
    )
    assert next(iter(watch))[0] == "DELETED"
    with pytest.raises(lightkube.ApiError) as refused:
        client.get(ConfigMap, name, namespace="default")
    assert refused.value.status.code == 404
