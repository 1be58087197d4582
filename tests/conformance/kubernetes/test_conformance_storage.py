"""[sig-storage]: drivers, classes, volumes and claims as the API keeps them; immutable configuration."""

from __future__ import annotations

from typing import Any

from conformance_api import (
    INVALID,
    MISSING,
    STRATEGIC,
    Api,
    Operations,
    condition,
    config_map,
    conforms,
    pod,
    unique,
)

Obj = dict[str, Any]
STORAGE = "storage.k8s.io/v1"


def _driver() -> Obj:
    return {"spec": {"volumeLifecycleModes": ["Ephemeral"], "attachRequired": False}}


@conforms("[sig-storage] CSIInlineVolumes should run through the lifecycle of a CSIDriver")
def test_csi_driver(api: Api) -> None:
    Operations(api, STORAGE, "csidrivers", _driver).run()


@conforms("[sig-storage] CSIInlineVolumes should support CSIVolumeSource in Pod API")
def test_csi_volume_source(api: Api) -> None:
    driver = unique("e2e.example.com")
    api.post(f"/apis/{STORAGE}/csidrivers", {"metadata": {"name": driver}, **_driver()}, 201)
    csi = {"driver": driver, "readOnly": True, "volumeAttributes": {"foo": "bar"}}
    mount = [{"name": "inline", "mountPath": "/mnt"}]
    box = [{"name": "c", "image": "busybox", "volumeMounts": mount}]
    where = api.core("pods")
    # Kept off every node: the point is what the API stores.
    body = pod("inline", containers=box, volumes=[{"name": "inline", "csi": csi}], nodeSelector={"no": "node"})
    made = api.post(where, body, 201)
    found = next(v for v in api.get(f"{where}/inline")["spec"]["volumes"] if v["name"] == "inline")
    assert found == {"name": "inline", "csi": csi}
    assert [p["metadata"]["name"] for p in api.items(where)] == ["inline"]
    api.patch(f"{where}/inline", {"metadata": {"labels": {"patched": "true"}}}, mime=STRATEGIC)
    seen = api.get(f"{where}/inline")
    assert seen["metadata"]["labels"] == {"patched": "true"}
    assert seen["metadata"]["uid"] == made["metadata"]["uid"]
    api.delete(f"{where}/inline", {"gracePeriodSeconds": 0})
    api.get(f"{where}/inline", MISSING)
    api.delete(f"/apis/{STORAGE}/csidrivers/{driver}")


@conforms("[sig-storage] CSINodes CSI Conformance should run through the lifecycle of a csinode")
def test_csi_node(api: Api) -> None:
    def make() -> Obj:
        name = unique("csinode")
        drivers = [{"name": "d.example.com", "nodeID": name, "topologyKeys": []}]
        return {"metadata": {"name": name}, "spec": {"drivers": drivers}}

    Operations(api, STORAGE, "csinodes", make).run()


@conforms("[sig-storage] CSIStorageCapacity should support CSIStorageCapacities API operations")
def test_csi_storage_capacity(api: Api) -> None:
    def make() -> Obj:
        return {"storageClassName": "some-storage-class"}

    Operations(api, STORAGE, "csistoragecapacities", make, namespaced=True).run()


def _immutable(api: Api, resource: str, body: Obj, key: str, value: str) -> None:
    name = body["metadata"]["name"]
    path = api.core(resource, name)
    api.post(api.core(resource), body, 201)
    changed = {**body, "data": {key: value}}
    api.put(path, changed)
    locked = api.put(path, {**changed, "immutable": True})
    assert locked["immutable"] is True
    api.put(path, {**changed, "data": {key: body["data"][key]}, "immutable": True}, INVALID)
    api.put(path, {**changed, "immutable": False}, INVALID)
    api.put(path, changed, INVALID)
    labelled = {**locked, "metadata": {**locked["metadata"], "labels": {"label1": "value1"}}}
    assert api.put(path, labelled)["metadata"]["labels"] == {"label1": "value1"}
    assert api.get(path)["data"] == {key: value}
    api.delete(path)
    api.get(path, MISSING)


@conforms("[sig-storage] ConfigMap should be immutable if `immutable` field is set")
def test_immutable_config_map(api: Api) -> None:
    _immutable(api, "configmaps", config_map("immutable", data="a"), "data", "b")


@conforms("[sig-storage] Secrets should be immutable if `immutable` field is set")
def test_immutable_secret(api: Api) -> None:
    body = {"metadata": {"name": "immutable"}, "data": {"data": "YQ=="}, "type": "Opaque"}
    _immutable(api, "secrets", body, "data", "Yg==")


def _volume(name: str) -> Obj:
    spec = {
        "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": name,
        "persistentVolumeReclaimPolicy": "Retain", "csi": {"driver": "e2e.example.com", "volumeHandle": name},
    }  # fmt: skip
    return {"metadata": {"name": name, "labels": {"e2e-pv-pool": name}}, "spec": spec}


