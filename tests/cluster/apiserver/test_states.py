"""Field selectors, Scale, statuses and Services over the wire, where the real rules are not obvious."""

from __future__ import annotations

from typing import Any

import pytest
from apiserver_wire import Wire

APPS = "/apis/apps/v1/namespaces/default"
SERVICES = "/api/v1/namespaces/default/services"
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "i"}]}}
WORKLOAD = {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}
MERGE = "application/merge-patch+json"


async def ask(wire: Wire, method: str, path: str, body: Any = None, sent: str = "application/json") -> tuple[int, Any]:
    reply = await wire.call(method, path, body, content_type=sent)
    return reply.status, reply.json()


@pytest.mark.parametrize(
    ("path", "field", "message"),
    [
        ("/api/v1/nodes", "metadata.namespace", "field label not supported: metadata.namespace"),
        ("/api/v1/namespaces", "name", "field label not supported: name"),
        ("/apis/events.k8s.io/v1/events", "involvedObject.kind", "field label not supported: involvedObject.kind"),
        (
            "/api/v1/persistentvolumes",
            "status.phase",
            '"status.phase" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
        (
            "/apis/resource.k8s.io/v1/resourceslices",
            "metadata.uid",
            "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: metadata.uid",
        ),
    ],
)
async def test_a_field_a_kind_does_not_select_by_is_refused_in_its_words(
    wire: Wire, path: str, field: str, message: str
) -> None:
    status, answer = await ask(wire, "GET", f"{path}?fieldSelector={field}=x")
    assert (status, answer["message"]) == (400, message)


@pytest.mark.parametrize("field", ["spec.host", "status.podIPs"])
async def test_pods_are_selected_by_old_names_too(wire: Wire, field: str) -> None:
    status, _ = await ask(wire, "GET", f"/api/v1/pods?fieldSelector={field}=x")
    assert status == 200


async def test_deleting_jobs_warns_of_their_pods_once_the_selector_is_understood(wire: Wire) -> None:
    jobs = "/apis/batch/v1/namespaces/default/jobs"
    understood = await wire.call("DELETE", f"{jobs}?fieldSelector=metadata.name=x")
    refused = await wire.call("DELETE", f"{jobs}?fieldSelector=spec.x=1")
    assert "child pods are preserved" in understood.headers["warning"]
    assert refused.status == 400
    assert "warning" not in refused.headers


@pytest.mark.parametrize(
    ("meta", "status", "message"),
    [
        ({"name": "d", "namespace": "other"}, 400, "the namespace of the provided object does not match the namespace"),
        ({}, 400, "the name of the object (d based on URL) was undeterminable"),
        ({"name": "e"}, 400, "the name of the object (e) does not match the name on the URL (d)"),
        ({"name": "d", "uid": "abc"}, 409, "Precondition failed: UID in precondition: abc"),
    ],
)
async def test_a_scale_that_means_another_object_changes_nothing(
    wire: Wire, meta: dict[str, str], status: int, message: str
) -> None:
    await ask(wire, "POST", f"{APPS}/deployments", {"metadata": {"name": "d"}, "spec": {"replicas": 1, **WORKLOAD}})
    scale = {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta, "spec": {"replicas": 5}}
    code, answer = await ask(wire, "PUT", f"{APPS}/deployments/d/scale", scale)
    _, held = await ask(wire, "GET", f"{APPS}/deployments/d")
    assert code == status
    assert message in answer["message"]
    assert held["spec"]["replicas"] == 1


@pytest.mark.parametrize(
    ("plural", "spec", "state", "field"),
    [
        ("statefulsets", {"serviceName": "s"}, {"replicas": 1, "readyReplicas": 2}, "status.readyReplicas"),
        ("daemonsets", {}, {"numberReady": -1}, "status.numberReady"),
    ],
)
async def test_counts_of_a_status_are_checked(
    wire: Wire, plural: str, spec: dict[str, Any], state: dict[str, int], field: str
) -> None:
    await ask(wire, "POST", f"{APPS}/{plural}", {"metadata": {"name": "x"}, "spec": {**spec, **WORKLOAD}})
    code, answer = await ask(wire, "PATCH", f"{APPS}/{plural}/x/status", {"status": state}, MERGE)
    assert code == 422
    assert field in [cause["field"] for cause in answer["details"]["causes"]]


@pytest.mark.parametrize(
    ("spec", "field", "words"),
    [
        ({"externalIPs": ["010.0.0.1"]}, "spec.externalIPs[0]", "must not have leading 0s"),
        ({"clusterIP": "010.96.0.7"}, "spec.clusterIPs[0]", "must not have leading 0s"),
        (
            {"type": "LoadBalancer", "loadBalancerSourceRanges": ["1.2.3.4/24"]},
            "spec.LoadBalancerSourceRanges[0]",
            "must not have bits set beyond the prefix length",
        ),
    ],
)
async def test_a_new_service_spells_addresses_plainly(wire: Wire, spec: dict[str, Any], field: str, words: str) -> None:
    code, answer = await ask(
        wire, "POST", SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], **spec}}
    )
    assert code == 422
    assert [(cause["field"], words in cause["message"]) for cause in answer["details"]["causes"]] == [(field, True)]


