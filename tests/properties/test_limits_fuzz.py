"""What is too long, too deep or too often is refused by name: numbers, nesting, aliases, operations, tokens."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from http_probe import Probe, check, encoded, request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
MAPS = "/api/v1/namespaces/default/configmaps"
MANY = "9" * 6000
"""More digits than Python reads."""
NUMBERS = st.sampled_from(
    [
        MANY, f"-{MANY}", f"+{MANY}", f"0{MANY}", "0" * 6000 + "1", "²", "１", "1_0", " 1", "1e5", "-0", "",
        "18446744073709551616",
    ]
) | st.text("0123456789+-eE._ ", max_size=12)  # fmt: skip


@pytest.fixture(scope="module")
def probe() -> Iterator[Probe]:
    made = Probe()
    yield made
    made.close()


def of(kind: str, group: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": group, "kind": kind, "metadata": {"name": "a"}, "spec": spec}


def job(**more: Any) -> dict[str, Any]:
    pod = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
    return {"template": pod, **more}


PLACES: list[tuple[str, Any]] = [
    (MAPS, lambda n: {"metadata": {"name": "a", "resourceVersion": n}}),
    ("/api/v1/namespaces/default/services", lambda n: of("Service", "v1", ports=[{"port": 80, "targetPort": n}])),
    ("/api/v1/namespaces/default/services", lambda n: of("Service", "v1", clusterIP=n, ports=[{"port": 80}])),
    (
        "/api/v1/namespaces/default/resourcequotas",
        lambda n: of("ResourceQuota", "v1", hard={"pods": n, "cpu": n + "m"}),
    ),
    (
        "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
        lambda n: of("PodDisruptionBudget", "policy/v1", minAvailable=n + "%", selector={}),
    ),
    (
        "/apis/batch/v1/namespaces/default/cronjobs",
        lambda n: of("CronJob", "batch/v1", schedule=f"{n} * * * *", jobTemplate={"spec": job()}),
    ),
    (
        "/apis/batch/v1/namespaces/default/jobs",
        lambda n: of(
            "Job", "batch/v1", **job(completionMode="Indexed", completions=5, parallelism=1,
            successPolicy={"rules": [{"succeededIndexes": f"{n}-{n}"}]})
        ),
    ),
    (
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        lambda n: {
            "metadata": {"name": "a"},
            "aggregationRule": {
                "clusterRoleSelectors": [{"matchExpressions": [{"key": "a", "operator": "Gt", "values": [n]}]}]
            },
        },
    ),
    (
        "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
        lambda n: of(
            "ValidatingAdmissionPolicy", "admissionregistration.k8s.io/v1",
            matchConstraints={"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"],
                                                 "resources": ["configmaps"]}]},
            validations=[{"expression": f"object.metadata.name.size() < {n}"},
                         {"expression": f"duration('{n}s') < duration('1s')"}],
        ),
    ),
]  # fmt: skip
QUERIES = [
    ("GET", MAPS, "limit"),
    ("GET", MAPS, "resourceVersion"),
    ("GET", MAPS, "timeoutSeconds"),
    ("GET", f"{MAPS}/a", "resourceVersion"),
    ("GET", "/api/v1/namespaces/default/pods/a/log", "tailLines"),
    ("GET", "/api/v1/namespaces/default/pods/a/log", "limitBytes"),
    ("GET", "/api/v1/namespaces/default/pods/a/portforward", "ports"),
    ("DELETE", f"{MAPS}/a", "gracePeriodSeconds"),
]


@SETTINGS
@given(st.sampled_from(PLACES), NUMBERS)
def test_any_number_in_an_object_is_stored_or_refused(probe: Probe, place: tuple[str, Any], number: str) -> None:
    path, body = place
    check(probe, request("POST", path, {"dryRun": "All"}, "application/json", "", encoded(body(number))))


@SETTINGS
@given(st.sampled_from(QUERIES), NUMBERS)
def test_any_number_in_a_query_is_read_or_refused(probe: Probe, place: tuple[str, str, str], number: str) -> None:
    method, path, name = place
    check(probe, request(method, path, {name: number}, "", "", b""))
    check(probe, request("GET", MAPS, {"labelSelector": f"a>{number},b<{number}"}, "", "", b""))


@SETTINGS
@given(NUMBERS, st.sampled_from(["add", "replace", "remove", "test"]))
def test_any_index_of_a_patch_is_found_or_refused(probe: Probe, number: str, op: str) -> None:
    patch = [{"op": op, "path": f"/spec/finalizers/{number}", "value": "a/b"}]
    query = {"dryRun": "All"}
    kind = "application/json-patch+json"
    check(probe, request("PATCH", "/api/v1/namespaces/default", query, kind, "", encoded(patch)))
    body = encoded({"metadata": {"resourceVersion": number}})
    check(probe, request("PATCH", "/api/v1/namespaces/default", query, "application/merge-patch+json", "", body))


TOKENS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.just("meta.k8s.io/v1"),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["v", "rv", "start"]), inner, max_size=3)
    ),
    max_leaves=4,
) | st.fixed_dictionaries({"v": st.just("meta.k8s.io/v1"), "rv": st.integers() | NUMBERS, "start": st.text(max_size=9)})


@SETTINGS
@given(TOKENS)
def test_any_continue_token_goes_on_or_is_refused(probe: Probe, token: Any) -> None:
    text = base64.urlsafe_b64encode(json.dumps(token).encode()).decode().rstrip("=")
    response = probe.send(request("GET", MAPS, {"limit": "1", "continue": text}, "", "", b""))
    assert response.status in (200, 400, 410, 504), (token, response.body)


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ({"resourceVersion": "18446744073709551616"}, 400, "value out of range"),
        ({"limit": "1", "continue": "W10"}, 400, "cannot unmarshal array into Go value of type storage.continueToken"),
        ({"limit": "1", "continue": "e30"}, 400, "server does not recognize this encoded version "),
        ({"limit": MANY}, 400, "value out of range"),
    ],
)  # fmt: skip
def test_the_words_are_the_originals(probe: Probe, query: dict[str, str], status: int, message: str) -> None:
    response = probe.send(request("GET", MAPS, query, "", "", b""))
    assert response.status == status
    assert json.loads(response.body)["message"].endswith(message)


def nested(opening: str, closing: str, depth: int) -> bytes:
    return (opening * depth + closing * depth).encode()


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{at}: &a{at} [{','.join([f'*a{at - 1}'] * 10)}]\n" for at in range(1, 10)
)
HEAVY = {
    "json arrays": ("application/json", nested("[", "]", 200_000)),
    "json objects": ("application/json", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "yaml flow": ("application/yaml", b"a: " + nested("[", "]", 100_000)),
    "yaml block": ("application/yaml", b"".join(b" " * at + b"a:\n" for at in range(2000))),
    "yaml aliases": ("application/yaml", b"apiVersion: v1\nkind: ConfigMap\n" + BOMB.encode()),
    "yaml alias of itself": ("application/yaml", b"apiVersion: v1\nkind: ConfigMap\nmetadata: &a {x: *a}\n"),
    "cbor arrays": ("application/cbor", b"\xd9\xd9\xf7" + b"\x81" * 200_000),
    "cbor of a length": ("application/cbor", b"\xd9\xd9\xf7\x9b" + b"\x7f" + b"\xff" * 7),
    "protobuf of a length": ("application/vnd.kubernetes.protobuf", b"k8s\0\x0a" + b"\xff" * 4 + b"\x0f"),
    "protobuf groups": ("application/vnd.kubernetes.protobuf", b"k8s\0" + b"\x0b" * 100_000),
    "a number": ("application/json", b'{"metadata":{"name":"a","generation":' + b"9" * 10**6 + b"}}"),
    "keys": ("application/json", b"{" + b",".join(b'"a":1' for _ in range(200_000)) + b"}"),
}  # fmt: skip


@pytest.mark.parametrize("name", HEAVY)
def test_what_is_small_to_send_and_large_to_read_is_refused_soon(probe: Probe, name: str) -> None:
    kind, body = HEAVY[name]
    response = probe.send(request("POST", MAPS, {}, kind, "", body))
    assert 400 <= response.status < 500, response.body[:300]
    for patch in ("application/apply-patch+yaml", "application/merge-patch+json", "application/json-patch+json"):
        check(probe, request("PATCH", f"{MAPS}/a", {"fieldManager": "f"}, patch, "", body))


def test_a_json_patch_of_too_many_operations_is_too_large(probe: Probe) -> None:
    check(probe, request("POST", MAPS, {}, "application/json", "", encoded({"metadata": {"name": "patched"}})))
    patch = [{"op": "test", "path": "/kind", "value": "ConfigMap"}] * 10_001
    asked = request("PATCH", f"{MAPS}/patched", {}, "application/json-patch+json", "", encoded(patch))
    response = probe.send(asked)
    assert response.status == 413
    message = "The allowed maximum operations in a JSON patch is 10000, got 10001"
    assert json.loads(response.body)["message"].endswith(message)


def test_a_long_selector_is_read(probe: Probe) -> None:
    selector = ",".join(f"a{at}" for at in range(5000))
    assert probe.send(request("GET", MAPS, {"labelSelector": selector}, "", "", b"")).status == 200
