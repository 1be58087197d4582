"""[sig-api-machinery] ResourceQuota: what is counted, what is refused, and scopes."""

from __future__ import annotations

from typing import Any

from conformance_api import FORBIDDEN, MISSING, STRATEGIC, Api, config_map, conforms, eventually, expect, pod

Obj = dict[str, Any]
_PREFIX = "[sig-api-machinery] ResourceQuota "
HARD = {
    "pods": "5", "services": "10", "services.nodeports": "1", "services.loadbalancers": "1",
    "replicationcontrollers": "10", "resourcequotas": "1", "secrets": "10", "configmaps": "10",
    "persistentvolumeclaims": "10", "requests.storage": "10Gi", "cpu": "1", "memory": "500Mi",
    "requests.ephemeral-storage": "50Gi", "limits.ephemeral-storage": "50Gi", "count/replicasets.apps": "5",
}  # fmt: skip


def _quota(api: Api, name: str = "test-quota", hard: Obj | None = None, **spec: Any) -> Obj:
    body = {"metadata": {"name": name}, "spec": {"hard": hard or HARD, **spec}}
    made = api.post(api.core("resourcequotas"), body, 201)
    eventually(lambda: api.get(api.core("resourcequotas", name)), lambda q: (q.get("status") or {}).get("used"))
    return made


def _used(api: Api, name: str = "test-quota", **wanted: str) -> None:
    """Waits for those figures; `_` stands for what a keyword cannot hold."""
    figures = {key.replace("__", "/").replace("_", "."): value for key, value in wanted.items()}

    def look() -> Obj:
        status = api.get(api.core("resourcequotas", name)).get("status") or {}
        return {key: (status.get("used") or {}).get(key) for key in figures}

    eventually(look, lambda found: found == figures)


def _kept_off(name: str, requests: Obj | None = None, limits: Obj | None = None, **spec: Any) -> Obj:
    """A pod that no node will take."""
    resources = {key: value for key, value in (("requests", requests), ("limits", limits)) if value}
    box = {"name": "pause", "image": "registry.k8s.io/pause:3.10", "resources": resources}
    return pod(name, containers=[box], nodeSelector={"no": "node"}, **spec)


@conforms(_PREFIX + "should create a ResourceQuota and ensure its status is promptly calculated.")
def test_quota_status(api: Api) -> None:
    _quota(api)
    status = eventually(lambda: api.get(api.core("resourcequotas", "test-quota")), lambda q: q.get("status"))["status"]
    assert status["hard"] == HARD
    assert status["used"]["resourcequotas"] == "1"
    assert status["used"]["pods"] == "0"


@conforms(_PREFIX + "should create a ResourceQuota and capture the life of a service.")
def test_quota_service(api: Api) -> None:
    _quota(api)
    where = api.core("services")

    def service(name: str, kind: str) -> Obj:
        return {"metadata": {"name": name}, "spec": {"type": kind, "ports": [{"port": 80}]}}

    api.post(where, service("plain", "ClusterIP"), 201)
    api.post(where, service("port", "NodePort"), 201)
    _used(api, services="2", services_nodeports="1", services_loadbalancers="0")
    api.post(where, service("balanced", "LoadBalancer"), FORBIDDEN)
    api.delete(f"{where}/port")
    _used(api, services="1", services_nodeports="0")
    api.delete(f"{where}/plain")
    _used(api, services="0")


@conforms(_PREFIX + "should create a ResourceQuota and capture the life of a secret.")
def test_quota_secret(api: Api) -> None:
    _quota(api)
    api.post(api.core("secrets"), {"metadata": {"name": "s"}, "data": {"a": "YQ=="}}, 201)
    _used(api, secrets="1")
    api.delete(api.core("secrets", "s"))
    _used(api, secrets="0")


