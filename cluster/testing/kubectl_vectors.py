"""Replays recorded kubectl sessions: a fresh control plane per session, the real kubectl against it over TLS, and what
it prints and answers compared with what it printed then.

The commands of a session build on each other, so a session is run once: a command that later ones were recorded
after counts for them too. Hashes are `H`s of the same length, generated suffixes `RRRRR`; columns next to an age or a
pod's address move, so runs of blanks count as one wherever such a value is shown.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.cli import pki
from cluster.controllers.context import Options
from cluster.controllers.set import run_controllers
from cluster.kinds.registry import KindRegistry
from cluster.machinery import resources as known
from cluster.machinery.clock import RealClock
from cluster.machinery.events import EventSink
from cluster.machinery.informer import Informers
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersionKind, GroupVersionResource, Obj
from cluster.scheduler.scheduler import Scheduler
from cluster.storage.interface import Store
from cluster.storage.memory import MemoryStore
from cluster.testing.fakekubelet import FakeKubelet

_LOGGED = re.compile(r"^[IW]\d{4} [\d:.]+ +\d+ \S+\.go:\d+\] .*\n", re.MULTILINE)
"""What kubectl's libraries log on the side: whether a watch they end themselves was short is a matter of chance."""
VERSION = "1.32"
"""The recording's kubectl: others print other words."""
_AT_ONCE = 3
_CUT_OFF = 25.0
_QUIET, _QUIET_AT_FIRST, _LONGEST = 0.3, 0.8, 8.0

# -- comparing -----------------------------------------------------------------------------------------------

_ANY = {
    "<age>": r"\S+(?: \(x\d+ over \S+\))?(?: ago)?",
    "<time>": r"[^\n]*?",
    "<rv>": r"\d+",
    "<rand>": r"[a-z0-9]+",
    "<hash>": r"[0-9A-Za-z]+",
    "<pem>": r"[\s\S]+?",
    "<token>": r"\S+",
    "<server>": r"[^\s/]+",
    "RRRRR": r"[a-z0-9]{5}",
}
_NUMBERED = r"<(?:uid|rv|clusterIP|nodePort|hash|podIP|rand|minutes|continue)-\d+>"
_PLACEHOLDER = re.compile("|".join([_NUMBERED, r"H{5,}", *map(re.escape, _ANY)]))
_MOVES_COLUMNS = re.compile(r"<age>|<podIP-\d+>")


def difference(expected: str, actual: str) -> str:
    """The first line that differs, in words; empty when the texts agree."""
    if _MOVES_COLUMNS.search(expected):
        expected, actual = _narrow(expected), _narrow(actual)
    if expected == actual or re.fullmatch(_pattern(expected), actual):
        return ""
    wanted, had = expected.split("\n"), actual.split("\n")
    for at, line in enumerate(wanted):
        if at >= len(had) or not re.fullmatch(_pattern(line), had[at]):
            return f"line {at + 1}: expected {line!r}, got {had[at]!r}" if at < len(had) else f"no line {line!r}"
    return (
        f"{len(had) - len(wanted)} lines too many, the first {had[len(wanted)]!r}"
        if len(had) > len(wanted)
        else (f"equal placeholders stand for different values in {actual!r}")
    )


def _narrow(text: str) -> str:
    return re.sub(r" +$", "", re.sub(r" {2,}", " ", text), flags=re.MULTILINE)


def _pattern(expected: str) -> str:
    out, position, names = [], 0, dict[str, str]()
    for found in _PLACEHOLDER.finditer(expected):
        out.append(re.escape(expected[position : found.start()]))
        position, token = found.end(), found.group(0)
        if token in _ANY:
            out.append(f"(?:{_ANY[token]})")
        elif token.startswith("H"):
            out.append(f"[a-z0-9]{{{len(token)}}}")
        elif token in names:
            out.append(f"(?P={names[token]})")
        else:
            names[token] = f"g{len(names)}"
            out.append(rf"(?P<{names[token]}>[^\s]+?)")
    return "".join([*out, re.escape(expected[position:])])


# -- kubectl -------------------------------------------------------------------------------------------------


def find_kubectl() -> str:
    """A kubectl of the recording's version on PATH (also as `kubectl.1.32`, also beside a kubectl that is a link);
    empty where there is none."""
    return next((path for path in _candidates() if _is_that_version(path)), "")


