"""How long from creating a one-replica Deployment until its pod, a real process with a readiness probe, is Ready.

    python benchmarks/pod_ready.py [rounds]

One bundled cluster with the process runtime, asked over HTTPS as kubectl would; the program is Python's own web
server, whose start is part of the time (it is printed too). A cluster with containerd and runc needs 191–202 ms for
the pod alone.
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

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = (
    "import os, http.server as h; "
    "h.ThreadingHTTPServer((os.environ['IP'], 8080), h.SimpleHTTPRequestHandler).serve_forever()"
)
PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def deployment(name: str, *, probe: bool) -> dict[str, object]:
    container: dict[str, object] = {
        "name": "main",
        "image": "python:3",
        "command": ["python3", "-c", PROGRAM] if probe else ["sleep", "600"],
        "env": [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
    }
    if probe:
        container["readinessProbe"] = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 5}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
            },
        },
    }


class Client:
    def __init__(self, state: Path) -> None:
        self.port = json.loads((state / "config.json").read_text())["port"]
        self.context = ssl.create_default_context(cafile=str(state / "pki/ca.crt"))
        self.context.load_cert_chain(state / "pki/admin.crt", state / "pki/admin.key")
        self.connection = self.connect()

    def connect(self) -> HTTPSConnection:
        return HTTPSConnection("127.0.0.1", self.port, context=self.context)

    def ask(self, method: str, path: str, body: object = None) -> int:
        headers = {"Content-Type": "application/json"}
        self.connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = self.connection.getresponse()
        answer.read()
        return answer.status

    def until_ready(self, name: str) -> None:
        """Watch the Deployment's pods, from the beginning, to the first that is Ready."""
        watch = self.connect()
        watch.request("GET", f"{PODS}?watch=true&labelSelector=app%3D{name}&timeoutSeconds=30")
        for line in watch.getresponse():
            conditions = (json.loads(line)["object"].get("status") or {}).get("conditions") or ()
            if any(c["type"] == "Ready" and c["status"] == "True" for c in conditions):
                break
        watch.close()


def one(client: Client, name: str, *, probe: bool) -> float:
    begun = time.perf_counter()
    assert client.ask("POST", DEPLOYMENTS, deployment(name, probe=probe)) == 201
    client.until_ready(name)
    took = time.perf_counter() - begun
    client.ask("DELETE", f"{DEPLOYMENTS}/{name}")
    time.sleep(0.5)
    return took * 1000


def python_start() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import http.server"], check=True)
    return (time.perf_counter() - begun) * 1000


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory(prefix="pod-ready-") as home:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("KUBE", "XDG_"))}
        environ = {**kept, "HOME": home, "KUBECONFIG": f"{home}/kubeconfig", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "cluster"]
        subprocess.run([*command, "start"], env=environ, check=True, stdout=subprocess.DEVNULL)
        try:
            client = Client(Path(home) / ".local/share/pyhelm/clusters/pyhelm")
            for label, probe in (("without a probe (sleep)", False), ("with a readiness probe (web server)", True)):
                times = [one(client, f"bench-{probe}-{i}".lower(), probe=probe) for i in range(rounds)]
                print(f"{label}: median {statistics.median(times):.0f} ms, worst {max(times):.0f} ms")
            print(f"of which Python's own start: {statistics.median(python_start() for _ in range(5)):.0f} ms")
        finally:
            subprocess.run([*command, "delete"], env=environ, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
