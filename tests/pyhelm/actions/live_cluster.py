"""A real API server on loopback, in a thread with its own loop, for tests of what talks to one."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyhelm.cli.main import main


@dataclass(frozen=True)
class Outcome:
    """What a command line came to."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Live:
    """A server and the environment to reach it with."""

    url: str
    home: Path

    @property
    def environ(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "KUBECONFIG": str(self.home / "kubeconfig"),
            "HELM_CACHE_HOME": str(self.home / "cache"),
            "HELM_CONFIG_HOME": str(self.home / "config"),
            "HELM_DATA_HOME": str(self.home / "data"),
        }

    def run(self, *argv: str, stdin: str = "") -> Outcome:
        out, err = io.StringIO(), io.StringIO()
        code = main(list(argv), out, err, io.StringIO(stdin), self.environ)
        return Outcome(code, out.getvalue(), err.getvalue())

    def ok(self, *argv: str) -> str:
        outcome = self.run(*argv)
        assert outcome.code == 0, outcome.err
        return outcome.out


_KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: test
contexts: [{{name: test, context: {{cluster: test, user: admin, namespace: default}}}}]
clusters: [{{name: test, cluster: {{server: "{url}"}}}}]
users: [{{name: admin, user: {{token: admin}}}}]
"""


@contextmanager
def live_server(home: Path) -> Iterator[Live]:
    """Serve until the block ends."""
    from cluster.apiserver.options import ApiServerOptions
    from cluster.apiserver.request import UserInfo
    from cluster.apiserver.server import ApiServer
    from cluster.storage.memory import MemoryStore

    ready, loops = threading.Event(), []
    ports: list[int] = []

    async def serve() -> None:
        admin = UserInfo(name="admin", groups=("system:masters", "system:authenticated"))
        server = ApiServer(MemoryStore(), ApiServerOptions(tokens={"admin": admin}))
        await server.start()
        stop = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stop))
        ports.append(server.port)
        ready.set()
        await stop.wait()
        await server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="api-server")
    thread.start()
    try:
        assert ready.wait(20), "the API server did not start"
        url = f"http://127.0.0.1:{ports[0]}"
        (home / "kubeconfig").write_text(_KUBECONFIG.format(url=url))
        yield Live(url, home)
    finally:
        for loop, stop in loops:
            loop.call_soon_threadsafe(stop.set)
        thread.join(20)
