"""lightkube against the bundled cluster: both of its clients, generic resources, apply, scale, wait, watch and logs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from land import Land

lightkube = pytest.importorskip("lightkube")
from lightkube.generic_resource import create_namespaced_resource, load_in_cluster_generic_resources  # noqa: E402
from lightkube.models.apps_v1 import DeploymentSpec  # noqa: E402
from lightkube.models.autoscaling_v1 import ScaleSpec  # noqa: E402
from lightkube.models.core_v1 import Container, PodSpec, PodTemplateSpec  # noqa: E402
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta  # noqa: E402
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition  # noqa: E402
from lightkube.resources.apps_v1 import Deployment  # noqa: E402
from lightkube.resources.core_v1 import ConfigMap, Pod  # noqa: E402
from lightkube.types import PatchType  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
LABELS = {"app": "light"}


def deployment(replicas: int) -> Any:
    main = Container(name="main", image="busybox", command=["sleep", "1000"])
    template = PodTemplateSpec(
        metadata=ObjectMeta(labels=LABELS), spec=PodSpec(containers=[main], terminationGracePeriodSeconds=0)
    )
    spec = DeploymentSpec(replicas=replicas, selector=LabelSelector(matchLabels=LABELS), template=template)
    return Deployment(metadata=ObjectMeta(name="light", namespace="default"), spec=spec)


@pytest.fixture
def client(cluster: Land) -> Any:
    config = lightkube.KubeConfig.from_file(str(cluster.kubeconfig))
    with lightkube.Client(config=config, field_manager="lightkube") as made:
        yield made


def test_a_deployment_is_applied_waited_for_scaled_and_deleted(client: Any) -> None:
    client.apply(deployment(1))
    client.wait(Deployment, "light", for_conditions=["Available"], namespace="default")
    client.replace(Deployment.Scale(metadata=ObjectMeta(name="light", namespace="default"), spec=ScaleSpec(replicas=2)))
    assert client.get(Deployment.Scale, "light", namespace="default").spec.replicas == 2
    for _, seen in client.watch(Deployment, namespace="default", fields={"metadata.name": "light"}):
        if seen.status.readyReplicas == 2:
            break
    assert len(list(client.list(Pod, namespace="default", labels=LABELS, chunk_size=1))) == 2
    client.delete(Deployment, "light", namespace="default", grace_period=0)


def test_every_kind_of_patch_is_taken(client: Any) -> None:
    client.create(ConfigMap(metadata=ObjectMeta(name="patched", namespace="default"), data={"a": "1"}))
    patch = lambda body, how: client.patch(ConfigMap, "patched", body, namespace="default", patch_type=how)  # noqa: E731
    patch({"data": {"b": "2"}}, PatchType.MERGE)
    patch({"data": {"c": "3"}}, PatchType.STRATEGIC)
    patch([{"op": "remove", "path": "/data/a"}], PatchType.JSON)
    found = client.apply(ConfigMap(metadata=ObjectMeta(name="patched", namespace="default"), data={"d": "4"}))
    assert found.data == {"b": "2", "c": "3", "d": "4"}
    client.delete(ConfigMap, "patched", namespace="default")
    with pytest.raises(lightkube.ApiError, match='configmaps "patched" not found'):
        client.get(ConfigMap, "patched", namespace="default")


def test_a_definition_becomes_a_generic_resource(client: Any) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "lamps", "kind": "Lamp"}
    spec = {"group": "light.example", "scope": "Namespaced", "names": names, "versions": [version]}
    client.create(CustomResourceDefinition.from_dict({"metadata": {"name": "lamps.light.example"}, "spec": spec}))
    client.wait(CustomResourceDefinition, "lamps.light.example", for_conditions=["Established"])
    load_in_cluster_generic_resources(client)
    lamp = create_namespaced_resource("light.example", "v1", "Lamp", "lamps")
    client.apply(lamp(metadata=ObjectMeta(name="one", namespace="default"), spec={"watts": 5}))
    assert [(found.metadata.name, found.spec) for found in client.list(lamp, namespace="*")] == [("one", {"watts": 5})]
    client.delete(CustomResourceDefinition, "lamps.light.example")


def test_the_asynchronous_client_lists_watches_and_reads_logs(cluster: Land, echo_pod: str) -> None:
    async def story() -> tuple[list[str], list[str], str]:
        config = lightkube.KubeConfig.from_file(str(cluster.kubeconfig))
        async with lightkube.AsyncClient(config=config) as client:
            listed = [pod.metadata.name async for pod in client.list(Pod, namespace="default", labels={"app": "echo"})]
            lines = [line async for line in client.log(echo_pod, namespace="default")]
            async for kind, _ in client.watch(Pod, namespace="default", labels={"app": "echo"}):
                return listed, lines, kind
        raise AssertionError("no event")

    assert asyncio.run(asyncio.wait_for(story(), 30)) == (["echo"], ["listening\n"], "ADDED")
