"""Whatever a client sends: an answer that is no failure of the server's own, soon, and the server goes on."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from http_probe import FAILED, PATIENCE, Probe, check, encoded, request
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

SETTINGS = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(max_size=8)
WORDS = st.sampled_from(["", "default", "a", "kube-system", "..", "%2F", "%00", "\x00", "é", "*", "x" * 300])
PLURALS = st.sampled_from(
    [
        "api/v1/%s/pods",
        "api/v1/%s/configmaps",
        "api/v1/%s/services",
        "api/v1/%s/secrets",
        "api/v1/%s/serviceaccounts",
        "api/v1/%s/persistentvolumeclaims",
        "api/v1/%s/events",
        "api/v1/nodes",
        "api/v1/namespaces",
        "apis/apps/v1/%s/deployments",
        "apis/apps/v1/%s/statefulsets",
        "apis/batch/v1/%s/cronjobs",
        "apis/batch/v1/%s/jobs",
        "apis/autoscaling/v2/%s/horizontalpodautoscalers",
        "apis/networking.k8s.io/v1/%s/ingresses",
        "apis/networking.k8s.io/v1/%s/networkpolicies",
        "apis/rbac.authorization.k8s.io/v1/%s/roles",
        "apis/rbac.authorization.k8s.io/v1/%s/rolebindings",
        "apis/rbac.authorization.k8s.io/v1/clusterroles",
        "apis/policy/v1/%s/poddisruptionbudgets",
        "apis/storage.k8s.io/v1/storageclasses",
        "apis/scheduling.k8s.io/v1/priorityclasses",
        "apis/coordination.k8s.io/v1/%s/leases",
        "apis/discovery.k8s.io/v1/%s/endpointslices",
        "apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        "apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
        "apis/certificates.k8s.io/v1/certificatesigningrequests",
        "apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        "apis/authorization.k8s.io/v1/subjectaccessreviews",
        "apis/authentication.k8s.io/v1/tokenreviews",
    ]
)
SUBRESOURCES = st.sampled_from(
    ["", "status", "scale", "eviction", "binding", "log", "token", "exec", "proxy", "finalize", "approval", "resize"]
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"])
PARAMETERS = st.dictionaries(
    st.sampled_from(
        [
            "limit", "continue", "resourceVersion", "resourceVersionMatch", "labelSelector", "fieldSelector", "watch",
            "timeoutSeconds", "allowWatchBookmarks", "sendInitialEvents", "dryRun", "fieldValidation", "fieldManager",
            "force", "gracePeriodSeconds", "propagationPolicy", "orphanDependents", "pretty", "includeObject",
            "container", "tailLines", "sinceSeconds", "command",
        ]
    ),
    st.sampled_from(
        ["", "0", "1", "-1", "true", "false", "All", "Strict", "Exact", "NotOlderThan", "99999999999999999999", "1e9",
         "a=b", "a in (b,c)", "a in (", "!a", ",", "metadata.name=a", "metadata.name!=a", "status.phase=", "=", "None",
         "Background", "Orphan", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhIn0", "W10", "eyJydiI6Int9In0"]
    )
    | TEXT,
    max_size=3,
)  # fmt: skip
TYPES = st.sampled_from(
    [
        "application/json", "application/yaml", "application/cbor", "application/vnd.kubernetes.protobuf", "text/plain",
        "application/merge-patch+json", "application/json-patch+json", "application/strategic-merge-patch+json",
        "application/apply-patch+yaml", "application/apply-patch+cbor", "", ";", "application/json;charset=\x00",
    ]
)  # fmt: skip
PATCHES = st.sampled_from(
    [
        "application/merge-patch+json", "application/json-patch+json", "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
    ]
)  # fmt: skip
ACCEPTS = st.sampled_from(
    [
        "", "*/*", "application/json", "application/yaml", "application/cbor", "application/vnd.kubernetes.protobuf",
        "application/json;as=Table;v=v1;g=meta.k8s.io", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
        "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", "text/html", ";q=", "a/b;q=x,,*/*;q=2",
        "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch",
    ]
)  # fmt: skip
KEYS = st.sampled_from(
    [
        "metadata", "name", "generateName", "namespace", "labels", "annotations", "finalizers", "ownerReferences",
        "managedFields", "uid", "resourceVersion", "spec", "status", "data", "template", "containers", "replicas",
        "selector", "matchLabels", "ports", "port", "type", "rules", "resources", "requests", "cpu", "env", "schedule",
        "apiVersion", "kind", "subjects", "roleRef", "volumes", "items", "path", "op", "value", "from", "versions",
        "schema", "openAPIV3Schema", "names", "group", "scope", "conditions", "preconditions", "$patch", "$retainKeys",
        "webhooks", "metrics", "target", "minAvailable", "request", "usages", "resourceAttributes",
    ]
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        ["", "a", "v1", "1", "100m", "-1Gi", "*", "/spec", "/metadata/name", "ClusterIP", "Pod", "\ud800"]
    )
    | TEXT
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=14
)
NAMED = st.builds(
    lambda rest, meta: {**rest, "metadata": meta},
    st.dictionaries(KEYS, VALUES, max_size=5),
    st.builds(lambda more: {**more, "name": "a"}, st.dictionaries(KEYS, VALUES, max_size=2)),
)
OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "x"]),
            "path": st.sampled_from(["", "/", "/metadata", "/metadata/labels/a", "/data/-", "/spec/0", "//", "/~2"]),
            "from": st.sampled_from(["", "/metadata", "/spec"]),
            "value": VALUES,
        },
    ),
    max_size=4,
)


@pytest.fixture(scope="module")
def probe() -> Iterator[Probe]:
    made = Probe()
    yield made
    made.close()


@SETTINGS
@given(METHODS, PLURALS, WORDS, WORDS, SUBRESOURCES, PARAMETERS, TYPES, ACCEPTS, NAMED | VALUES)
def test_any_request_is_answered(
    probe: Probe,
    method: str,
    plural: str,
    namespace: str,
    name: str,
    sub: str,
    query: dict[str, str],
    kind: str,
    accept: str,
    body: Any,
) -> None:
    path = "/" + plural.replace("%s", f"namespaces/{namespace}" if namespace else "").replace("//", "/")
    path += (f"/{name}" if name else "") + (f"/{sub}" if sub else "")
    check(probe, request(method, path, query, kind, accept, encoded(body)))


@SETTINGS
@given(PLURALS, NAMED, st.booleans())
def test_any_object_is_created_or_refused(probe: Probe, plural: str, body: Any, dry: bool) -> None:
    path = "/" + plural.replace("%s", "namespaces/default")
    if isinstance(body.get("spec"), list):
        body["spec"] = {}
    query = {"dryRun": "All"} if dry else {}
    check(probe, request("POST", path, query, "application/json", "application/json", encoded(body)))
    check(probe, request("GET", path, {}, "", "application/json;as=Table;v=v1;g=meta.k8s.io", b""))
    check(probe, request("DELETE", f"{path}/a", {"gracePeriodSeconds": "0"}, "", "", b""))


SAMPLES: list[tuple[str, dict[str, Any]]] = [
    ("api/v1/%s/pods", {"spec": {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 1}]}]}}),
    ("api/v1/%s/services", {"spec": {"ports": [{"port": 80}], "selector": {"a": "b"}}}),
    ("api/v1/%s/configmaps", {"data": {"a": "b"}}),
    (
        "apis/apps/v1/%s/deployments",
        {
            "spec": {
                "selector": {"matchLabels": {"a": "b"}},
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {"containers": [{"name": "c", "image": "i"}]},
                },
            }
        },
    ),
]


@SETTINGS
@given(st.sampled_from(SAMPLES), PATCHES, VALUES | OPERATIONS | NAMED, PARAMETERS)
@example(SAMPLES[0], "application/json-patch+json", [{"op": "test", "path": "/spec", "value": None}], {})
def test_any_patch_is_applied_or_refused(
    probe: Probe, sample: tuple[str, dict[str, Any]], kind: str, patch: Any, query: dict[str, str]
) -> None:
    path = "/" + sample[0].replace("%s", "namespaces/default")
    seed = encoded({"metadata": {"name": "a", "labels": {"x": "y"}}, **sample[1]})
    check(probe, request("POST", path, {}, "application/json", "", seed))
    check(probe, request("PATCH", f"{path}/a", query, kind, "", encoded(patch)))


@SETTINGS
@given(st.sampled_from(SAMPLES), st.integers(0), st.data())
def test_any_change_of_one_field_is_stored_or_refused(
    probe: Probe, sample: tuple[str, dict[str, Any]], seed: int, data: st.DataObject
) -> None:
    path = "/" + sample[0].replace("%s", "namespaces/default")
    body: Any = json.loads(encoded({"metadata": {"name": "a"}, **sample[1]}))
    place: Any = body
    dice = random.Random(seed)
    while True:
        key = dice.choice(list(place) if isinstance(place, dict) else range(len(place)))
        below = place[key]
        if not isinstance(below, (dict, list)) or not below or dice.random() < 0.3:
            place[key] = data.draw(VALUES)
            break
        place = below
    check(probe, request("POST", path, {}, "application/json", "", encoded(body)))
    check(probe, request("PUT", f"{path}/a", {}, "application/json", "", encoded(body)))


@SETTINGS
@given(st.text(max_size=40), PARAMETERS, st.sampled_from(["t", "u", "", "x"]), ACCEPTS)
def test_any_path_is_answered(probe: Probe, path: str, query: dict[str, str], token: str, accept: str) -> None:
    check(probe, request("GET", "/" + path, query, "", accept, b"", token))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=80) | st.builds(lambda b: b"POST /api/v1/namespaces HTTP/1.1\r\n" + b, st.binary(max_size=80))
)
def test_any_bytes_on_the_wire_end_in_an_answer_or_a_closed_connection(probe: Probe, data: bytes) -> None:
    async def send() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", probe.port)
        answer = b""
        with suppress(ConnectionError):
            writer.write(data)
            writer.write_eof()
            async with asyncio.timeout(PATIENCE):
                answer = await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        return answer

    assert FAILED not in probe.runner.run(send())
    check(probe, request("GET", "/version", {}, "", "", b""))
