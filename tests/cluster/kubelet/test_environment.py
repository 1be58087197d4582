"""A container's variables: expansion, references and the variables of Services."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from cluster.kubelet.environment import ConfigFault, Surroundings, environment, expand, service_variables

POD: dict[str, Any] = {
    "metadata": {"name": "p", "namespace": "n", "uid": "u", "labels": {"a": "1", "b": 'x"y'}},
    "spec": {
        "nodeName": "node",
        "containers": [{"name": "c", "resources": {"limits": {"cpu": "250m", "memory": "64Mi"}}}],
    },
}
OBJECTS: dict[tuple[str, str], Any] = {
    ("configmaps", "c"): {"data": {"key": "value", "0bad=": "x", "file.txt": "y"}},
    ("secrets", "s"): {"data": {"password": b64encode(b"hidden").decode()}},
}
AROUND = Surroundings("127.2.0.9", "127.0.0.1", {"cpu": "4", "memory": "1Gi"}, lambda r, n: OBJECTS.get((r, n)))


def env(container: dict[str, Any], services: dict[str, str] | None = None) -> dict[str, str]:
    return environment({"name": "c", **container}, POD, AROUND, services or {})[0]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("$(A)", "1"),
        ("$(A)-$(B)", "1-$(B)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$(A", "$(A"),
        ("$A", "$A"),
        ("$", "$"),
        ("a$$", "a$"),
    ],
)
def test_expansion(text: str, result: str) -> None:
    assert expand(text, {"A": "1"}) == result


def test_a_variable_refers_to_those_before_it_and_to_services() -> None:
    given = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)$(S)"}, {"name": "C", "value": "3"}]
    assert env({"env": given}, {"S": "svc"})["B"] == "1$(C)svc"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.namespace", "n"),
        ("metadata.uid", "u"),
        ("metadata.labels['a']", "1"),
        ("metadata.labels", 'a="1"\nb="x\\"y"'),
        ("spec.nodeName", "node"),
        ("status.podIP", "127.2.0.9"),
        ("status.hostIP", "127.0.0.1"),
    ],
)
def test_field_references(path: str, value: str) -> None:
    assert env({"env": [{"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}}]})["X"] == value


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [
        ("limits.cpu", None, "1"),
        ("limits.cpu", "1m", "250"),
        ("limits.memory", "1Mi", "64"),
        ("limits.memory", "0", "67108864"),
        ("requests.cpu", None, "0"),
    ],
)
def test_resource_references_round_up_to_the_divisor(resource: str, divisor: str | None, value: str) -> None:
    ref = {"resource": resource, "containerName": "c", **({"divisor": divisor} if divisor else {})}
    assert env({"env": [{"name": "X", "valueFrom": {"resourceFieldRef": ref}}]})["X"] == value


def test_without_a_limit_it_is_what_the_node_has() -> None:
    ref = {"resource": "limits.memory", "divisor": "1Mi"}
    assert env({"env": [{"name": "X", "valueFrom": {"resourceFieldRef": ref}}]})["X"] == "1024"


def test_keys_and_whole_sources() -> None:
    container = {
        "env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": "s", "key": "password"}}}],
        "envFrom": [{"prefix": "X_", "configMapRef": {"name": "c"}}],
    }
    found, skipped = environment({"name": "c", **container}, POD, AROUND, {})
    assert found["P"] == "hidden"
    assert (found["X_key"], found["X_file.txt"]) == ("value", "y")
    assert skipped == ["0bad="]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"configMapKeyRef": {"name": "no", "key": "k"}}, 'configmap "no" not found'),
        ({"configMapKeyRef": {"name": "c", "key": "no"}}, "couldn't find key no in ConfigMap n/c"),
        ({"secretKeyRef": {"name": "no", "key": "k"}}, 'secret "no" not found'),
    ],
)
def test_what_is_missing_is_named(source: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigFault) as fault:
        env({"env": [{"name": "X", "valueFrom": source}]})
    assert str(fault.value) == message


def test_optional_references_to_nothing_give_no_variable() -> None:
    source = {"configMapKeyRef": {"name": "no", "key": "k", "optional": True}}
    assert "X" not in env({"env": [{"name": "X", "valueFrom": source}]})


def test_service_variables_are_those_of_docker_links() -> None:
    service = {
        "metadata": {"name": "my-db", "namespace": "n"},
        "spec": {"clusterIP": "127.96.0.7", "ports": [{"name": "sql", "port": 5432, "protocol": "TCP"}]},
    }
    kubernetes = {
        "metadata": {"name": "kubernetes", "namespace": "default"},
        "spec": {"clusterIP": "127.96.0.1", "ports": [{"port": 443}]},
    }
    headless = {"metadata": {"name": "h", "namespace": "n"}, "spec": {"clusterIP": "None", "ports": [{"port": 1}]}}
    found = service_variables([service, kubernetes, headless], "n", links=True)
    assert found["MY_DB_SERVICE_HOST"] == "127.96.0.7"
    assert found["MY_DB_SERVICE_PORT_SQL"] == "5432"
    assert found["MY_DB_PORT_5432_TCP"] == "tcp://127.96.0.7:5432"
    assert found["KUBERNETES_SERVICE_HOST"] == "127.96.0.1"
    assert not any(name.startswith("H_") for name in found)
    assert "MY_DB_SERVICE_HOST" not in service_variables([service, kubernetes], "n", links=False)
