"""[sig-node]: configmaps, secrets, leases, nodes, pod templates, runtime classes, sysctls, device claims."""

from __future__ import annotations

import base64
from typing import Any

from conformance_api import (
    FORBIDDEN,
    INVALID,
    MISSING,
    STRATEGIC,
    Api,
    Operations,
    config_map,
    conforms,
    expect,
    pod,
    unique,
)

Obj = dict[str, Any]


@conforms("[sig-node] ConfigMap should fail to create ConfigMap with empty key")
def test_config_map_with_empty_key(api: Api) -> None:
    body = {"metadata": {"name": "empty-key"}, "data": {"": "value-1"}}
    fault = api.post(api.core("configmaps"), body, INVALID)
    assert fault["reason"] == "Invalid"
    assert fault["details"]["causes"][0]["field"] == "data[]"
    api.get(api.core("configmaps", "empty-key"), MISSING)


@conforms("[sig-node] ConfigMap should run through a ConfigMap lifecycle")
def test_config_map_lifecycle(api: Api) -> None:
    where, labels = api.core("configmaps"), {"test-configmap-static": "true"}
    with api.watch(where, labelSelector="test-configmap-static=true") as events:
        api.post(where, config_map("life", labels, valueName="value"), 201)
        expect(events, "ADDED")
        changed = {"metadata": {"labels": {"test-configmap": "patched"}}, "data": {"valueName": "value1"}}
        api.patch(f"{where}/life", changed, mime=STRATEGIC)
        seen = expect(events, "MODIFIED")
        assert seen["data"] == {"valueName": "value1"}
        assert seen["metadata"]["labels"]["test-configmap"] == "patched"
        everywhere = api.items("/api/v1/configmaps", labelSelector="test-configmap-static=true")
        found = [item for item in everywhere if item["metadata"]["namespace"] == api.ns]
        assert [item["data"] for item in found] == [{"valueName": "value1"}]
        api.delete(where, labelSelector="test-configmap-static=true")
        expect(events, "DELETED", lambda o: o["metadata"]["name"] == "life")
    assert not api.items(where, labelSelector="test-configmap-static=true")


@conforms("[sig-node] ConfigMap should update ConfigMap successfully [NodeConformance]")
def test_config_map_update(api: Api) -> None:
    api.post(api.core("configmaps"), config_map("mine", data="value"))
    api.put(api.core("configmaps", "mine"), config_map("mine", data="value", more="2"))
    assert api.get(api.core("configmaps", "mine"))["data"] == {"data": "value", "more": "2"}


@conforms("[sig-node] Lease lease API should be available")
def test_lease(api: Api) -> None:
    where = api.group("coordination.k8s.io/v1", "leases")
    spec: Obj = {
        "holderIdentity": "holder", "leaseDurationSeconds": 30, "leaseTransitions": 0,
        "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": "2026-01-01T00:00:05.000000Z",
    }  # fmt: skip
    api.post(where, {"metadata": {"name": "lease"}, "spec": spec}, 201)
    assert api.get(f"{where}/lease")["spec"] == spec
    changed = {**spec, "holderIdentity": "holder2", "leaseDurationSeconds": 60, "leaseTransitions": 1}

    def take(lease: Obj) -> None:
        lease["spec"] = changed

    api.change(f"{where}/lease", take)
    assert api.get(f"{where}/lease")["spec"] == changed
    api.patch(f"{where}/lease", {"spec": {"leaseDurationSeconds": 90}}, mime=STRATEGIC)
    assert api.get(f"{where}/lease")["spec"] == {**changed, "leaseDurationSeconds": 90}
    for name in ("one", "two"):
        api.post(where, {"metadata": {"name": name, "labels": {"deletecollection": "true"}}, "spec": spec})
    api.delete(where, labelSelector="deletecollection=true")
    assert [lease["metadata"]["name"] for lease in api.items(where)] == ["lease"]
    api.delete(f"{where}/lease")
    api.get(f"{where}/lease", MISSING)