@conforms(_PREFIX + "should create a ResourceQuota and capture the life of a configMap.")
def test_quota_config_map(api: Api) -> None:
    # The controller's own one is counted too.
    eventually(lambda: api.items(api.core("configmaps")), lambda items: len(items) == 1)
    _quota(api)
    _used(api, configmaps="1")
    api.post(api.core("configmaps"), config_map("c", a="b"), 201)
    _used(api, configmaps="2")
    api.delete(api.core("configmaps", "c"))
    _used(api, configmaps="1")


@conforms(_PREFIX + "should create a ResourceQuota and capture the life of a pod.")
def test_quota_pod(api: Api) -> None:
    _quota(api)
    where, some = api.core("pods"), {"cpu": "500m", "memory": "252Mi", "ephemeral-storage": "30Gi"}
    limits = {"ephemeral-storage": "30Gi"}
    api.post(where, _kept_off("test-pod", some, limits), 201)
    used = {"pods": "1", "cpu": "500m", "memory": "252Mi", "requests.ephemeral-storage": "30Gi"}
    eventually(
        lambda: api.get(api.core("resourcequotas", "test-quota"))["status"]["used"],
        lambda found: all(found[key] == value for key, value in used.items()),
    )
    api.post(where, _kept_off("fail", {**some, "cpu": "600m", "memory": "100Mi"}, limits), FORBIDDEN)
    api.put(f"{where}/test-pod", {**api.get(f"{where}/test-pod"), "metadata": _labelled(api.get(f"{where}/test-pod"))})
    _used(api, pods="1", cpu="500m")
    api.delete(f"{where}/test-pod", {"gracePeriodSeconds": 0})
    _used(api, pods="0", cpu="0", memory="0")


def _labelled(obj: Obj) -> Obj:
    return {**obj["metadata"], "labels": {"a": "b"}}


def _controller(kind: str, version: str, name: str, selector: Any) -> Obj:
    template = {"metadata": {"labels": {"name": name}}, "spec": pod("x")["spec"]}
    spec = {"replicas": 0, "selector": selector, "template": template}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


@conforms(_PREFIX + "should create a ResourceQuota and capture the life of a replication controller.")
def test_quota_replication_controller(api: Api) -> None:
    _quota(api)
    body = _controller("ReplicationController", "v1", "rc", {"name": "rc"})
    api.post(api.core("replicationcontrollers"), body, 201)
    _used(api, replicationcontrollers="1")
    api.delete(api.core("replicationcontrollers", "rc"))
    _used(api, replicationcontrollers="0")


@conforms(_PREFIX + "should create a ResourceQuota and capture the life of a replica set.")
def test_quota_replica_set(api: Api) -> None:
    _quota(api)
    body = _controller("ReplicaSet", "apps/v1", "rs", {"matchLabels": {"name": "rs"}})
    api.post(api.group("apps/v1", "replicasets"), body, 201)
    _used(api, count__replicasets_apps="1")
    api.delete(api.group("apps/v1", "replicasets", "rs"))
    _used(api, count__replicasets_apps="0")


@conforms(_PREFIX + "should verify ResourceQuota with terminating scopes.")
def test_quota_terminating(api: Api) -> None:
    hard = {"pods": "5", "requests.cpu": "1", "requests.memory": "500Mi"}
    _quota(api, "terminating", hard, scopes=["Terminating"])
    _quota(api, "not-terminating", hard, scopes=["NotTerminating"])
    some = {"cpu": "500m", "memory": "200Mi"}
    for name, deadline, mine, other in (
        ("long", {}, "not-terminating", "terminating"),
        ("short", {"activeDeadlineSeconds": 3600}, "terminating", "not-terminating"),
    ):
        api.post(api.core("pods"), _kept_off(name, some, **deadline), 201)
        _used(api, mine, pods="1", requests_cpu="500m", requests_memory="200Mi")
        _used(api, other, pods="0", requests_cpu="0")
        api.delete(api.core("pods", name), {"gracePeriodSeconds": 0})
        _used(api, mine, pods="0", requests_cpu="0", requests_memory="0")


