"""One client program for any API server behind a URL: how many operations a second, and what they cost it.

    python benchmarks/apiserver_bench.py                       # starts ours: SQLite, fsync, TLS
    python benchmarks/apiserver_bench.py --storage etcd        # or memory; the etcd of this machine, with fsync
    python benchmarks/apiserver_bench.py --url https://… --token … --pid PID

Measured per operation: operations a second at 32 connections and at one, CPU milliseconds of the server process (user
and system, threads included; 0 without `--pid`), and its memory. HTTP/1.1 over TLS with keep-alive. The watchers of the
fan-out are spread over processes of their own and read the machine's one monotonic clock, as the writer does: a delay
below zero means that a watcher had the event before the writer had its answer.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

TICKS = os.sysconf("SC_CLK_TCK")
EVENTS = 40


@lru_cache(maxsize=1)
def trusting() -> ssl.SSLContext:
    """Making a context reads every certificate authority there is; once is enough."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Connection:
    """The least HTTP client that can keep a server busy."""

    def __init__(self, url: str, token: str) -> None:
        self._parts = urlsplit(url)
        self._token = token
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def open(self) -> Connection:
        context = trusting() if self._parts.scheme == "https" else None
        host, port = self._parts.hostname, self._parts.port
        self._reader, self._writer = await asyncio.open_connection(host, port, ssl=context, limit=1 << 24)
        return self

    async def call(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
        await self.start(method, path, body, kind)
        status, headers = await self.head()
        data = await self._body(headers)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {data[:300]!r}")
        return data

    async def start(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> None:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._token}\r\n"
            f"Accept: application/json\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)

    async def head(self) -> tuple[int, bytes]:
        headers = await self._reader.readuntil(b"\r\n\r\n")
        return int(headers[9:12]), headers.lower()

    async def _body(self, headers: bytes) -> bytes:
        if b"transfer-encoding: chunked" in headers:
            parts = []
            while chunk := await self.chunk():
                parts.append(chunk)
            return b"".join(parts)
        at = headers.index(b"content-length:") + 15
        return await self._reader.readexactly(int(headers[at : headers.index(b"\r\n", at)]))

    async def chunk(self) -> bytes:
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        data = await self._reader.readexactly(size)
        await self._reader.readexactly(2)
        return data

    def close(self) -> None:
        self._writer.close()


def cpu_seconds(pid: int) -> float:
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mib(pid: int) -> float:
    if not pid:
        return 0.0
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


class Bench:
    def __init__(self, url: str, token: str, pid: int, count: int) -> None:
        self.url, self.token, self.pid, self.count = url, token, pid, count
        self.base = "/api/v1/namespaces/bench/configmaps"

    async def connections(self, number: int) -> list[Connection]:
        return [await Connection(self.url, self.token).open() for _ in range(number)]

    async def measure(
        self, name: str, number: int, count: int, work: Callable[[Connection, int], Awaitable[object]]
    ) -> None:
        clients = await self.connections(number)
        before, start = cpu_seconds(self.pid), time.perf_counter()
        todo = iter(range(count))

        async def run(client: Connection) -> None:
            for at in todo:
                await work(client, at)

        await asyncio.gather(*(run(c) for c in clients))
        took, cpu = time.perf_counter() - start, cpu_seconds(self.pid) - before
        print(
            f"{name:<28} {number:>4} conn {count / took:>9.0f} /s {cpu / count * 1000:>8.2f} CPU ms/op "
            f"{memory_mib(self.pid):>7.0f} MiB",
            flush=True,
        )
        for client in clients:
            client.close()

    async def run(self, watchers: int) -> None:
        first = await Connection(self.url, self.token).open()
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bench"}}
        await first.call("POST", "/api/v1/namespaces", json.dumps(namespace).encode())
        print(f"at rest {self.memory():.0f} MiB", flush=True)
        for number in (32, 1):
            await self.writes(number, self.count if number > 1 else self.count // 5)
        await self.fan_out(first, watchers)
        for number in (32, 1):
            n = self.count if number > 1 else self.count // 5
            await self.measure("delete", number, n, lambda c, i, of=number: c.call("DELETE", f"{self.base}/c{of}-{i}"))
        print(f"after these rounds {self.memory():.0f} MiB", flush=True)

    async def writes(self, number: int, n: int) -> None:
        """Everything but delete, of `n` objects over `number` connections."""
        path, body = f"{self.base}/c{number}-", self.config_map
        apply = "?fieldManager=bench&force=true"
        merge = b'{"data":{"patched":"yes"}}'
        name = f"c{number}-%d"
        rounds: list[tuple[str, Callable[[Connection, int], Awaitable[object]]]] = [
            ("create", lambda c, i: c.call("POST", self.base, body(name % i))),
            ("get", lambda c, i: c.call("GET", f"{path}{i}")),
            ("get, resourceVersion=0", lambda c, i: c.call("GET", f"{path}{i}?resourceVersion=0")),
            ("update", lambda c, i: c.call("PUT", f"{path}{i}", body(name % i, "u"))),
            ("merge patch", lambda c, i: c.call("PATCH", f"{path}{i}", merge, "application/merge-patch+json")),
            (
                "server-side apply",
                lambda c, i: c.call("PATCH", f"{path}{i}{apply}", body(name % i, "a"), "application/apply-patch+yaml"),
            ),
        ]
        for what, work in rounds:
            await self.measure(what, number, n, work)
        selected = f"{self.base}?labelSelector=app%3Dbench&limit=1000"
        if number > 1:
            await self.measure("list 1000, by label", 4, 100, lambda c, i: c.call("GET", selected))

    async def fan_out(self, writer: Connection, number: int) -> None:
        """How long after the writer's answer each watcher has the event."""
        processes = max(1, min(4, number // 25))
        shares = [number // processes + (at < number % processes) for at in range(processes)]
        children = [await self._watchers(share) for share in shares]
        before, answered = cpu_seconds(self.pid), []
        for at in range(EVENTS):
            if at == 0:
                await writer.call("POST", self.base, self.config_map("fan"))
            else:
                await writer.call("PUT", f"{self.base}/fan", self.config_map("fan", str(at)))
            answered.append(time.monotonic())
            await asyncio.sleep(0.05 + number / 2000)
        arrivals: list[list[float]] = []
        for child in children:
            assert child.stdout is not None
            arrivals += json.loads(await child.stdout.readline())
            await child.wait()
        cpu = (cpu_seconds(self.pid) - before) / EVENTS * 1000
        delays = sorted(t - answered[at] for seen in arrivals for at, t in enumerate(seen))
        print(
            f"{'watch fan-out':<28} {number:>4} conn   p50 {delays[len(delays) // 2] * 1000:.2f} ms  "
            f"p99 {delays[int(len(delays) * 0.99)] * 1000:.2f} ms  {cpu:.2f} CPU ms/event "
            f"{self.memory():.0f} MiB",
            flush=True,
        )

    async def _watchers(self, number: int) -> asyncio.subprocess.Process:
        """A process that watches `number` times; its watches are open when this returns."""
        child = await asyncio.create_subprocess_exec(
            sys.executable, __file__, "--url", self.url, "--token", self.token, "--watch", str(number),
            stdout=asyncio.subprocess.PIPE, limit=1 << 26,
        )  # fmt: skip
        assert child.stdout is not None
        assert await child.stdout.readline() == b"ready\n"
        return child

    async def watch(self, number: int) -> None:
        """What such a process does: says when it is ready, and at the end when each watcher had each event."""
        watchers = await self.connections(number)
        for client in watchers:
            await client.start("GET", f"{self.base}?watch=1&fieldSelector=metadata.name%3Dfan&resourceVersion=")
        for client in watchers:
            await client.head()
        print("ready", flush=True)
        print(json.dumps(await asyncio.gather(*(self._arrivals(c) for c in watchers))))

    @staticmethod
    async def _arrivals(client: Connection) -> list[float]:
        seen = []
        for _ in range(EVENTS):
            await client.chunk()
            seen.append(time.monotonic())
        return seen

    def memory(self) -> float:
        return memory_mib(self.pid)

    @staticmethod
    def config_map(name: str, mark: str = "") -> bytes:
        data = {f"key-{i}": f"value {i} {mark} " + "x" * 60 for i in range(6)}
        meta = {"name": name, "labels": {"app": "bench"}}
        return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}).encode()


SERVER = """
import asyncio, sys
from pathlib import Path
try:
    import uvloop
    run = uvloop.run
except ImportError:
    run = asyncio.run
from cluster.apiserver.request import UserInfo
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.server import ApiServer

async def opened(folder, storage):
    if storage == "memory":
        from cluster.storage.memory import MemoryStore
        return MemoryStore()
    if storage == "etcd":
        from cluster.cli.private_etcd import PrivateEtcd
        from cluster.storage.etcd import EtcdStore
        global etcd
        etcd = PrivateEtcd(folder / "etcd")
        etcd.enter()
        return await EtcdStore.open(etcd.url)
    from cluster.storage.sqlite import SqliteStore
    return await SqliteStore.open(folder / "store.db")

async def main(folder, storage):
    store = await opened(folder, storage)
    options = ApiServerOptions(
        tls_certificate=folder / "tls.crt", tls_key=folder / "tls.key",
        tokens={"bench": UserInfo("bench", "", ("system:masters",))})
    server = ApiServer(store, options)
    await server.start()
    print(server.url, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop()
    await store.close()
    if storage == "etcd":
        etcd.leave()

run(main(Path(sys.argv[1]), sys.argv[2]))
"""


def certificate(folder: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now)
    signed = made.not_valid_after(now + datetime.timedelta(days=1)).sign(key, hashes.SHA256())
    (folder / "tls.crt").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "tls.key").write_bytes(pem)


@asynccontextmanager
async def own_server(storage: str) -> AsyncIterator[tuple[str, int]]:
    with tempfile.TemporaryDirectory() as name:
        certificate(Path(name))
        process = subprocess.Popen(
            [sys.executable, "-c", SERVER, name, storage], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.communicate("")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="")
    parser.add_argument("--token", default="bench")
    parser.add_argument("--pid", type=int, default=0)
    parser.add_argument("--storage", choices=("sqlite", "memory", "etcd"), default="sqlite")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--watchers", type=int, default=100)
    parser.add_argument("--watch", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.watch:
        await Bench(options.url, options.token, 0, 0).watch(options.watch)
        return
    if options.url:
        await Bench(options.url, options.token, options.pid, options.count).run(options.watchers)
        return
    async with own_server(options.storage) as (url, pid):
        await Bench(url, options.token, pid, options.count).run(options.watchers)


if __name__ == "__main__":
    asyncio.run(main())
