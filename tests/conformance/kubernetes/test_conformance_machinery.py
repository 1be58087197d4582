"""[sig-api-machinery]: discovery, watching, chunks, tables, namespaces, flow control, the server's version."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from conformance_api import (
    MISSING,
    NOT_ACCEPTABLE,
    STRATEGIC,
    Api,
    Operations,
    condition,
    config_map,
    conforms,
    eventually,
    expect,
    unique,
)

Obj = dict[str, Any]
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
FLOW = "flowcontrol.apiserver.k8s.io/v1"


# -- flow control -----------------------------------------------------------------------------------------------


@conforms("[sig-api-machinery] API priority and fairness should support FlowSchema API operations")
def test_flow_schema(api: Api) -> None:
    def make() -> Obj:
        rule = {
            "subjects": [{"kind": "User", "user": {"name": "example-e2e-non-existent-user"}}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
        }
        level = {"name": "global-default"}
        method = {"type": "ByUser"}
        spec = {"matchingPrecedence": 10000, "priorityLevelConfiguration": level, "distinguisherMethod": method}
        return {"spec": {**spec, "rules": [rule]}}

    def status(obj: Obj) -> None:
        obj["status"] = {"conditions": [condition("StatusUpdated")]}

    Operations(
        api, FLOW, "flowschemas", make, status={"conditions": [condition("PatchStatusFailed")]}, status_body=status
    ).run()


@conforms("[sig-api-machinery] API priority and fairness should support PriorityLevelConfiguration API operations")
def test_priority_level(api: Api) -> None:
    def make() -> Obj:
        return {
            "spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 2, "limitResponse": {"type": "Reject"}}}
        }

    def status(obj: Obj) -> None:
        obj["status"] = {"conditions": [condition("StatusUpdated")]}

    patched = {"conditions": [condition("PatchStatusFailed")]}
    Operations(api, FLOW, "prioritylevelconfigurations", make, status=patched, status_body=status).run()


def test_requests_are_classified_by_a_schema_and_a_level_that_are_added(api: Api) -> None:
    """`API priority and fairness should ensure that requests can be classified by adding FlowSchema and
    PriorityLevelConfiguration`, which is of the suite but not of its conformance part. Its two others are skipped."""
    name, where = unique("apf"), f"/apis/{FLOW}"
    limited = {"nominalConcurrencyShares": 1, "limitResponse": {"type": "Reject"}}
    level = {"metadata": {"name": name}, "spec": {"type": "Limited", "limited": limited}}
    made_level = api.http.post(f"{where}/prioritylevelconfigurations", json=level).json()
    rule = {
        "subjects": [{"kind": "User", "user": {"name": "noxu"}}],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    }
    spec = {"matchingPrecedence": 1000, "priorityLevelConfiguration": {"name": name}, "rules": [rule]}
    made_schema = api.http.post(f"{where}/flowschemas", json={"metadata": {"name": name}, "spec": spec}).json()
    try:
        eventually(lambda: _dangling(api.http.get(f"{where}/flowschemas/{name}").json()), lambda told: told == "False")
        assert f'apiserver_flowcontrol_nominal_limit_seats{{priority_level="{name}"}}' in api.http.get("/metrics").text
        found = api.http.get("/version", headers={"Impersonate-User": "noxu"}).headers
        assert found["X-Kubernetes-PF-FlowSchema-UID"] == made_schema["metadata"]["uid"]
        assert found["X-Kubernetes-PF-PriorityLevel-UID"] == made_level["metadata"]["uid"]
        other = api.http.get("/version", headers={"Impersonate-User": "foo"}).headers
        assert other["X-Kubernetes-PF-FlowSchema-UID"] not in ("", made_schema["metadata"]["uid"])
        assert other["X-Kubernetes-PF-PriorityLevel-UID"] not in ("", made_level["metadata"]["uid"])
    finally:
        api.http.delete(f"{where}/flowschemas/{name}")
        api.http.delete(f"{where}/prioritylevelconfigurations/{name}")


def _dangling(schema: Obj) -> str:
    conditions = (schema.get("status") or {}).get("conditions") or ()
    return next((str(one["status"]) for one in conditions if one["type"] == "Dangling"), "")


# -- discovery --------------------------------------------------------------------------------------------------


def _aggregated(api: Api, path: str) -> list[Obj]:
    response = api.http.get(path, headers={"Accept": f"{AGGREGATED},application/json"})
    assert response.headers["content-type"].startswith(AGGREGATED)
    found = response.json()
    assert found["kind"] == "APIGroupDiscoveryList"
    return list(found["items"])


def _shown(api: Api) -> set[tuple[str, str, str]]:
    """Group, version and resource of all that both aggregated documents show."""
    groups = [*_aggregated(api, "/api"), *_aggregated(api, "/apis")]
    return {
        (group["metadata"].get("name") or "", version["version"], one["resource"])
        for group in groups for version in group["versions"] for one in version["resources"]
    }  # fmt: skip


_BASIC = {
    ("", "v1", "namespaces"), ("", "v1", "pods"), ("", "v1", "configmaps"), ("apps", "v1", "deployments"),
    ("batch", "v1", "jobs"), ("networking.k8s.io", "v1", "ingresses"), ("rbac.authorization.k8s.io", "v1", "roles"),
    ("apiextensions.k8s.io", "v1", "customresourcedefinitions"), ("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations"),  # noqa: E501
    ("scheduling.k8s.io", "v1", "priorityclasses"), ("storage.k8s.io", "v1", "storageclasses"),
}  # fmt: skip


@conforms("[sig-api-machinery] AggregatedDiscovery should support aggregated discovery interface")
def test_aggregated_discovery(api: Api) -> None:
    shown = _shown(api)
    assert shown >= _BASIC
    plain = {
        (group["name"], version["version"], one["name"])
        for group in api.get("/apis")["groups"] for version in group["versions"]
        for one in api.get(f"/apis/{version['groupVersion']}")["resources"] if "/" not in one["name"]
    }  # fmt: skip
    assert {entry for entry in shown if entry[0]} == plain


@conforms("[sig-api-machinery] AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers")
def test_aggregated_discovery_accept(api: Api) -> None:
    for path in ("/api", "/apis"):
        for version in ("v2",):
            accept = f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
            found = api.http.get(path, headers={"Accept": accept})
            assert found.json()["apiVersion"] == f"apidiscovery.k8s.io/{version}"
        plain = api.http.get(path, headers={"Accept": "application/json"}).json()
        assert plain["kind"] == ("APIVersions" if path == "/api" else "APIGroupList")


# -- watching ---------------------------------------------------------------------------------------------------


@conforms("[sig-api-machinery] Watchers should observe add, update, and delete watch notifications on configmaps")
def test_watch_notifications(api: Api) -> None:
    where, key = api.core("configmaps"), "watch-this-configmap"
    selectors = (f"{key}=A", f"{key}=B", f"{key} in (A,B)")
    with (
        api.watch(where, labelSelector=selectors[0]) as a,
        api.watch(where, labelSelector=selectors[1]) as b,
        api.watch(where, labelSelector=selectors[2]) as both,
    ):
        api.post(where, config_map("a", {key: "A"}))
        for mutation in ("1", "2"):
            api.put(f"{where}/a", config_map("a", {key: "A"}, mutation=mutation))
        api.delete(f"{where}/a")
        api.post(where, config_map("b", {key: "B"}))
        api.delete(f"{where}/b")
        on_a = ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]
        assert [next(a)[0] for _ in on_a] == on_a
        assert [next(b)[0] for _ in range(2)] == ["ADDED", "DELETED"]
        assert [next(both)[0] for _ in range(6)] == [*on_a, "ADDED", "DELETED"]


@conforms("[sig-api-machinery] Watchers should be able to start watching from a specific resource version")
def test_watch_from_version(api: Api) -> None:
    where = api.core("configmaps")
    api.post(where, config_map("w", {"here": "yes"}))
    first = api.put(f"{where}/w", config_map("w", {"here": "yes"}, mutation="1"))
    api.put(f"{where}/w", config_map("w", {"here": "yes"}, mutation="2"))
    api.delete(f"{where}/w")
    version = first["metadata"]["resourceVersion"]
    with api.watch(where, labelSelector="here=yes", resourceVersion=version) as events:
        kind, obj = next(events)
        assert (kind, obj["data"]["mutation"]) == ("MODIFIED", "2")
        assert next(events)[0] == "DELETED"


@conforms(
    "[sig-api-machinery] Watchers should be able to restart watching from the last resource version observed by the previous watch"  # noqa: E501
)
def test_watch_restart(api: Api) -> None:
    where, params = api.core("configmaps"), {"labelSelector": "here=yes"}
    with api.watch(where, **params) as events:
        api.post(where, config_map("w", {"here": "yes"}))
        api.put(f"{where}/w", config_map("w", {"here": "yes"}, mutation="1"))
        assert next(events)[0] == "ADDED"
        last = expect(events, "MODIFIED")["metadata"]["resourceVersion"]
    api.put(f"{where}/w", config_map("w", {"here": "yes"}, mutation="2"))
    api.delete(f"{where}/w")
    with api.watch(where, resourceVersion=last, **params) as events:
        kind, obj = next(events)
        assert (kind, obj["data"]["mutation"]) == ("MODIFIED", "2")
        assert next(events)[0] == "DELETED"


@conforms(
    "[sig-api-machinery] Watchers should observe an object deletion if it stops meeting the requirements of the selector"  # noqa: E501
)
def test_watch_selector_left(api: Api) -> None:
    where = api.core("configmaps")
    with api.watch(where, labelSelector="here=yes") as events:
        api.post(where, config_map("w", {"here": "yes"}))
        api.put(f"{where}/w", config_map("w", {"here": "yes"}, mutation="1"))
        api.put(f"{where}/w", config_map("w", {"here": "no"}, mutation="1"))
        assert [next(events)[0] for _ in range(3)] == ["ADDED", "MODIFIED", "DELETED"]
        api.put(f"{where}/w", config_map("w", {"here": "no"}, mutation="2"))
        api.put(f"{where}/w", config_map("w", {"here": "yes"}, mutation="2"))
        api.put(f"{where}/w", config_map("w", {"here": "yes"}, mutation="3"))
        api.delete(f"{where}/w")
        seen = [next(events) for _ in range(3)]
        assert [kind for kind, _ in seen] == ["ADDED", "MODIFIED", "DELETED"]
        assert [obj["data"]["mutation"] for _, obj in seen] == ["2", "3", "3"]


@conforms("[sig-api-machinery] Watchers should receive events on concurrent watches in same order")
def test_watch_order(api: Api) -> None:
    where = api.core("configmaps")
    version = api.get(where, labelSelector="o=1")["metadata"]["resourceVersion"]
    made = []
    for number in range(30):
        made.append(api.post(where, config_map(f"o-{number}", {"o": "1"}))["metadata"]["resourceVersion"])
        if number % 3 == 0:
            body = config_map(f"o-{number}", {"o": "1"}, mutation="1")
            made.append(api.put(f"{where}/o-{number}", body)["metadata"]["resourceVersion"])
    for start in range(0, len(made), 4):
        since = made[start - 1] if start else version
        with api.watch(where, labelSelector="o=1", resourceVersion=since) as events:
            seen = [next(events)[1]["metadata"]["resourceVersion"] for _ in made[start:]]
        assert seen == made[start:]


# -- lists ------------------------------------------------------------------------------------------------------


def _templates(api: Api, count: int) -> str:
    spec = {"template": {"spec": {"containers": [{"name": "t", "image": "t"}]}}}
    for number in range(count):
        api.post(api.core("podtemplates"), {"metadata": {"name": f"template-{number:04}"}, **spec})
    return api.core("podtemplates")


@conforms("[sig-api-machinery] Servers with support for API chunking should return chunks of results for list calls")
def test_chunks(api: Api) -> None:
    where, count = _templates(api, 40), 40
    for limit in (1, 7, 17, 39, 40, 100):
        found, token, version, left = [], "", "", count
        while True:
            answer = api.get(where, limit=limit, **{"continue": token} if token else {})
            meta = answer["metadata"]
            version = version or meta["resourceVersion"]
            assert meta["resourceVersion"] == version
            assert len(answer["items"]) == min(limit, left)
            found += [item["metadata"]["name"] for item in answer["items"]]
            left -= len(answer["items"])
            assert meta.get("remainingItemCount") == (left or None)
            token = meta.get("continue") or ""
            if not token:
                break
        assert found == [f"template-{number:04}" for number in range(count)]
    whole = api.get(where, limit=0)
    assert len(whole["items"]) == count
    assert not whole["metadata"].get("continue")


@conforms(
    "[sig-api-machinery] Servers with support for API chunking should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent [Slow]"  # noqa: E501
)
def test_chunks_after_compaction(api: Api, compact: Callable[[], None]) -> None:
    where, count = _templates(api, 40), 40
    first = api.get(where, limit=4)
    api.post(api.core("configmaps"), config_map("meanwhile"), 201)
    compact()
    told = api.get(where, 410, limit=4, **{"continue": first["metadata"]["continue"]})
    assert told["reason"] == "Expired"
    assert told["message"].startswith("The provided continue parameter is too old to display a consistent list result")
    token, found = told["metadata"]["continue"], [item["metadata"]["name"] for item in first["items"]]
    version = ""
    while token:
        page = api.get(where, limit=4, **{"continue": token})
        meta = page["metadata"]
        version = version or meta["resourceVersion"]
        assert meta["resourceVersion"] == version != first["metadata"]["resourceVersion"]
        found += [item["metadata"]["name"] for item in page["items"]]
        assert meta.get("remainingItemCount") == (count - len(found) or None)
        token = meta.get("continue") or ""
    assert found == [f"template-{number:04}" for number in range(count)]


@conforms(
    "[sig-api-machinery] Servers with support for Table transformation should return a 406 for a backend which does not implement metadata"  # noqa: E501
)
def test_table_refused(api: Api) -> None:
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    spec = {"nonResourceAttributes": {"path": "/", "verb": "get"}}
    response = api.http.post(
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json={**review, "spec": spec},
        headers={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"},
    )  # fmt: skip
    assert response.status_code == NOT_ACCEPTABLE
    assert response.json()["reason"] == "NotAcceptable"


@conforms("[sig-api-machinery] Discovery should validate PreferredVersion for each APIGroup")
def test_preferred_versions(api: Api) -> None:
    groups = api.get("/apis")["groups"]
    assert groups
    for group in groups:
        one = api.get(f"/apis/{group['name']}")
        preferred = group["preferredVersion"]["groupVersion"]
        assert preferred in [version["groupVersion"] for version in one["versions"]]
        assert one["preferredVersion"]["groupVersion"] == preferred


@conforms("[sig-api-machinery] Discovery should locate the groupVersion and a resource within each APIGroup")
def test_each_group(api: Api) -> None:
    expected = {
        "apiregistration.k8s.io": "apiservices", "apps": "deployments", "events.k8s.io": "events",
        "authentication.k8s.io": "tokenreviews", "authorization.k8s.io": "selfsubjectaccessreviews",
        "autoscaling": "horizontalpodautoscalers", "batch": "jobs", "policy": "poddisruptionbudgets",
        "certificates.k8s.io": "certificatesigningrequests", "networking.k8s.io": "ingresses",
        "rbac.authorization.k8s.io": "clusterroles", "storage.k8s.io": "storageclasses",
        "admissionregistration.k8s.io": "mutatingwebhookconfigurations", "node.k8s.io": "runtimeclasses",
        "apiextensions.k8s.io": "customresourcedefinitions", "scheduling.k8s.io": "priorityclasses",
        "coordination.k8s.io": "leases", "discovery.k8s.io": "endpointslices",
    }  # fmt: skip
    groups = {group["name"]: group for group in api.get("/apis")["groups"]}
    for name, resource in expected.items():
        version = groups[name]["versions"][0]["groupVersion"]
        found = api.get(f"/apis/{version}")
        assert found["groupVersion"] == version
        assert resource in {one["name"] for one in found["resources"]}


@conforms("[sig-api-machinery] server version should find the server version")
def test_server_version(api: Api) -> None:
    version = api.get("/version")
    assert int(version["major"]) >= 1
    assert int(re.sub(r"[^0-9].*", "", version["minor"])) > 0


# -- namespaces -------------------------------------------------------------------------------------------------


def _namespace(api: Api) -> str:
    name = unique("ns")
    api.post("/api/v1/namespaces", {"metadata": {"name": name}}, 201)
    return f"/api/v1/namespaces/{name}"


@conforms("[sig-api-machinery] Namespaces [Serial] should patch a Namespace")
def test_namespace_patch(api: Api) -> None:
    path = _namespace(api)
    api.patch(path, {"metadata": {"labels": {"testLabel": "testValue"}}}, mime=STRATEGIC)
    assert api.get(path)["metadata"]["labels"]["testLabel"] == "testValue"
    api.delete(path)


@conforms("[sig-api-machinery] Namespaces [Serial] should apply an update to a Namespace")
def test_namespace_update(api: Api) -> None:
    path = _namespace(api)

    def mark(namespace: Obj) -> None:
        namespace["metadata"]["labels"]["updated"] = "yes"

    assert api.change(path, mark)["metadata"]["labels"]["updated"] == "yes"
    assert api.get(path)["metadata"]["labels"]["updated"] == "yes"
    api.delete(path)


@conforms("[sig-api-machinery] Namespaces [Serial] should apply changes to a namespace status")
def test_namespace_status(api: Api) -> None:
    path = _namespace(api)
    patched = api.patch(f"{path}/status", {"status": {"conditions": [condition("StatusPatch")]}})
    assert [one["type"] for one in patched["status"]["conditions"]] == ["StatusPatch"]
    obj = api.get(f"{path}/status")
    obj["status"]["conditions"].append(condition("StatusUpdate"))
    updated = api.put(f"{path}/status", obj)
    assert "StatusUpdate" in [one["type"] for one in updated["status"]["conditions"]]
    assert updated["status"]["phase"] == "Active"
    api.delete(path)


@conforms("[sig-api-machinery] Namespaces [Serial] should apply a finalizer to a Namespace")
def test_namespace_finalizer(api: Api) -> None:
    path = _namespace(api)
    api.patch(f"{path}", {"metadata": {"finalizers": []}})
    obj = api.get(path)
    assert obj["spec"]["finalizers"] == ["kubernetes"]
    obj["spec"]["finalizers"].append("e2e.example.com/fakeFinalizer")
    seen = api.put(f"{path}/finalize", obj)
    assert "e2e.example.com/fakeFinalizer" in seen["spec"]["finalizers"]
    seen["spec"]["finalizers"] = ["kubernetes"]
    assert api.put(f"{path}/finalize", seen)["spec"]["finalizers"] == ["kubernetes"]
    api.delete(path)
    api.gone(path)


@conforms(
    "[sig-api-machinery] Namespaces [Serial] should ensure that all services are removed when a namespace is deleted"
)
def test_namespace_takes_services(api: Api) -> None:
    path = _namespace(api)
    name = path.rpartition("/")[2]
    ports = [{"port": 80, "targetPort": 80}]
    api.post(
        f"{path}/services",
        {"metadata": {"name": "test-service"}, "spec": {"selector": {"a": "b"}, "ports": ports}},
        201,
    )
    api.delete(path)
    api.gone(path)
    api.post("/api/v1/namespaces", {"metadata": {"name": name}}, 201)
    assert not api.items(f"{path}/services")
    api.get(f"{path}/services/test-service", MISSING)
    api.delete(path)
