"""Replays recorded controller scenarios: the whole control plane of a fresh cluster on a virtual clock, a fake kubelet,
requests over HTTP, and dumps compared with what the real controllers left and said.

Placeholders of a recording (`<uid-1>`, `<rand-2>`, `<time>` …) are bound at first sight and must hold from then on.
Pods of one owner are interchangeable, so an object may be any of its kind that agrees.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.client.interface import Client
from cluster.controllers.context import Options
from cluster.controllers.set import run_controllers
from cluster.machinery import resources as known
from cluster.machinery.clock import VirtualClock, quiet
from cluster.machinery.events import EVENTS, EventSink
from cluster.machinery.informer import Informers
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersionResource, Obj
from cluster.scheduler.scheduler import Scheduler
from cluster.storage.memory import MemoryStore
from cluster.testing.fakekubelet import FakeKubelet

Bindings = dict[str, str]
ROOT_CA = "-----BEGIN CERTIFICATE-----\ntest\n-----END CERTIFICATE-----\n"
_START = 1_790_000_000.0
_THROWS = 6
_SETTLED, _LONGEST_SETTLE = 1.3, 60.0

NAMESPACED: dict[str, GroupVersionResource] = {
    "Pod": known.PODS,
    "Service": known.SERVICES,
    "Endpoints": known.ENDPOINTS,
    "EndpointSlice": known.ENDPOINT_SLICES,
    "ConfigMap": known.CONFIG_MAPS,
    "Secret": known.SECRETS,
    "ServiceAccount": known.SERVICE_ACCOUNTS,
    "PersistentVolumeClaim": known.CLAIMS,
    "ReplicationController": known.REPLICATION_CONTROLLERS,
    "ResourceQuota": known.RESOURCE_QUOTAS,
    "Deployment": known.DEPLOYMENTS,
    "ReplicaSet": known.REPLICA_SETS,
    "StatefulSet": known.STATEFUL_SETS,
    "DaemonSet": known.DAEMON_SETS,
    "ControllerRevision": known.CONTROLLER_REVISIONS,
    "Job": known.JOBS,
    "CronJob": known.CRON_JOBS,
    "HorizontalPodAutoscaler": known.AUTOSCALERS,
    "PodDisruptionBudget": known.DISRUPTION_BUDGETS,
}
CLUSTER: dict[str, GroupVersionResource] = {
    "Namespace": known.NAMESPACES,
    "Node": known.NODES,
    "PersistentVolume": known.VOLUMES,
    "ClusterRole": known.CLUSTER_ROLES,
    "CertificateSigningRequest": known.SIGNING_REQUESTS,
}

# -- comparing -----------------------------------------------------------------------------------------------

_NUMBERED = re.compile(r"<(?:uid|rv|clusterIP|nodePort|hash|podIP|rand|minutes|token|continue)-\d+>")
_LOOSE = {
    "<time>": r".*?",
    "<age>": r"\S+( ago)?",
    "<rand>": r"[a-z0-9]{5}",
    "<rv>": r"\d+",
    "<rv-list>": r"\d+",
    "<pem>": r"[\s\S]+",
    "<pem-base64>": r"[\s\S]+",
    "<node>": r"node-[123]",
    "<token>": r"[\s\S]+",
    "<server>": r"\S+?",
    "<hash>": r"[0-9a-z]+",
}
_TOKEN = re.compile("|".join([_NUMBERED.pattern, *map(re.escape, _LOOSE)]))


def matches(expected: str, actual: str, bindings: Bindings) -> bool:
    """Whether the text agrees; new placeholders are bound."""
    if "<" not in expected:
        return expected == actual
    pattern, position, fresh = "", 0, list[str]()
    for found in _TOKEN.finditer(expected):
        token = found.group(0)
        pattern += re.escape(expected[position : found.start()])
        position = found.end()
        if token in _LOOSE:
            pattern += f"(?:{_LOOSE[token]})"
        elif token in bindings:
            pattern += re.escape(bindings[token])
        elif token in fresh:
            pattern += f"(?P=g{fresh.index(token)})"
        else:
            pattern += f"(?P<g{len(fresh)}>.+?)"
            fresh.append(token)
    result = re.fullmatch(pattern + re.escape(expected[position:]), actual, re.DOTALL)
    if result is None:
        return False
    found_here = {token: result.group(f"g{index}") for index, token in enumerate(fresh)}
    if any(_taken(token, value, bindings) for token, value in found_here.items()):
        return False
    bindings.update(found_here)
    return True


def _taken(token: str, value: str, bindings: Bindings) -> bool:
    """Two placeholders of random names never stand for the same one."""
    return token.startswith("<rand") and any(
        known.startswith("<rand") and held == value and known != token for known, held in bindings.items()
    )


def difference(expected: Any, actual: Any, bindings: Bindings, path: str = "") -> str:
    """The first difference in words, or the empty string."""
    if isinstance(expected, str) and isinstance(actual, str | int) and not isinstance(actual, bool):
        same = matches(expected, str(actual), bindings)
        return "" if same else f"{path}: expected {expected!r}, got {actual!r}"
    if isinstance(expected, dict) and isinstance(actual, dict):
        return _dict_difference(expected, actual, bindings, path)
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return f"{path}: expected {len(expected)} entries, got {len(actual)}: {_short(actual)}"
        pairs = enumerate(zip(expected, actual, strict=True))
        return next((d for i, (e, a) in pairs if (d := difference(e, a, bindings, f"{path}/{i}"))), "")
    same = expected == actual and isinstance(expected, bool) == isinstance(actual, bool)
    return "" if same else f"{path}: expected {_short(expected)}, got {_short(actual)}"


def _dict_difference(expected: Obj, actual: Obj, bindings: Bindings, path: str) -> str:
    left = dict(actual)
    for key, value in expected.items():
        found = key if key in left else next((k for k in left if matches(key, k, dict(bindings))), None)
        if found is None:
            return f"{path}/{key}: expected {_short(value)}, got nothing"
        here = difference(value, left.pop(found), bindings, f"{path}/{key}")
        if here:
            return here
    if left:
        key = next(iter(left))
        return f"{path}/{key}: expected nothing, got {_short(left[key])}"
    return ""


def _short(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) < 300 else text[:300] + "…"


def pair_off(expected: Iterable[Any], actual: list[Any], bindings: Bindings, label: Any) -> list[str]:
    """Match each expected value with one actual; what is missing, different or left over."""
    left, faults = list(actual), []
    for one in expected:
        trials = [(i, dict(bindings)) for i in range(len(left)) if label(left[i]) == label(one)]
        results = [(difference(one, left[i], trial), i, trial) for i, trial in trials]
        good = next(((i, trial) for text, i, trial in results if not text), None)
        if good is not None:
            bindings.update(good[1])
            left.pop(good[0])
            continue
        best = max(results, key=lambda r: len(r[0].split(":")[0]), default=("missing", -1, {}))
        faults.append(f"{label(one)} {_name(one)}: {best[0]}")
    return faults


def _name(one: Obj) -> str:
    return str((one.get("metadata") or {}).get("name") or one.get("name") or "")


# -- running -------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class World:
    """A fresh cluster and the state of one scenario in it."""

    client: Client
    clock: VirtualClock
    server: ApiServer
    kubelet: FakeKubelet
    http: httpx.AsyncClient
    namespace: str
    bindings: Bindings = field(default_factory=dict)
    events_seen: dict[str, int] = field(default_factory=dict)
    seen_order: dict[str, int] = field(default_factory=dict)
    loose: set[str] = field(default_factory=set)
    """Placeholders of interchangeable pods seen so far."""


@asynccontextmanager
async def fresh_world(namespace: str, seed: int = 0) -> AsyncIterator[World]:
    clock = VirtualClock(_START)
    admin = UserInfo("admin", groups=("system:masters", "system:authenticated"))
    server = ApiServer(MemoryStore(), ApiServerOptions(tokens={"admin": admin}), clock=clock)
    await server.start()
    client = server.client()
    informers, events = Informers(client, clock), EventSink(client, clock)
    kubelet = FakeKubelet(client, clock)
    scheduler = Scheduler(client, clock, informers, events, chance=random.Random(seed))
    options = Options(root_ca=ROOT_CA, node_monitor_grace=10.0, node_monitor_period=2.0, autoscaler_sync=3.0)
    parts = [informers.run(), events.run(), kubelet.run(), scheduler.run()]
    parts.append(run_controllers(client, clock, options, informers=informers, events=events))
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as http:
            yield World(client, clock, server, kubelet, http, namespace)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.stop()


async def replay(scenario: Obj, earlier: Iterable[Obj] = ()) -> list[str]:
    """The differences of a scenario, first one first; empty when it agrees. `earlier` are cluster-wide objects that
    other scenarios of the recording had left behind. The scheduler's choice among equal nodes is left to chance, as
    it was in the recording: where named nodes matter, several throws are allowed."""
    throws = _THROWS if any(step["action"] == "node" for step in scenario["steps"]) else 1
    faults: list[str] = []
    for seed in range(throws):
        found = await _replay(scenario, earlier, seed)
        if not found:
            return []
        faults = faults or found
    return faults


async def _replay(scenario: Obj, earlier: Iterable[Obj], seed: int) -> list[str]:
    async with fresh_world(scenario["namespace"], seed) as world:
        await _prepare(world, scenario)
        for obj in _not_made_here(scenario, earlier):
            await world.client.create(known.PRIORITY_CLASSES, obj)
        unstable = {i for i in scenario.get("unstable") or () if isinstance(i, int)}
        for index, step in enumerate(scenario["steps"]):
            faults = await _step(world, step)
            if faults and index not in unstable:
                return [f"step {index} {fault}" for fault in faults]
        return []


async def _prepare(world: World, scenario: Obj) -> None:
    namespace: Obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": world.namespace}}
    await world.client.create(known.NAMESPACES, namespace)
    if not any(step["action"] == "node" for step in scenario["steps"]):
        for name in ("node-1", "node-2", "node-3"):
            await _while_time_passes(world, world.kubelet.add_node(name, {}))
    await world.clock.advance(1.0)


async def _while_time_passes(world: World, work: Any) -> None:
    task = asyncio.ensure_future(work)
    while not task.done():
        await world.clock.advance(0.1)
    await task


async def _step(world: World, step: Obj) -> list[str]:
    action = step["action"]
    if action == "request":
        return await _request(world, step)
    if action == "node":
        await _while_time_passes(world, world.kubelet.add_node(step["name"], step))
    elif action == "bind":
        await _bind(world, step)
    elif action == "node-dead":
        world.kubelet.kill(step["name"])
    elif action == "node-alive":
        await world.kubelet.revive(step["name"])
    elif action == "wait":
        await world.clock.advance(step["seconds"])
    elif action == "settle":
        await _settle(world)
    elif action == "dump":
        return await _dump(world, step)
    else:
        raise ValueError(f"unknown action {action!r}")
    return []


def _substitute(value: Any, bindings: Bindings) -> Any:
    if isinstance(value, dict):
        return {_substitute(k, bindings): _substitute(v, bindings) for k, v in value.items()}
    if isinstance(value, list):
        return [_substitute(v, bindings) for v in value]
    if isinstance(value, str):
        return _NUMBERED.sub(lambda m: bindings.get(m.group(0), m.group(0)), value)
    return value


async def _call(world: World, method: str, path: str, body: Any, content_type: str) -> httpx.Response:
    headers = {"Authorization": "Bearer admin", "User-Agent": "golden/1.0 (linux/amd64)"}
    if body is not None:
        headers["Content-Type"] = content_type
    content = None if body is None else body.encode() if isinstance(body, str) else orjson.dumps(body)
    response = await world.http.request(method, path, content=content, headers=headers)
    await quiet()
    return response


async def _request(world: World, step: Obj) -> list[str]:
    body = _substitute(step.get("body"), world.bindings)
    path = await _known_path(world, _substitute(step["path"], world.bindings))
    response = await _call(world, step["method"], path, body, step.get("contentType") or "application/json")
    if response.status_code != step["status"]:
        return [f"{step['method']} {path}: expected {step['status']}, got {response.status_code} {response.text[:300]}"]
    if step.get("message") and not matches(step["message"], response.json().get("message", ""), world.bindings):
        return [f"{step['method']} {path}: expected {step['message']!r}, got {response.json().get('message')!r}"]
    return []


async def _known_path(world: World, path: str) -> str:
    """A path that names an object no dump has shown yet: the first object of that name's shape."""
    if not _NUMBERED.search(path):
        return path
    folder, _, name = path.rpartition("/")
    items = (await _call(world, "GET", folder, None, "")).json().get("items") or []
    for item in items:
        trial = dict(world.bindings)
        found = item["metadata"]["name"]
        if matches(name, found, trial):
            world.bindings.update(trial)
            return f"{folder}/{found}"
    return path


