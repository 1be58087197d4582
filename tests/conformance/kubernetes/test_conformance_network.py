"""[sig-network]: services, endpoints, slices, ingresses and addresses, as objects and as controllers keep them."""

from __future__ import annotations

from typing import Any

from conformance_api import (
    MISSING,
    STRATEGIC,
    Api,
    Operations,
    condition,
    conforms,
    eventually,
    expect,
)

Obj = dict[str, Any]
DISCOVERY, NETWORKING = "discovery.k8s.io/v1", "networking.k8s.io/v1"


def _service(name: str, labels: Obj | None = None, **spec: Any) -> Obj:
    ports = [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 80}]
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": {"ports": ports, **spec}}


@conforms("[sig-network] API Server should provide secure master service")
def test_master_service(api: Api) -> None:
    service = api.get("/api/v1/namespaces/default/services/kubernetes")
    assert [(port["name"], port["port"]) for port in service["spec"]["ports"]] == [("https", 443)]


@conforms("[sig-network] API Server should have Endpoints and EndpointSlices pointing to API Server")
def test_master_endpoints(api: Api) -> None:
    service = api.get("/api/v1/namespaces/default/services/kubernetes")
    endpoints = api.get("/api/v1/namespaces/default/endpoints/kubernetes")
    slice_ = api.get(f"/apis/{DISCOVERY}/namespaces/default/endpointslices/kubernetes")
    assert slice_["metadata"]["labels"]["kubernetes.io/service-name"] == service["metadata"]["name"]
    addresses = {one["ip"] for subset in endpoints["subsets"] for one in subset["addresses"]}
    assert addresses == {address for one in slice_["endpoints"] for address in one["addresses"]}
    assert addresses
    ports = {(port["name"], port["port"]) for subset in endpoints["subsets"] for port in subset["ports"]}
    assert ports == {(port["name"], port["port"]) for port in slice_["ports"]}


@conforms(
    "[sig-network] EndpointSlice should create and delete EndpointSlices for a Service with a selector that matches no pods"  # noqa: E501
)
def test_empty_slices(api: Api) -> None:
    api.post(api.core("services"), _service("empty", selector={"does-not-match-anything": "endpoints"}), 201)
    slices, label = api.group(DISCOVERY, "endpointslices"), "kubernetes.io/service-name=empty"
    eventually(lambda: api.raw("GET", api.core("endpoints", "empty")), lambda r: r.status_code == 200)
    found = eventually(lambda: api.items(slices, labelSelector=label), lambda items: len(items) == 1)
    assert not found[0]["endpoints"]
    api.delete(api.core("services", "empty"))
    api.gone(api.core("endpoints", "empty"))
    eventually(lambda: api.items(slices, labelSelector=label), lambda items: not items)


@conforms(
    "[sig-network] EndpointsController should create and delete Endpoints for a Service with a selector that matches no pods"  # noqa: E501
)
def test_empty_endpoints(api: Api) -> None:
    api.post(api.core("services"), _service("empty", selector={"does-not-match-anything": "endpoints"}), 201)
    found = eventually(lambda: api.raw("GET", api.core("endpoints", "empty")), lambda r: r.status_code == 200).json()
    assert not found.get("subsets")
    api.delete(api.core("services", "empty"))
    api.gone(api.core("endpoints", "empty"))


@conforms("[sig-network] EndpointSlice should support creating EndpointSlice API operations")
def test_slice_operations(api: Api) -> None:
    def make() -> Obj:
        endpoint = {"addresses": ["1.2.3.4", "5.6.7.8"]}
        return {"addressType": "IPv4", "endpoints": [endpoint]}

    Operations(api, DISCOVERY, "endpointslices", make, namespaced=True).run()


@conforms(
    "[sig-network] EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete"
)
def test_mirrored_endpoints(api: Api) -> None:
    api.post(api.core("services"), _service("example-custom-endpoints"), 201)
    path = api.core("endpoints", "example-custom-endpoints")
    slices = api.group(DISCOVERY, "endpointslices")

    def mirrored() -> list[tuple[list[str], int]]:
        found = api.items(slices, labelSelector="kubernetes.io/service-name=example-custom-endpoints")
        return [(one["endpoints"][0]["addresses"], one["ports"][0]["port"]) for one in found if one.get("endpoints")]

    def body(address: str) -> Obj:
        subset = {"ports": [{"port": 80}], "addresses": [{"ip": address}]}
        return {"metadata": {"name": "example-custom-endpoints"}, "subsets": [subset]}

    api.post(api.core("endpoints"), body("10.1.2.3"), 201)
    eventually(mirrored, lambda found: found == [(["10.1.2.3"], 80)])
    api.put(path, body("10.2.3.4"))
    eventually(mirrored, lambda found: found == [(["10.2.3.4"], 80)])
    api.delete(path)
    eventually(lambda: api.items(slices), lambda items: not items)


