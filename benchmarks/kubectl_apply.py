"""What `kubectl apply` of 20 objects takes, against any cluster: nearly all of it is kubectl reading OpenAPI documents.

    python benchmarks/kubectl_apply.py                               # starts ours: SQLite, fsync, TLS
    python benchmarks/kubectl_apply.py --server https://… --token …  # another; or --kubeconfig FILE

Four of each: ConfigMap, Service, Deployment (of no replicas), Role, Ingress, in a namespace of their own that is
deleted at the end. Measured three ways, seconds on the clock and of kubectl's CPU (medians of `--rounds`): `create`
with nothing kept on disk; `cold`, nothing to change and nothing kept on disk; `warm`, the same with kubectl's caches
filled. kubectl's home is a folder of its own. Before them, the bytes of the documents that it reads.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from apiserver_bench import own_server

NAMESPACE = "kubectl-apply-bench"
GROUPS = ("api/v1", "apis/apps/v1", "apis/networking.k8s.io/v1", "apis/rbac.authorization.k8s.io/v1")


class Took(NamedTuple):
    seconds: float
    cpu: float


def objects() -> dict[str, Any]:
    """Twenty of five kinds, as a List."""
    items = [item for at in range(4) for item in _five(f"app-{at}")]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _five(name: str) -> list[dict[str, Any]]:
    labels = {"app": name}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "nginx"}]}}
    backend = {"service": {"name": name, "port": {"number": 80}}}
    rule = {"host": f"{name}.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    bodies: list[tuple[str, str, dict[str, Any]]] = [
        ("v1", "ConfigMap", {"data": {"key": "value"}}),
        ("v1", "Service", {"spec": {"selector": labels, "ports": [{"port": 80}]}}),
        ("apps/v1", "Deployment", {"spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": pod}}),
        (
            "rbac.authorization.k8s.io/v1",
            "Role",
            {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
        ),
        ("networking.k8s.io/v1", "Ingress", {"spec": {"rules": [rule]}}),
    ]
    return [{"apiVersion": api, "kind": kind, "metadata": {"name": name}, **body} for api, kind, body in bodies]


class Kubectl:
    """kubectl with a home of its own below `root`, so that nobody's caches are in the way."""

    def __init__(self, root: Path, access: list[str]) -> None:
        self.home, self._access = root / "home", access
        self._file = root / "objects.json"
        self._file.write_text(json.dumps(objects()))

    def run(self, *argv: str) -> str:
        environ = {k: v for k, v in os.environ.items() if k != "KUBECONFIG"} | {"HOME": str(self.home)}
        done = subprocess.run(["kubectl", *self._access, *argv], env=environ, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"kubectl {' '.join(argv)}: {done.stderr}")
        return done.stdout

    def forget(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)

    def apply(self) -> Took:
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        self.run("apply", "-n", NAMESPACE, "-f", str(self._file))
        took, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        return Took(took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    def rounds(self, number: int) -> dict[str, list[Took]]:
        took: dict[str, list[Took]] = {"create": [], "cold": [], "warm": []}
        for _ in range(number):
            self.run("delete", "-n", NAMESPACE, "--wait=false", "--ignore-not-found", "-f", str(self._file))
            for name in ("create", "cold"):
                self.forget()
                took[name].append(self.apply())
            took["warm"].append(self.apply())
        return took


def report(kubectl: Kubectl, rounds: int) -> None:
    sizes = {path: len(kubectl.run("get", "--raw", f"/openapi/v3/{path}")) for path in GROUPS}
    told = ", ".join(f"{path} {size / 1000:.0f} kB" for path, size in sizes.items())
    print(f"documents: {told}, together {sum(sizes.values()) / 1e6:.2f} MB", flush=True)
    kubectl.run("create", "namespace", NAMESPACE)
    try:
        for name, took in kubectl.rounds(rounds).items():
            seconds, cpu = (statistics.median(values) for values in zip(*took, strict=True))
            print(f"{name:<8} {seconds:>6.2f} s   kubectl's CPU {cpu:>5.2f} s", flush=True)
    finally:
        kubectl.run("delete", "namespace", NAMESPACE, "--wait=false")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default="", help="URL of another cluster; its certificate is not checked")
    parser.add_argument("--token", default="bench")
    parser.add_argument("--kubeconfig", default="", help="another cluster, by its kubeconfig")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        if options.kubeconfig:
            access = ["--kubeconfig", str(Path(options.kubeconfig).absolute())]
            report(Kubectl(Path(root), access), options.rounds)
        elif options.server:
            report(Kubectl(Path(root), _by_token(options.server, options.token)), options.rounds)
        else:
            async with own_server() as (url, _):
                kubectl = Kubectl(Path(root), _by_token(url, options.token))
                await asyncio.to_thread(report, kubectl, options.rounds)


def _by_token(server: str, token: str) -> list[str]:
    return ["--server", server, "--token", token, "--insecure-skip-tls-verify"]


if __name__ == "__main__":
    asyncio.run(main())
