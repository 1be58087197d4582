"""Priority and fairness over HTTP: what clients are told, who waits, and what a configuration changes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from apiserver_wire import Reply, Wire

from cluster.apiserver.filters.chain import Chain
from cluster.apiserver.filters.deadline import Deadlines
from cluster.apiserver.filters.flow import PriorityAndFairness
from cluster.apiserver.flowcontrol.estimate import Estimator, Watchers
from cluster.apiserver.flowcontrol.levels import Levels
from cluster.apiserver.flowcontrol.queueset import ONE, Work
from cluster.apiserver.http.messages import Request, Response
from cluster.apiserver.registry.feed import Feed
from cluster.apiserver.request import Context, Query, RequestInfo, parse_info
from cluster.machinery.clock import VirtualClock
from cluster.meta.types import GroupResource, Obj
from cluster.storage.memory import MemoryStore

API = "/apis/flowcontrol.apiserver.k8s.io/v1"
MAPS = "/api/v1/namespaces/default/configmaps"


def level(name: str, response: Obj, shares: int = 1) -> Obj:
    spec = {"type": "Limited", "limited": {"nominalConcurrencyShares": shares, "limitResponse": response}}
    return {"metadata": {"name": name}, "spec": spec}


def schema(name: str, level: str) -> Obj:
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
    subject = {"kind": "Group", "group": {"name": "*"}}
    rule = {"subjects": [subject], "resourceRules": [everything]}
    spec = {"priorityLevelConfiguration": {"name": level}, "matchingPrecedence": 2, "rules": [rule]}
    return {"metadata": {"name": name, "uid": f"uid-{name}"}, "spec": spec}


class Road:
    """A chain with flow control alone, whose handler waits until it is told to go on."""

    def __init__(self, response: Obj, seats: int = 1) -> None:
        self.clock = VirtualClock()
        self.levels = Levels(seats, self.clock.call_later)
        # exempt and catch-all have five shares; the level must have the rest of so few seats.
        self.levels.configure([level("l", response, 10_000)], [schema("s", "l")], self.clock.now())
        self.levels.levels["l"].queues.configure(self.levels.levels["l"].queuing, seats, self.clock.now())
        watchers = Watchers()
        estimator = Estimator(Feed(MemoryStore()), watchers)
        self.flow = PriorityAndFairness(self.levels, estimator, watchers, self.clock, 60.0)
        self.deadlines = Deadlines(60.0, self.clock)
        self.gates: list[asyncio.Future[None]] = []
        self.chain = Chain((self.arrived, self.deadlines, self.flow, self.work), (self.deadlines.answered,))

    async def arrived(self, ctx: Context) -> Response | None:
        ctx.received = self.clock.now()
        return None

    async def work(self, _: Context) -> Response:
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        await gate
        return Response(200)

    async def ask(self, path: str = MAPS, query: str = "") -> asyncio.Task[Response]:
        task = asyncio.ensure_future(self.chain(Request("GET", path, query, {})))
        await asyncio.sleep(0)
        return task


QUEUE = {"type": "Queue", "queuing": {"queues": 2, "handSize": 1, "queueLengthLimit": 2}}


async def test_beyond_its_seats_a_rejecting_level_answers_429_as_kubernetes_does() -> None:
    road = Road({"type": "Reject"})
    first = await road.ask()
    refused = await (await road.ask())
    assert (refused.status, refused.content_type) == (429, "text/plain; charset=utf-8")
    assert refused.body == b"Too many requests, please try again later.\n"
    told = dict(refused.headers)
    assert told["Retry-After"] == "1"
    assert told["X-Kubernetes-PF-FlowSchema-UID"] == "uid-s"
    assert "X-Kubernetes-PF-PriorityLevel-UID" in told
    road.gates[0].set_result(None)
    assert (await first).status == 200
    assert road.levels.levels["l"].queues.idle


async def test_a_request_waits_its_turn() -> None:
    road = Road(QUEUE)
    first, second = await road.ask(), await road.ask()
    assert len(road.gates) == 1
    road.gates[0].set_result(None)
    assert (await first).status == 200
    while len(road.gates) == 1:
        await asyncio.sleep(0)
    road.gates[1].set_result(None)
    assert (await second).status == 200


@pytest.mark.parametrize(("query", "waits"), [("", 15.0), ("timeout=8s", 2.0)])
async def test_a_quarter_of_a_requests_time_may_go_by_in_a_queue(query: str, waits: float) -> None:
    road = Road(QUEUE)
    first, second = await road.ask(), await road.ask(query=query)
    await road.clock.advance(waits - 0.1)
    assert not second.done()
    await road.clock.advance(0.2)
    assert (await second).status == 429
    counts = road.levels.levels["l"].flows["s"]
    assert (counts.rejected["time-out"], counts.waiting, counts.refused.count) == (1, 0, 1)
    road.gates[0].set_result(None)
    await first


async def test_a_client_that_goes_away_leaves_the_queue_and_its_seat() -> None:
    road = Road(QUEUE)
    first, second = await road.ask(), await road.ask()
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    queues = road.levels.levels["l"].queues
    assert (queues.idle, queues.seats_in_use, queues.waiting) == (True, 0, 0)


async def test_a_client_that_goes_away_as_its_turn_comes_gives_the_seat_back() -> None:
    road = Road(QUEUE)
    first, second = await road.ask(), await road.ask()
    road.gates[0].set_result(None)
    await first
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert road.levels.levels["l"].queues.idle


async def test_streams_take_no_seat() -> None:
    road = Road({"type": "Reject"})
    first = await road.ask()
    log = await road.ask("/api/v1/namespaces/default/pods/p/log")
    assert len(road.gates) == 2
    for gate in road.gates:
        gate.set_result(None)
    assert [(await task).status for task in (first, log)] == [200, 200]


async def test_a_request_that_takes_too_long_is_504() -> None:
    road = Road({"type": "Reject"}, seats=5)
    slow, hurried = await road.ask(), await road.ask(query="timeout=5s")
    await road.clock.advance(5.1)
    answer = await hurried
    assert answer.status == 504
    assert json.loads(answer.body)["message"] == "Timeout: request did not complete within the allotted timeout"
    await road.clock.advance(57)
    assert (await slow).status == 504
    assert road.levels.levels["l"].queues.idle


# The width of requests.


async def work_of(
    method: str, path: str, query: str = "", *, bytes: int = 0, objects: int = 0, watchers: int = 0
) -> Work:
    feed, watching = Feed(MemoryStore()), Watchers()
    if objects:
        cache = feed.cache(GroupResource("", "configmaps"))
        cache.entries = dict.fromkeys(map(str, range(objects)), None)  # type: ignore[arg-type]
        cache.bytes = bytes
    for _ in range(watchers):
        watching.add(RequestInfo("", "watch", "", "v1", "default", "configmaps"), Query(""))
    asked = Query(query)
    info = parse_info(Request(method, path, query, {}), asked)
    return Estimator(feed, watching).work(info, asked, 10)


async def test_lists_are_as_wide_as_what_they_read_weighs() -> None:
    assert await work_of("GET", MAPS, bytes=50_000, objects=5) == ONE
    assert await work_of("GET", MAPS, bytes=450_000, objects=50) == Work(5)
    assert await work_of("GET", MAPS, "limit=10", bytes=450_000, objects=50) == ONE
    assert await work_of("GET", MAPS, bytes=90_000_000, objects=50) == Work(10)
    assert await work_of("GET", MAPS, "watch=1", bytes=450_000, objects=50) == Work(5)
    assert await work_of("GET", MAPS, "watch=1&resourceVersion=7", bytes=450_000, objects=50) == ONE
    assert await work_of("GET", f"{MAPS}/a", bytes=450_000, objects=50) == ONE


async def test_writes_hold_seats_while_their_watchers_are_told() -> None:
    assert await work_of("PUT", f"{MAPS}/a", watchers=9) == ONE
    assert await work_of("PUT", f"{MAPS}/a", watchers=25) == Work(1, 3, 0.005)
    wide = await work_of("PUT", f"{MAPS}/a", watchers=200)
    assert (wide.seats, wide.final, wide.linger) == (1, 10, pytest.approx(0.01))


# On a server.


async def test_a_schema_says_whether_its_level_is_there(wire: Wire) -> None:
    def dangling(reply: Reply) -> Any:
        conditions = (reply.json().get("status") or {}).get("conditions") or [{}]
        return {k: conditions[0].get(k) for k in ("status", "reason", "message")}

    async def until(status: str) -> Any:
        async with asyncio.timeout(5):
            while (found := dangling(await wire.call("GET", f"{API}/flowschemas/mine")))["status"] != status:
                await asyncio.sleep(0)
        return found

    await wire.call("POST", f"{API}/flowschemas", schema("mine", "not-yet"))
    assert await until("True") == {
        "status": "True",
        "reason": "NotFound",
        "message": 'This FlowSchema references the PriorityLevelConfiguration object named "not-yet" but there is no '
        "such object",
    }
    made = await wire.call("POST", f"{API}/prioritylevelconfigurations", level("not-yet", {"type": "Reject"}))
    assert made.status == 201
    assert (await until("False"))["reason"] == "Found"
    reply = await wire.call("GET", MAPS, token="alice")
    assert reply.headers["x-kubernetes-pf-prioritylevel-uid"] == made.json()["metadata"]["uid"]


async def test_mandatory_objects_come_back(wire: Wire) -> None:
    for plural, name in (("flowschemas", "catch-all"), ("prioritylevelconfigurations", "workload-low")):
        assert (await wire.call("DELETE", f"{API}/{plural}/{name}")).status == 200
        assert (await wire.call("GET", MAPS, token="alice")).status == 403
        await wire.server.flow.put_back()
        assert (await wire.call("GET", f"{API}/{plural}/{name}")).status == 200


async def test_a_watch_holds_its_seat_only_until_its_initial_state_is_told(wire: Wire) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.server.port)
    writer.write(f"GET {MAPS}?watch=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    exempt = wire.server.levels.levels["exempt"]
    async with asyncio.timeout(5):
        while exempt.flows["exempt"].executing:
            await asyncio.sleep(0)
    assert exempt.queues.seats_in_use == 0
    assert exempt.flows["exempt"].execution["watch"].count == 1
    writer.close()