@conforms("[sig-node] Node Lifecycle should run through the lifecycle of a node")
def test_node_lifecycle(api: Api) -> None:
    name = unique("e2e-fake-node")
    label, nodes = f"kubernetes.io/hostname={name}", "/api/v1/nodes"
    body = {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}}
    with api.watch(nodes, labelSelector=label) as events:
        api.post(nodes, body, 201)
        assert api.get(f"{nodes}/{name}")["metadata"]["name"] == name
        assert len(api.items(nodes, labelSelector=label)) == 1
        api.patch(f"{nodes}/{name}", {"metadata": {"labels": {name: "patched"}}}, mime=STRATEGIC)
        expect(events, "MODIFIED", lambda o: o["metadata"]["labels"].get(name) == "patched")

        def mark(node: Obj) -> None:
            node["metadata"]["labels"][name] = "updated"

        assert api.change(f"{nodes}/{name}", mark)["metadata"]["labels"][name] == "updated"
        status = {"status": {"phase": "Terminated"}}
        assert api.patch(f"{nodes}/{name}/status", status, mime=STRATEGIC)["status"]["phase"] == "Terminated"
        api.delete(nodes, labelSelector=label)
        expect(events, "DELETED")
    assert not api.items(nodes, labelSelector=label)


def _pod_template() -> Obj:
    template = {"metadata": {"labels": {"app": "x"}}, "spec": pod("x")["spec"]}
    return {"template": template}


@conforms("[sig-node] PodTemplates should run the lifecycle of PodTemplates")
def test_pod_template_lifecycle(api: Api) -> None:
    where = api.core("podtemplates")
    body = {**_pod_template(), "metadata": {"name": "nginx", "labels": {"podtemplate-static": "true"}}}
    api.post(where, body, 201)
    found = api.items("/api/v1/podtemplates", labelSelector="podtemplate-static=true")
    assert [one["metadata"]["name"] for one in found] == ["nginx"]
    api.patch(f"{where}/nginx", {"metadata": {"labels": {"podtemplate": "patched"}}}, mime=STRATEGIC)
    assert api.get(f"{where}/nginx")["metadata"]["labels"]["podtemplate"] == "patched"
    api.delete(f"{where}/nginx")
    assert not api.items("/api/v1/podtemplates", labelSelector="podtemplate-static=true")


@conforms("[sig-node] PodTemplates should delete a collection of pod templates")
def test_pod_templates_collection(api: Api) -> None:
    where = api.core("podtemplates")
    for name in ("test-podtemplate-1", "test-podtemplate-2", "test-podtemplate-3"):
        api.post(where, {**_pod_template(), "metadata": {"name": name, "labels": {"podtemplate-set": "true"}}})
    assert len(api.items(where, labelSelector="podtemplate-set=true")) == 3
    api.delete(where, labelSelector="podtemplate-set=true")
    assert not api.items(where, labelSelector="podtemplate-set=true")


@conforms("[sig-node] PodTemplates should replace a pod template")
def test_pod_template_replace(api: Api) -> None:
    api.post(api.core("podtemplates"), {**_pod_template(), "metadata": {"name": "pt"}})

    def mark(template: Obj) -> None:
        template["metadata"]["annotations"] = {"updated": "true"}

    api.change(api.core("podtemplates", "pt"), mark)
    assert api.get(api.core("podtemplates", "pt"))["metadata"]["annotations"] == {"updated": "true"}


@conforms("[sig-node] RuntimeClass should reject a Pod requesting a non-existent RuntimeClass [NodeConformance]")
def test_pod_with_unknown_runtime_class(api: Api) -> None:
    fault = api.post(api.core("pods"), pod("p", runtimeClassName="nonexistent"), FORBIDDEN)
    assert fault["reason"] == "Forbidden"
    assert "RuntimeClass" in fault["message"]


@conforms("[sig-node] RuntimeClass should reject a Pod requesting a deleted RuntimeClass [NodeConformance]")
def test_pod_with_deleted_runtime_class(api: Api) -> None:
    name, where = unique("runtime-class"), "/apis/node.k8s.io/v1/runtimeclasses"
    api.post(where, {"metadata": {"name": name}, "handler": "h"}, 201)
    api.delete(f"{where}/{name}")
    api.gone(f"{where}/{name}")
    api.post(api.core("pods"), pod("p", runtimeClassName=name), FORBIDDEN)


@conforms("[sig-node] RuntimeClass should support RuntimeClasses API operations")
def test_runtime_class_operations(api: Api) -> None:
    def make() -> Obj:
        return {"handler": "conf"}

    Operations(api, "node.k8s.io/v1", "runtimeclasses", make).run()


