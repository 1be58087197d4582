"""The real kubectl takes the bundled cluster for Kubernetes: one test a command."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator

import pytest
from land import Land

SLEEPER = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: %(name)s, labels: {app: %(name)s}}
spec:
  replicas: %(replicas)d
  selector: {matchLabels: {app: %(name)s}}
  template:
    metadata: {labels: {app: %(name)s}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: python:3.13-alpine
          command: [python3, -u, -c, "%(program)s"]
"""
WAITS = "import signal; print('ready', flush=True); signal.signal(signal.SIGTERM, lambda *a: exit(0)); signal.pause()"


def sleeper(name: str, replicas: int = 1, program: str = WAITS) -> str:
    return SLEEPER % {"name": name, "replicas": replicas, "program": program}


@pytest.fixture
def ns(kubectl: Land, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the test's own, made by kubectl itself."""
    name = request.node.name.replace("_", "-").replace("[", "-").replace("]", "").lower()[:50].strip("-")
    assert kubectl.kubectl("create", "namespace", name) == f"namespace/{name} created\n"
    yield name
    assert kubectl.kubectl("delete", "namespace", name) == f'namespace "{name}" deleted\n'


def test_version_names_both_sides(kubectl: Land) -> None:
    told = json.loads(kubectl.kubectl("version", "-o", "json"))
    assert told["serverVersion"]["gitVersion"].startswith("v1.")


def test_default_namespaces_and_kubernetes_service(kubectl: Land) -> None:
    names = kubectl.kubectl("get", "namespaces", "-o", "name").split()
    for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
        assert f"namespace/{name}" in names
    line = kubectl.kubectl("get", "service", "kubernetes", "-n", "default").splitlines()[1].split()
    assert line[0:2] == ["kubernetes", "ClusterIP"]
    assert line[4] == "443/TCP"


def test_node_is_ready_with_a_lease(kubectl: Land) -> None:
    name, status, roles = kubectl.kubectl("get", "nodes").splitlines()[1].split()[:3]
    assert (status, roles) == ("Ready", "control-plane")
    lease = json.loads(kubectl.kubectl("get", "lease", name, "-n", "kube-node-lease", "-o", "json"))
    assert lease["spec"]["leaseDurationSeconds"] == 40
    assert "cpu" in json.loads(kubectl.kubectl("get", "node", name, "-o", "json"))["status"]["capacity"]


def test_apply_creates_configures_and_leaves_alone(kubectl: Land, ns: str) -> None:
    one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: '1'}\n"
    assert kubectl.kubectl("apply", "-n", ns, "-f", "-", stdin=one) == "configmap/c created\n"
    assert kubectl.kubectl("apply", "-n", ns, "-f", "-", stdin=one) == "configmap/c unchanged\n"
    two = one.replace("a: '1'", "b: '2'")
    assert kubectl.kubectl("apply", "-n", ns, "-f", "-", stdin=two) == "configmap/c configured\n"
    assert json.loads(kubectl.kubectl("get", "cm", "c", "-n", ns, "-o", "json"))["data"] == {"b": "2"}


def test_create_deployment_runs_as_table_wide_and_yaml(kubectl: Land, ns: str) -> None:
    out = kubectl.kubectl(
        "create",
        "deployment",
        "web",
        "-n",
        ns,
        "--image=python:3.13-alpine",
        "--replicas=2",
        "--",
        "python3",
        "-c",
        WAITS,
    )
    assert out == "deployment.apps/web created\n"
    kubectl.kubectl("rollout", "status", "deployment/web", "-n", ns, "--timeout=30s")
    table = kubectl.kubectl("get", "deployment", "web", "-n", ns).splitlines()
    assert table[0].split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert table[1].split()[:4] == ["web", "2/2", "2", "2"]
    pods = kubectl.kubectl("get", "pods", "-n", ns, "-l", "app=web", "-o", "wide").splitlines()
    assert pods[0].split()[:7] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE"]
    addresses = {line.split()[5] for line in pods[1:]}
    assert len(addresses) == 2
    text = kubectl.kubectl("get", "deployment", "web", "-n", ns, "-o", "yaml")
    assert "revisionHistoryLimit: 10" in text
    assert "progressDeadlineSeconds: 600" in text


def test_create_configmap_and_secret(kubectl: Land, ns: str) -> None:
    assert kubectl.kubectl("create", "configmap", "c", "-n", ns, "--from-literal=a=b") == "configmap/c created\n"
    made = kubectl.kubectl("create", "secret", "generic", "s", "-n", ns, "--from-literal=password=x")
    assert made == "secret/s created\n"
    assert kubectl.kubectl("get", "secret", "s", "-n", ns, "-o", "jsonpath={.data.password}") == "eA=="
    assert "password:  1 bytes" in kubectl.kubectl("describe", "secret", "s", "-n", ns)