async def _bind(world: World, step: Obj) -> None:
    found: Any = (await _call(world, "GET", _substitute(step["path"], world.bindings), None, "")).json()
    for key in step["field"].split("."):
        found = found[key]
    world.bindings[step["value"]] = str(found)


async def _settle(world: World) -> None:
    """Until nothing of the namespace has changed for a while."""
    waited, before = 0.0, await _fingerprint(world)
    while waited < _LONGEST_SETTLE:
        await world.clock.advance(_SETTLED)
        waited += _SETTLED
        after = await _fingerprint(world)
        if after == before:
            return
        before = after


async def _fingerprint(world: World) -> dict[str, str]:
    out = {}
    for gvr in [*NAMESPACED.values(), EVENTS]:
        for item in (await world.client.list(gvr, world.namespace)).items:
            out[item["metadata"]["uid"]] = item["metadata"]["resourceVersion"]
    return out


async def _dump(world: World, step: Obj) -> list[str]:
    actual = sorted(await _objects(world, step["objects"]), key=lambda o: _age(world, o))
    expected = list(step["objects"])
    world.loose |= _interchangeable(expected)
    seen = {k: v for k, v in world.bindings.items() if k not in world.loose}
    faults = pair_off(expected, actual, seen, lambda o: o["kind"])
    kinds = {o["kind"] for o in expected} | {o["kind"] for o in actual}
    for kind in sorted(kinds):
        want = [_name(o) for o in expected if o["kind"] == kind]
        have = [_name(o) for o in actual if o["kind"] == kind]
        if len(want) != len(have):
            faults.insert(0, f"{kind}: expected {want}, got {have}")
    world.bindings = seen
    return faults + await _compare_events(world, step["events"])


