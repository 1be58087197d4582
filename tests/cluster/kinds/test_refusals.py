"""What a real API server 1.36 said of objects with one fault each: the same fault is found here, and no other.

`refusals.json` holds the objects and, a line each, the place that was changed, what was put there, and the cause
that came back: [object, path, value, field, message].
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cluster.kinds.apps.templates import name_warning
from cluster.kinds.checks import canonical_cidr, cidr_warnings, ip_warnings, legacy_cidr, legacy_ip
from cluster.kinds.kind import Kind
from cluster.kinds.metadata import validate_metadata, validate_metadata_update
from cluster.kinds.podspec.defaults import pull_policy
from cluster.kinds.podspec.disabled import drop_disabled
from cluster.kinds.podspec.warnings import pod_warnings
from cluster.kinds.registry import KindRegistry
from cluster.kinds.schema import DecodeFault, schema
from cluster.meta.objects import clone
from cluster.meta.types import GroupVersion, GroupVersionKind, Obj

RECORDED = json.loads(Path(__file__).with_name("refusals.json").read_text(encoding="utf-8"))
REGISTRY = KindRegistry.builtin("1.36")
REMOVED = "__del__"


def kind_of(obj: Obj) -> Kind:
    gv = GroupVersion.parse(obj["apiVersion"])
    found = REGISTRY.by_gvk(GroupVersionKind(gv.group, gv.version, obj["kind"]))
    assert found is not None
    return found


def changed(base: Obj, path: list[Any], value: Any) -> Obj:
    obj = clone(base)
    at: Any = obj
    for step in path[:-1]:
        at = at[step]
    if isinstance(at, list) and path and path[-1] == len(at):
        at.append(value)
    elif value == REMOVED:
        del at[path[-1]]
    elif path:
        at[path[-1]] = value
    return obj


def causes(sent: Obj) -> list[dict[str, str]]:
    kind = kind_of(sent)
    if kind.namespaced:
        sent["metadata"].setdefault("namespace", "differ")
    obj = schema().decode_kind(kind, sent).obj
    kind.strategy.default(obj)
    obj["metadata"] |= {"uid": "u", "creationTimestamp": "2020-01-01T00:00:00Z"}
    kind.strategy.prepare_create(obj)
    return [fault.cause().as_dict() for fault in validate_metadata(obj, kind) + kind.strategy.validate(obj)]


@pytest.mark.parametrize("base", sorted(RECORDED["bases"]))
def test_one_fault_is_refused_as_recorded(base: str) -> None:
    for name, path, value, field, message in RECORDED["refusals"]:
        if name == base:
            found = [
                (cause["field"], cause["message"]) for cause in causes(changed(RECORDED["bases"][base], path, value))
            ]
            assert found == [(field, message)], (path, value)


def pod(**spec: Any) -> Obj:
    return {"containers": [{"name": "c", "image": "x"}], **spec}


@pytest.mark.parametrize(
    ("spec", "warning"),
    [
        (
            pod(nodeSelector={"beta.kubernetes.io/os": "linux"}),
            'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
        ),
        (
            pod(hostAliases=[{"ip": "1.1.1.1"}, {"ip": "1.1.1.1"}]),
            'spec.hostAliases[1].ip: duplicate ip "1.1.1.1"',
        ),
        (
            {"containers": [{"name": "c", "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}]},
            'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
        ),
        (
            pod(volumes=[{"name": "v", "configMap": {"name": "m", "items": [{"path": "a"}, {"path": "a/b"}]}}]),
            'volume "v" (ConfigMap "m"): overlapping paths: "a/b" with "a"',
        ),
        (
            pod(topologySpreadConstraints=[{"topologyKey": "z"}]),
            "spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod",
        ),
        (
            {"containers": [{"name": "c", "ports": [{"containerPort": 1, "protocol": "TCP", "hostIP": "1.1.1.1"}]}]},
            "spec.containers[0].ports[0]: hostIP set without hostPort: "
            "{Name: HostPort:0 ContainerPort:1 Protocol:TCP HostIP:1.1.1.1}",
        ),
        (
            pod(overhead={"memory": "1500m"}),
            'spec.overhead[memory]: fractional byte value "1500m" is invalid, must be an integer',
        ),
    ],
)
def test_what_is_odd_about_a_pod_is_warned_of(spec: Obj, warning: str) -> None:
    assert pod_warnings({}, spec) == [warning]
    assert pod_warnings({}, pod()) == []


def test_an_embedded_structure_stands_in_the_path_of_a_wrong_type() -> None:
    probe = {"tcpSocket": {"host": 5}}
    sent = {"spec": {"containers": [{"livenessProbe": probe}]}}
    with pytest.raises(
        DecodeFault, match=r"TCPSocketAction\.spec\.containers\.livenessProbe\.ProbeHandler\.tcpSocket\.host"
    ):
        schema().decode("io.k8s.api.core.v1.Pod", sent)


def test_fields_under_development_are_left_out_unless_in_use() -> None:
    spec = pod(schedulingGroup={"podGroupName": "g"})
    spec["containers"][0]["lifecycle"] = {"stopSignal": "SIGTERM"}
    stored = clone(spec)
    drop_disabled(spec)
    assert spec == pod()
    kept = clone(stored)
    drop_disabled(kept, stored)
    assert kept == stored


@pytest.mark.parametrize("image", ["Bad_Image!", "a" * 256, "0" * 64, "x@sha256:" + "0" * 64])
def test_what_is_no_name_of_an_image_is_not_pulled_always(image: str) -> None:
    assert pull_policy(image) == "IfNotPresent"


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ("10.0.0.1", []),
        ("010.0.0.1", ["must not have leading 0s"]),
        ("::ffff:10.0.0.1", ["must not be an IPv4-mapped IPv6 address"]),
        ("x", ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]),
    ],
)
def test_addresses_in_old_fields(text: str, complaints: list[str]) -> None:
    assert [fault.detail for fault in legacy_ip("p", text)] == complaints


def test_ranges_in_old_and_new_fields() -> None:
    assert legacy_cidr("p", "10.0.0.0/8") == []
    assert [f.detail for f in legacy_cidr("p", "10.0.0.1/8")] == ["must not have bits set beyond the prefix length"]
    assert [f.detail for f in canonical_cidr("p", "fd00:0::/64")] == ['must be in canonical form ("fd00::/64")']
    assert cidr_warnings("p", "fd00:0::/64")
    assert ip_warnings("p", "fd00:0::1") == [
        'p: IPv6 address "fd00:0::1" should be in RFC 5952 canonical format ("fd00::1")'
    ]


def times(kind: Kind, **meta: Any) -> int:
    """How often a fault of the metadata is among the causes of an update."""
    old = {"metadata": {"name": "a", "namespace": "n", "resourceVersion": "1"}}
    new = {"metadata": {**old["metadata"], **meta}}
    return len(validate_metadata_update(new, old, kind, kind.strategy.update_metadata))


def test_the_metadata_of_an_update_is_looked_at_as_often_as_the_kind_does() -> None:
    by_name = {kind.plural: kind for kind in REGISTRY if kind.version == "v1" and kind.group in ("", "apps", "policy")}
    found = {
        name: (times(kind, labels={"bad key": ""}), times(kind, finalizers=["bare"]))
        for name, kind in by_name.items()
        if name in ("configmaps", "limitranges", "deployments", "poddisruptionbudgets")
    }
    assert found == {
        "configmaps": (4, 2),
        "limitranges": (3, 1),
        "deployments": (3, 1),
        "poddisruptionbudgets": (2, 0),
    }


def test_a_name_that_is_no_label_is_warned_of() -> None:
    assert name_warning({"metadata": {"name": "a.b"}}, "used") != []


def test_two_sources_of_a_claim_have_to_be_the_same() -> None:
    one, two = {"kind": "PersistentVolumeClaim", "name": "a"}, {"kind": "PersistentVolumeClaim", "name": "b"}
    size = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1"}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"}}
    found = causes({**claim, "spec": {**size, "dataSource": one, "dataSourceRef": two}})
    assert [c["message"] for c in found] == ["Invalid value: {}: must match dataSourceRef"]


@pytest.mark.parametrize(
    ("resource", "spec", "warned"),
    [
        (
            "networkpolicies",
            {
                "podSelector": {},
                "ingress": [{"from": [{"ipBlock": {"cidr": "fd00:0::/64", "except": ["fd00:0:0::/80"]}}]}],
            },
            [
                f'spec.ingress[0].from[0].ipBlock.{field}: IPv6 CIDR value "{given}" should be in RFC 5952 canonical '
                f'format ("{meant}")'
                for field, given, meant in (
                    ("cidr", "fd00:0::/64", "fd00::/64"),
                    ("except[0]", "fd00:0:0::/80", "fd00::/80"),
                )
            ],
        ),
        (
            "services",
            {
                "type": "LoadBalancer",
                "loadBalancerSourceRanges": ["10.0.0.0/8", "fd00:0::/64"],
                "ports": [{"port": 80}],
            },
            [
                'spec.loadBalancerSourceRanges[1]: IPv6 CIDR value "fd00:0::/64" should be in RFC 5952 canonical '
                'format ("fd00::/64")'
            ],
        ),
        (
            "services",
            {"externalIPs": ["fd00:0::1"], "ports": [{"port": 80}]},
            [
                'spec.externalIPs[0]: IPv6 address "fd00:0::1" should be in RFC 5952 canonical format ("fd00::1")',
                "spec.externalIPs is deprecated and may no longer be implemented in some clusters",
            ],
        ),
        (
            "nodes",
            {"podCIDRs": ["fd00:0::/64"]},
            ['spec.podCIDRs[0]: IPv6 CIDR value "fd00:0::/64" should be in RFC 5952 canonical format ("fd00::/64")'],
        ),
    ],
)
def test_addresses_in_other_spellings_are_warned_about(resource: str, spec: Obj, warned: list[str]) -> None:
    kind = next(kind for kind in REGISTRY if kind.plural == resource)
    assert kind.strategy.warnings({"metadata": {"name": "a"}, "spec": spec}, None) == warned


def test_an_update_of_what_stays_is_looked_at_like_a_new_object_where_the_kind_does() -> None:
    old: Obj = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "spec": {"controller": "a.io/b"}}
    update = kind_of(old).strategy.validate_update
    found = [fault.body() for fault in update({**old, "spec": {}}, old)]
    assert found == ['Invalid value: "": field is immutable', "Required value"]
    revision: Obj = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": 1, "data": {"a": 1}}
    found = [fault.body() for fault in kind_of(revision).strategy.validate_update({**revision, "data": None}, revision)]
    assert found == ["Invalid value: null: field is immutable"]


def test_roles_that_gather_others_say_which() -> None:
    role: Obj = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}}
    assert len(causes({**role, "aggregationRule": {}})) == 1
    bad = {"clusterRoleSelectors": [{"matchLabels": {"a": "no value"}}]}
    assert causes({**role, "aggregationRule": bad})[-1]["message"] == "Invalid value: null: invalid label selector."


def test_an_update_says_once_that_what_is_fixed_does_not_change() -> None:
    base = RECORDED["bases"]["StatefulSet/v1/rich"]
    strategy = kind_of(base).strategy
    old = clone(base)
    strategy.default(old)
    new = changed(old, ["spec", "serviceName"], "Bad_Name!")
    assert [str(fault.type) for fault in strategy.validate_update(new, old)] == ["FieldValueForbidden"]
    blocks: Obj = {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "spec": {"cidrs": ["10.0.0.0/8"]}}
    update = kind_of(blocks).strategy.validate_update
    assert [f.path for f in update({**blocks, "spec": {"cidrs": ["11.0.0.0/8"]}}, blocks)] == ["spec.cidrs[0]"]
    assert [f.value for f in update({**blocks, "spec": {}}, blocks)] == [None]
    assert update({**blocks, "spec": {"cidrs": ["10.0.0.0/8", "fd00::/64"]}}, blocks) == []
    assert [f.path for f in update({**blocks, "spec": {"cidrs": ["10.0.0.0/8", "11.0.0.0/8"]}}, blocks)] == [
        "spec.cidrs"
    ]


def test_a_class_that_changes_its_provisioner_is_looked_at_whole() -> None:
    old = clone(RECORDED["bases"]["StorageClass/v1/rich"])
    strategy = kind_of(old).strategy
    strategy.default(old)
    found = [fault.body() for fault in strategy.validate_update({**old, "provisioner": ""}, old)]
    assert found == ["Required value", 'Invalid value: "": field is immutable']


def test_a_class_of_attributes_does_not_change() -> None:
    old = RECORDED["bases"]["VolumeAttributesClass/v1/rich"]
    found = kind_of(old).strategy.validate_update({**old, "driverName": ""}, old)
    assert [fault.body() for fault in found] == ["Forbidden: updates to driverName are forbidden.", "Required value"]
