"""Field ownership and server-side apply."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.kinds.schema import schema
from cluster.meta.errors import StatusError
from cluster.meta.ownership import Writer, apply, update
from cluster.meta.ownership.fieldset import FieldSet, show
from cluster.meta.ownership.managed import ANCIENT
from cluster.meta.ownership.typed import compare, to_set

DEPLOYMENT = "io.k8s.api.apps.v1.Deployment"
CONFIG_MAP = "io.k8s.api.core.v1.ConfigMap"
EMPTY = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}


def config_map(data: dict[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
    out: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", **metadata}}
    return {**out, "data": data} if data is not None else out


def writer(name: str, second: int = 0, version: str = "v1", **more: Any) -> Writer:
    return Writer(name, version, f"2021-01-01T00:00:{second:02}Z", **more)


def structure(name: str = CONFIG_MAP) -> Any:
    return schema().structure(name)


def owners(obj: dict[str, Any]) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"] for entry in obj["metadata"].get("managedFields", [])}


def stored(obj: dict[str, Any]) -> dict[str, Any]:
    return {**obj, "metadata": {**obj["metadata"], "uid": "u"}}


def test_fields_v1_is_read_and_written() -> None:
    fields = {"f:a": {".": {}, "f:b": {}}, "f:c": {}, "f:d": {'k:{"name":"x"}': {"f:e": {}}}}
    found = FieldSet.from_fields(fields)
    assert found.to_fields() == fields
    assert [show(path) for path in found.paths()] == [".a", ".c", ".a.b", '.d[name="x"].e']


def test_a_created_object_belongs_to_its_creator() -> None:
    made = update(EMPTY, config_map({"k": "v"}), structure(), writer("me"))
    assert owners(made) == {"me": {"f:data": {".": {}, "f:k": {}}}}
    assert made["metadata"]["managedFields"][0]["operation"] == "Update"


def test_an_update_takes_what_it_changes_and_keeps_time_when_nothing_changes() -> None:
    first = stored(update(EMPTY, config_map({"k": "v", "l": "v"}), structure(), writer("one")))
    second = update(first, {**first, "data": {"k": "w", "l": "v"}}, structure(), writer("two", 1))
    assert owners(second) == {"one": {"f:data": {".": {}, "f:l": {}}}, "two": {"f:data": {"f:k": {}}}}
    assert update(second, second, structure(), writer("two", 9)) == second


def test_apply_shares_equal_values_and_removes_what_nobody_owns() -> None:
    live = stored(apply(EMPTY, config_map({"a": "1", "b": "2"}), structure(), writer("x")).obj)
    live = apply(live, config_map({"a": "1"}), structure(), writer("y", 1)).obj
    live = apply(live, config_map({"b": "2"}), structure(), writer("x", 2)).obj
    assert live["data"] == {"a": "1", "b": "2"}
    live = apply(live, config_map(), structure(), writer("x", 3)).obj
    assert live["data"] == {"a": "1"}
    assert owners(live) == {"y": {"f:data": {"f:a": {}}}}


def test_conflicts_name_fields_and_managers_and_can_be_forced() -> None:
    live = stored(update(EMPTY, config_map({"a": "1"}), structure(), writer("editor")))
    with pytest.raises(StatusError) as caught:
        apply(live, config_map({"a": "2"}), structure(), writer("x", 1))
    assert caught.value.code == 409
    assert caught.value.message == 'Apply failed with 1 conflict: conflict with "editor" using v1: .data.a'
    assert caught.value.details == {
        "causes": [{"reason": "FieldManagerConflict", "message": 'conflict with "editor" using v1', "field": ".data.a"}]
    }
    forced = apply(live, config_map({"a": "2"}), structure(), writer("x", 1), force=True).obj
    assert forced["data"] == {"a": "2"}
    assert owners(forced) == {"x": {"f:data": {"f:a": {}}}, "editor": {"f:data": {}}}


def test_list_elements_are_owned_by_key() -> None:
    def deployment(*containers: dict[str, Any]) -> dict[str, Any]:
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "a"},
            "spec": {"template": {"spec": {"containers": list(containers)}}},
        }

    empty = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}}
    port = {"containerPort": 80}
    one = apply(
        empty, deployment({"name": "c", "ports": [port]}), structure(DEPLOYMENT), writer("x", version="apps/v1")
    )
    found = owners(one.obj)["x"]["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert found['k:{"name":"c"}']["f:ports"] == {
        'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}
    }
    live = stored(one.obj)
    live = apply(live, deployment({"name": "side"}), structure(DEPLOYMENT), writer("y", version="apps/v1")).obj
    live = apply(live, deployment(), structure(DEPLOYMENT), writer("y", version="apps/v1")).obj
    assert [c["name"] for c in live["spec"]["template"]["spec"]["containers"]] == ["c"]


@pytest.mark.parametrize(
    ("patch", "fault"),
    [
        ({"bogus": 1}, ".bogus: field not declared in schema"),
        ({"data": "x"}, ".data: expected map, got &{x}"),
        ({"immutable": "x"}, ".immutable: expected boolean, got &{x}"),
    ],
)
def test_a_patch_must_fit_the_schema(patch: dict[str, Any], fault: str) -> None:
    with pytest.raises(StatusError) as caught:
        apply(EMPTY, {**config_map(), **patch}, structure(), writer("x"))
    assert caught.value.code == 500
    assert caught.value.message == f"failed to create typed patch object (/a; /v1, Kind=ConfigMap): {fault}"


def test_sets_refuse_doubled_elements() -> None:
    with pytest.raises(StatusError, match=r"\.metadata\.finalizers: duplicate entries for key \[=\"a\"\]"):
        apply(EMPTY, config_map(finalizers=["a", "a"]), structure(), writer("x"))


def test_managed_fields_may_not_be_applied() -> None:
    with pytest.raises(StatusError, match=r"metadata\.managedFields must be nil"):
        apply(EMPTY, config_map(managedFields=[{"manager": "x"}]), structure(), writer("x"))


def test_the_oldest_updaters_are_merged_beyond_ten() -> None:
    live = stored(update(EMPTY, config_map({"k": "v"}), structure(), writer("m0")))
    for number in range(1, 13):
        live = update(
            live, {**live, "data": {**live["data"], f"k{number}": "v"}}, structure(), writer(f"m{number}", number)
        )
    names = [entry["manager"] for entry in live["metadata"]["managedFields"]]
    assert len(names) == 10
    assert ANCIENT in names


def test_endpoints_own_nothing_they_reset() -> None:
    new = {**EMPTY, "data": {"a": "1"}, "status": {}}
    made = update(EMPTY, new, structure(), writer("x", reset=(("f:data",),)))
    assert "x" not in owners(made) or "f:data" not in owners(made)["x"]


def test_kubectl_takes_over_its_own_client_side_apply() -> None:
    last = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"1"}}'
    annotated = config_map({"k": "1"}, annotations={"kubectl.kubernetes.io/last-applied-configuration": last})
    live = stored(update(EMPTY, annotated, structure(), writer("kubectl-client-side-apply")))
    done = apply(live, config_map({"k": "2"}), structure(), writer("kubectl", 1)).obj
    assert done["data"] == {"k": "2"}
    assert '"k":"2"' in done["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"]


def test_items_that_are_there_twice_are_owned_whole() -> None:
    shape = structure("io.k8s.api.core.v1.PodSpec")
    one, two = {"ip": "1.1.1.1", "hostnames": ["a"]}, {"ip": "1.1.1.1", "hostnames": ["b"]}
    owned = to_set({"hostAliases": [one, two]}, shape)
    assert owned.to_fields() == {"f:hostAliases": {'k:{"ip":"1.1.1.1"}': {}}}
    found = compare({"hostAliases": [one]}, {"hostAliases": [one, two]}, shape)
    assert found.added.to_fields() == {"f:hostAliases": {'k:{"ip":"1.1.1.1"}': {}}}
    assert not compare({"hostAliases": [one, two]}, {"hostAliases": [one, two]}, shape).modified
