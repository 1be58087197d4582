"""[sig-api-machinery] Garbage collector: what goes with its owner, what stays, and in which order."""

from __future__ import annotations

from typing import Any

from conformance_api import Api, conforms, eventually, pod

Obj = dict[str, Any]
_PREFIX = "[sig-api-machinery] Garbage collector "
APPS = "apps/v1"


def _replication(name: str, replicas: int) -> Obj:
    template = {"metadata": {"labels": {"gc": name}}, "spec": pod("x")["spec"]}
    return {"metadata": {"name": name}, "spec": {"replicas": replicas, "selector": {"gc": name}, "template": template}}


def _with_pods(api: Api, name: str, replicas: int) -> str:
    api.post(api.core("replicationcontrollers"), _replication(name, replicas), 201)
    eventually(lambda: api.items(api.core("pods"), labelSelector=f"gc={name}"), lambda items: len(items) == replicas)
    path = api.core("replicationcontrollers", name)
    eventually(lambda: api.get(path)["status"], lambda status: status.get("replicas") == replicas)
    return path


def _options(propagation: str) -> Obj:
    return {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}


@conforms(_PREFIX + "should delete pods created by rc when not orphaning")
def test_pods_of_controller_go(api: Api) -> None:
    path = _with_pods(api, "simpletest", 2)
    api.delete(path, _options("Background"))
    api.gone(path)
    eventually(lambda: api.items(api.core("pods")), lambda items: not items)


@conforms(_PREFIX + "should orphan pods created by rc if delete options say so [Serial]")
def test_pods_of_controller_stay(api: Api) -> None:
    path = _with_pods(api, "simpletest", 5)
    api.delete(path, _options("Orphan"))
    api.gone(path)
    left = api.items(api.core("pods"))
    assert len(left) == 5
    assert not any(one["metadata"].get("ownerReferences") for one in left)


def _deployment(api: Api) -> str:
    template = {"metadata": {"labels": {"gc": "d"}}, "spec": pod("x")["spec"]}
    spec = {"replicas": 2, "selector": {"matchLabels": {"gc": "d"}}, "template": template}
    api.post(api.group(APPS, "deployments"), {"metadata": {"name": "d"}, "spec": spec}, 201)
    eventually(lambda: api.items(api.group(APPS, "replicasets")), lambda items: len(items) == 1)
    return api.group(APPS, "deployments", "d")


@conforms(_PREFIX + "should delete RS created by deployment when not orphaning")
def test_replica_sets_go(api: Api) -> None:
    path = _deployment(api)
    api.delete(path, _options("Background"))
    api.gone(path)
    eventually(lambda: api.items(api.group(APPS, "replicasets")), lambda items: not items)
    eventually(lambda: api.items(api.core("pods")), lambda items: not items)


@conforms(_PREFIX + "should orphan RS created by deployment when deleteOptions.PropagationPolicy is Orphan")
def test_replica_sets_stay(api: Api) -> None:
    path = _deployment(api)
    api.delete(path, _options("Orphan"))
    api.gone(path)
    left = api.items(api.group(APPS, "replicasets"))
    assert len(left) == 1
    assert not left[0]["metadata"].get("ownerReferences")


@conforms(_PREFIX + "should keep the rc around until all its pods are deleted if the deleteOptions says so [Serial]")
def test_foreground(api: Api) -> None:
    path = _with_pods(api, "simpletest", 3)
    held = api.items(api.core("pods"))[0]["metadata"]["name"]
    api.patch(api.core("pods", held), {"metadata": {"finalizers": ["e2e.example.com/hold"]}})
    api.delete(path, _options("Foreground"))
    eventually(lambda: [one["metadata"]["name"] for one in api.items(api.core("pods"))], lambda names: names == [held])
    waiting = api.get(path)
    assert waiting["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert waiting["metadata"]["deletionTimestamp"]
    api.patch(api.core("pods", held), {"metadata": {"finalizers": None}})
    api.gone(path)
    assert not api.items(api.core("pods"))


@conforms(
    _PREFIX + "should not delete dependents that have both valid owner and owner that's waiting for dependents to be"
    " deleted [Serial]"
)
def test_two_owners(api: Api) -> None:
    going = _with_pods(api, "to-be-deleted", 4)
    api.post(api.core("replicationcontrollers"), _replication("to-stay", 0), 201)
    stay = api.get(api.core("replicationcontrollers", "to-stay"))["metadata"]
    second = {"apiVersion": "v1", "kind": "ReplicationController", "name": "to-stay", "uid": stay["uid"]}
    names = sorted(one["metadata"]["name"] for one in api.items(api.core("pods")))
    shared = names[:2]
    for name in shared:

        def add(obj: Obj) -> None:
            obj["metadata"]["ownerReferences"].append(second)

        api.change(api.core("pods", name), add)
    api.delete(going, _options("Foreground"))
    api.gone(going)
    left = eventually(lambda: api.items(api.core("pods")), lambda items: len(items) == 2)
    assert sorted(one["metadata"]["name"] for one in left) == shared
    assert all([ref["name"] for ref in one["metadata"]["ownerReferences"]] == ["to-stay"] for one in left)
    assert not any(one["metadata"].get("deletionTimestamp") for one in left)


@conforms(_PREFIX + "should not be blocked by dependency circle")
def test_circle(api: Api) -> None:
    uids = [api.post(api.core("pods"), pod(f"pod{n}"), 201)["metadata"]["uid"] for n in (1, 2, 3)]
    for number, owner in ((1, 3), (2, 1), (3, 2)):
        reference = {
            "apiVersion": "v1", "kind": "Pod", "name": f"pod{owner}", "uid": uids[owner - 1],
            "controller": True, "blockOwnerDeletion": True,
        }  # fmt: skip
        api.patch(api.core("pods", f"pod{number}"), {"metadata": {"ownerReferences": [reference]}})
    api.delete(api.core("pods", "pod1"), _options("Foreground"))
    eventually(lambda: api.items(api.core("pods")), lambda items: not items)
