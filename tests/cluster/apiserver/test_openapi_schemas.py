"""What the published schemas tell beyond types."""

from __future__ import annotations

from apiserver_wire import Wire

CORE = "io.k8s.api.core.v1."


async def test_fields_with_a_closed_set_of_values_name_them(wire: Wire) -> None:
    schemas = (await wire.call("GET", "/openapi/v3/api/v1")).json()["components"]["schemas"]
    spec = schemas[f"{CORE}PodSpec"]["properties"]
    assert spec["restartPolicy"]["enum"] == ["Always", "Never", "OnFailure"]
    claim = schemas[f"{CORE}PersistentVolumeClaimSpec"]["properties"]
    assert "ReadWriteOnce" in claim["accessModes"]["items"]["enum"]
    assert "enum" not in schemas[f"{CORE}Pod"]["properties"]["kind"]
    assert "enum" not in spec["nodeName"]


async def test_defaults_are_told(wire: Wire) -> None:
    schemas = (await wire.call("GET", "/openapi/v3/api/v1")).json()["components"]["schemas"]
    assert schemas[f"{CORE}ContainerPort"]["properties"]["protocol"]["default"] == "TCP"
    assert schemas[f"{CORE}ContainerPort"]["properties"]["containerPort"]["default"] == 0


async def test_a_reference_stands_alone_or_in_a_list(wire: Wire) -> None:
    schemas = (await wire.call("GET", "/openapi/v3/apis/networking.k8s.io/v1")).json()["components"]["schemas"]
    rule = schemas["io.k8s.api.networking.v1.IngressRule"]["properties"]["http"]
    assert list(rule) == ["$ref"]
    backend = schemas["io.k8s.api.networking.v1.HTTPIngressPath"]["properties"]["backend"]
    assert "allOf" in backend