async def test_the_health_check_port_of_a_service_stays(wire: Wire) -> None:
    spec = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": [{"port": 80}]}
    _, made = await ask(wire, "POST", SERVICES, {"metadata": {"name": "s"}, "spec": spec})
    other = made["spec"]["healthCheckNodePort"] ^ 1
    code, answer = await ask(wire, "PATCH", f"{SERVICES}/s", {"spec": {"healthCheckNodePort": other}}, MERGE)
    assert (code, answer["details"]["causes"][0]["message"]) == (422, "Forbidden: field is immutable")


@pytest.mark.parametrize(
    ("spec", "warning"),
    [
        ({"clusterIP": "None"}, "spec.externalIPs is ignored for headless services"),
        ({"type": "ExternalName", "externalName": "a.b"}, "spec.externalIPs is ignored when spec.type is"),
    ],
)
async def test_external_addresses_nobody_reads_are_warned_of(wire: Wire, spec: dict[str, Any], warning: str) -> None:
    body = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], "externalIPs": ["1.2.3.4"], **spec}}
    reply = await wire.call("POST", SERVICES, body)
    assert warning in reply.headers["warning"]
    assert "deprecated" not in reply.headers["warning"]


async def test_requirements_of_one_key_are_shown_in_the_order_they_were_written(wire: Wire) -> None:
    needs = [
        {"key": "a", "operator": "In", "values": ["c", "b"]},
        {"key": "z", "operator": "DoesNotExist"},
        {"key": "a", "operator": "Exists"},
    ]
    spec = {"selector": {"matchExpressions": needs}, "template": TEMPLATE}
    await ask(wire, "POST", f"{APPS}/deployments", {"metadata": {"name": "d"}, "spec": spec})
    reply = await wire.call("GET", f"{APPS}/deployments/d", Accept="application/json;as=Table;v=v1;g=meta.k8s.io")
    assert reply.json()["rows"][0]["cells"][7] == "a in (b,c),a,!z"


@pytest.mark.parametrize(
    ("spec", "field", "words"),
    [
        ({"clusterIP": "1.2.3.4"}, "spec.clusterIPs", "the provided network does not match the current range"),
        ({"clusterIP": "fd00::1"}, "spec.clusterIPs[0]", "IPv6 is not configured on this cluster"),
        ({"ipFamilies": ["IPv4", "IPv6"]}, "spec.ipFamilyPolicy", "when multiple IP families are specified"),
        ({"ipFamilyPolicy": "RequireDualStack"}, "spec.ipFamilyPolicy", "not configured for dual-stack services"),
    ],
)
async def test_families_a_cluster_does_not_have_are_refused_by_what_asked_for_them(
    wire: Wire, spec: dict[str, Any], field: str, words: str
) -> None:
    body = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], **spec}}
    code, answer = await ask(wire, "POST", SERVICES, body)
    assert code == 422
    assert [(cause["field"], words in cause["message"]) for cause in answer["details"]["causes"]] == [(field, True)]


async def test_a_headless_service_without_a_selector_has_both_families_until_it_asks_for_one(wire: Wire) -> None:
    spec = {"clusterIP": "None", "ipFamilies": ["IPv6"]}
    _, made = await ask(wire, "POST", SERVICES, {"metadata": {"name": "s"}, "spec": spec})
    assert made["spec"]["ipFamilies"] == ["IPv6", "IPv4"]
    code, _ = await ask(wire, "PATCH", f"{SERVICES}/s", {"spec": {"ipFamilies": ["IPv6"]}}, MERGE)
    assert code == 422
    _, single = await ask(wire, "PATCH", f"{SERVICES}/s", {"spec": {"ipFamilyPolicy": "SingleStack"}}, MERGE)
    assert single["spec"]["ipFamilies"] == ["IPv6"]


async def test_two_names_of_one_annotation_say_the_same(wire: Wire) -> None:
    said = {"service.kubernetes.io/topology-mode": "x", "service.kubernetes.io/topology-aware-hints": "auto"}
    body = {"metadata": {"name": "s", "annotations": said}, "spec": {"ports": [{"port": 80}]}}
    code, answer = await ask(wire, "POST", SERVICES, body)
    field = "metadata.annotations[service.kubernetes.io/topology-mode]"
    assert (code, answer["details"]["causes"][0]["field"]) == (422, field)


async def test_a_nodes_older_range_decides_and_what_is_written_once_stays(wire: Wire) -> None:
    nodes = "/api/v1/nodes"
    spec = {"podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.1.0/24"]}
    _, made = await ask(wire, "POST", nodes, {"metadata": {"name": "n"}, "spec": spec})
    assert made["spec"]["podCIDRs"] == ["10.0.0.0/24"]
    for change, field in (({"podCIDR": "10.9.0.0/24"}, "spec.podCIDRs"), ({"externalID": "z"}, "spec.externalID")):
        code, answer = await ask(wire, "PATCH", f"{nodes}/n", {"spec": change}, MERGE)
        assert (code, answer["details"]["causes"][0]["field"]) == (422, field)


async def test_finalizers_of_a_new_namespace_are_qualified_names(wire: Wire) -> None:
    body = {"metadata": {"name": "n"}, "spec": {"finalizers": ["x", "a/b"]}}
    code, answer = await ask(wire, "POST", "/api/v1/namespaces", body)
    assert (code, [cause["field"] for cause in answer["details"]["causes"]]) == (422, ["spec.finalizers"])
