"""The whole cluster in one process: store, API server, controllers, scheduler, nodes, Services.

Used by the daemon and by tests alike; reads no environment and prints nothing. Parts are started in the order in
which they need each other and stopped the other way round, so that whoever still works can still write.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.server import ApiServer
from cluster.assembly.aggregated import others_of
from cluster.assembly.connector import Connector
from cluster.client.interface import Client
from cluster.controllers.context import Options as ControllerOptions
from cluster.controllers.set import run_controllers
from cluster.kubelet.kubelet import Kubelet
from cluster.kubelet.node import NodeOptions
from cluster.kubelet.runtimes.interface import Runtime
from cluster.machinery.clock import Clock, RealClock
from cluster.machinery.events import EventSink
from cluster.machinery.informer import Informers
from cluster.machinery.resources import ENDPOINT_SLICES, NODES, SERVICE_ACCOUNTS, SERVICES
from cluster.meta.errors import StatusError, is_conflict
from cluster.meta.types import Obj
from cluster.network.userspace import UserspaceProxier
from cluster.scheduler.scheduler import start as make_scheduler
from cluster.storage.interface import Store

log = logging.getLogger(__name__)
_NAMESPACE_GRACE = 0.1
"""Seconds. Kubernetes waits for its other API servers to hear of the deletion; here there is one."""
_SHARED_GRACE = 5.0
_NOT_READY = "node.kubernetes.io/not-ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """`root` holds the nodes' files. `service_cidr` and `pod_cidr` (a /16) are loopback ranges for real processes."""

    root: Path
    runtime: str = "process"
    nodes: int = 1
    node_name: str = "pyhelm"
    service_cidr: str = "127.96.0.0/16"
    pod_network: str = "127.2"
    """The first two numbers of pod addresses; node n has n as its third."""
    server: ApiServerOptions = field(default_factory=ApiServerOptions)
    root_ca: str = ""
    proxy: bool = True
    proxy_turn: Callable[[], Awaitable[None]] | None = None
    """Ends when it is this process's turn to answer for Services, where several share this machine's addresses."""
    identity: str = ""
    """What tells this process from others that share the store, the same after a restart; by default `node_name`."""


