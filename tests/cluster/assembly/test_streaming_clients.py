"""exec, attach, cp and port-forward through the API server, by real clients: kubectl and the Python client library."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import os
import pty
import shutil
import struct
import sys
import termios
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cluster.assembly.cluster import Cluster
from cluster.machinery import pods as podlib
from cluster.machinery.resources import PODS
from cluster.meta.types import GroupVersionResource, Obj
from cluster.testing.cluster import eventually, running_cluster

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="pod addresses need Linux's loopback network"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")
CLUSTER_ROLE_BINDINGS = GroupVersionResource("rbac.authorization.k8s.io", "v1", "clusterrolebindings")
SERVER = """
import os, socketserver
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(b"you said " + line)
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer.request_queue_size = 64
socketserver.ThreadingTCPServer((os.environ["IP"], 7070), Echo).serve_forever()
"""


@pytest.fixture(autouse=True)
def _their_leaks_are_theirs() -> Iterator[None]:
    """The client library leaves sockets open; they are collected here, not in somebody else's test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@dataclass
class Place:
    """A cluster that lets anybody in, and a folder for clients."""

    cluster: Cluster
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    async def kubectl(self, *args: str, stdin: bytes = b"", seconds: float = 20.0) -> tuple[int | None, bytes, bytes]:
        process = await asyncio.create_subprocess_exec(
            "kubectl", *self.flags, *args, env=self.environment(), cwd=self.folder,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(seconds):
            out, err = await process.communicate(stdin)
        return process.returncode, out, err

    @property
    def flags(self) -> tuple[str, ...]:
        return ("--server", self.cluster.server.url)

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "KUBECONFIG": "", **self.settings, **more}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with running_cluster(tmp_path / "cluster", runtime="process", serve=True) as cluster:
        everyone = [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "system:anonymous"}]
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        binding = {"metadata": {"name": "everyone"}, "subjects": everyone, "roleRef": role}
        await cluster.client.create(CLUSTER_ROLE_BINDINGS, binding)
        home = tmp_path / "home"
        home.mkdir()
        yield Place(cluster, home)


