"""The official Python client against the bundled cluster: typed, dynamic, from YAML, exec, port-forward, election."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from land import Land

kubernetes = pytest.importorskip("kubernetes")
pytestmark = pytest.mark.filterwarnings("ignore")
WHEN = "2026-01-01T00:00:00Z"
MANIFESTS = """
apiVersion: v1
kind: Namespace
metadata: {name: from-yaml}
---
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: from-yaml}
  spec:
    replicas: 0
    selector: {matchLabels: {app: web}}
    template:
      metadata: {labels: {app: web}}
      spec: {containers: [{name: main, image: nginx}]}
- apiVersion: rbac.authorization.k8s.io/v1
  kind: Role
  metadata: {name: reader, namespace: from-yaml}
  rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
"""


@pytest.fixture
def client(cluster: Land) -> Iterator[Any]:
    made = kubernetes.config.new_client_from_config(str(cluster.kubeconfig))
    yield made
    made.close()
    gc.collect()


def test_objects_of_several_groups_are_made_from_yaml(client: Any, tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(MANIFESTS)
    kubernetes.utils.create_from_yaml(client, str(tmp_path / "all.yaml"))
    apps, rights = kubernetes.client.AppsV1Api(client), kubernetes.client.RbacAuthorizationV1Api(client)
    scale = apps.read_namespaced_deployment_scale("web", "from-yaml")
    assert (scale.metadata.name, scale.status.selector) == ("web", "app=web")
    assert rights.read_namespaced_role("reader", "from-yaml").rules[0].verbs == ["get"]
    with pytest.raises(kubernetes.utils.FailToCreateError) as twice:
        kubernetes.utils.create_from_yaml(client, str(tmp_path / "all.yaml"))
    assert {error.status for error in twice.value.api_exceptions} == {409}
    kubernetes.client.CoreV1Api(client).delete_namespace("from-yaml")


def test_versions_groups_and_resources_are_discovered(client: Any) -> None:
    assert kubernetes.client.VersionApi(client).get_code().major == "1"
    groups = {group.name for group in kubernetes.client.ApisApi(client).get_api_versions().groups}
    assert {"apps", "batch", "networking.k8s.io"} <= groups
    found = kubernetes.client.AppsV1Api(client).get_api_resources().resources
    assert {"deployments", "deployments/scale"} <= {resource.name for resource in found}


def test_every_typed_list_call_is_answered(client: Any) -> None:
    """What is not served at all is 404; nothing else is refused. The client's own model of events.k8s.io wants a time
    that events of the older group do not have."""
    calls = {
        f"{name}.{call}": getattr(getattr(kubernetes.client, name)(client), call)
        for name in dir(kubernetes.client)
        if name.endswith("Api") and name not in ("CustomObjectsApi", "EventsV1Api")
        for call in dir(getattr(kubernetes.client, name))
        if call.startswith("list_") and "_namespaced_" not in call and "_with" not in call
    }
    assert len(calls) > 60
    refused = {}
    for name, call in calls.items():
        try:
            call(limit=2, _request_timeout=10)
        except kubernetes.client.ApiException as error:
            refused[name] = error.status
    assert set(refused.values()) <= {404}, refused


def test_the_dynamic_client_applies_watches_and_patches_subresources(client: Any) -> None:
    from kubernetes import dynamic

    api = dynamic.DynamicClient(client)
    services = api.resources.get(api_version="v1", kind="Service")
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "dyn", "labels": {"app": "dyn"}}}
    ports = [{"name": "http", "port": 80}]
    made = services.server_side_apply(
        {**body, "spec": {"ports": ports}}, namespace="default", field_manager="one", name="dyn"
    )
    assert [(entry.manager, entry.operation) for entry in made.metadata.managedFields] == [("one", "Apply")]
    seen = [event["type"] for event in services.watch(namespace="default", label_selector="app=dyn", timeout=1)]
    assert seen == ["ADDED"]
    with pytest.raises(dynamic.exceptions.ConflictError):
        services.server_side_apply(
            {**body, "spec": {"ports": [{"name": "web", "port": 80}]}}, namespace="default", field_manager="two"
        )
    condition = {"type": "Seen", "status": "True", "reason": "Test", "message": "", "lastTransitionTime": WHEN}
    services.status.patch(
        body={"metadata": {"name": "dyn"}, "status": {"conditions": [condition]}},
        namespace="default",
        content_type="application/merge-patch+json",
    )
    assert services.get(name="dyn", namespace="default").status.conditions[0].type == "Seen"
    services.delete(name="dyn", namespace="default")


def test_commands_run_in_a_pod_and_say_how_they_ended(client: Any, echo_pod: str) -> None:
    core = kubernetes.client.CoreV1Api(client)
    command = ["sh", "-c", "echo out; echo err >&2; read line; echo $line; exit 3"]
    stream = kubernetes.stream.stream(
        core.connect_get_namespaced_pod_exec, echo_pod, "default", command=command,
        stdin=True, stdout=True, stderr=True, tty=False, _preload_content=False,
    )  # fmt: skip
    stream.write_stdin("told\n")
    stream.run_forever(timeout=20)
    assert (stream.read_stdout().split(), stream.read_stderr().split()) == (["out", "told"], ["err"])
    assert stream.returncode == 3


def test_a_port_of_a_pod_is_forwarded(client: Any, echo_pod: str) -> None:
    core = kubernetes.client.CoreV1Api(client)
    forward = kubernetes.stream.portforward(
        core.connect_get_namespaced_pod_portforward, echo_pod, "default", ports="7070"
    )
    socket = forward.socket(7070)
    socket.sendall(b"hello\n")
    answer = b""
    while not answer.endswith(b"\n"):
        answer += socket.recv(100)
    assert answer == b"you said hello\n"
    assert forward.error(7070) is None
    socket.close()


def test_logs_are_read_and_followed(client: Any, echo_pod: str) -> None:
    core = kubernetes.client.CoreV1Api(client)
    assert core.read_namespaced_pod_log(echo_pod, "default").strip() == "listening"
    lines = kubernetes.watch.Watch().stream(core.read_namespaced_pod_log, echo_pod, "default")
    assert next(iter(lines)) == "listening"


def test_a_leader_is_elected_and_stops_when_another_holds_the_lease(client: Any) -> None:
    from kubernetes.leaderelection import electionconfig, leaderelection
    from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock

    lock = LeaseLock("throne", "default", "first")
    lock.api_instance = kubernetes.client.CoordinationV1Api(client)
    leading, stopped = threading.Event(), threading.Event()
    config = electionconfig.Config(
        lock, lease_duration=60, renew_deadline=2, retry_period=1,
        onstarted_leading=leading.set, onstopped_leading=stopped.set,
    )  # fmt: skip
    thread = threading.Thread(target=leaderelection.LeaderElection(config).run, daemon=True)
    thread.start()
    assert leading.wait(20)
    leases = kubernetes.client.CoordinationV1Api(client)
    assert leases.read_namespaced_lease("throne", "default").spec.holder_identity == "first"
    leases.patch_namespaced_lease("throne", "default", {"spec": {"holderIdentity": "second"}})
    assert stopped.wait(30)
    thread.join(10)
    leases.delete_namespaced_lease("throne", "default")
