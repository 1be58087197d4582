"""JSON patch, merge patch and strategic merge patch."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.kinds.schema import schema
from cluster.meta.errors import StatusError
from cluster.meta.patch import decode_merge, json_patch, merge_patch, strategic_merge_patch
from cluster.meta.patch.shown import patched_text

DEPLOYMENT = "io.k8s.api.apps.v1.Deployment"


def smp(document: dict[str, Any], patch: dict[str, Any], definition: str = DEPLOYMENT) -> dict[str, Any]:
    return strategic_merge_patch(document, patch, schema().structure(definition))


def pod(**spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


def test_json_patch_operations() -> None:
    document = {"a": [1, 2], "b": {"c": 1}}
    operations = [
        {"op": "add", "path": "/a/-", "value": 3},
        {"op": "add", "path": "/a/0", "value": 0},
        {"op": "remove", "path": "/a/-1"},
        {"op": "move", "from": "/b/c", "path": "/x~1y"},
        {"op": "copy", "from": "/x~1y", "path": "/b/d"},
        {"op": "test", "path": "/b/d", "value": 1},
        {"op": "test", "path": "/b/none", "value": None},
        {"op": "replace", "path": "/b/new", "value": 5},
    ]
    assert json_patch(document, operations) == {"a": [0, 1, 2], "b": {"d": 1, "new": 5}, "x/y": 1}
    assert document == {"a": [1, 2], "b": {"c": 1}}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/nope"},
        {"op": "add", "path": "/a/9", "value": 1},
        {"op": "frob", "path": "/a"},
        {"op": "add", "value": 1},
        {"op": "test", "path": "/a", "value": 1},
        {"op": "test", "path": "/t", "value": 1},
        {"op": "add", "path": "/x/y", "value": 1},
    ],
)
def test_an_inapplicable_json_patch_is_unprocessable(operation: dict[str, Any]) -> None:
    with pytest.raises(StatusError) as caught:
        json_patch({"a": [1], "t": True}, [operation])
    assert caught.value.code == 422
    assert caught.value.details == {}


def test_json_patch_bounds() -> None:
    with pytest.raises(StatusError) as caught:
        json_patch({}, [{"op": "test", "path": "/a", "value": None}] * 10_001)
    assert caught.value.code == 413
    bomb = [{"op": "add", "path": "/a", "value": ["x" * 1000]}]
    bomb += [{"op": "copy", "from": "/a", "path": "/a/-"}] * 40
    with pytest.raises(StatusError):
        json_patch({}, bomb)
    with pytest.raises(StatusError, match=r"Go value of type .*jsonPatchOp"):
        json_patch({}, {"op": "add"})


def test_merge_patch_deletes_by_null() -> None:
    assert merge_patch({"a": {"b": 1, "c": 2}, "l": [1]}, {"a": {"b": None, "n": {"x": None}}, "l": [2]}) == {
        "a": {"c": 2, "n": {}},
        "l": [2],
    }


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"[]", "json: cannot unmarshal array into Go value of type map[string]interface {}"),
        (b"{", "unexpected end of JSON input"),
        (b"data: x", "invalid character 'd' looking for beginning of value"),
    ],
)
def test_a_merge_patch_must_be_an_object(body: bytes, fault: str) -> None:
    with pytest.raises(StatusError) as caught:
        decode_merge(body)
    assert caught.value.message == f"error decoding patch: {fault}"


def test_lists_merge_by_key() -> None:
    document = pod(containers=[{"name": "a", "image": "1"}, {"name": "b", "image": "1"}])
    patch = pod(containers=[{"name": "b", "image": "2"}, {"name": "c", "image": "3"}])
    merged = smp(document, patch)
    assert merged == pod(
        containers=[{"name": "a", "image": "1"}, {"name": "b", "image": "2"}, {"name": "c", "image": "3"}]
    )
    assert document == pod(containers=[{"name": "a", "image": "1"}, {"name": "b", "image": "1"}])


def test_directives() -> None:
    document = pod(
        containers=[{"name": "a"}, {"name": "b"}],
        volumes=[{"name": "v", "emptyDir": {}}],
        tolerations=[{"key": "k"}],
    )
    patch = pod(
        containers=[{"name": "b", "$patch": "delete"}],
        volumes=[{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}],
        tolerations=[{"key": "n"}],
    )
    assert smp(document, patch) == pod(
        containers=[{"name": "a"}], volumes=[{"name": "v", "configMap": {"name": "c"}}], tolerations=[{"key": "n"}]
    )


def test_element_order_and_primitive_deletion() -> None:
    document = pod(containers=[{"name": "a"}, {"name": "b"}])
    patch = {
        "metadata": {"$deleteFromPrimitiveList/finalizers": ["x/one"]},
        "spec": {
            "template": {
                "spec": {
                    "$setElementOrder/containers": [{"name": "z"}, {"name": "b"}, {"name": "a"}],
                    "containers": [{"name": "z"}],
                }
            }
        },
    }
    merged = smp({**document, "metadata": {"finalizers": ["x/one", "x/two"]}}, patch)
    assert merged["metadata"] == {"finalizers": ["x/two"]}
    assert [c["name"] for c in merged["spec"]["template"]["spec"]["containers"]] == ["z", "b", "a"]


@pytest.mark.parametrize(
    ("patch", "code", "fault"),
    [
        (pod(containers=[{"image": "n"}]), 500, "map: map[image:n] does not contain declared merge key: name"),
        ({"spec": {"strategy": {"$patch": "frob"}}}, 500, "unknown patch type: frob in map: map[$patch:frob]"),
        (pod(volumes=[{"name": "v", "$retainKeys": ["name"], "nfs": {}}]), 400, "invalid patch format of retainKeys"),
    ],
)
def test_faults_of_strategic_patches(patch: dict[str, Any], code: int, fault: str) -> None:
    document = pod(containers=[{"name": "a"}], volumes=[{"name": "v"}])
    document["spec"]["strategy"] = {"type": "Recreate"}
    with pytest.raises(StatusError) as caught:
        smp(document, patch)
    assert (caught.value.code, caught.value.message) == (code, fault)


def test_a_refused_result_is_shown_with_opened_objects_sorted() -> None:
    document = {"metadata": {"name": "n", "labels": {"b": "<", "a": "1"}}, "data": {"z": 1, "k": 2}}
    assert patched_text(document, {"data": {"z": 1}}) == (
        '{"data":{"k":2,"z":1},"metadata":{"name":"n","labels":{"b":"\\u003c","a":"1"}}}'
    )
    operations = [{"op": "add", "path": "/metadata/labels/c", "value": "1"}]
    assert patched_text(document, operations) == (
        '{"data":{"z":1,"k":2},"metadata":{"labels":{"a":"1","b":"\\u003c"},"name":"n"}}'
    )