async def start(place: Place, command: list[str], **container: Any) -> Obj:
    ip = {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    main = {"name": "main", "image": "python:3", "command": command, "env": [ip], **container}
    spec = {"terminationGracePeriodSeconds": 0, "containers": [main]}
    await place.cluster.client.create(PODS, {"metadata": {"name": "p"}, "spec": spec}, "default")
    return await eventually(lambda: place.cluster.client.get(PODS, "p", "default"), podlib.ready)


async def start_server(place: Place) -> None:
    found = await start(place, [sys.executable, "-c", SERVER])
    await eventually(lambda: _ask(7070, b"up?\n", found["status"]["podIP"]), lambda answer: answer != b"")


@needs_kubectl
@pytest.mark.parametrize("websockets", ["true", "false"], ids=["websocket", "spdy"])
async def test_exec_carries_input_output_errors_and_the_exit_code(place: Place, websockets: str) -> None:
    await start(place, ["sleep", "60"])
    place.settings["KUBECTL_REMOTE_COMMAND_WEBSOCKETS"] = websockets
    code, out, err = await place.kubectl(
        "exec", "-i", "p", "--", "sh", "-c", "tr a-z A-Z; echo oops >&2; exit 7", stdin=b"hello"
    )
    assert (code, out) == (7, b"HELLO")
    assert err == b"oops\ncommand terminated with exit code 7\n"
    assert (await place.kubectl("exec", "p", "--", "true"))[0] == 0


@needs_kubectl
async def test_much_passes_both_ways_unharmed(place: Place) -> None:
    await start(place, ["sleep", "60"])
    data = os.urandom(1 << 20)
    code, out, _ = await place.kubectl("exec", "-i", "p", "--", "cat", stdin=data)
    assert code == 0
    assert out == data


@needs_kubectl
@pytest.mark.parametrize("websockets", ["true", "false"], ids=["websocket", "spdy"])
async def test_a_terminal_has_a_size_and_ends_with_the_command(place: Place, websockets: str) -> None:
    await start(place, ["sleep", "60"])
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    process = await asyncio.create_subprocess_exec(
        "kubectl", *place.flags, "exec", "-it", "p", "--", "sh", "-c", "sleep 0.3; stty size; tty; exit 3",
        env=place.environment(KUBECTL_REMOTE_COMMAND_WEBSOCKETS=websockets), stdin=slave, stdout=slave, stderr=slave,
    )  # fmt: skip
    async with asyncio.timeout(20):
        assert await process.wait() == 3
    shown = _all_of(master)
    os.close(master)
    os.close(slave)
    assert "33 77" in shown
    assert "/dev/pts/" in shown


def _all_of(master: int) -> str:
    parts = []
    try:
        while True:
            parts.append(os.read(master, 65536))
    except BlockingIOError:
        return b"".join(parts).decode()


@needs_kubectl
async def test_files_are_copied_both_ways(place: Place) -> None:
    await start(place, ["sleep", "60"])
    (place.folder / "mine").write_text("from here")
    assert (await place.kubectl("cp", "mine", f"p:{place.folder}/theirs"))[0] == 0
    assert (place.folder / "theirs").read_text() == "from here"
    assert (await place.kubectl("cp", f"p:{place.folder}/theirs", "back"))[0] == 0
    assert (place.folder / "back").read_text() == "from here"


@needs_kubectl
@pytest.mark.parametrize("websockets", ["true", "false"], ids=["websocket", "spdy"])
async def test_attach_talks_to_the_containers_own_process(place: Place, websockets: str) -> None:
    await start(
        place, ["sh", "-c", "while read line; do echo got $line; [ $line = end ] && break; done; exit 0"], stdin=True
    )
    place.settings["KUBECTL_REMOTE_COMMAND_WEBSOCKETS"] = websockets
    code, out, _ = await place.kubectl("attach", "-i", "p", stdin=b"one\nend\n")
    assert code == 0
    assert out == b"got one\ngot end\n"


@needs_kubectl
@pytest.mark.parametrize("websockets", ["true", "false"], ids=["websocket", "spdy"])
async def test_ports_are_forwarded(place: Place, websockets: str) -> None:
    await start_server(place)
    process = await asyncio.create_subprocess_exec(
        "kubectl", *place.flags, "port-forward", "pod/p", ":7070", ":7071",
        env=place.environment(KUBECTL_PORT_FORWARD_WEBSOCKETS=websockets),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(20):
            ports: dict[str, int] = {}
            while len(ports) < 2:
                line = (await process.stdout.readline()).decode()
                assert line, (await process.stderr.read()).decode()
                local, _, remote = line.removeprefix("Forwarding from 127.0.0.1:").partition(" -> ")
                if local.isdigit():
                    ports[remote.strip()] = int(local)
            answers = await asyncio.gather(*(_ask(ports["7070"], f"line {n}\n".encode()) for n in range(20)))
            assert answers == [f"you said line {n}\n".encode() for n in range(20)]
            assert await _ask(ports["7071"], b"anyone?\n") == b""
            assert "connection refused" in (await process.stderr.readline()).decode()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def _ask(port: int, data: bytes, address: str = "127.0.0.1") -> bytes:
    try:
        reader, writer = await asyncio.open_connection(address, port)
        writer.write(data)
        writer.write_eof()
        answer = await reader.read()
    except ConnectionError:
        return b""
    writer.close()
    return answer


def _python_client(place: Place) -> Any:
    client = pytest.importorskip("kubernetes.client")
    configuration = client.Configuration(host=place.cluster.server.url)
    return client.CoreV1Api(client.ApiClient(configuration))


async def test_the_python_client_runs_commands_and_reads_their_end(place: Place) -> None:
    await start(place, ["sleep", "60"])
    api = _python_client(place)

    def work() -> tuple[str, str, int]:
        from kubernetes.stream import stream

        ws = stream(
            api.connect_get_namespaced_pod_exec, "p", "default", command=["sh", "-c", "read x; echo $x; exit 5"],
            stdin=True, stdout=True, stderr=True, tty=False, _preload_content=False,
        )  # fmt: skip
        ws.write_stdin("hello\n")
        ws.run_forever(timeout=10)
        found = (ws.read_stdout(), ws.read_stderr(), ws.returncode)
        ws.close()
        return found

    assert await asyncio.to_thread(work) == ("hello\n", "", 5)
    api.api_client.rest_client.pool_manager.clear()


async def test_the_python_client_forwards_ports(place: Place) -> None:
    await start_server(place)
    api = _python_client(place)

    def work() -> tuple[bytes, str]:
        from kubernetes.stream import portforward

        forward = portforward(api.connect_get_namespaced_pod_portforward, "p", "default", ports="7070,7071")
        sock = forward.socket(7070)
        sock.settimeout(10)
        sock.sendall(b"hi\n")
        answer = sock.recv(100)
        error = None
        for _ in range(100):
            error = forward.error(7071)
            if error:
                break
            time.sleep(0.05)
        sock.close()
        return answer, error or ""

    answer, error = await asyncio.to_thread(work)
    assert answer == b"you said hi\n"
    assert "connection refused" in error
    api.api_client.rest_client.pool_manager.clear()
