"""Definitions become kinds at once, and go with their objects."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.server import ApiServer
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersionKind, GroupVersionResource, Obj
from cluster.storage.memory import MemoryStore

CRDS = GroupVersionResource("apiextensions.k8s.io", "v1", "customresourcedefinitions")
WIDGETS = GroupVersionResource("acme.io", "v1", "widgets")


def definition(plural: str = "widgets", kind: str = "Widget", spec: dict[str, Any] | None = None, **names: Any) -> Obj:
    schema = {
        "type": "object",
        "properties": {"spec": spec or {"type": "object", "properties": {"n": {"type": "integer"}}}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.acme.io"},
        "spec": {
            "group": "acme.io",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind, **names},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def widget(name: str = "w", **more: Any) -> Obj:
    return {"apiVersion": "acme.io/v1", "kind": "Widget", "metadata": {"name": name}, **more}


async def until(check: Any) -> Any:
    for _ in range(200):
        found = check()
        if found:
            return found
        await asyncio.sleep(0.005)
    raise AssertionError("it did not happen")


def stored(server: ApiServer, name: str) -> Obj | None:
    return server.feed.get(CRDS.group_resource, "", name)


def condition(crd: Obj | None, type: str) -> tuple[str, str]:
    for held in ((crd or {}).get("status") or {}).get("conditions") or ():
        if held["type"] == type:
            return held["status"], held["reason"]
    return "", ""


async def test_an_object_can_be_made_as_soon_as_its_definition_is(server: ApiServer) -> None:
    client = server.client()
    await client.create(CRDS, definition())
    made = await client.create(WIDGETS, widget(spec={"n": 1}), "default")
    assert made["spec"] == {"n": 1}
    await until(lambda: condition(stored(server, "widgets.acme.io"), "Established") == ("True", "InitialNamesAccepted"))


async def test_definitions_are_served_again_after_a_restart() -> None:
    store = MemoryStore()
    first = ApiServer(store, ApiServerOptions(serve=False))
    await first.start()
    await first.client().create(CRDS, definition())
    await first.client().create(WIDGETS, widget(), "default")
    await first.stop()
    second = ApiServer(store, ApiServerOptions(serve=False))
    await second.start()
    assert (await second.client().get(WIDGETS, "w", "default"))["metadata"]["name"] == "w"
    await second.stop()
    await store.close()


async def test_a_name_in_use_is_not_given_twice_and_passes_on_when_free(server: ApiServer) -> None:
    client = server.client()
    await client.create(CRDS, definition())
    await client.create(CRDS, definition("gadgets", "Widget"))
    await until(lambda: condition(stored(server, "gadgets.acme.io"), "NamesAccepted") == ("False", "ListKindConflict"))
    assert server.kinds.by_gvr(GroupVersionResource("acme.io", "v1", "gadgets")) is None
    await client.delete(CRDS, "widgets.acme.io")
    await until(lambda: condition(stored(server, "gadgets.acme.io"), "Established")[0] == "True")
    served = server.kinds.by_gvk(GroupVersionKind("acme.io", "v1", "Widget"))
    assert served is not None
    assert served.plural == "gadgets"


async def test_a_definition_goes_after_its_objects(server: ApiServer) -> None:
    client = server.client()
    await client.create(CRDS, definition())
    held = widget()
    held["metadata"]["finalizers"] = ["acme.io/hold"]
    await client.create(WIDGETS, held, "default")
    await client.delete(CRDS, "widgets.acme.io")
    await until(lambda: condition(stored(server, "widgets.acme.io"), "Terminating")[1] == "InstanceDeletionInProgress")
    with pytest.raises(StatusError, match="create not allowed while custom resource definition is terminating"):
        await client.create(WIDGETS, widget("late"), "default")
    await until(
        lambda: (server.feed.get(WIDGETS.group_resource, "default", "w") or {"metadata": {}})["metadata"].get(
            "deletionTimestamp"
        )
    )
    await client.patch(WIDGETS, "w", "default", {"metadata": {"finalizers": None}})
    await until(lambda: stored(server, "widgets.acme.io") is None)
    assert server.kinds.by_gvr(WIDGETS) is None


async def test_versions_without_conversion_differ_in_their_name(server: ApiServer) -> None:
    client, crd = server.client(), definition()
    crd["spec"]["versions"].append({**crd["spec"]["versions"][0], "name": "v1beta1", "storage": False})
    await client.create(CRDS, crd)
    await client.create(WIDGETS, widget(spec={"n": 2}), "default")
    found = await client.get(GroupVersionResource("acme.io", "v1beta1", "widgets"), "w", "default")
    assert (found["apiVersion"], found["spec"]) == ("acme.io/v1beta1", {"n": 2})


RULES = {
    "type": "object",
    "properties": {"n": {"type": "integer"}, "fixed": {"type": "string", "maxLength": 9}},
    "x-kubernetes-validations": [{"rule": "self.n < 10", "messageExpression": "self.n > 10 ? 'n is over ten' : 'ten'"}],
}


async def test_rules_are_run_and_old_faults_are_let_pass(server: ApiServer) -> None:
    client = server.client()
    spec: dict[str, Any] = {**RULES, "properties": {**RULES["properties"]}}  # type: ignore[dict-item]
    spec["properties"]["fixed"] = {"type": "string", "x-kubernetes-validations": [{"rule": "self == oldSelf"}]}
    await client.create(CRDS, definition(spec=spec))
    with pytest.raises(StatusError, match="spec: Invalid value: n is over ten"):
        await client.create(WIDGETS, widget(spec={"n": 12}), "default")
    await client.create(WIDGETS, widget(spec={"n": 1, "fixed": "a"}), "default")
    with pytest.raises(StatusError, match=r'spec\.fixed: Invalid value: "b": failed rule: self == oldSelf'):
        await client.patch(WIDGETS, "w", "default", {"spec": {"fixed": "b"}})


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("self.missing == 1", "undefined field 'missing'"),
        ("self.n + 1", "cel expression must evaluate to a bool"),
        ("self.n.startsWith('a')", "found no matching overload for 'startsWith' applied to 'int.(string)'"),
    ],
)
async def test_rules_that_cannot_be_right_are_refused(server: ApiServer, rule: str, words: str) -> None:
    spec = {**RULES, "x-kubernetes-validations": [{"rule": rule}]}
    with pytest.raises(StatusError) as caught:
        await server.client().create(CRDS, definition(spec=spec))
    assert words in caught.value.message


async def test_the_storage_version_may_change(server: ApiServer) -> None:
    client, crd = server.client(), definition()
    crd["spec"]["versions"].append({**crd["spec"]["versions"][0], "name": "v2", "storage": False})
    await client.create(CRDS, crd)
    await client.create(WIDGETS, widget(spec={"n": 3}), "default")
    first, second = crd["spec"]["versions"]
    versions = [{**first, "storage": False}, {**second, "storage": True}]
    await client.patch(CRDS, "widgets.acme.io", "", {"spec": {"versions": versions}})
    found = await client.get(GroupVersionResource("acme.io", "v2", "widgets"), "w", "default")
    assert found["apiVersion"] == "acme.io/v2"
    assert (stored(server, "widgets.acme.io") or {})["status"]["storedVersions"] == ["v1", "v2"]


async def test_a_definition_that_cannot_be_served_harms_no_other(server: ApiServer) -> None:
    client, crd = server.client(), definition("gadgets", "Gadget")
    crd["spec"]["versions"][0]["additionalPrinterColumns"] = [
        {"name": "Odd", "type": "string", "jsonPath": ".spec.items[?(@.a==1 && @.b==2)].c"}
    ]
    try:
        await client.create(CRDS, crd)
    except StatusError:
        pass
    await client.create(CRDS, definition())
    assert (await client.create(WIDGETS, widget(), "default"))["kind"] == "Widget"
