"""The userspace proxier: one listening socket an address of a Service, in this process.

Endpoints are exchanged inside the handler that hears of them, so a pod that left gets no new connection from that
moment; sockets are opened and closed by one task. Connections under way are left alone until their ends close them.
An address that cannot be listened on is told in an event and a condition of the Service, and tried again.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress

from cluster.client.interface import Client
from cluster.machinery.clock import Clock, rfc3339
from cluster.machinery.events import WARNING, Recorder
from cluster.machinery.informer import Informer
from cluster.machinery.resources import SERVICE, SERVICES
from cluster.meta.errors import StatusError
from cluster.meta.types import Obj, ObjectKey
from cluster.network.forward import Choice, Datagrams, Inbound
from cluster.network.interface import Address
from cluster.network.services import SERVICE_NAME, ServicePort, service_ports

log = logging.getLogger(__name__)
_RETRY = 5.0
_BACKLOG = 512
CONDITION = "pyhelm.io/Listening"
_STRATEGIC = "application/strategic-merge-patch+json"


class _Listener:
    """One address; `choice` is exchanged in place."""

    def __init__(self, address: Address, choice: Choice) -> None:
        self.address, self.choice = address, choice
        self.connections: set[asyncio.Transport] = set()
        self._server: asyncio.Server | None = None
        self._datagrams: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        """Raises OSError."""
        loop, address = asyncio.get_running_loop(), self.address
        if address.protocol == "UDP":
            self._datagrams, _ = await loop.create_datagram_endpoint(
                lambda: Datagrams(self.choice), local_addr=(address.ip, address.port)
            )
            return
        self._server = await loop.create_server(
            lambda: Inbound(self.choice, self.connections), address.ip, address.port, backlog=_BACKLOG
        )

    def close(self, *, cut: bool = False) -> None:
        if self._server is not None:
            self._server.close()
        if self._datagrams is not None:
            self._datagrams.close()
        for transport in [*self.connections] if cut else ():
            transport.abort()


class UserspaceProxier:
    """See the module. `services` and `slices` are informers that somebody runs; `node_addresses` serve node ports."""

    name = "userspace"

    def __init__(
        self,
        client: Client,
        clock: Clock,
        services: Informer,
        slices: Informer,
        recorder: Recorder,
        node_addresses: Sequence[str] = ("127.0.0.1",),
    ) -> None:
        self.ready = asyncio.Event()
        self._client, self._clock, self._recorder = client, clock, recorder
        self._services, self._slices = services, slices
        self._node_addresses = tuple(node_addresses)
        self._wanted: dict[ObjectKey, list[ServicePort]] = {}
        self._choices: dict[Address, Choice] = {}
        self._owners: dict[Address, ObjectKey] = {}
        self._open: dict[Address, _Listener] = {}
        self._faults: dict[Address, str] = {}
        self._retry_at: dict[Address, float] = {}
        self._changed = asyncio.Event()
        slices.add_index(SERVICE_NAME, _service_of)

    def faults(self) -> dict[Address, str]:
        return dict(self._faults)

    async def run(self) -> None:
        await self._services.synced.wait()
        await self._slices.synced.wait()
        self._services.add_handler(self._service_changed)
        self._slices.add_handler(self._slice_changed)
        try:
            while True:
                self._changed.clear()
                pause = await self._reconcile()
                self.ready.set()
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._changed.wait()
        finally:
            self._services.remove_handler(self._service_changed)
            self._slices.remove_handler(self._slice_changed)
            for listener in self._open.values():
                listener.close(cut=True)

    # -- hearing -----------------------------------------------------------------------------------------------

    def _service_changed(self, old: Obj | None, new: Obj | None) -> None:
        meta = (new or old or {})["metadata"]
        self._refresh(ObjectKey(meta["namespace"], meta["name"]))

    def _slice_changed(self, old: Obj | None, new: Obj | None) -> None:
        for each in (old, new):
            if each is not None:
                for name in _service_of(each):
                    namespace, _, service = name.partition("/")
                    self._refresh(ObjectKey(namespace, service))

    def _refresh(self, key: ObjectKey) -> None:
        """Exchange the endpoints at once; sockets follow when addresses changed."""
        service = self._services.get(key.name, key.namespace)
        slices = self._slices.by_index(SERVICE_NAME, f"{key.namespace}/{key.name}")
        ports = service_ports(service, slices, self._node_addresses) if service is not None else []
        before = {a for port in self._wanted.get(key, ()) for a in port.listen}
        after: set[Address] = set()
        for port in ports:
            for address in port.listen:
                after.add(address)
                self._owners[address] = key
                choice = self._choices.setdefault(address, Choice())
                choice.update(port.endpoints, port.affinity)
        for address in before - after:
            if self._owners.get(address) == key:
                del self._owners[address], self._choices[address]
        if ports:
            self._wanted[key] = ports
        else:
            self._wanted.pop(key, None)
        if before != after:
            self._changed.set()

    # -- sockets -----------------------------------------------------------------------------------------------

    async def _reconcile(self) -> float | None:
        """Open and close sockets; answers when to try refused addresses again."""
        for address in [a for a in self._open if self._open[a].choice is not self._choices.get(a)]:
            self._open.pop(address).close()
        for address in [a for a in self._faults if a not in self._choices]:
            del self._faults[address], self._retry_at[address]
        for address, choice in [*self._choices.items()]:
            if address not in self._open and self._retry_at.get(address, 0) <= self._clock.now():
                await self._listen(address, choice)
        return _RETRY if self._faults else None

    async def _listen(self, address: Address, choice: Choice) -> None:
        listener = _Listener(address, choice)
        try:
            await listener.open()
        except OSError as error:
            await self._refused(address, error)
            return
        self._open[address] = listener
        if self._faults.pop(address, None) is not None:
            del self._retry_at[address]
            await self._tell_condition(address, "")

    async def _refused(self, address: Address, error: OSError) -> None:
        known = address in self._faults
        self._faults[address] = _why(address, error)
        self._retry_at[address] = self._clock.now() + _RETRY
        if known:
            return
        service = self._service(address)
        if service is not None:
            self._recorder.event(service, SERVICE, WARNING, "FailedToListen", self._faults[address])
        await self._tell_condition(address, self._faults[address])

    def _service(self, address: Address) -> Obj | None:
        key = self._owners.get(address)
        return self._services.get(key.name, key.namespace) if key is not None else None

    async def _tell_condition(self, address: Address, fault: str) -> None:
        service = self._service(address)
        if service is None:
            return
        condition = {
            "type": CONDITION,
            "status": "False" if fault else "True",
            "reason": "FailedToListen" if fault else "Listening",
            "message": fault,
            "lastTransitionTime": rfc3339(self._clock.now()),
        }
        meta = service["metadata"]
        try:
            await self._client.patch(
                SERVICES, meta["name"], meta["namespace"], {"status": {"conditions": [condition]}},
                patch_type=_STRATEGIC, subresource="status",
            )  # fmt: skip
        except (StatusError, OSError) as failure:
            log.debug("condition of service %s: %s", meta["name"], failure)


def _service_of(each: Obj) -> Iterable[str]:
    meta = each["metadata"]
    name = (meta.get("labels") or {}).get(SERVICE_NAME)
    return (f"{meta.get('namespace')}/{name}",) if name else ()


def _why(address: Address, error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"cannot listen on {address}: ports below 1024 need rights this cluster does not have"
    if error.errno == errno.EADDRINUSE:
        return f"cannot listen on {address}: another program of this machine uses it"
    return f"cannot listen on {address}: {error.strerror or error}"
