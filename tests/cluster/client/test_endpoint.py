"""Endpoints that cannot be reached or believed say so as Go does; kept connections are used again."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cluster.client.endpoint import BadBundle, Endpoint, NoAnswer, trusting
from cluster.client.httpforward import Connections, Upgraded, send, upgrade
from cluster.testing.authority import Authority


class Server:
    """Answers what it is told to, one text a request, and closes where it is told to."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.connections = 0
        self.seen: list[bytes] = []
        self.close_after = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.seen.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
                await writer.drain()
                if self.close_after:
                    return
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listener = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = listener.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    yield made
    listener.close()
    await listener.wait_closed()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def at(server: Server) -> Endpoint:
    return Endpoint("127.0.0.1", server.port)  # type: ignore[attr-defined]


async def test_connections_are_kept_and_only_then(server: Server) -> None:
    server.answers = [OK]
    connections = Connections()
    for _ in range(3):
        assert await (await connections.send(at(server), "GET", "/", [], b"")).body() == b"ok"
    assert server.connections == 1
    server.answers = [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"]
    for _ in range(2):
        assert await (await connections.send(at(server), "GET", "/", [], b"")).body() == b"ok"
    assert server.connections == 2
    connections.close()


async def test_a_lost_connection_is_replaced_where_a_request_may_be_sent_twice(server: Server) -> None:
    server.answers, server.close_after = [OK], True
    connections = Connections()
    for _ in range(2):
        assert await (await connections.send(at(server), "GET", "/", [], b"")).body() == b"ok"
    assert server.connections == 2
    connections.close()


async def test_an_answer_that_breaks_off_is_no_answer(server: Server) -> None:
    server.answers, server.close_after = [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok"], True
    with pytest.raises(NoAnswer, match="unexpected EOF"):
        await (await send(at(server), "GET", "/", [], b"")).body()
    server.answers = [b"HTTP/1.1 200 OK\r\n\r\nall"]
    assert await (await send(at(server), "GET", "/", [], b"")).body() == b"all"
    server.answers = [b"no HTTP at all\r\n\r\n"]
    with pytest.raises(NoAnswer):
        await send(at(server), "GET", "/", [], b"")


async def test_answers_that_say_to_wait_are_passed_over(server: Server) -> None:
    server.answers = [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK]
    answer = await send(at(server), "GET", "/", [], b"")
    assert (answer.status, answer.length, await answer.body()) == (200, 2, b"ok")
    assert [name for name, _ in answer.headers] == ["Content-Length"]


async def test_what_concerns_one_connection_is_not_passed_on(server: Server) -> None:
    server.answers = [OK]
    headers = [("host", "h"), ("te", "x"), ("keep-alive", "1"), ("x-a", "1"), ("x-a", "2"), ("upgrade", "h2c")]
    await (await send(at(server), "POST", "/p?q=1", headers, b"")).body()
    assert server.seen[0] == (
        b"POST /p?q=1 HTTP/1.1\r\nhost: h\r\nx-a: 1\r\nx-a: 2\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    )


async def test_a_value_that_would_become_another_header_is_not_sent(server: Server) -> None:
    for send_it in (send, Connections().send, upgrade):
        with pytest.raises(NoAnswer, match=r'^net/http: invalid header field value for "X-Remote-User"$'):
            await send_it(at(server), "GET", "/", [("x-remote-user", "a\r\nX-Remote-Group: system:masters")], b"")
    assert server.seen == []


async def test_an_upgrade_is_agreed_to_or_answered(server: Server) -> None:
    agreed = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nearly"
    server.answers = [agreed]
    found = await upgrade(at(server), "GET", "/", [("upgrade", "x")], b"")
    assert isinstance(found, Upgraded)
    assert found.head == agreed
    found.writer.close()
    server.answers = [b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"]
    refused = await upgrade(at(server), "GET", "/", [("upgrade", "x")], b"")
    assert not isinstance(refused, Upgraded)
    assert (refused.status, await refused.body()) == (403, b"no")


async def test_nobody_there_is_told_with_the_address() -> None:
    with pytest.raises(NoAnswer, match=r"^dial tcp 127\.0\.0\.1:1: connect: connection refused$"):
        await Endpoint("127.0.0.1", 1).dial()
    with pytest.raises(NoAnswer, match=r"^error dialing backend: dial tcp"):
        await upgrade(Endpoint("127.0.0.1", 1), "GET", "/", [], b"")


def test_a_bundle_that_is_none_is_refused() -> None:
    with pytest.raises(BadBundle, match="unable to parse bytes as PEM block"):
        trusting("bm90aGluZw==")


@pytest.mark.parametrize(
    ("names", "wanted", "why"),
    [
        (("a.svc", "b.svc"), "c.svc", "certificate is valid for a.svc, b.svc, not c.svc"),
        (("127.0.0.1",), "c.svc", "certificate is not valid for any names, but wanted to match c.svc"),
        (
            ("a.svc",),
            "",
            "cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs",
        ),
        ((), "c.svc", "certificate specifies an incompatible key usage"),
    ],
)
async def test_a_certificate_for_something_else_is_told(
    tmp_path: Path, names: tuple[str, ...], wanted: str, why: str
) -> None:
    authority = Authority("ca")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(tmp_path, "server", *names))
    served = Server()
    listener = await asyncio.start_server(served.serve, "127.0.0.1", 0, ssl=context)
    port = listener.sockets[0].getsockname()[1]
    bundle = base64.b64encode(authority.own(tmp_path).read_bytes()).decode()
    with pytest.raises(NoAnswer) as caught:
        await Endpoint("127.0.0.1", port, trusting(bundle), wanted).dial()
    assert str(caught.value) == f"tls: failed to verify certificate: x509: {why}"
    listener.close()
    await listener.wait_closed()