def _candidates() -> list[str]:
    names = (f"kubectl.{VERSION}", f"kubectl-{VERSION}", "kubectl")
    found = [path for name in names if (path := shutil.which(name))]
    beside = [str(Path(path).resolve().with_name(name)) for path in found for name in names]
    return [*found, *(path for path in beside if os.access(path, os.X_OK))]


def _is_that_version(path: str) -> bool:
    try:
        asked = subprocess.run([path, "version", "--client", "-o", "json"], capture_output=True, timeout=30, check=True)
        version = json.loads(asked.stdout)["clientVersion"]["gitVersion"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return False
    return bool(str(version).startswith(f"v{VERSION}."))


@dataclass(frozen=True, slots=True)
class Outcome:
    exit: int | str
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the commands of one session run: a folder of their own, which is also their home."""

    kubectl: str
    folder: Path

    async def run(self, command: Obj) -> Outcome:
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "KUBECONFIG": ".kubeconfig",
            **(command.get("env") or {}),
        }
        process = await asyncio.create_subprocess_exec(
            self.kubectl, *command["argv"], cwd=self.folder, env=environment, stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        talking = asyncio.ensure_future(process.communicate((command.get("stdin") or "").encode()))
        done, _ = await asyncio.wait({talking}, timeout=_CUT_OFF)
        code: int | str = "timeout"
        if not done:
            process.kill()
        stdout, stderr = await talking
        if done:
            code = process.returncode if process.returncode is not None else -1
        return Outcome(code, stdout.decode(errors="replace"), _LOGGED.sub("", stderr.decode(errors="replace")))


def _kubeconfig(server: str, namespace: str) -> str:
    return f"""apiVersion: v1
kind: Config
clusters:
- cluster:
    insecure-skip-tls-verify: true
    server: {server}
  name: c
contexts:
- context:
    cluster: c
    namespace: {namespace}
    user: u
  name: x
current-context: x
preferences: {{}}
users:
- name: u
  user:
    token: admin
"""


# -- the control plane ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class World:
    server: ApiServer
    store: Store
    kubelet: FakeKubelet
    kinds: KindRegistry

    async def settle(self, quiet: float = _QUIET) -> None:
        """Until nothing has been written for a while; leases, which are always written, are not looked at."""
        loop = asyncio.get_running_loop()
        since = start = loop.time()
        before = await self._fingerprint()
        while loop.time() - since < quiet and loop.time() - start < _LONGEST:
            await asyncio.sleep(0.05)
            after = await self._fingerprint()
            if after != before:
                before, since = after, loop.time()

    async def _fingerprint(self) -> tuple[int, int]:
        listed = await self.store.list_at("")
        revisions = [record.mod_revision for record in listed.records if "/leases/" not in record.key]
        return len(revisions), max(revisions, default=0)


@asynccontextmanager
async def fresh_world(keys: pki.Keys, nodes: Iterable[str]) -> AsyncIterator[World]:
    """An API server over TLS, the controllers, a scheduler and a kubelet that runs nothing."""
    clock, store = RealClock(), MemoryStore()
    admin = UserInfo("admin", "admin", ("system:masters",))
    options = ApiServerOptions(
        tokens={"admin": admin}, tls_certificate=keys.server, tls_key=keys.server_key, signing_key=keys.tokens
    )
    server = ApiServer(store, options, clock=clock)
    await server.start()
    client = server.client()
    informers, events = Informers(client, clock), EventSink(client, clock)
    kubelet = FakeKubelet(server.client(manager="kubelet"), clock)
    scheduler = Scheduler(server.client(manager="kube-scheduler"), clock, informers, events)
    settings = Options(
        root_ca=keys.ca.read_text(), node_monitor_grace=10.0, node_monitor_period=2.0, autoscaler_sync=3.0,
        signer_certificate=keys.ca.read_bytes(), signer_key=keys.ca_key.read_bytes(),
    )  # fmt: skip
    parts = [informers.run(), events.run(), kubelet.run(), scheduler.run()]
    writer = server.client(manager="kube-controller-manager")
    parts.append(run_controllers(writer, clock, settings, informers=informers, events=events))
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        for node in nodes:
            await kubelet.add_node(node, {})
        yield World(server, store, kubelet, server.kinds)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.stop()
        await store.close()


async def _prepare(world: World, scenario: Obj, folder: Path) -> None:
    namespace = scenario["ns"]
    client = world.server.client(manager="golden")
    body: Obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    await client.create(known.NAMESPACES, body)
    await world.settle()
    for obj in scenario["setup"]:
        resource, namespaced = _resource(world.kinds, obj)
        await client.create(resource, obj, namespace if namespaced else "")
    await world.settle(_QUIET_AT_FIRST)
    (folder / ".kubeconfig").write_text(_kubeconfig(world.server.url, namespace))
    for name, text in (scenario.get("files") or {}).items():
        (folder / name).write_text(text)


def _resource(kinds: KindRegistry, obj: Obj) -> tuple[GroupVersionResource, bool]:
    group, _, version = obj["apiVersion"].rpartition("/")
    kind = kinds.by_gvk(GroupVersionKind(group, version, obj["kind"]))
    if kind is None:
        raise LookupError(f"no such kind: {obj['apiVersion']} {obj['kind']}")
    return GroupVersionResource(group, version, kind.plural), kind.namespaced


# -- running -------------------------------------------------------------------------------------------------

Told = Callable[[Obj, list[str]], None]


async def _session(scenarios: list[Obj], desk: Desk, keys: pki.Keys, told: Told) -> None:
    nodes = ["kn1", *(scenarios[0].get("nodes") or ())]
    async with fresh_world(keys, nodes) as world:
        await _prepare(world, scenarios[0], desk.folder)
        run: list[Obj] = []
        for at, scenario in enumerate(scenarios):
            before = scenario.get("pre") or []
            for command in before[len(run) :]:
                await desk.run(command)
                await world.settle()
            run = before
            outcome = await desk.run(scenario)
            told(scenario, _faults(scenario, outcome))
            following = scenarios[at + 1].get("pre") or [] if at + 1 < len(scenarios) else []
            if len(following) > len(run) and following[len(run)]["argv"] == scenario["argv"]:
                run = following[: len(run) + 1]
                await world.settle()


def _faults(scenario: Obj, outcome: Outcome) -> list[str]:
    """A command whose text was not the same in two recordings need only end the same way."""
    faults = []
    if outcome.exit != scenario["exit"]:
        said = (outcome.stderr or outcome.stdout)[:300]
        faults.append(f"exit: expected {scenario['exit']}, got {outcome.exit} {said!r}")
    if not scenario.get("unstable"):
        # kubectl lists labels as Go walks a map: in any order.
        arranged = _sorted_lines if "--list" in scenario["argv"] else str
        for name, text in (("stdout", outcome.stdout), ("stderr", outcome.stderr)):
            if fault := difference(arranged(scenario[name]), arranged(text)):
                faults.append(f"{name} {fault}")
    return faults


def _sorted_lines(text: str) -> str:
    return "\n".join(sorted(text.split("\n")))


async def _all(scenarios: Iterable[Obj], kubectl: str, told: Told) -> None:
    sessions: dict[str, list[Obj]] = {}
    for scenario in scenarios:
        sessions.setdefault(scenario["session"], []).append(scenario)
    seats = asyncio.Semaphore(_AT_ONCE)
    with tempfile.TemporaryDirectory() as root:
        keys = pki.Keys(Path(root) / "keys")
        pki.make(keys, "vectors", ())

        async def one(name: str, listed: list[Obj]) -> None:
            folder = Path(root) / name
            folder.mkdir()
            async with seats:
                try:
                    await _session(listed, Desk(kubectl, folder), keys, told)
                except StatusError as error:
                    told({**listed[0], "id": f"{name}/setup"}, [f"the session could not be prepared: {error}"])

        async with asyncio.TaskGroup() as group:
            # The longest first, so that none is left over at the end.
            for name, listed in sorted(sessions.items(), key=lambda item: -len(item[1])):
                group.create_task(one(name, listed))


def run_all(scenarios: Iterable[Obj]) -> list[tuple[Obj, list[str]]]:
    """Each scenario with its differences, in the order of the recording. Raises FileNotFoundError without kubectl."""
    kubectl = find_kubectl()
    if not kubectl:
        raise FileNotFoundError(f"kubectl {VERSION} is not on PATH")
    listed = list(scenarios)
    found: dict[str, tuple[Obj, list[str]]] = {}
    with suppress(KeyboardInterrupt):
        asyncio.run(_all(listed, kubectl, lambda scenario, faults: found.update({scenario["id"]: (scenario, faults)})))
    order = {scenario["id"]: at for at, scenario in enumerate(listed)}
    missing = {s["id"]: (s, ["was not run"]) for s in listed if s["id"] not in found}
    return sorted([*found.values(), *missing.values()], key=lambda pair: order.get(pair[0]["id"], -1))
