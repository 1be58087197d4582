"""Node ports of Services: shared within one Service, refused between two, and what a dry run answers."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.apiserver.allocators.services import ServiceAllocator
from cluster.meta.errors import StatusError
from cluster.meta.types import Obj


def service(*ports: dict[str, Any], **spec: Any) -> Obj:
    return {"metadata": {"name": "s", "namespace": "n"}, "spec": {"type": "NodePort", "ports": list(ports), **spec}}


def allocator() -> ServiceAllocator:
    return ServiceAllocator("10.96.0.0/16", (30000, 30010))


def numbers(held: Obj) -> list[int]:
    return [port["nodePort"] for port in held["spec"]["ports"]]


def test_the_protocols_of_one_port_share_a_node_port() -> None:
    made = service({"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP", "nodePort": 30005})
    allocator().prepare(made, None, False)
    assert numbers(made) == [30005, 30005]


def test_a_number_is_taken_whatever_the_protocol() -> None:
    ports = allocator()
    ports.prepare(service({"port": 1, "protocol": "TCP", "nodePort": 30001}), None, False)
    with pytest.raises(StatusError, match="provided port is already allocated"):
        ports.prepare(service({"port": 1, "protocol": "UDP", "nodePort": 30001}), None, False)


def test_what_a_failed_write_took_is_given_back() -> None:
    ports = allocator()
    undo = ports.prepare(service({"port": 1, "nodePort": 30001}), None, False)
    assert undo is not None
    undo()
    ports.prepare(service({"port": 1, "nodePort": 30001}), None, False)


def test_a_dry_run_takes_nothing_and_imagines_ports_above_all() -> None:
    ports = allocator()
    made = service({"port": 1}, {"port": 2})
    assert ports.prepare(made, None, True) is None
    assert numbers(made) == [32769, 32770]
    assert made["spec"]["clusterIP"] == "10.96.0.0"
    ports.prepare(service({"port": 1, "nodePort": 1}), None, True)


def test_an_update_keeps_its_ports_and_gives_back_the_others() -> None:
    ports = allocator()
    old = service({"port": 1, "nodePort": 30001})
    ports.prepare(old, None, False)
    new = service(
        {"port": 1, "nodePort": 30002}, clusterIP=old["spec"]["clusterIP"], clusterIPs=old["spec"]["clusterIPs"]
    )
    ports.prepare(new, old, False)
    ports.prepare(service({"port": 1, "nodePort": 30001}), None, False)


def test_a_health_port_that_is_taken_is_an_internal_error() -> None:
    ports = allocator()
    ports.prepare(service({"port": 1, "nodePort": 30001}), None, False)
    wanted = service(type="LoadBalancer", externalTrafficPolicy="Local", healthCheckNodePort=30001)
    with pytest.raises(StatusError, match="failed to allocate requested HealthCheck NodePort 30001") as caught:
        ports.prepare(wanted, None, False)
    assert caught.value.code == 500