class Cluster:
    """`start` returns when the cluster answers and its nodes are ready; `stop` ends workloads, then parts.

    `failed` is done when a part has broken, with its exception.
    """

    def __init__(self, store: Store, options: ClusterOptions, *, clock: Clock | None = None) -> None:
        self.options, self._store = options, store
        self.clock: Clock = clock or RealClock()
        self.connector = Connector(lambda: self.client)
        self.server = ApiServer(store, options.server, nodes=self.connector, clock=self.clock)
        self.client: Client = self.server.client()
        self.informers = Informers(self.client, self.clock)
        self.events = EventSink(self.client, self.clock)
        self.proxier: UserspaceProxier | None = None
        self.kubelets: list[Kubelet] = []
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def start(self) -> None:
        """Raises what a part raises while starting: OSError for a taken address, StoreError for a bad file."""
        await self.server.start()
        self._task = asyncio.create_task(self._run(), name="cluster")
        waiting = asyncio.create_task(self._ready.wait())
        await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            await self.server.stop()
            self._task.result()

    async def wait(self) -> None:
        """Until a part breaks (raises) or `stop` is called."""
        if self._task is not None:
            await asyncio.wait({self._task})
            if not self._task.cancelled():
                self._task.result()

    async def stop(self) -> None:
        """The server says first that it will not be there much longer. Containers end, as on a machine that shuts down;
        then every part; the store stays open."""
        await self.server.unready()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait({self._task})
        await asyncio.gather(*(kubelet.runtime.close() for kubelet in self.kubelets))
        await self.server.stop()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.informers.run(), name="informers")
            group.create_task(self.events.run(), name="events")
            group.create_task(self._led("kube-controller-manager", self._controllers), name="controllers")
            group.create_task(self._led("kube-scheduler", self._scheduler), name="scheduler")
            services = self.informers.of(SERVICES)
            for number in range(self.options.nodes):
                kubelet = self._kubelet(number, lambda: services.list())
                self.kubelets.append(kubelet)
                self.connector.kubelets[kubelet.name] = kubelet
                group.create_task(kubelet.run(), name=f"kubelet {kubelet.name}")
            if self.options.proxy and self.options.runtime != "simulated":
                self.proxier = UserspaceProxier(
                    self.client, self.clock, services, self.informers.of(ENDPOINT_SLICES),
                    self.events.recorder("service-proxy"),
                )  # fmt: skip
                group.create_task(self._proxy(self.proxier), name="proxier")
            await self._become_ready()

    async def _led(self, manager: str, work: Callable[[Client, Informers], Awaitable[None]]) -> None:
        """Work of which a cluster has one: at once where this process is alone, else while it holds the lease."""
        client = self.server.client(manager=manager)
        if not self._store.shared:
            await work(client, self.informers)
            return
        from cluster.assembly.leading import led

        await led(client, self.clock, manager, self.options.identity or self.options.node_name, work)

    async def _controllers(self, client: Client, informers: Informers) -> None:
        options = self._controller_options()
        await run_controllers(client, self.clock, options, informers=informers, events=self.events)

    async def _scheduler(self, client: Client, informers: Informers) -> None:
        await make_scheduler(client, self.clock, informers, self.events).run()

    async def _proxy(self, proxier: UserspaceProxier) -> None:
        if self.options.proxy_turn is not None:
            await self.options.proxy_turn()
        await proxier.run()

    def _controller_options(self) -> ControllerOptions:
        issuer = self.server.services.extras.get("tokens")

        async def token(account: Obj, secret: Obj) -> str:
            from cluster.apiserver.authn.legacy_tokens import claims_of

            assert issuer is not None
            return str(issuer.key.sign(claims_of(account, secret)))

        return ControllerOptions(
            root_ca=self.options.root_ca,
            others=lambda: others_of(self.server.aggregator),
            namespace_grace=_SHARED_GRACE if self._store.shared else _NAMESPACE_GRACE,
            service_account_token=token if issuer is not None else None,
        )

    async def _become_ready(self) -> None:
        for kubelet in self.kubelets:
            await kubelet.ready.wait()
            await self._open_node(kubelet.name)
        if self.proxier is not None and self.options.proxy_turn is None:
            await self.proxier.ready.wait()
        await self._default_account()
        self._ready.set()

    async def _open_node(self, name: str) -> None:
        """Admission taints every new node as not ready. This process knows that it is ready, so pods need not wait
        for the look that the node controller takes every few seconds."""
        while True:
            node = await self.client.get(NODES, name)
            taints = node["spec"].get("taints") or []
            left = [taint for taint in taints if taint["key"] != _NOT_READY]
            if len(left) == len(taints):
                return
            try:
                await self.client.patch(NODES, name, "", {"spec": {"taints": left or None}})
            except StatusError as error:
                if not is_conflict(error):
                    raise
                await self.clock.sleep(0.005)

    async def _default_account(self) -> None:
        """Pods can only be made once their namespace has its service account."""
        while True:
            with suppress(StatusError):
                await self.client.get(SERVICE_ACCOUNTS, "default", "default")
                return
            await self.clock.sleep(0.005)

    def _kubelet(self, number: int, services: Callable[[], list[dict[str, object]]]) -> Kubelet:
        options = self.options
        name = options.node_name if options.nodes == 1 else f"{options.node_name}-{number}"
        root = options.root / name
        simulated = options.runtime == "simulated"
        network = "10.2" if simulated else options.pod_network
        node = NodeOptions(
            name=name,
            pod_cidr=f"{network}.{number}.0/24",
            control_plane=number == 0,
            version=f"v{options.server.kubernetes_version}",
        )
        shared = "127.0.0.1" if sys.platform != "linux" and not simulated else ""
        return Kubelet(
            self.server.client(manager="kubelet"), make_runtime(options.runtime, root), self.clock, self.events,
            node, root, services, shared_address=shared,
        )  # fmt: skip


def make_runtime(name: str, root: Path) -> Runtime:
    if name == "simulated":
        from cluster.kubelet.runtimes.simulated import SimulatedRuntime

        return SimulatedRuntime()
    from cluster.kubelet.runtimes.process import ProcessRuntime

    return ProcessRuntime(root / "runtime")
