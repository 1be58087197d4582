"""Services on loopback: who listens, who answers, and what happens when endpoints come and go."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cluster.assembly.cluster import Cluster
from cluster.machinery.events import EVENTS
from cluster.machinery.resources import ENDPOINT_SLICES, SERVICES
from cluster.network.forward import Choice
from cluster.network.services import SERVICE_NAME, endpoints, service_ports
from cluster.testing.cluster import eventually, running_cluster

linux = pytest.mark.skipif(sys.platform != "linux", reason="Service addresses need Linux's loopback network")


def slice_of(name: str, *addresses: str, port: int, port_name: str = "", **conditions: bool) -> dict[str, Any]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{name}-x", "namespace": "default", "labels": {SERVICE_NAME: name}},
        "addressType": "IPv4",
        "ports": [{"name": port_name, "port": port, "protocol": "TCP"}],
        "endpoints": [{"addresses": [a], "conditions": {"ready": True, **conditions}} for a in addresses],
    }


def test_headless_and_external_services_have_no_listener() -> None:
    for spec in ({"clusterIP": "None"}, {"type": "ExternalName"}, {}):
        assert service_ports({"spec": {**spec, "ports": [{"port": 1}]}}, [], ["127.0.0.1"]) == []


def test_a_node_port_listens_on_the_nodes_addresses() -> None:
    spec = {"clusterIP": "127.96.0.2", "ports": [{"port": 80, "nodePort": 30080, "name": "web"}]}
    (port,) = service_ports({"spec": spec}, [slice_of("s", "127.2.0.2", port=8080, port_name="web")], ["127.0.0.1"])
    assert [str(a) for a in port.listen] == ["127.96.0.2:80/TCP", "127.0.0.1:30080/TCP"]
    assert port.endpoints == (("127.2.0.2", 8080),)


def test_endpoints_that_end_serve_only_when_no_other_does() -> None:
    ending = slice_of("s", "127.2.0.2", port=1, ready=False, serving=True, terminating=True)
    assert endpoints([ending], "") == [("127.2.0.2", 1)]
    assert endpoints([ending, slice_of("s", "127.2.0.3", port=1)], "") == [("127.2.0.3", 1)]
    assert endpoints([slice_of("s", "127.2.0.2", port=1, ready=False)], "") == []


def test_turns_go_round_and_clients_stick_when_asked() -> None:
    three = (("a", 1), ("b", 1), ("c", 1))
    choice = Choice(three)
    assert {next(choice.order("x")) for _ in range(3)} == set(three)
    choice = Choice(three, affinity=60)
    choice.took("x", ("b", 1))
    assert [next(choice.order("x")) for _ in range(3)] == [("b", 1)] * 3
    choice.update((("a", 1),), 60)
    assert next(choice.order("x")) == ("a", 1)


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with running_cluster(tmp_path / "c", runtime="process", proxy=True, service_cidr="127.94.0.0/16") as made:
        yield made


async def serve(address: str, word: bytes) -> tuple[asyncio.Server, int]:
    server = await asyncio.start_server(_echo(word), address, 0)
    return server, int(server.sockets[0].getsockname()[1])


async def ask(ip: str, port: int, data: bytes = b"") -> bytes:
    reader, writer = await asyncio.open_connection(ip, port)
    try:
        writer.write(data)
        writer.write_eof()
        return await reader.read()
    finally:
        writer.close()


async def make_service(cluster: Cluster, port: int, **more: Any) -> dict[str, Any]:
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "namespace": "default"},
        "spec": {"ports": [{"port": port}], **more},
    }
    return await cluster.client.create(SERVICES, body, "default")


@linux
async def test_a_service_answers_through_its_endpoints_and_forgets_them_at_once(cluster: Cluster) -> None:
    one, port = await serve("127.3.0.100", b"one ")
    two = await asyncio.start_server(_echo(b"two "), "127.3.0.101", port)
    service = await make_service(cluster, 8000)
    ip = service["spec"]["clusterIP"]
    await cluster.client.create(ENDPOINT_SLICES, slice_of("s", "127.3.0.100", "127.3.0.101", port=port), "default")
    proxier = cluster.proxier
    assert proxier is not None

    async def answers() -> set[bytes]:
        try:
            return {await ask(ip, 8000, b"x") for _ in range(6)}
        except OSError:
            return set()

    assert await eventually(answers, lambda found: len(found) == 2) == {b"one x", b"two x"}
    two.close()
    # Nobody has said so yet, but a refused connection goes to the next endpoint: no request is lost.
    assert {await ask(ip, 8000, b"x") for _ in range(6)} == {b"one x"}
    fresh = await cluster.client.get(ENDPOINT_SLICES, "s-x", "default")
    fresh = {**fresh, "endpoints": fresh["endpoints"][:1]}
    await cluster.client.update(ENDPOINT_SLICES, fresh)
    await cluster.client.delete(SERVICES, "s", "default")

    async def refused() -> bool:
        try:
            await ask(ip, 8000)
        except OSError as error:
            return isinstance(error, ConnectionRefusedError)
        return False

    await eventually(refused, bool, 2)
    one.close()


def _echo(word: bytes) -> Any:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got = await reader.read()
        writer.write(word + got)
        writer.close()

    return answer


@linux
async def test_much_data_passes_both_ways(cluster: Cluster) -> None:
    server, port = await serve("127.3.0.100", b"")
    service = await make_service(cluster, 8000)
    await cluster.client.create(ENDPOINT_SLICES, slice_of("s", "127.3.0.100", port=port), "default")
    data = bytes(range(256)) * 20_000

    async def answer() -> bytes:
        try:
            return await ask(service["spec"]["clusterIP"], 8000, data)
        except OSError:
            return b""

    assert await eventually(answer, bool) == data
    server.close()


@linux
async def test_an_address_in_use_is_told_and_tried_again(cluster: Cluster) -> None:
    holder, port = await serve("127.94.7.7", b"")
    await make_service(cluster, port, clusterIP="127.94.7.7")

    async def told() -> list[str]:
        events = (await cluster.client.list(EVENTS, "default")).items
        # Without root the Service `kubernetes` has its own complaint, about port 443.
        return [e["message"] for e in events if e["reason"] == "FailedToListen" and "127.94.7.7" in e["message"]]

    (message,) = await eventually(told, bool)
    assert message == f"cannot listen on 127.94.7.7:{port}/TCP: another program of this machine uses it"
    assert cluster.proxier is not None
    assert [a.ip for a in cluster.proxier.faults() if a.port == port] == ["127.94.7.7"]
    holder.close()
