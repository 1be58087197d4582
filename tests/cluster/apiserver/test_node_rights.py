"""What a kubelet may: its own node, the pods on it, and what those refer to."""

from __future__ import annotations

from typing import Any

import pytest
from apiserver_wire import Wire

BASE = "/api/v1/namespaces/default"
ME = {"impersonate_user": "system:node:n1", "impersonate_group": "system:nodes"}


async def populate(wire: Wire) -> None:
    for node in ("n1", "n2"):
        await wire.call("POST", "/api/v1/nodes", {"metadata": {"name": node}})
    await wire.call("POST", f"{BASE}/serviceaccounts", {"metadata": {"name": "default"}})
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1"}}, "volumeName": "v"}
    await wire.call("POST", f"{BASE}/persistentvolumeclaims", {"metadata": {"name": "p"}, "spec": claim})
    driver = {"driver": "d", "volumeHandle": "h", "nodePublishSecretRef": {"name": "deep", "namespace": "default"}}
    volume = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1"}, "csi": driver}
    volume["claimRef"] = {"namespace": "default", "name": "p"}
    await wire.call("POST", "/api/v1/persistentvolumes", {"metadata": {"name": "v"}, "spec": volume})
    for secret in ("mine", "deep", "other"):
        await wire.call("POST", f"{BASE}/secrets", {"metadata": {"name": secret}})
    volumes = [
        {"name": "s", "secret": {"secretName": "mine"}}, {"name": "p", "persistentVolumeClaim": {"claimName": "p"}}
    ]  # fmt: skip
    for name, node in (("a", "n1"), ("b", "n2")):
        spec = {"nodeName": node, "containers": [{"name": "c", "image": "i"}]}
        spec |= {"volumes": volumes} if node == "n1" else {}
        reply = await wire.call("POST", f"{BASE}/pods", {"metadata": {"name": name}, "spec": spec})
        assert reply.status == 201, reply.body


ALONE = "no relationship found between node 'n1' and this object"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (f"{BASE}/secrets/mine", ""),
        (f"{BASE}/secrets/deep", ""),
        (f"{BASE}/secrets/other", ALONE),
        (f"{BASE}/secrets", "No Object name found"),
        (f"{BASE}/secrets?fieldSelector=metadata.name%3Dmine", ""),
        ("/api/v1/secrets", "can only read namespaced object of this type"),
        (f"{BASE}/persistentvolumeclaims/p", ""),
        ("/api/v1/persistentvolumes/v", ""),
        ("/api/v1/persistentvolumes", "can only get individual resources of this type"),
        (f"{BASE}/pods/a", ""),
        (f"{BASE}/pods/b", ALONE),
        (f"{BASE}/pods", "can only list/watch pods with spec.nodeName field selector"),
        ("/api/v1/pods?fieldSelector=spec.nodeName%3Dn1", ""),
        ("/api/v1/pods?fieldSelector=spec.nodeName%3Dn2", "can only list/watch pods with spec.nodeName field selector"),
        ("/api/v1/nodes/n1", ""),
        ("/api/v1/nodes/n2", "node 'n1' cannot read 'n2', only its own Node object"),
        ("/api/v1/nodes", "node 'n1' cannot read all nodes, only its own Node object"),
        ("/apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.nodeName%3Dn1", ""),
        ("/apis/resource.k8s.io/v1/resourceslices", "can only list/watch/deletecollection resourceslices with"),
        ("/apis/storage.k8s.io/v1/csinodes", "can only get, create, update, patch, or delete a CSINode"),
    ],
)
async def test_a_node_reads_what_concerns_it(wire: Wire, path: str, says: str) -> None:
    await populate(wire)
    reply = await wire.call("GET", path, **ME)
    if not says:
        assert reply.status == 200, reply.body
        return
    assert reply.status == 403
    assert says in reply.json()["message"]


async def test_a_nodes_rules_are_known_not_to_be_all(wire: Wire) -> None:
    about: dict[str, Any] = {"spec": {"namespace": "default"}}
    reply = await wire.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", about, **ME)
    status = reply.json()["status"]
    assert status["incomplete"] is True
    assert status["evaluationError"] == "node authorizer does not support user rule resolution"


def slice_of(node: str) -> dict[str, Any]:
    pool = {"name": "p", "generation": 1, "resourceSliceCount": 1}
    return {"metadata": {"name": "x"}, "spec": {"driver": "d.io", "pool": pool, "nodeName": node, "devices": []}}


def mirror(**spec: Any) -> dict[str, Any]:
    about = {"name": "m", "annotations": {"kubernetes.io/config.mirror": "x"}}
    return {"metadata": about, "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "i"}], **spec}}


SLICES = "/apis/resource.k8s.io/v1/resourceslices"


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        (SLICES, slice_of("n2"), "can only create ResourceSlice with the same NodeName as the requesting node"),
        (f"{BASE}/pods", mirror(), 'node "n1" can only create pods with an owner reference set to itself'),
        (f"{BASE}/pods", mirror(serviceAccountName="default"), "a mirror pod may not reference service accounts"),
        (
            f"{BASE}/pods",
            mirror(volumes=[{"name": "v", "secret": {"secretName": "s"}}]),
            "a mirror pod may not reference secrets",
        ),
        (
            "/api/v1/nodes",
            {"metadata": {"name": "n1", "labels": {"node-restriction.kubernetes.io/a": "b"}}},
            'node "n1" is not allowed to set the following labels: node-restriction.kubernetes.io/a',
        ),
    ],
)
async def test_a_node_writes_what_is_its_own(wire: Wire, path: str, body: dict[str, Any], says: str) -> None:
    await populate(wire)
    reply = await wire.call("POST", path, body, **ME)
    assert reply.status == 403, reply.body
    assert says in reply.json()["message"]
