"""How long from the command `cluster start` on an empty state to the first answered write, and the idle memory.

    python benchmarks/cluster_start.py [rounds]

Each round has a home of its own and the process runtime. The write is a ConfigMap sent over HTTPS with the
administrator's certificate; the time counts from before the command's Python starts. Compare with a kube-apiserver
with etcd: 3.5 s on a machine with two cores, before scheduler and controllers, and 490 MiB for the four processes.
"""

from __future__ import annotations

import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
IDLE_SECONDS = 5


def one_round(home: Path) -> tuple[float, float, float]:
    """(seconds until the command returned, until the write was answered, idle MiB)."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("KUBE", "XDG_"))}
    environ = {**kept, "HOME": str(home), "KUBECONFIG": str(home / "kubeconfig"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "cluster"]
    begun = time.perf_counter()
    subprocess.run([*command, "start"], env=environ, check=True, stdout=subprocess.DEVNULL)
    started = time.perf_counter() - begun
    try:
        state = home / ".local/share/pyhelm/clusters/pyhelm"
        write(state)
        written = time.perf_counter() - begun
        time.sleep(IDLE_SECONDS)
        return started, written, resident(json.loads((state / "daemon.json").read_text())["pid"])
    finally:
        subprocess.run([*command, "delete"], env=environ, check=True, stdout=subprocess.DEVNULL)


def write(state: Path) -> None:
    url = urlsplit(f"https://127.0.0.1:{json.loads((state / 'config.json').read_text())['port']}")
    context = ssl.create_default_context(cafile=str(state / "pki/ca.crt"))
    context.load_cert_chain(state / "pki/admin.crt", state / "pki/admin.key")
    connection = HTTPSConnection(url.hostname or "", url.port, context=context)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "first"}, "data": {"a": "b"}}
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/api/v1/namespaces/default/configmaps", json.dumps(body), headers)
    answer = connection.getresponse()
    assert answer.status == 201, answer.read()
    connection.close()


def resident(pid: int) -> float:
    """MiB of resident memory; 0 where /proc does not tell."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith("Rss:")) / 1024


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    results = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="cluster-start-") as home:
            results.append(one_round(Path(home)))
    for label, column in (("command returned", 0), ("first write answered", 1)):
        values = [r[column] for r in results]
        print(f"{label}: median {statistics.median(values):.3f} s, worst {max(values):.3f} s")
    print(f"idle after {IDLE_SECONDS} s: {max(r[2] for r in results):.1f} MiB resident")


if __name__ == "__main__":
    main()
