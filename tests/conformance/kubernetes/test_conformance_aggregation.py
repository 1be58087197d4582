"""The conformance test "Aggregator Should be able to support the 1.17 Sample API Server using the current Aggregator",
step by step, with a server that runs beside the cluster instead of in a pod; and what follows from it for namespaces.

The name is not claimed: what the suite calls so needs a running pod.
"""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance_api import MERGE, STRATEGIC, Api, Obj, eventually, unique

from cluster.testing.aggregated import BASE, GROUP, VERSION, AggregatedServer
from cluster.testing.authority import Authority

SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
NAME = f"{VERSION}.{GROUP}"
PATH = f"{SERVICES}/{NAME}"


class Sample:
    """The other server, on an event loop of its own, as old as that of the suite."""

    def __init__(self, folder: Path, namespace: str) -> None:
        authority = Authority("sample-ca")
        self._files = authority.issue(folder, "sample-api", f"sample-api.{namespace}.svc")
        self.bundle = base64.b64encode(authority.own(folder).read_bytes()).decode()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="sample-api")
        self._thread.start()
        assert self._ready.wait(20)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = AggregatedServer(*self._files)
        server.modern = False
        await server.start()
        self.port, self.server = server.port, server
        self._ready.set()
        await self._end.wait()
        await server.stop()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(20)


@pytest.fixture
def sample(api: Api, tmp_path: Path) -> Iterator[Sample]:
    made = Sample(tmp_path, api.ns)
    yield made
    api.raw("DELETE", PATH)
    made.stop()


def _register(api: Api, sample: Sample) -> None:
    """A Service that leads out of the cluster, the rights of the server, and its APIService."""
    spec = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": sample.port}]}
    api.post(api.core("services"), {"metadata": {"name": "sample-api"}, "spec": spec}, 201)
    rbac, group = "/apis/rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io"
    subjects = [{"kind": "ServiceAccount", "name": "default", "namespace": api.ns}]
    delegator = {"apiGroup": group, "kind": "ClusterRole", "name": "system:auth-delegator"}
    name = {"name": unique(f"wardler:{api.ns}:auth-delegator")}
    api.post(f"{rbac}/clusterrolebindings", {"metadata": name, "roleRef": delegator, "subjects": subjects}, 201)
    reader = {"apiGroup": group, "kind": "Role", "name": "extension-apiserver-authentication-reader"}
    name = {"name": unique(f"wardler-auth-reader-{api.ns}")}
    bindings = f"{rbac}/namespaces/kube-system/rolebindings"
    api.post(bindings, {"metadata": name, "roleRef": reader, "subjects": subjects}, 201)
    service = {"namespace": api.ns, "name": "sample-api", "port": sample.port}
    spec = {
        "service": service, "group": GROUP, "version": VERSION, "caBundle": sample.bundle,
        "groupPriorityMinimum": 2000, "versionPriority": 200,
    }  # fmt: skip
    api.post(SERVICES, {"metadata": {"name": NAME}, "spec": spec}, 201)
    eventually(lambda: api.raw("GET", f"{BASE}/namespaces/default/flunders"), lambda r: r.status_code == 200)


def _flunder(name: str) -> Obj:
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Flunder", "metadata": {"name": name}, "spec": {}}


def _add_condition(api: Api, kind: str) -> Obj:
    conditions = api.get(f"{PATH}/status")["status"]["conditions"]
    more = {"type": kind, "status": "True", "reason": "E2E", "message": "Set from e2e test"}
    return {"status": {"conditions": [*conditions, more]}}


def test_the_sample_server_is_aggregated(api: Api, sample: Sample) -> None:
    _register(api, sample)
    flunders = f"{BASE}/namespaces/{api.ns}/flunders"
    assert api.post(flunders, _flunder("rest"), 201)["metadata"]["name"] == "rest"
    assert [o["metadata"]["name"] for o in api.items(flunders)] == ["rest"]
    api.delete(f"{flunders}/rest")
    assert api.items(flunders) == []
    found = {g["name"]: g for g in api.get("/apis")["groups"]}
    assert found[GROUP]["preferredVersion"]["version"] == VERSION
    assert "flunders" in [r["name"] for r in api.get(BASE)["resources"]]

    status = api.get(f"{PATH}/status")
    assert status["status"]["conditions"][0]["message"] == "all checks passed"
    patched = api.patch(PATH, {"spec": {"versionPriority": 400}}, mime=MERGE)
    assert patched["spec"]["versionPriority"] == 400
    assert int(patched["metadata"]["resourceVersion"]) > int(status["metadata"]["resourceVersion"])
    assert NAME in [o["metadata"]["name"] for o in api.items(SERVICES)]
    label = {"metadata": {"labels": {"e2e-apiservice": "patched"}}}
    assert api.patch(PATH, label, mime=STRATEGIC)["metadata"]["labels"] == {"e2e-apiservice": "patched"}
    api.change(f"{PATH}/status", lambda o: o.update(_add_condition(api, "StatusUpdated")))
    assert "StatusUpdated" in [c["type"] for c in api.get(f"{PATH}/status")["status"]["conditions"]]
    replaced = api.change(PATH, lambda o: o["metadata"].update(labels={NAME: "updated"}))
    assert replaced["metadata"]["labels"] == {NAME: "updated"}
    api.patch(f"{PATH}/status", _add_condition(api, "StatusPatched"), mime=MERGE)
    assert "StatusPatched" in [c["type"] for c in api.get(f"{PATH}/status")["status"]["conditions"]]

    api.delete(SERVICES, labelSelector=f"{NAME}=updated")
    assert api.items(SERVICES, labelSelector=f"{NAME}=updated") == []
    assert api.raw("GET", flunders).status_code == 404


def test_a_namespace_goes_with_what_the_server_holds_in_it(api: Api, sample: Sample) -> None:
    _register(api, sample)
    eventually(lambda: _told(api), lambda told: told.get("freshness") == "Current")
    name = unique("flundered")
    api.post("/api/v1/namespaces", {"metadata": {"name": name}}, 201)
    flunders = f"{BASE}/namespaces/{name}/flunders"
    api.post(flunders, _flunder("one"), 201)
    api.delete(f"/api/v1/namespaces/{name}")
    api.gone(f"/api/v1/namespaces/{name}")
    assert sample.server.flunders == {}


def test_a_namespace_waits_for_a_server_that_does_not_tell_what_it_holds(api: Api, sample: Sample) -> None:
    _register(api, sample)
    name = unique("flundered")
    api.post("/api/v1/namespaces", {"metadata": {"name": name}}, 201)
    api.delete(api.core("services", "sample-api"))
    eventually(lambda: _told(api), lambda told: told.get("freshness") == "Stale")
    api.delete(f"/api/v1/namespaces/{name}")
    path = f"/api/v1/namespaces/{name}"
    found = eventually(lambda: api.get(path)["status"].get("conditions") or [])
    condition = next(c for c in found if c["type"] == "NamespaceDeletionDiscoveryFailure")
    assert (condition["status"], condition["reason"]) == ("True", "DiscoveryFailed")
    gv = f"{GROUP}/{VERSION}"
    assert condition["message"] == (
        "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: "
        f"{gv}: stale GroupVersion discovery: {gv}"
    )
    api.delete(PATH)
    api.gone(path)


def _told(api: Api) -> Obj:
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    document = api.http.get("/apis", headers={"Accept": accept}).json()
    groups = {item["metadata"]["name"]: item for item in document["items"]}
    return dict(groups[GROUP]["versions"][0]) if GROUP in groups else {}
