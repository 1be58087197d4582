"""Kinds as data: the registry, written forms, schedules, custom kinds, conversions, the words of tables."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cluster.kinds.autoscaling.conversion import to_v1, to_v2
from cluster.kinds.batch.schedule import complaint
from cluster.kinds.columns import described
from cluster.kinds.custom import kinds_of
from cluster.kinds.events.event import from_core, to_core
from cluster.kinds.jsonpath import compiled
from cluster.kinds.podspec.defaults import pull_policy
from cluster.kinds.podspec.qos import qos_class
from cluster.kinds.printers.text import duration
from cluster.kinds.registry import KindRegistry, version_rank
from cluster.kinds.selectors_check import matches
from cluster.kinds.wire import shape
from cluster.meta.types import GroupVersion, GroupVersionKind

POD_SPEC = "io.k8s.api.core.v1.PodSpec"


def test_every_served_kind_is_found_by_both_names() -> None:
    registry = KindRegistry.builtin("1.36")
    for kind in registry:
        assert registry.by_gvk(kind.gvk) is kind
        assert registry.by_gvr(kind.gvr) is kind


def test_core_comes_first_and_resources_are_sorted() -> None:
    registry = KindRegistry.builtin("1.36")
    assert registry.group_versions()[0] == GroupVersion("", "v1")
    assert registry.versions("autoscaling") == ["v2", "v1"]
    plurals = [kind.plural for kind in registry.resources(GroupVersion("", "v1"))]
    assert plurals == sorted(plurals)


def test_older_versions_serve_fewer_kinds() -> None:
    assert KindRegistry.builtin("1.29").resource("networking.k8s.io", "v1", "ipaddresses") is None
    assert KindRegistry.builtin("1.33").resource("networking.k8s.io", "v1", "ipaddresses") is not None


@pytest.mark.parametrize("version", ["1.28", "1.38", "nonsense"])
def test_versions_out_of_range_are_refused(version: str) -> None:
    with pytest.raises(ValueError, match=r"version|supported"):
        KindRegistry.builtin(version)


def test_kinds_spoken_by_subresources_have_no_resource() -> None:
    registry = KindRegistry.builtin("1.36")
    eviction = registry.by_gvk(GroupVersionKind("policy", "v1", "Eviction"))
    assert eviction is not None
    assert eviction not in list(registry)


def test_versions_rank_as_kubernetes_ranks_them() -> None:
    assert sorted(["foo", "v1alpha1", "v2", "v1beta2", "v1", "v10"], key=version_rank) == [
        "v10", "v2", "v1", "v1beta2", "v1alpha1", "foo",
    ]  # fmt: skip


def test_zero_values_vanish_and_fixed_fields_appear() -> None:
    spec: dict[str, Any] = {"hostNetwork": False, "nodeSelector": {}, "containers": [{"name": "c", "tty": False}]}
    shape(spec, POD_SPEC)
    assert spec == {"containers": [{"name": "c", "resources": {}}]}


def test_a_second_shaping_changes_nothing() -> None:
    spec: dict[str, Any] = {"containers": [{"image": "x", "resources": {"limits": {"cpu": "1000m"}}}], "volumes": None}
    shape(spec, POD_SPEC)
    once = json.dumps(spec)
    shape(spec, POD_SPEC)
    assert json.dumps(spec) == once


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("a", "Always"),
        ("a:latest", "Always"),
        ("a:1", "IfNotPresent"),
        ("r:5000/a", "Always"),
        ("a@sha256:0", "IfNotPresent"),
    ],
)
def test_the_pull_policy_follows_the_tag(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


def test_quality_of_service() -> None:
    both = {"cpu": "1", "memory": "1Gi"}
    assert qos_class({"containers": [{"resources": {}}]}) == "BestEffort"
    assert qos_class({"containers": [{"resources": {"requests": {"cpu": "1"}}}]}) == "Burstable"
    assert qos_class({"containers": [{"resources": {"requests": both, "limits": both}}]}) == "Guaranteed"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (3 * 3600, "3h"),
        (86400 * 3, "3d"),
        (86400 * 800, "2y70d"),
    ],
)
def test_durations_are_short(seconds: int, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("schedule", ["* * * * *", "*/5 0-6 1,15 jan mon-fri", "@hourly", "@every 1h30m"])
def test_good_schedules_pass(schedule: str) -> None:
    assert complaint(schedule) == ""


@pytest.mark.parametrize("schedule", ["", "* * * *", "60 * * * *", "@never", "5-1 * * * *", "*/0 * * * *"])
def test_bad_schedules_are_explained(schedule: str) -> None:
    assert complaint(schedule)


def test_selectors_select() -> None:
    selector = {"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "NotIn", "values": ["x"]}]}
    assert matches(selector, {"a": "1"})
    assert not matches(selector, {"a": "1", "b": "x"})
    assert not matches(None, {"a": "1"})
    assert matches({}, {})


def test_an_autoscaler_survives_the_way_through_the_older_version() -> None:
    metric = {
        "type": "Pods",
        "pods": {"metric": {"name": "q"}, "target": {"type": "AverageValue", "averageValue": "10"}},
    }
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
    stored = {
        "apiVersion": "autoscaling/v2",
        "metadata": {"name": "h"},
        "spec": {"maxReplicas": 3, "metrics": [metric, cpu], "behavior": {"scaleUp": {"selectPolicy": "Max"}}},
        "status": {"desiredReplicas": 0},
    }
    older = to_v1(stored)
    assert older["spec"]["targetCPUUtilizationPercentage"] == 50
    assert to_v2(older)["spec"] == stored["spec"]


def test_events_are_one_object_under_two_names() -> None:
    event = {"apiVersion": "events.k8s.io/v1", "note": "n", "regarding": {"kind": "Pod"}, "reportingController": "c"}
    core = to_core(event)
    assert core["message"] == "n"
    assert from_core(core)["regarding"] == {"kind": "Pod"}


def definition(**version: Any) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "required": ["size"],
                "properties": {
                    "size": {"type": "integer", "minimum": 1},
                    "mode": {"type": "string", "default": "a", "enum": ["a", "b"]},
                },
            }
        },
    }
    held = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, **version}
    names = {"plural": "things", "kind": "Thing", "singular": "thing", "shortNames": ["th"]}
    return {"spec": {"group": "x.io", "scope": "Namespaced", "names": names, "versions": [held]}}


def test_a_definition_becomes_a_kind() -> None:
    (kind,) = kinds_of(
        definition(
            subresources={"status": {}, "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.n"}}
        )
    )
    assert (kind.gvr, kind.short_names, kind.namespaced) == (("x.io", "v1", "things"), ("th",), True)
    assert [sub.name for sub in kind.subresources] == ["status", "scale"]
    obj = {
        "apiVersion": "x.io/v1",
        "kind": "Thing",
        "metadata": {},
        "spec": {"size": 0, "mode": "c"},
        "status": {"n": 1},
    }
    kind.strategy.default(obj)
    kind.strategy.prepare_create(obj)
    assert "status" not in obj
    assert [fault.path for fault in kind.strategy.validate(obj)] == ["spec.mode", "spec.size"]


def test_defaults_of_a_schema_are_filled_in() -> None:
    (kind,) = kinds_of(definition())
    obj: dict[str, Any] = {"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {}, "spec": {"size": 2}}
    kind.strategy.default(obj)
    assert obj["spec"] == {"size": 2, "mode": "a"}


def test_columns_of_a_definition_are_read_by_path() -> None:
    columns = [
        {"name": "Ports", "type": "string", "jsonPath": ".spec.ports[*].n"},
        {"name": "N", "type": "integer", "jsonPath": ".spec.x"},
    ]
    (kind,) = kinds_of(definition(additionalPrinterColumns=columns))
    assert kind.table is not None
    row = kind.table.cells({"metadata": {"name": "o"}, "spec": {"ports": [{"n": 1}, {"n": 2}], "x": "no"}}, 0.0)
    assert row == ["o", "1", None]


def test_filters_of_paths() -> None:
    find = compiled('.status.conditions[?(@.type=="Ready")].status')
    assert find({"status": {"conditions": [{"type": "A", "status": "x"}, {"type": "Ready", "status": "True"}]}}) == [
        "True"
    ]
    with pytest.raises(ValueError, match="unsupported JSONPath"):
        compiled(".a[?(@.b=~/x/)]")


def test_descriptions_name_what_documents_them() -> None:
    kind = KindRegistry.builtin("1.36").resource("", "v1", "pods")
    assert kind is not None
    assert kind.table is not None
    texts = [described(column, lambda definition, field: f"{definition}#{field}") for column in kind.table.columns]
    assert texts[0] == "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta#name"


def test_a_pod_without_a_node_goes_at_once() -> None:
    kind = KindRegistry.builtin("1.36").resource("", "v1", "pods")
    assert kind is not None
    assert kind.strategy.grace_period is not None
    assert kind.strategy.grace_period({"spec": {"terminationGracePeriodSeconds": 30}}, None) == 0
    assert kind.strategy.grace_period({"spec": {"nodeName": "n", "terminationGracePeriodSeconds": 5}}, None) == 5


def test_loopback_addresses_carry_their_allowance() -> None:
    kind = KindRegistry.builtin("1.36").resource("", "v1", "endpoints")
    assert kind is not None
    faults = kind.strategy.validate({"subsets": [{"addresses": [{"ip": "127.0.0.1"}]}]})
    assert [fault.allowance for fault in faults] == ["loopback-addresses"]
