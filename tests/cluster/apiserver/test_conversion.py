"""Custom resources in several versions: what is stored in one is read, written, listed and watched in any."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from apiserver_hooks import Converter, converting
from apiserver_wire import Wire

from cluster.apiserver.server import ApiServer
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersionResource, Obj

CRDS = GroupVersionResource("apiextensions.k8s.io", "v1", "customresourcedefinitions")
V1, V2 = (GroupVersionResource("acme.io", version, "sites") for version in ("v1", "v2"))
STRING: dict[str, Any] = {"type": "string"}


def schema(**fields: Any) -> Obj:
    spec = {"type": "object", "properties": fields}
    status = {"type": "object", "properties": {"ready": {"type": "integer"}}}
    return {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": status}}}


def definition(conversion: Obj | None = None) -> Obj:
    """`host` of v1 is `hosts` of v2."""
    first = schema(host=STRING, n={"type": "integer"}, own={"type": "string", "default": "one"})
    second = schema(hosts={"type": "array", "items": STRING}, n={"type": "integer"})
    paths = {"specReplicasPath": ".spec.n", "statusReplicasPath": ".status.ready"}
    more = {"served": True, "subresources": {"status": {}, "scale": paths}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "sites.acme.io"},
        "spec": {
            "group": "acme.io",
            "scope": "Namespaced",
            "names": {"plural": "sites", "kind": "Site"},
            "versions": [
                {"name": "v1", "storage": True, "schema": first, **more},
                {"name": "v2", "storage": False, "schema": second, **more},
            ],
            **({"conversion": conversion} if conversion else {}),
        },
    }


def site(version: str, name: str = "a", **spec: Any) -> Obj:
    return {"apiVersion": f"acme.io/{version}", "kind": "Site", "metadata": {"name": name}, "spec": spec}


def rename(obj: Obj, version: str) -> None:
    spec = obj["spec"]
    if version == "acme.io/v2" and "host" in spec:
        spec["hosts"] = [spec.pop("host")]
    if version == "acme.io/v1" and "hosts" in spec:
        spec["host"] = spec.pop("hosts")[0]


@pytest.fixture
async def hook(tmp_path: Path) -> AsyncIterator[Converter]:
    async with converting(tmp_path) as made:
        made.change = rename
        yield made


async def test_an_object_is_written_and_read_in_any_version(server: ApiServer, hook: Converter) -> None:
    client = server.client()
    await client.create(CRDS, definition(hook.strategy()))
    await client.create(V1, site("v1", host="h"), "default")
    assert hook.asked == []
    assert (await client.get(V2, "a", "default"))["spec"] == {"hosts": ["h"]}
    made = await client.create(V2, site("v2", "b", hosts=["x"]), "default")
    assert made["spec"] == {"hosts": ["x"]}
    held = server.feed.get(V1.group_resource, "default", "b")
    assert held is not None
    assert (held["apiVersion"], held["spec"]) == ("acme.io/v1", {"host": "x"})
    # A default is of the version an object is stored in, and comes when it is read.
    assert (await client.get(V1, "b", "default"))["spec"] == {"host": "x", "own": "one"}


async def test_a_list_is_converted_at_once_and_only_once(server: ApiServer, hook: Converter) -> None:
    client = server.client()
    await client.create(CRDS, definition(hook.strategy()))
    for name in "abc":
        await client.create(V1, site("v1", name, host=name), "default")
    found = await client.list(V2, "default")
    assert [obj["spec"]["hosts"] for obj in found.items] == [["a"], ["b"], ["c"]]
    await client.list(V2, "default")
    assert hook.objects == ["a,b,c"]
    await client.patch(V1, "b", "default", {"spec": {"host": "new"}})
    found = await client.list(V2, "default")
    assert found.items[1]["spec"]["hosts"] == ["new"]
    assert hook.objects == ["a,b,c", "b"]


async def test_patches_apply_status_and_scale_speak_the_version_asked_for(server: ApiServer, hook: Converter) -> None:
    client = server.client()
    await client.create(CRDS, definition(hook.strategy()))
    await client.create(V1, site("v1", host="h"), "default")
    patched = await client.patch(V2, "a", "default", {"spec": {"hosts": ["p"]}})
    assert patched["spec"]["hosts"] == ["p"]
    assert (await client.get(V1, "a", "default"))["spec"]["host"] == "p"
    await client.patch(V2, "a", "default", {"status": {"ready": 2}}, subresource="status")
    assert (await client.get(V1, "a", "default"))["status"] == {"ready": 2}
    body = {"apiVersion": "acme.io/v2", "kind": "Site", "metadata": {"name": "a"}, "spec": {"n": 3}}
    await client.patch(V2, "a", "default", body, patch_type="application/apply-patch+yaml", field_manager="someone")
    assert (await client.get(V1, "a", "default"))["spec"]["n"] == 3


async def test_a_watch_tells_what_happened_converted_and_in_order(server: ApiServer, hook: Converter) -> None:
    client = server.client()
    await client.create(CRDS, definition(hook.strategy()))
    await client.create(V1, site("v1", "a", host="h"), "default")
    seen: list[tuple[str, str, Any]] = []

    async def follow() -> None:
        async for event in client.watch(V2, "default", resource_version="0"):
            seen.append((event.type, event.object["metadata"]["name"], event.object["spec"].get("hosts")))
            if len(seen) == 4:
                return

    task = asyncio.create_task(follow())
    await asyncio.sleep(0)
    await client.create(V1, site("v1", "b", host="i"), "default")
    await client.patch(V2, "a", "default", {"spec": {"hosts": ["j"]}})
    await client.delete(V1, "b", "default")
    await asyncio.wait_for(task, 10)
    assert sorted(seen[:2]) == [("ADDED", "a", ["h"]), ("ADDED", "b", ["i"])]
    assert seen[2:] == [("MODIFIED", "a", ["j"]), ("DELETED", "b", ["i"])]


async def test_selectors_are_about_the_converted_object(server: ApiServer, hook: Converter) -> None:
    def label(obj: Obj, version: str) -> None:
        rename(obj, version)
        obj["metadata"]["labels"] = {"version": version.rpartition("/")[2]}

    hook.change = label
    client = server.client()
    await client.create(CRDS, definition(hook.strategy()))
    await client.create(V1, site("v1", host="h"), "default")
    assert len((await client.list(V2, "default", label_selector="version=v2")).items) == 1
    assert (await client.list(V1, "default", label_selector="version=v2")).items == []


def _spoil(**fields: Any) -> Callable[[Obj], None]:
    return lambda review: review["response"].update(fields)


def _first(**fields: Any) -> Callable[[Obj], None]:
    return lambda review: review["response"]["convertedObjects"][0].update(fields)


def _metadata(**fields: Any) -> Callable[[Obj], None]:
    return lambda review: review["response"]["convertedObjects"][0]["metadata"].update(fields)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_spoil(result={"status": "Failure", "message": "no can do"}), "failed: no can do"),
        (_spoil(result={}), "failed: response.result.status was '', not 'Success'"),
        (_spoil(uid="other"), 'failed: expected response.uid="'),
        (_spoil(convertedObjects=[]), "returned 0 objects, expected 1"),
        (lambda review: review.pop("response"), "failed: no response provided"),
        (
            lambda review: review.update(apiVersion="apiextensions.k8s.io/v1beta1"),
            "failed: converting (v1beta1.ConversionReview) to (v1.ConversionReview): unknown conversion",
        ),
        (_first(kind="Other"), "returned invalid object at index 0: invalid kind (expected Site, received Other)"),
        (
            _first(apiVersion="acme.io/v3"),
            "returned invalid object at index 0: invalid groupVersion (expected acme.io/v2, received acme.io/v3)",
        ),
        (_metadata(name="b"), "returned invalid object: must have the same name: a != b"),
        (_metadata(namespace="b"), "returned invalid object: must have the same namespace: default != b"),
        (_metadata(labels={"a": 1}), "metadata.labels[a] must be a string, but is int64 in converted object"),
        (_metadata(annotations={"a b": "c"}), "returned invalid metadata: metadata.annotation: Invalid value: "),
    ],
)
async def test_an_answer_that_breaks_the_rules_is_refused(
    server: ApiServer, hook: Converter, spoil: Callable[[Obj], None], words: str
) -> None:
    client = server.client()
    await client.create(CRDS, definition(hook.strategy()))
    await client.create(V1, site("v1", host="h"), "default")
    hook.review = spoil
    with pytest.raises(StatusError) as caught:
        await client.get(V2, "a", "default")
    assert caught.value.code == 500
    assert caught.value.message.startswith("conversion webhook for acme.io/v1, Kind=Site ")
    assert words in caught.value.message
    assert (await client.get(V1, "a", "default"))["spec"]["host"] == "h"


async def test_what_a_conversion_may_not_change_stays(server: ApiServer, hook: Converter) -> None:
    hook.review = _metadata(creationTimestamp=None, finalizers=["a/b"], labels={"l": "1"}, generation=9)
    client = server.client()
    await client.create(CRDS, definition(hook.strategy()))
    made = await client.create(V1, site("v1", host="h"), "default")
    found = await client.get(V2, "a", "default")
    assert found["metadata"] == {**made["metadata"], "labels": {"l": "1"}}


async def test_the_beta_review_is_spoken_where_it_comes_first(server: ApiServer, hook: Converter) -> None:
    client = server.client()
    await client.create(CRDS, definition(hook.strategy("v3", "v1beta1", "v1")))
    await client.create(V1, site("v1", host="h"), "default")
    spoken = []
    hook.review = lambda review: spoken.append(review["apiVersion"])
    await client.get(V2, "a", "default")
    assert spoken == ["apiextensions.k8s.io/v1beta1"]


async def test_a_webhook_that_is_not_there_is_named(server: ApiServer) -> None:
    client, service = server.client(), {"namespace": "web", "name": "hook", "path": "/c"}
    webhook = {"clientConfig": {"service": service}, "conversionReviewVersions": ["v1"]}
    await client.create(CRDS, definition({"strategy": "Webhook", "webhook": webhook}))
    await client.create(V1, site("v1", host="h"), "default")
    with pytest.raises(StatusError) as caught:
        await client.get(V2, "a", "default")
    assert caught.value.message == (
        "conversion webhook for acme.io/v1, Kind=Site failed: "
        'Post "https://hook.web.svc:443/c?timeout=30s": service "hook" not found'
    )


async def test_a_new_storage_version_migrates_on_write(server: ApiServer, hook: Converter) -> None:
    client = server.client()
    await client.create(CRDS, definition(hook.strategy()))
    made = await client.create(V1, site("v1", host="h"), "default")
    versions = definition()["spec"]["versions"]
    versions[0]["storage"], versions[1]["storage"] = False, True
    crd = await client.patch(CRDS, "sites.acme.io", "", {"spec": {"versions": versions}})
    assert crd["status"]["storedVersions"] == ["v1", "v2"]
    held = server.feed.get(V1.group_resource, "default", "a")
    assert held is not None
    assert held["apiVersion"] == "acme.io/v1"
    again = await client.update(V1, await client.get(V1, "a", "default"))
    held = server.feed.get(V1.group_resource, "default", "a")
    assert held is not None
    assert (held["apiVersion"], held["spec"]) == ("acme.io/v2", {"hosts": ["h"]})
    assert again["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]


async def test_without_a_webhook_fields_of_the_other_version_are_pruned(server: ApiServer) -> None:
    client = server.client()
    await client.create(CRDS, definition())
    await client.create(V1, site("v1", host="h", n=1), "default")
    found = await client.get(V2, "a", "default")
    assert (found["apiVersion"], found["spec"]) == ("acme.io/v2", {"n": 1})


async def test_what_is_stored_is_read_with_the_schema_of_today(server: ApiServer) -> None:
    client = server.client()
    await client.create(CRDS, definition())
    await client.create(V1, site("v1", host="h", n=1), "default")
    crd = definition()
    properties = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    del properties["n"]
    properties["late"] = {"type": "string", "default": "d"}
    properties["picked"] = {"type": "object", "default": {}, "properties": {"x": {"type": "integer", "default": 3}}}
    del crd["spec"]["versions"][0]["subresources"]["scale"]
    await client.patch(CRDS, "sites.acme.io", "", {"spec": {"versions": crd["spec"]["versions"]}})
    wanted = {"host": "h", "own": "one", "late": "d", "picked": {"x": 3}}
    assert (await client.get(V1, "a", "default"))["spec"] == wanted
    assert (await client.list(V1, "default")).items[0]["spec"] == wanted
    async for event in client.watch(V1, "default", resource_version="0"):
        assert event.object["spec"] == wanted
        break


async def test_a_watch_over_http_ends_with_the_fault_of_a_conversion(wire: Wire, hook: Converter) -> None:
    client = wire.server.client()
    await client.create(CRDS, definition(hook.strategy()))
    await client.create(V1, site("v1", host="h"), "default")
    path = "/apis/acme.io/v2/namespaces/default/sites?watch=1&timeoutSeconds=1"
    reply = await wire.call("GET", path)
    assert [json.loads(line)["object"]["spec"] for line in reply.body.splitlines()] == [{"hosts": ["h"]}]
    hook.review = _spoil(result={"status": "Failure", "message": "no can do"})
    await client.patch(V1, "a", "default", {"spec": {"host": "i"}})
    reply = await wire.call("GET", path)
    assert reply.status == 429
    assert reply.json()["message"] == (
        "storage is (re)initializing: failed to list acme.io/v2, Kind=Site: "
        "conversion webhook for acme.io/v1, Kind=Site failed: no can do"
    )