def test_selectors_narrow_the_list(kubectl: Land, ns: str) -> None:
    for name, tier in (("a", "front"), ("b", "back")):
        kubectl.kubectl("create", "configmap", name, "-n", ns)
        kubectl.kubectl("label", "configmap", name, "-n", ns, f"tier={tier}")
    assert kubectl.kubectl("get", "cm", "-n", ns, "-l", "tier in (back)", "-o", "name") == "configmap/b\n"
    found = kubectl.kubectl("get", "cm", "-n", ns, "--field-selector=metadata.name=a", "-o", "name")
    assert found == "configmap/a\n"


def test_label_is_added_changed_and_removed(kubectl: Land, ns: str) -> None:
    kubectl.kubectl("create", "configmap", "c", "-n", ns)
    assert kubectl.kubectl("label", "cm", "c", "-n", ns, "a=1") == "configmap/c labeled\n"
    assert "already has a value" in kubectl.kubectl("label", "cm", "c", "-n", ns, "a=2", code=1)
    assert kubectl.kubectl("label", "cm", "c", "-n", ns, "a-") == "configmap/c unlabeled\n"


def test_scale_reaches_the_number(kubectl: Land, ns: str) -> None:
    kubectl.kubectl("apply", "-n", ns, "-f", "-", stdin=sleeper("web"))
    assert kubectl.kubectl("scale", "deployment/web", "-n", ns, "--replicas=3") == "deployment.apps/web scaled\n"
    kubectl.kubectl("rollout", "status", "deployment/web", "-n", ns, "--timeout=30s")
    assert kubectl.kubectl("get", "deployment", "web", "-n", ns, "-o", "jsonpath={.status.readyReplicas}") == "3"
    kubectl.kubectl("scale", "deployment/web", "-n", ns, "--replicas=0")
    kubectl.kubectl("wait", "pod", "-l", "app=web", "-n", ns, "--for=delete", "--timeout=30s")


def test_rollout_status_history_and_undo(kubectl: Land, ns: str) -> None:
    kubectl.kubectl("apply", "-n", ns, "-f", "-", stdin=sleeper("web"))
    out = kubectl.kubectl("rollout", "status", "deployment/web", "-n", ns, "--timeout=30s")
    assert 'deployment "web" successfully rolled out' in out
    kubectl.kubectl("set", "env", "deployment/web", "-n", ns, "COLOR=blue")
    kubectl.kubectl("rollout", "status", "deployment/web", "-n", ns, "--timeout=30s")
    assert len(kubectl.kubectl("rollout", "history", "deployment/web", "-n", ns).split("REVISION")[1].split("\n")) >= 3
    assert kubectl.kubectl("rollout", "undo", "deployment/web", "-n", ns) == "deployment.apps/web rolled back\n"
    kubectl.kubectl("rollout", "status", "deployment/web", "-n", ns, "--timeout=30s")
    assert (
        "COLOR"
        not in kubectl.kubectl("get", "deployment", "web", "-n", ns, "-o", "yaml")
        .split("status:")[0]
        .split("spec:", 1)[1]
    )


def test_describe_shows_events_and_owners(kubectl: Land, ns: str) -> None:
    kubectl.kubectl("apply", "-n", ns, "-f", "-", stdin=sleeper("web"))
    kubectl.kubectl("rollout", "status", "deployment/web", "-n", ns, "--timeout=30s")
    told = kubectl.kubectl("describe", "deployment", "web", "-n", ns)
    assert "1 desired | 1 updated | 1 total | 1 available | 0 unavailable" in told
    assert "Scaled up replica set web-" in told
    pod = kubectl.kubectl("describe", "pod", "-l", "app=web", "-n", ns)
    assert "Controlled By:  ReplicaSet/web-" in pod
    for reason in ("Scheduled", "Pulled", "Created", "Started"):
        assert reason in pod


def test_edit_saves_what_the_editor_wrote(kubectl: Land, ns: str) -> None:
    kubectl.kubectl("create", "configmap", "c", "-n", ns, "--from-literal=a=before")
    edited = Land(kubectl.home, {"KUBE_EDITOR": "sed -i s/before/after/"})
    assert edited.kubectl("edit", "configmap", "c", "-n", ns) == "configmap/c edited\n"
    assert kubectl.kubectl("get", "cm", "c", "-n", ns, "-o", "jsonpath={.data.a}") == "after"


def test_delete_takes_the_pods_along(kubectl: Land, ns: str) -> None:
    kubectl.kubectl("apply", "-n", ns, "-f", "-", stdin=sleeper("web", 2))
    kubectl.kubectl("rollout", "status", "deployment/web", "-n", ns, "--timeout=30s")
    assert kubectl.kubectl("delete", "deployment", "web", "-n", ns).startswith('deployment.apps "web" deleted')
    kubectl.kubectl("wait", "pod", "-l", "app=web", "-n", ns, "--for=delete", "--timeout=30s")
    assert "No resources found" in kubectl.run("kubectl", "get", "replicasets", "-n", ns).err