@conforms(_PREFIX + "should verify ResourceQuota with best effort scope.")
def test_quota_best_effort(api: Api) -> None:
    _quota(api, "best", {"pods": "5"}, scopes=["BestEffort"])
    _quota(api, "not-best", {"pods": "5"}, scopes=["NotBestEffort"])
    some = {"cpu": "100m", "memory": "100Mi"}
    for name, resources, mine, other in (("be", None, "best", "not-best"), ("bu", some, "not-best", "best")):
        api.post(api.core("pods"), _kept_off(name, resources, resources), 201)
        _used(api, mine, pods="1")
        _used(api, other, pods="0")
        api.delete(api.core("pods", name), {"gracePeriodSeconds": 0})
        _used(api, mine, pods="0")


@conforms(_PREFIX + "should be able to update and delete ResourceQuota.")
def test_quota_update(api: Api) -> None:
    _quota(api, hard={"cpu": "1", "memory": "500Mi"})
    path = api.core("resourcequotas", "test-quota")

    def more(quota: Obj) -> None:
        quota["spec"]["hard"] = {"cpu": "2", "memory": "1Gi"}

    assert api.change(path, more)["spec"]["hard"] == {"cpu": "2", "memory": "1Gi"}
    assert api.get(path)["spec"]["hard"] == {"cpu": "2", "memory": "1Gi"}
    api.delete(path)
    api.get(path, MISSING)


@conforms(_PREFIX + "should manage the lifecycle of a ResourceQuota")
def test_quota_lifecycle(api: Api) -> None:
    where = api.core("resourcequotas")
    body = {"metadata": {"name": "life", "labels": {"life": "yes"}}, "spec": {"hard": {"cpu": "1", "memory": "500Mi"}}}
    api.post(where, body, 201)
    assert api.get(f"{where}/life")["spec"]["hard"] == {"cpu": "1", "memory": "500Mi"}
    assert len(api.items("/api/v1/resourcequotas", labelSelector="life=yes")) == 1
    change = {"metadata": {"labels": {"quota": "patched"}}, "spec": {"hard": {"memory": "750Mi"}}}
    seen = api.patch(f"{where}/life", change, mime=STRATEGIC)
    assert seen["metadata"]["labels"]["quota"] == "patched"
    assert seen["spec"]["hard"] == {"cpu": "1", "memory": "750Mi"}
    api.delete(where, labelSelector="quota=patched")
    assert not api.items("/api/v1/resourcequotas", labelSelector="life=yes")


@conforms(_PREFIX + "should apply changes to a resourcequota status")
def test_quota_status_changes(api: Api) -> None:
    _quota(api, hard={"cpu": "500", "memory": "500Gi"})
    path = api.core("resourcequotas", "test-quota")
    label = {"metadata": {"labels": {"e2e-rq": "yes"}}}
    api.patch(path, label, mime=STRATEGIC)
    with api.watch(api.core("resourcequotas"), labelSelector="e2e-rq=yes") as events:
        _used(api, cpu="0")
        obj = api.get(f"{path}/status")
        obj["status"]["hard"] = {"cpu": "250", "memory": "250Gi"}
        assert api.put(f"{path}/status", obj)["status"]["hard"] == {"cpu": "250", "memory": "250Gi"}
        expect(events, "MODIFIED", lambda o: o["status"]["hard"] == {"cpu": "250", "memory": "250Gi"})
        # The controller puts right what was written over when it next looks: a change of the spec makes it.
        api.patch(path, {"spec": {"hard": {"cpu": "501"}}})
        expect(events, "MODIFIED", lambda o: o["status"]["hard"] == {"cpu": "501", "memory": "500Gi"})
        seen = api.patch(f"{path}/status", {"status": {"hard": {"cpu": "125"}}})
        assert seen["status"]["hard"]["cpu"] == "125"
        expect(events, "MODIFIED", lambda o: o["status"]["hard"]["cpu"] == "125")
        api.patch(path, {"spec": {"hard": {"cpu": "502"}}})
        expect(events, "MODIFIED", lambda o: o["status"]["hard"]["cpu"] == "502")
    assert api.get(path)["spec"]["hard"] == {"cpu": "502", "memory": "500Gi"}