@conforms("[sig-network] Endpoints should test the lifecycle of an Endpoint")
def test_endpoints_lifecycle(api: Api) -> None:
    where, static = api.core("endpoints"), "test-endpoint-static=true"
    port = {"name": "http", "port": 80, "protocol": "TCP"}
    body = {"subsets": [{"addresses": [{"ip": "10.0.0.24"}], "ports": [port]}]}
    with api.watch(where, labelSelector=static) as events:
        api.post(where, {"metadata": {"name": "testservice", "labels": {"test-endpoint-static": "true"}}, **body}, 201)
        expect(events, "ADDED")
        found = api.items("/api/v1/endpoints", labelSelector=static)
        assert [one["metadata"]["name"] for one in found] == ["testservice"]

        def mark(obj: Obj) -> None:
            obj["metadata"]["labels"]["test-service"] = "updated"

        api.change(f"{where}/testservice", mark)
        expect(events, "MODIFIED", lambda o: o["metadata"]["labels"].get("test-service") == "updated")
        subset = {"addresses": [{"ip": "10.0.0.25"}], "ports": [{"name": "http-test", "port": 8080}]}
        change = {"metadata": {"labels": {"test-service": "patched"}}, "subsets": [subset]}
        api.patch(f"{where}/testservice", change, mime=STRATEGIC)
        seen = expect(events, "MODIFIED", lambda o: o["metadata"]["labels"]["test-service"] == "patched")
        assert seen["subsets"][0]["addresses"] == [{"ip": "10.0.0.25"}]
        assert [one["port"] for one in seen["subsets"][0]["ports"]] == [8080]
        api.delete(where, labelSelector=static)
        expect(events, "DELETED")
    api.get(f"{where}/testservice", MISSING)


def _status(ip: str) -> Obj:
    return {"loadBalancer": {"ingress": [{"ip": ip}]}}


@conforms("[sig-network] Ingress API should support creating Ingress API operations")
def test_ingress(api: Api) -> None:
    def make() -> Obj:
        return {"spec": {"defaultBackend": {"service": {"name": "default-backend", "port": {"number": 80}}}}}

    def status(obj: Obj) -> None:
        obj["status"] = {"loadBalancer": {"ingress": [{"hostname": "a.example.com"}]}}

    Operations(
        api, NETWORKING, "ingresses", make, namespaced=True, status=_status("169.1.1.1"), status_body=status
    ).run()


@conforms("[sig-network] IngressClass API should support creating IngressClass API operations")
def test_ingress_class(api: Api) -> None:
    def make() -> Obj:
        return {"spec": {"controller": "example.com/controller"}}

    Operations(api, NETWORKING, "ingressclasses", make).run()


@conforms("[sig-network] ServiceCIDR and IPAddress API should support IPAddress API operations")
def test_ip_address(api: Api) -> None:
    numbers = iter(range(240, 250))

    def make() -> Obj:
        parent = {"group": "", "resource": "services", "namespace": api.ns, "name": "foo"}
        return {"metadata": {"name": f"192.168.1.{next(numbers)}"}, "spec": {"parentRef": parent}}

    Operations(api, NETWORKING, "ipaddresses", make).run()


@conforms("[sig-network] ServiceCIDR and IPAddress API should support ServiceCIDR API operations")
def test_service_cidr(api: Api) -> None:
    assert "kubernetes" in {one["metadata"]["name"] for one in api.items(f"/apis/{NETWORKING}/servicecidrs")}
    numbers = iter(range(10, 20))

    def make() -> Obj:
        return {"spec": {"cidrs": [f"10.{next(numbers)}.0.0/24"]}}

    def status(obj: Obj) -> None:
        obj["status"] = {"conditions": [condition("StatusUpdated")]}

    patched = {"conditions": [condition("PatchStatus")]}
    Operations(api, NETWORKING, "servicecidrs", make, status=patched, status_body=status).run()


@conforms("[sig-network] Services should complete a service status lifecycle")
def test_service_status(api: Api) -> None:
    where = api.core("services")
    with api.watch(where, labelSelector="test-service-static=true") as events:
        api.post(where, _service("status", {"test-service-static": "true"}, type="LoadBalancer"), 201)
        expect(events, "ADDED")
        assert [
            s["metadata"]["name"] for s in api.items("/api/v1/services", labelSelector="test-service-static=true")
        ] == ["status"]
        body = {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": _status("203.0.113.1")}
        seen = api.patch(f"{where}/status/status", body)
        assert seen["status"]["loadBalancer"]["ingress"][0]["ip"] == "203.0.113.1"
        expect(events, "MODIFIED", lambda o: o["metadata"].get("annotations", {}).get("patchedstatus") == "true")
        obj = api.get(f"{where}/status/status")
        obj["status"]["conditions"] = [condition("StatusUpdate")]
        assert api.put(f"{where}/status/status", obj)["status"]["conditions"][0]["type"] == "StatusUpdate"
        api.patch(f"{where}/status", {"metadata": {"labels": {"test-service": "patched"}}}, mime=STRATEGIC)
        expect(events, "MODIFIED", lambda o: o["metadata"]["labels"].get("test-service") == "patched")
        api.delete(f"{where}/status")
        expect(events, "DELETED")


@conforms("[sig-network] Services should delete a collection of services")
def test_service_collection(api: Api) -> None:
    where = api.core("services")
    for number in range(3):
        group = "deletecollection" if number < 2 else "other"
        api.post(where, _service(f"s-{number}", {"e2e-service": group}), 201)
    assert len(api.items(where)) == 3
    api.delete(where, labelSelector="e2e-service=deletecollection")
    assert [one["metadata"]["name"] for one in api.items(where)] == ["s-2"]


@conforms("[sig-network] Services should find a service from listing all namespaces")
def test_service_everywhere(api: Api) -> None:
    found = {(s["metadata"]["namespace"], s["metadata"]["name"]) for s in api.items("/api/v1/services")}
    assert ("default", "kubernetes") in found