def _age(world: World, obj: Obj) -> int:
    """Objects of earlier dumps come first."""
    return world.seen_order.setdefault(obj["metadata"].get("uid") or "", len(world.seen_order))


def _interchangeable(expected: Iterable[Obj]) -> set[str]:
    """Placeholders of pods whose names were generated: which of them stands for which may differ from dump to dump."""
    pods = (o for o in expected if o["kind"] == "Pod" and o["metadata"].get("generateName"))
    texts = (
        f"{p['metadata']['name']} {p['metadata']['uid']} {p['metadata']['resourceVersion']} "
        f"{p.get('status', {}).get('podIP', '')}"
        for p in pods
    )
    found = {token for text in texts for token in _NUMBERED.findall(text)}
    return {token for token in found if not token.startswith("<hash")}


def _everywhere(expected: Iterable[Obj]) -> bool:
    return any(o["kind"] == "ServiceAccount" and o["metadata"]["name"] == "default" for o in expected)


async def _objects(world: World, expected: list[Obj]) -> list[Obj]:
    out = []
    for kind, gvr in NAMESPACED.items():
        for item in (await world.client.list(gvr, world.namespace)).items:
            if _everywhere(expected) or item["metadata"]["name"] not in {"default", "kube-root-ca.crt"}:
                out.append(_clean(item, kind, gvr))
    for one in expected:
        if one["kind"] in CLUSTER:
            out.append(await _cluster_object(world, one))
    return out