def test_logs_follow_to_the_end(kubectl: Land, ns: str) -> None:
    program = "import time\\nfor i in range(5):\\n  print('line', i, flush=True); time.sleep(.1)"
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "talker"},
        "spec": {
            "restartPolicy": "Never",
            "containers": [
                {"name": "main", "image": "python:3", "command": ["python3", "-c", program.replace("\\n", "\n")]}
            ],
        },
    }
    kubectl.kubectl("apply", "-n", ns, "-f", "-", stdin=json.dumps(pod))
    kubectl.kubectl(
        "wait", "pod/talker", "-n", ns, "--for=jsonpath={.status.containerStatuses[0].state}", "--timeout=20s"
    )
    until = time.monotonic() + 20
    while kubectl.run("kubectl", "logs", "talker", "-n", ns).code != 0 and time.monotonic() < until:
        time.sleep(0.1)
    assert kubectl.kubectl("logs", "-f", "talker", "-n", ns) == "".join(f"line {i}\n" for i in range(5))
    assert kubectl.kubectl("logs", "talker", "-n", ns, "--tail=1") == "line 4\n"
    kubectl.kubectl("wait", "pod/talker", "-n", ns, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=20s")


def test_wait_for_a_condition_and_its_time_out(kubectl: Land, ns: str) -> None:
    kubectl.kubectl("apply", "-n", ns, "-f", "-", stdin=sleeper("web"))
    out = kubectl.kubectl("wait", "deployment/web", "-n", ns, "--for=condition=Available", "--timeout=30s")
    assert out == "deployment.apps/web condition met\n"
    late = kubectl.kubectl("wait", "deployment/web", "-n", ns, "--for=condition=Never", "--timeout=1s", code=1)
    assert "timed out waiting for the condition" in late


def test_get_watch_shows_changes_as_they_come(kubectl: Land, ns: str) -> None:
    kubectl.kubectl("create", "configmap", "c", "-n", ns)
    with subprocess.Popen(
        ["kubectl", "get", "configmap", "c", "-n", ns, "-w"],
        env=kubectl.env(),
        stdout=subprocess.PIPE,
        text=True,
    ) as watch:
        assert watch.stdout is not None
        assert watch.stdout.readline().split() == ["NAME", "DATA", "AGE"]
        assert watch.stdout.readline().split()[:2] == ["c", "0"]
        kubectl.kubectl("patch", "configmap", "c", "-n", ns, "--type=merge", "-p", '{"data":{"a":"b"}}')
        assert watch.stdout.readline().split()[:2] == ["c", "1"]
        watch.terminate()


def test_api_resources_and_explain(kubectl: Land) -> None:
    lines = [line.split() for line in kubectl.kubectl("api-resources", "--no-headers").splitlines()]
    assert ["deployments", "deploy", "apps/v1", "true", "Deployment"] in lines
    assert ["nodes", "no", "v1", "false", "Node"] in lines
    told = kubectl.kubectl("explain", "deployment.spec.strategy.rollingUpdate.maxSurge")
    assert "FIELD: maxSurge <IntOrString>" in told
    assert "KIND:       Deployment" in told


def test_get_all_gathers_the_category(kubectl: Land, ns: str) -> None:
    kubectl.kubectl("apply", "-n", ns, "-f", "-", stdin=sleeper("web"))
    kubectl.kubectl("expose", "deployment", "web", "-n", ns, "--port=8080")
    kubectl.kubectl("rollout", "status", "deployment/web", "-n", ns, "--timeout=30s")
    text = kubectl.kubectl("get", "all", "-n", ns)
    for prefix in ("pod/web-", "service/web ", "deployment.apps/web ", "replicaset.apps/web-"):
        assert prefix in text


def test_unknown_kind_and_unknown_field_are_refused(kubectl: Land, ns: str) -> None:
    unknown = "apiVersion: v1\nkind: Gadget\nmetadata: {name: g}\n"
    assert 'no matches for kind "Gadget"' in kubectl.kubectl("apply", "-n", ns, "-f", "-", stdin=unknown, code=1)
    typo = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {port: [{port: 80}]}\n"
    assert 'unknown field "spec.port"' in kubectl.kubectl("apply", "-n", ns, "-f", "-", stdin=typo, code=1)


def test_dead_process_is_restarted_and_counted(kubectl: Land, ns: str) -> None:
    program = "import time; time.sleep(.2); raise SystemExit(3)"
    kubectl.kubectl("apply", "-n", ns, "-f", "-", stdin=sleeper("web", 1, program))
    until = time.monotonic() + 30
    pods: list[dict[str, object]] = []
    while time.monotonic() < until:
        pods = json.loads(kubectl.kubectl("get", "pods", "-n", ns, "-o", "json"))["items"]
        if pods and pods[0]["status"].get("containerStatuses", [{}])[0].get("restartCount", 0) >= 1:  # type: ignore[attr-defined]
            break
        time.sleep(0.2)
    status = pods[0]["status"]["containerStatuses"][0]  # type: ignore[index]
    assert status["restartCount"] >= 1
    assert status["lastState"]["terminated"]["exitCode"] == 3