def _claim(name: str) -> Obj:
    # Of another class than any volume's, so that nothing binds it meanwhile.
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "none"}
    return {"metadata": {"name": name, "labels": {"e2e-pv-pool": name}}, "spec": spec}


@conforms("[sig-storage] PersistentVolumes CSI Conformance should apply changes to a pv/pvc status")
def test_volume_and_claim_status(api: Api) -> None:
    name = unique("pv")
    claims, volumes = api.core("persistentvolumeclaims"), "/api/v1/persistentvolumes"
    api.post(claims, _claim(name), 201)
    api.post(volumes, _volume(name), 201)
    patched = {"status": {"conditions": [condition("StatusPatched")]}}
    seen = api.patch(f"{claims}/{name}/status", patched, mime=STRATEGIC)
    assert [c["type"] for c in seen["status"]["conditions"]] == ["StatusPatched"]

    def update(claim: Obj) -> None:
        claim["status"]["conditions"].append(condition("StatusUpdated"))

    claim = api.get(f"{claims}/{name}/status")
    update(claim)
    seen = api.put(f"{claims}/{name}/status", claim)
    assert {c["type"] for c in seen["status"]["conditions"]} == {"StatusPatched", "StatusUpdated"}
    said = {"status": {"message": "StatusPatched", "reason": "E2E patchedStatus"}}
    assert api.patch(f"{volumes}/{name}/status", said)["status"]["message"] == "StatusPatched"
    volume = api.get(f"{volumes}/{name}/status")
    volume["status"] |= {"message": "StatusUpdated", "reason": "E2E updateStatus"}
    seen = api.put(f"{volumes}/{name}/status", volume)
    assert seen["status"]["message"] == "StatusUpdated"
    assert seen["status"]["reason"] == "E2E updateStatus"
    api.delete(f"{claims}/{name}")
    api.delete(f"{volumes}/{name}")
    api.gone(f"{volumes}/{name}")


@conforms("[sig-storage] PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC")
def test_volume_and_claim_lifecycle(api: Api) -> None:
    name = unique("pv")
    claims, volumes = api.core("persistentvolumeclaims"), "/api/v1/persistentvolumes"
    label = {"labelSelector": f"e2e-pv-pool={name}"}
    for where, body in ((volumes, _volume(name)), (claims, _claim(name))):
        made = api.post(where, body, 201)
        assert len(api.items(where, **label)) == 1
        api.patch(f"{where}/{name}", {"metadata": {"labels": {name: "patched"}}}, mime=STRATEGIC)
        read = api.get(f"{where}/{name}")
        assert read["metadata"]["labels"][name] == "patched"
        assert read["metadata"]["uid"] == made["metadata"]["uid"]

        def mark(obj: Obj) -> None:
            obj["metadata"]["labels"][name] = "updated"

        assert api.change(f"{where}/{name}", mark)["metadata"]["labels"][name] == "updated"
        api.delete(f"{where}/{name}")
        api.gone(f"{where}/{name}")
        again = api.post(where, body, 201)
        assert again["metadata"]["uid"] != made["metadata"]["uid"]
        api.delete(where, **label)
        api.gone(f"{where}/{name}")


def _class() -> Obj:
    return {"provisioner": "e2e-fake-provisioner", "reclaimPolicy": "Delete"}


@conforms("[sig-storage] StorageClasses CSI Conformance should run through the lifecycle of a StorageClass")
def test_storage_class(api: Api) -> None:
    Operations(api, STORAGE, "storageclasses", _class).run()


def _attachment() -> Obj:
    source = {"persistentVolumeName": "no-such-volume"}
    return {"spec": {"attacher": "e2e-attacher", "nodeName": "no-such-node", "source": source}}


@conforms("[sig-storage] VolumeAttachment Conformance should apply changes to a volumeattachment status")
def test_volume_attachment_status(api: Api) -> None:
    name, where = unique("va"), f"/apis/{STORAGE}/volumeattachments"
    made = api.post(where, {"metadata": {"name": name}, **_attachment()}, 201)
    assert made["status"]["attached"] is False
    seen = api.patch(f"{where}/{name}/status", {"status": {"attached": True}})
    assert seen["status"]["attached"] is True
    read = api.get(f"{where}/{name}/status")
    read["status"]["attached"] = False
    assert api.put(f"{where}/{name}/status", read)["status"]["attached"] is False
    api.delete(f"{where}/{name}")
    api.gone(f"{where}/{name}")


@conforms("[sig-storage] VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment")
def test_volume_attachment(api: Api) -> None:
    Operations(api, STORAGE, "volumeattachments", _attachment).run()


@conforms(
    "[sig-storage] VolumeAttributesClass [FeatureGate:VolumeAttributesClass] should run through the lifecycle of a VolumeAttributesClass"  # noqa: E501
)
def test_volume_attributes_class(api: Api) -> None:
    def make() -> Obj:
        return {"driverName": "e2e-fake-csi-driver", "parameters": {"tier": "gold"}}

    Operations(api, STORAGE, "volumeattributesclasses", make).run()