def _secret(name: str, **data: str) -> Obj:
    encoded = {key.replace("_", "-"): base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"metadata": {"name": name, "labels": {"testsecret-constant": "true"}}, "data": encoded, "type": "Opaque"}


@conforms("[sig-node] Secrets should fail to create secret due to empty secret key")
def test_secret_with_empty_key(api: Api) -> None:
    body = {"metadata": {"name": "s"}, "data": {"": "dmFsdWUtMQ=="}}
    fault = api.post(api.core("secrets"), body, INVALID)
    assert fault["details"]["causes"][0]["field"] == "data[]"


@conforms("[sig-node] Secrets should patch a secret")
def test_secret_patch(api: Api) -> None:
    where = api.core("secrets")
    api.post(where, _secret("test-secret", key="value"), 201)
    found = api.items("/api/v1/secrets", labelSelector="testsecret-constant=true")
    assert [s["metadata"]["name"] for s in found if s["metadata"]["namespace"] == api.ns] == ["test-secret"]
    new = base64.b64encode(b"value1").decode()
    change = {"metadata": {"labels": {"testsecret": "true"}}, "data": {"key": new}}
    api.patch(f"{where}/test-secret", change, mime=STRATEGIC)
    seen = api.get(f"{where}/test-secret")
    assert seen["data"]["key"] == new
    assert seen["metadata"]["labels"]["testsecret"] == "true"
    api.delete(where, labelSelector="testsecret-constant=true")
    assert not api.items(where, labelSelector="testsecret-constant=true")


@conforms(
    "[sig-node] Sysctls [LinuxOnly] [NodeConformance] should reject invalid sysctls"
)
def test_invalid_sysctls(api: Api) -> None:
    names = ("foo-", "kernel.shmmax", "safe-and-unsafe", "bar..")
    sysctls = [{"name": name, "value": "100000000"} for name in names]
    fault = api.post(api.core("pods"), pod("p", securityContext={"sysctls": sysctls}), INVALID)
    said = fault["message"]
    assert 'Invalid value: "foo-"' in said
    assert 'Invalid value: "bar.."' in said
    assert "safe-and-unsafe" not in said
    assert "kernel.shmmax" not in said


# -- device claims ----------------------------------------------------------------------------------------------

_REQUESTS = {"devices": {"requests": [{"name": "req-0", "exactly": {"deviceClassName": "my-class"}}]}}


def _crud(api: Api, resource: str, make: Any, namespaced: bool = False, status: Obj | None = None) -> None:
    Operations(api, "resource.k8s.io/v1", resource, make, namespaced, status or {}).run()


@conforms("[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 DeviceClass")
def test_device_class(api: Api) -> None:
    _crud(api, "deviceclasses", lambda: {"spec": {"selectors": [{"cel": {"expression": "true"}}]}})


@conforms("[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceClaim")
def test_resource_claim(api: Api) -> None:
    result = {"driver": "dra.example.com", "pool": "pool", "device": "dev", "request": "req-0"}
    status = {"allocation": {"devices": {"results": [result]}}}
    _crud(api, "resourceclaims", lambda: {"spec": _REQUESTS}, True)
    where = api.group("resource.k8s.io/v1", "resourceclaims")
    api.post(where, {"metadata": {"name": "claim"}, "spec": _REQUESTS})
    seen = api.patch(f"{where}/claim/status", {"status": status})
    assert seen["status"]["allocation"]["devices"]["results"][0]["device"] == "dev"


@conforms("[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceClaimTemplate")
def test_resource_claim_template(api: Api) -> None:
    _crud(api, "resourceclaimtemplates", lambda: {"spec": {"spec": _REQUESTS}}, True)


@conforms("[sig-node] [DRA] CRUD Tests resource.k8s.io/v1 ResourceSlice")
def test_resource_slice(api: Api) -> None:
    pool = {"name": "cluster", "resourceSliceCount": 1, "generation": 1}
    spec = {"driver": "dra.example.com", "nodeName": "node-0", "pool": pool, "devices": [{"name": "dev"}]}
    _crud(api, "resourceslices", lambda: {"spec": spec})
