"""A cluster starts fast because most of what it can do is loaded when somebody asks for it."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

_START = """
import asyncio, sys
import cluster.cli.daemon
from pathlib import Path
from cluster.assembly.cluster import Cluster, ClusterOptions
from cluster.storage.memory import MemoryStore

async def main():
    cluster = Cluster(MemoryStore(), ClusterOptions(root=Path(sys.argv[1]), runtime="simulated"))
    await cluster.start()
    print(*sys.modules)
    await cluster.stop()

asyncio.run(main())
"""
SELDOM = {
    "cluster.apiserver.admission.dynamic.calling", "cluster.apiserver.admission.plugins.pod_security_checks",
    "cluster.apiserver.audit", "cluster.apiserver.conversion",
    "cluster.apiserver.flowcontrol.dump", "cluster.apiserver.handlers.metrics", "cluster.apiserver.handlers.openapi",
    "cluster.apiserver.handlers.statusz", "cluster.apiserver.masters", "cluster.apiserver.metrics.state",
    "cluster.apiserver.openapi", "cluster.assembly.leading", "cluster.assembly.proxying", "cluster.assembly.streaming",
    "cluster.cli.apiserver_flags", "cluster.cli.apiserver_options", "cluster.client.http", "cluster.client.httpforward",
    "cluster.kinds.apiextensions.crd_checks", "cluster.kinds.custom", "cluster.kinds.string_formats",
    "cluster.kubelet.spdy", "cluster.kubelet.websocket", "cluster.machinery.leases", "cluster.meta.cel",
    "cluster.storage.encryption", "cluster.storage.etcd", "cluster.storage.snapshot", "httpx", "nacl", "re2",
}  # fmt: skip
"""What a cluster without definitions, webhooks, other servers, metrics and sessions has no use for."""


def test_a_plain_start_loads_none_of_what_is_seldom_needed(tmp_path: Path) -> None:
    assert all(find_spec(name) for name in SELDOM)
    command = [sys.executable, "-c", _START, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert not SELDOM & set(done.stdout.split())