async def _cluster_object(world: World, expected: Obj) -> Obj:
    gvr = CLUSTER[expected["kind"]]
    name = _substitute(expected["metadata"]["name"], world.bindings)
    try:
        return _clean(await world.client.get(gvr, name), expected["kind"], gvr)
    except StatusError:
        return {"kind": expected["kind"], "metadata": {"name": name}, "__missing__": True}


def _clean(item: Obj, kind: str, gvr: GroupVersionResource) -> Obj:
    meta = {k: v for k, v in item["metadata"].items() if k != "managedFields"}
    return {**item, "apiVersion": gvr.api_version, "kind": kind, "metadata": meta}


async def _compare_events(world: World, expected: list[Obj]) -> list[str]:
    items = (await world.client.list(EVENTS, world.namespace)).items
    fresh = []
    for item in sorted(items, key=lambda e: int(e["metadata"]["resourceVersion"])):
        uid, count = item["metadata"]["uid"], item.get("count") or 0
        if world.events_seen.get(uid) != count:
            world.events_seen[uid] = count
            if item["metadata"]["namespace"] == world.namespace:
                fresh.append(_event_facts(item))
    bindings = dict(world.bindings)
    ordered = sorted(
        expected, key=lambda e: sum(t not in bindings for t in _NUMBERED.findall(e["message"] + e["name"]))
    )
    faults = pair_off(ordered, fresh, bindings, lambda e: (e["component"], e["reason"], e["kind"]))
    world.bindings.update(bindings)
    if len(fresh) > len(expected):
        surplus = [f"{e['kind']}/{e['name']} {e['reason']} {e['message']}" for e in fresh]
        faults.append(f"events: expected {len(expected)}, got {len(fresh)}: {surplus}")
    return [f"event {fault}" for fault in faults]


