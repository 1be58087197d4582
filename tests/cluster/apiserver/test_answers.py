"""Lists, deletions, negotiation and refusals over the wire: what Kubernetes answers where its rules are not obvious."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from apiserver_wire import Wire

MAPS = "/api/v1/namespaces/default/configmaps"
APPLY = "application/apply-patch+yaml"
PARTIAL = "application/json;as=%s;v=v1;g=meta.k8s.io"


async def ask(
    wire: Wire, method: str, path: str, body: Any = None, accept: str = "application/json", sent: str = ""
) -> tuple[int, Any]:
    """Status and body; a list of frames for a watch."""
    typed = {"content_type": sent} if sent else {}
    reply = await wire.call(method, path, body, Accept=accept, **typed)
    if reply.headers["content-type"] == "application/yaml":
        return reply.status, yaml.safe_load(reply.body)
    if "watch" in path and reply.status == 200:
        return reply.status, [json.loads(line) for line in reply.body.splitlines()]
    return reply.status, reply.json()


async def made(wire: Wire, name: str, **meta: Any) -> None:
    await ask(wire, "POST", MAPS, {"metadata": {"name": name, **meta}})


async def test_a_page_ends_where_its_limit_is_reached_even_if_nothing_else_matches(wire: Wire) -> None:
    for name, value in (("a", "1"), ("b", "2"), ("c", "2")):
        await made(wire, name, labels={"k": value})
    _, page = await ask(wire, "GET", f"{MAPS}?labelSelector=k=1&limit=1")
    assert [item["metadata"]["name"] for item in page["items"]] == ["a"]
    assert page["metadata"]["continue"]
    assert "remainingItemCount" not in page["metadata"]
    _, rest = await ask(wire, "GET", f"{MAPS}?labelSelector=k=1&limit=1&continue={page['metadata']['continue']}")
    assert rest["items"] == []
    assert "continue" not in rest["metadata"]


async def test_any_state_is_listed_in_one_piece(wire: Wire) -> None:
    for name in "abc":
        await made(wire, name, labels={"k": "1"})
    _, page = await ask(wire, "GET", f"{MAPS}?labelSelector=k=1&limit=1&resourceVersion=0")
    assert len(page["items"]) == 3


async def test_deleting_a_collection_tells_of_the_page_it_deleted(wire: Wire) -> None:
    for name in "abc":
        await made(wire, name)
    _, page = await ask(wire, "DELETE", f"{MAPS}?limit=2&dryRun=All&fieldSelector=metadata.namespace=default")
    assert len(page["items"]) == 2
    assert page["metadata"]["continue"]


async def test_the_query_of_a_deletion_may_name_a_version(wire: Wire) -> None:
    await made(wire, "a")
    status, body = await ask(wire, "DELETE", f"{MAPS}/a?resourceVersion=1")
    assert status == 409
    assert "the ResourceVersion in the precondition (1) does not match" in body["message"]


async def test_the_propagation_of_a_deletion_under_way_may_change_where_there_is_no_grace_period(wire: Wire) -> None:
    await made(wire, "a", finalizers=["example.com/hold"])
    await ask(wire, "DELETE", f"{MAPS}/a")
    _, body = await ask(wire, "DELETE", f"{MAPS}/a", {"propagationPolicy": "Orphan"})
    assert body["metadata"]["finalizers"] == ["example.com/hold", "orphan"]


async def test_a_name_that_is_being_deleted_is_told_so(wire: Wire) -> None:
    await made(wire, "a", finalizers=["example.com/hold"])
    await ask(wire, "DELETE", f"{MAPS}/a")
    _, body = await ask(wire, "POST", MAPS, {"metadata": {"name": "a"}})
    assert body["message"] == 'object is being deleted: configmaps "a" already exists'


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"gracePeriodSeconds": "x"}, "json: cannot unmarshal string into Go struct field"),
        ({"kind": "Pod", "apiVersion": "v1"}, 'no kind "Pod" is registered for version "v1" in scheme'),
        ({"propagationPolicy": "x"}, 'supported values: "Foreground", "Background", "Orphan", "nil"'),
    ],
)
async def test_what_is_wrong_with_options_is_told_plainly(wire: Wire, body: dict[str, Any], message: str) -> None:
    await made(wire, "a")
    _, answer = await ask(wire, "DELETE", f"{MAPS}/a", body)
    assert message in answer["message"]
    assert "cannot be handled" not in answer["message"]


async def test_a_limit_beyond_64_bits_is_refused(wire: Wire) -> None:
    status, body = await ask(wire, "GET", f"{MAPS}?limit=99999999999999999999")
    assert (status, body["message"]) == (400, 'strconv.ParseInt: parsing "99999999999999999999": value out of range')


@pytest.mark.parametrize(
    ("path", "accept", "message"),
    [
        (MAPS, "application/*", "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, "
         "application/vnd.kubernetes.protobuf, application/json;stream=watch, "
         "application/vnd.kubernetes.protobuf;stream=watch"),
        (f"{MAPS}?watch=true", "application/yaml", "only the following media types are accepted: "
         "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"),
        (MAPS, PARTIAL % "PartialObjectMetadata",
         "you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)"),
        (f"{MAPS}/a", PARTIAL % "PartialObjectMetadataList",
         "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)"),
        ("/apis", "text/html", "only the following media types are accepted: application/json, application/yaml, "
         "application/vnd.kubernetes.protobuf"),
        ("/version", "text/html", "406: Not Acceptable\n\nAvailable representations: application/json"),
    ],
)  # fmt: skip
async def test_what_cannot_be_represented_is_refused(wire: Wire, path: str, accept: str, message: str) -> None:
    await made(wire, "a")
    status, body = await ask(wire, "GET", path, accept=accept)
    assert (status, body["message"]) == (406, message)


async def test_watches_have_their_old_paths_too(wire: Wire) -> None:
    await made(wire, "a")
    await made(wire, "b")
    status, frames = await ask(wire, "GET", "/api/v1/watch/namespaces/default/configmaps/a?timeoutSeconds=1")
    assert status == 200
    assert [frame["object"]["metadata"]["name"] for frame in frames] == ["a"]


async def test_applying_less_leaves_a_part_that_was_emptied(wire: Wire) -> None:
    def pod(context: dict[str, Any]) -> dict[str, Any]:
        spec = {"containers": [{"name": "c", "image": "i", "securityContext": context}]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}

    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod({"runAsUser": 1})["spec"]}
    deployment = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template},
    }  # fmt: skip
    where = "/apis/apps/v1/namespaces/default/deployments/d?fieldManager=m"
    await ask(wire, "PATCH", where, deployment, sent=APPLY)
    template["spec"] = pod({})["spec"]
    _, body = await ask(wire, "PATCH", where, deployment, sent=APPLY)
    assert body["spec"]["template"]["spec"]["containers"][0]["securityContext"] == {}


@pytest.mark.parametrize(
    ("sort", "patch", "status", "message"),
    [
        ("merge-patch", None, 400, "Invalid JSON Patch"),
        ("json-patch", [None], 422, "the server rejected our request due to an error in our request"),
        ("json-patch", [{"op": "replace", "path": "", "value": {}}], 400,
         "the name of the object (a based on URL) was undeterminable: name must be provided"),
        ("merge-patch", {"metadata": {"finalizers": ["x"]}}, 422,
         'ConfigMap "a" is invalid: metadata.finalizers[0]: Invalid value: "x": name is neither a standard finalizer '
         "name nor is it fully qualified"),
        ("strategic-merge-patch", {"binaryData": {"z": "!!"}}, 422,
         ' "" is invalid: patch: Invalid value: "map[binaryData:map[z:!!]]": error decoding from json: illegal base64 '
         "data at input byte 0"),
    ],
)  # fmt: skip
async def test_patches_that_cannot_be_are_refused(wire: Wire, sort: str, patch: Any, status: int, message: str) -> None:
    await made(wire, "a")
    data = b"null" if patch is None else json.dumps(patch).encode()
    found = await wire.call("PATCH", f"{MAPS}/a", data, content_type=f"application/{sort}+json")
    assert (found.status, found.json()["message"]) == (status, message)


async def test_version_zero_in_a_patch_means_any_version(wire: Wire) -> None:
    await made(wire, "a")
    patch = {"metadata": {"resourceVersion": "0"}, "data": {"k": "v"}}
    status, body = await ask(wire, "PATCH", f"{MAPS}/a", patch, sent="application/merge-patch+json")
    assert (status, body["data"]) == (200, {"k": "v"})


async def test_managers_of_a_version_that_is_not_there_lose_what_they_own(wire: Wire) -> None:
    await made(wire, "a")
    entry = {
        "manager": "m", "operation": "Apply", "apiVersion": "gone/v1", "fieldsType": "FieldsV1",
        "fieldsV1": {"f:data": {"f:k": {}}},
    }  # fmt: skip
    kept = {**entry, "manager": "n", "apiVersion": "v1"}
    meta = {"name": "a", "managedFields": [entry, kept]}
    _, body = await ask(wire, "PUT", f"{MAPS}/a", {"metadata": meta, "data": {"k": "v"}})
    assert "m" not in {each["manager"] for each in body["metadata"]["managedFields"]}


async def test_a_quantity_that_cannot_be_is_the_servers_fault_when_it_is_applied(wire: Wire) -> None:
    spec = {"containers": [{"name": "c", "image": "i", "resources": {"limits": {"cpu": "abc"}}}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}
    where = "/api/v1/namespaces/default/pods/p?fieldManager=m"
    status, body = await ask(wire, "PATCH", where, pod, sent=APPLY)
    assert status == 500
    assert body["message"].startswith("failed to convert new object (/p; /v1, Kind=Pod) to proper version: ")
