"""What a bundled cluster still knows after SIGKILL: many clients write while its process is killed, again and again.

    python benchmarks/kill_cycles.py [--cycles 100] [--clients 16] [--seed 1] [--points] [--storage sqlite|etcd]

Each client creates, updates and deletes ConfigMaps of its own over HTTPS. After each kill and restart three things
are compared with what was acknowledged: every object is as its last acknowledged write left it (or as the one write
under way at the kill would have), nothing acknowledged as deleted is back, and the revision has not gone back. A
Deployment of two replicas must be ready again, with exactly two processes of its own on this machine: none lost, none
left over. With `--points` the process does not die when it happens to, but at a named point: before and after a commit,
in a compaction and before its commit, in the middle of a snapshot (cluster.testing.faults); its history is then kept so
short that it is compacted all the time. With `--storage etcd` the cluster's etcd is killed after it, every other time.
Ends with 1 and names the first differences when one of these does not hold.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
REPLICAS = 2
PATIENCE = 60.0
SHORT_HISTORY = 400
"""Events kept where the process dies at a point."""
POINTS = {
    "before-commit": (60, 400),
    "after-commit": (60, 400),
    "compaction": (1, 6),
    "compaction-before-commit": (1, 6),
    "snapshot": (1, 1),
}
"""Between which passes of the point the process ends."""
ABSENT = None
Content = int | None
"""What is compared of an object: the number its last write put into it, None when there is no such object."""


class Broken(Exception):
    """A promise was not kept."""


class Cluster:
    """The command line's cluster, in a home of its own."""

    def __init__(self, home: Path, storage: str) -> None:
        self.state = home / "state"
        self._storage = storage
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HELM_", "KUBE", "XDG_"))}
        self._environ = {**kept, "HOME": str(home), "KUBECONFIG": str(home / "kubeconfig"), "PYTHONPATH": str(ROOT)}
        self._context: ssl.SSLContext | None = None

    def command(self, *words: str) -> None:
        line = [sys.executable, "-m", "pyhelm", "cluster", *words]
        done = subprocess.run(line, env=self._environ, capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise Broken(f"cluster {' '.join(words)}: {done.stderr.strip()}")

    def start(self) -> None:
        self.command("start", "--state", str(self.state), "--runtime", "process", "--storage", self._storage)

    def trial(self, point: str) -> None:
        """How the next life ends: at a point, or (empty) when it is killed."""
        path = self.state / "config.json"
        config = json.loads(path.read_text())
        config.pop("trial", None)
        if point:
            config["trial"] = {"fail_point": point, "most_events": SHORT_HISTORY}
        path.write_text(json.dumps(config))

    def pid(self) -> int:
        return int(json.loads((self.state / "daemon.json").read_text())["pid"])

    def kill(self, *, etcd: bool) -> None:
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        if etcd:
            os.kill(int((self.state / "etcd" / "pid").read_text()), signal.SIGKILL)
        self.await_end(pid)

    @staticmethod
    def await_end(pid: int) -> None:
        until = time.monotonic() + PATIENCE
        while alive(pid):
            if time.monotonic() > until:
                raise Broken(f"process {pid} does not end")
            time.sleep(0.005)

    def connect(self) -> http.client.HTTPSConnection:
        port = json.loads((self.state / "config.json").read_text())["port"]
        if self._context is None:
            self._context = ssl.create_default_context(cafile=str(self.state / "pki/ca.crt"))
            self._context.load_cert_chain(self.state / "pki/admin.crt", self.state / "pki/admin.key")
        return http.client.HTTPSConnection("127.0.0.1", port, context=self._context, timeout=PATIENCE)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def ask(connection: http.client.HTTPConnection, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and decoded body. Raises OSError or HTTPException when the server goes away."""
    text = json.dumps(body) if body is not None else None
    connection.request(method, path, text, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


@dataclass
class Writer:
    """One client and what it knows. `doubt` is the write that was under way: its key and what it would leave."""

    number: int
    dice: random.Random
    known: dict[str, Content] = field(default_factory=dict)
    doubt: tuple[str, Content] | None = None
    revision: int = 0
    writes: int = 0
    refused: str = ""

    def run(self, cluster: Cluster) -> None:
        """Write until the server goes away."""
        connection = cluster.connect()
        try:
            while not self.refused:
                self._write(connection, *self._choose())
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()

    def _choose(self) -> tuple[str, str, Content]:
        present = [name for name, content in self.known.items() if content is not ABSENT]
        roll = self.dice.random()
        if present and roll < 0.4:
            return "PUT", self.dice.choice(present), self.writes + 1
        if present and roll < 0.65:
            return "DELETE", self.dice.choice(present), ABSENT
        return "POST", f"w{self.number}-{len(self.known)}", self.writes + 1

    def _write(self, connection: http.client.HTTPConnection, method: str, name: str, content: Content) -> None:
        self.doubt = name, content
        path = MAPS if method == "POST" else f"{MAPS}/{name}"
        body = None if method == "DELETE" else config_map(name, content)
        status, answer = ask(connection, method, path, body)
        self.doubt = None
        if status not in (200, 201):
            self.refused = f"{method} {path}: {status} {answer.get('message')}"
            return
        self.known[name] = content
        self.writes += 1
        if method != "DELETE":
            self.revision = max(self.revision, int(answer["metadata"]["resourceVersion"]))

    def compare(self, found: dict[str, Content]) -> list[str]:
        """Differences between what is stored and what was acknowledged; then believe what is stored."""
        faults = [self.refused] if self.refused else []
        if self.doubt is not None:
            name, content = self.doubt
            self.known.setdefault(name, ABSENT)
            if found.get(name) == content:
                self.known[name] = content
            self.doubt = None
        for name, content in self.known.items():
            if found.get(name) != content:
                faults.append(f"{name}: acknowledged {content}, found {found.get(name)}")
        return faults


def config_map(name: str, content: Content) -> dict[str, Any]:
    data = {"content": str(content), "padding": "x" * 200}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"of": "writers"}},
        "data": data,
    }


class Trial:
    """The writers, the cluster they write to, and the Deployment beside them."""

    def __init__(self, cluster: Cluster, clients: int, seed: int, points: bool, etcd: bool) -> None:
        self.points, self.etcd = points, etcd
        self.point = ""
        self.ends: dict[str, int] = {}
        self.cluster = cluster
        self.dice = random.Random(seed)
        self.writers = [Writer(i, random.Random(seed * 1000 + i)) for i in range(clients)]
        self.mark = f"60{os.getpid()}"
        """Seconds that the pods sleep: tells their processes from all others."""
        self.restarts: list[float] = []
        self.ready: list[float] = []

    def prepare(self) -> None:
        self.cluster.start()
        status, answer = ask(self.cluster.connect(), "POST", DEPLOYMENTS, self._deployment())
        if status != 201:
            raise Broken(f"Deployment: {answer}")
        self._await_pods()

    def cycle(self) -> None:
        threads = [threading.Thread(target=w.run, args=(self.cluster,)) for w in self.writers]
        for thread in threads:
            thread.start()
        self._end_life()
        for thread in threads:
            thread.join()
        begun = time.perf_counter()
        self._begin_life()
        self.restarts.append(time.perf_counter() - begun)
        try:
            self._compare()
            self._await_pods()
        except (OSError, http.client.HTTPException):
            if not self.point:
                raise
            # It came to its point before anybody had looked: that life has been one of those that end early.
            self._begin_life(free=True)
            self._compare()
            self._await_pods()
        self.ready.append(time.perf_counter() - begun)

    def _end_life(self) -> None:
        pid = self.cluster.pid()
        if not self.point:
            time.sleep(self.dice.uniform(0.05, 0.6))
            with_etcd = self.etcd and self.dice.random() < 0.5
            self._count("killed with its etcd" if with_etcd else "killed at random")
            self.cluster.kill(etcd=with_etcd)
            return
        if self.point.startswith("snapshot"):
            time.sleep(self.dice.uniform(0.05, 0.3))
            with suppress(OSError, http.client.HTTPException):
                ask(self.cluster.connect(), "GET", "/pyhelm/snapshot")
        self._count(self.point.partition(":")[0])
        self.cluster.await_end(pid)

    def _count(self, end: str) -> None:
        self.ends[end] = self.ends.get(end, 0) + 1

    def _begin_life(self, *, free: bool = False) -> None:
        """Start, with a point to die at where that is wanted. One that dies while it starts is started again freely."""
        self.point = "" if free or not self.points else self._some_point()
        self.cluster.trial(self.point)
        try:
            self.cluster.start()
        except Broken:
            if not self.point:
                raise
            self._begin_life(free=True)

    def _some_point(self) -> str:
        point = self.dice.choice(sorted(POINTS))
        return f"{point}:{self.dice.randint(*POINTS[point])}"

    def rest(self) -> None:
        """What ran at the last look still runs a while later, and nothing more."""
        before = sorted(self.processes())
        time.sleep(2)
        if sorted(self.processes()) != before or len(before) != REPLICAS:
            raise Broken(f"processes {before} became {sorted(self.processes())}")

    def _compare(self) -> None:
        status, answer = ask(self.cluster.connect(), "GET", f"{MAPS}?labelSelector=of%3Dwriters")
        if status != 200:
            raise Broken(f"list: {answer}")
        found: dict[str, Content] = {i["metadata"]["name"]: int(i["data"]["content"]) for i in answer["items"]}
        faults = [fault for writer in self.writers for fault in writer.compare(found)]
        newest = max(w.revision for w in self.writers)
        if int(answer["metadata"]["resourceVersion"]) < newest:
            faults.append(f"the list is at {answer['metadata']['resourceVersion']}, {newest} was acknowledged")
        strangers = found.keys() - {name for w in self.writers for name in w.known}
        faults += [f"{name}: nobody wrote it" for name in sorted(strangers)]
        if faults:
            raise Broken("\n".join(faults[:20]))

    def processes(self) -> list[int]:
        """Processes of the Deployment's containers, by their command line."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and self._is_ours((entry / "cmdline").read_bytes()) and alive(int(entry.name)):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def _is_ours(self, line: bytes) -> bool:
        words = line.split(b"\0")
        return words[0].endswith(b"sleep") and self.mark.encode() in words

    def _await_pods(self) -> None:
        connection = self.cluster.connect()
        until = time.monotonic() + PATIENCE
        while True:
            _, answer = ask(connection, "GET", f"{DEPLOYMENTS}/sleepers")
            ready, running = answer["status"].get("readyReplicas", 0), len(self.processes())
            if ready == REPLICAS == running and self._settled(connection):
                connection.close()
                return
            if time.monotonic() > until:
                raise Broken(f"{ready} replicas ready, {running} processes; wanted {REPLICAS} of each")
            time.sleep(0.02)

    def _settled(self, connection: http.client.HTTPConnection) -> bool:
        """Whether the kubelet speaks of containers that run now: a dead one's last status may still stand there."""
        _, answer = ask(connection, "GET", "/api/v1/namespaces/default/pods?labelSelector=app%3Dsleepers")
        pods = [p for p in answer["items"] if "deletionTimestamp" not in p["metadata"]]
        running = [c for p in pods for c in p["status"].get("containerStatuses", ()) if "running" in c["state"]]
        return len(pods) == len(running) == REPLICAS

    def _deployment(self) -> dict[str, Any]:
        container = {"name": "main", "image": "sleeper", "command": ["sleep", self.mark]}
        labels = {"app": "sleepers"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        template["spec"]["terminationGracePeriodSeconds"] = 1  # type: ignore[index]
        spec = {"replicas": REPLICAS, "selector": {"matchLabels": labels}, "template": template}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "sleepers"}, "spec": spec}


def run(cycles: int, clients: int, seed: int, points: bool, storage: str) -> None:
    """Raises Broken."""
    with tempfile.TemporaryDirectory(prefix="kill-cycles-") as home:
        trial = Trial(Cluster(Path(home), storage), clients, seed, points, storage == "etcd")
        try:
            trial.prepare()
            for number in range(1, cycles + 1):
                trial.cycle()
                if number % 10 == 0:
                    print(f"{number} cycles, {sum(w.writes for w in trial.writers)} writes", flush=True)
            trial.cluster.trial("")
            if trial.point:
                trial.cluster.kill(etcd=False)
                trial._begin_life(free=True)
                trial._await_pods()
            trial.rest()
        finally:
            trial.cluster.command("delete", "--state", str(trial.cluster.state))
        if left := trial.processes():
            raise Broken(f"processes left after delete: {left}")
    writes = sum(w.writes for w in trial.writers)
    print(
        f"{cycles} kills, {writes} acknowledged writes of {clients} clients, none lost, none back; no process left over"
    )
    print("ends: " + ", ".join(f"{count} {end}" for end, count in sorted(trial.ends.items())))
    print(f"started again: median {statistics.median(trial.restarts):.2f} s, worst {max(trial.restarts):.2f} s")
    print(f"pods ready again: median {statistics.median(trial.ready):.2f} s, worst {max(trial.ready):.2f} s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--points", action="store_true")
    parser.add_argument("--storage", choices=("sqlite", "etcd"), default="sqlite")
    options = parser.parse_args()
    try:
        run(options.cycles, options.clients, options.seed, options.points, options.storage)
    except Broken as broken:
        print(f"broken: {broken}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