def _event_facts(event: Obj) -> Obj:
    about = event["involvedObject"]
    component = (event.get("source") or {}).get("component") or event.get("reportingComponent") or ""
    out = {"type": event["type"], "reason": event["reason"], "message": event["message"]}
    out |= {"kind": about["kind"], "name": about["name"], "component": component}
    for field_name, value in (("fieldPath", about.get("fieldPath")), ("action", event.get("action"))):
        if value:
            out[field_name] = value
    if event.get("count"):
        out["count"] = event["count"]
    return out


def left_behind(scenarios: Iterable[Obj]) -> list[Obj]:
    """Priority classes, which the scenarios of the recording share."""
    requests = (step for scenario in scenarios for step in scenario["steps"] if step["action"] == "request")
    found = (step["body"] for step in requests if step["method"] == "POST" and "/priorityclasses" in step["path"])
    return [*{obj["metadata"]["name"]: obj for obj in found}.values()]


def _not_made_here(scenario: Obj, earlier: Iterable[Obj]) -> list[Obj]:
    mine = {obj["metadata"]["name"] for obj in left_behind([scenario])}
    return [obj for obj in earlier if obj["metadata"]["name"] not in mine]


def run_all(scenarios: Iterable[Obj], only: str = "", earlier: Iterable[Obj] = ()) -> Iterator[tuple[Obj, list[str]]]:
    """Each scenario whose id `only` finds, with its differences. `earlier` are other scenarios of the recording."""
    listed = list(scenarios)
    shared = left_behind([*earlier, *listed])
    for scenario in listed:
        if not only or re.search(only, scenario["id"]):
            yield scenario, asyncio.run(replay(scenario, shared))
