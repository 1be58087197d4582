"""Whether the server behind an APIService answers: its condition `Available`, with kube-aggregator's reasons.

Looked at again whenever the APIService, its Service or the Service's endpoints change, every half minute, and after
a failure sooner.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster.apiserver.aggregation.proxy import Proxy
from cluster.apiserver.aggregation.registrations import (
    API_SERVICES,
    Registration,
    Registrations,
    available_condition,
    is_available,
    registration_of,
)
from cluster.apiserver.registry.cache import Change, Watch
from cluster.apiserver.request import MASTERS, UserInfo
from cluster.apiserver.service_endpoints import (
    SERVICE_NAME,
    SERVICES,
    SLICES,
    Unresolved,
    is_ready,
    named,
    port_name,
    slices_of,
)
from cluster.client.endpoint import BadBundle, NoAnswer
from cluster.machinery.workqueue import WorkQueue
from cluster.meta.errors import StatusError
from cluster.meta.objects import clone
from cluster.meta.times import seconds
from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.apiserver.server import ApiServer

AGGREGATOR = UserInfo("system:kube-aggregator", "", (MASTERS,))
"""In whose name the other servers are asked by this one."""
_EVERY = 30.0
_LONGEST = 30.0
_ATTEMPTS = 5
_WORKERS = 5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`again` when it is to be looked at again soon."""

    status: str
    reason: str
    message: str
    again: bool = False


LOCAL = Verdict("True", "Local", "Local APIServices are always available")
PASSED = Verdict("True", "Passed", "all checks passed")


def lacking(registration: Registration, service: Obj | None, slices: Sequence[Obj]) -> Verdict | None:
    """What stands in the way of asking the server at all; None when nothing does. Pure."""
    where = f'service/{registration.service} in "{registration.namespace}"'
    if service is None:
        return Verdict("False", "ServiceNotFound", f"{where} is not present")
    if (service.get("spec") or {}).get("type") != "ClusterIP":
        return None
    port = port_name(service, registration.port)
    if port is None:
        return Verdict("False", "ServicePortError", f"{where} is not listening on port {registration.port}")
    if not slices:
        return Verdict("False", "EndpointsNotFound", f"cannot find endpointslices for {where}")
    if not any(_leads_somewhere(each, port) for each in slices):
        message = f'endpointslices for {where} have no addresses with port name "{port}"'
        return Verdict("False", "MissingEndpoints", message)
    return None


def _leads_somewhere(piece: Obj, port: str) -> bool:
    return any(is_ready(end) for end in piece.get("endpoints") or ()) and any(
        named(each) == port and each.get("port") for each in piece.get("ports") or ()
    )


def with_verdict(obj: Obj, verdict: Verdict, now: str) -> Obj:
    """The APIService with the condition; its time moves only when its status does."""
    out = clone(obj)
    conditions = out.setdefault("status", {}).setdefault("conditions", [])
    held = available_condition(out)
    if held is None:
        held = {"type": "Available"}
        conditions.append(held)
    if held.get("status") != verdict.status:
        held |= {"status": verdict.status, "lastTransitionTime": now}
    held |= {"reason": verdict.reason, "message": verdict.message}
    return out


class Availability:
    """`run` must be a task for as long as the server lives. `unavailable` counts by name and reason how often an
    APIService has become so."""

    def __init__(self, server: ApiServer, registrations: Registrations, proxy: Proxy) -> None:
        self._server = server
        self._registrations = registrations
        self._proxy = proxy
        self._queue: WorkQueue[str] = WorkQueue(server.clock, cap=_LONGEST)
        self.unavailable: dict[tuple[str, str], int] = {}

    async def run(self) -> None:
        feed = self._server.feed
        self._registrations.listeners.append(self._queue.add)
        feed.cache(SERVICES).add_watch(Watch("", "", None, self._service))
        feed.cache(SLICES).add_watch(Watch("", "", None, self._slice))
        for obj in feed.all(API_SERVICES.group_resource):
            self._queue.add(str(obj["metadata"]["name"]))
        async with asyncio.TaskGroup() as group:
            for _ in range(_WORKERS):
                group.create_task(self._work())

    def _service(self, _: str, change: Change) -> None:
        if self._registrations.remote:
            namespace, _, name = change.entry.key.rpartition("/")
            self._look(namespace, name)

    def _slice(self, _: str, change: Change) -> None:
        if self._registrations.remote:
            meta = change.entry.obj["metadata"]
            self._look(meta.get("namespace") or "", (meta.get("labels") or {}).get(SERVICE_NAME) or "")

    def _look(self, namespace: str, service: str) -> None:
        for name in self._registrations.naming(namespace, service):
            self._queue.add(name)

    async def _work(self) -> None:
        while True:
            name = await self._queue.get()
            try:
                again = await self._sync(name)
            except StatusError as error:
                # Somebody else wrote meanwhile.
                _log.debug("APIService %s: %s", name, error)
                self._queue.add_rate_limited(name)
            except Exception:
                _log.exception("APIService %s", name)
                self._queue.add_rate_limited(name)
            else:
                if again:
                    self._queue.add_rate_limited(name)
                else:
                    self._queue.forget(name)
            finally:
                self._queue.done(name)

    async def _sync(self, name: str) -> bool:
        """Whether it must be looked at again soon. Raises StatusError."""
        obj = self._server.feed.get(API_SERVICES.group_resource, "", name)
        if obj is None:
            return False
        registration = registration_of(obj)
        verdict = LOCAL if registration is None else await self._judge(registration)
        await self._tell(obj, verdict)
        if registration is not None and not verdict.again:
            self._queue.add_after(name, _EVERY)
        return verdict.again

    async def _judge(self, registration: Registration) -> Verdict:
        objects = self._server.feed
        service = objects.get(SERVICES, registration.namespace, registration.service)
        slices = slices_of(objects, registration.namespace, registration.service)
        found = lacking(registration, service, slices)
        if found is not None:
            return found
        failure = await self._failure(registration)
        return PASSED if not failure else Verdict("False", "FailedDiscoveryCheck", failure, again=True)

    async def _failure(self, registration: Registration) -> str:
        """Empty when the server answers once: one of several endpoints may be ill."""
        failure = await self._attempt(registration)
        if not failure:
            return ""
        others = await asyncio.gather(*(self._attempt(registration) for _ in range(_ATTEMPTS - 1)))
        return "" if not all(others) else failure

    async def _attempt(self, registration: Registration) -> str:
        path = "/api/v1" if not registration.gv.group else registration.path
        try:
            endpoint = self._proxy.endpoint(registration)
        except (Unresolved, BadBundle, OSError) as error:
            return str(error)
        url = f"https://{endpoint.authority}{path}"
        try:
            answer = await self._proxy.ask(registration, path, AGGREGATOR, endpoint=endpoint)
        except NoAnswer as error:
            return f'failing or missing response from {url}: Get "{url}": {error}'
        except TimeoutError:
            why = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            return f'failing or missing response from {url}: Get "{url}": {why}'
        if not 200 <= answer.status < 300:
            return f"failing or missing response from {url}: bad status from {url}: {answer.status}"
        return ""

    async def _tell(self, obj: Obj, verdict: Verdict) -> None:
        told = with_verdict(obj, verdict, seconds(self._server.clock.now()))
        if told.get("status") == obj.get("status"):
            return
        await self._server.client().update(API_SERVICES, told, subresource="status")
        if is_available(obj) and verdict.status != "True":
            key = (str(obj["metadata"]["name"]), verdict.reason)
            self.unavailable[key] = self.unavailable.get(key, 0) + 1
