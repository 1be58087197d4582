"""The kubelet: one worker a pod bound to this node, the node's registration, and what others may ask of its pods."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

from cluster.client.interface import Client
from cluster.kubelet import logs, machine, remote
from cluster.kubelet.context import Addresses, NodeContext
from cluster.kubelet.node import NodeOptions, NodeRegistration
from cluster.kubelet.runtimes.interface import ContainerState, ContainerStatus, Runtime
from cluster.kubelet.runtimes.process import ProcessRuntime
from cluster.kubelet.worker import PodWorker
from cluster.machinery.clock import Clock
from cluster.machinery.events import EventSink
from cluster.machinery.informer import Informer
from cluster.machinery.resources import PODS
from cluster.meta.errors import StatusError, bad_request, not_found
from cluster.meta.types import GroupResource, Obj

log = logging.getLogger(__name__)
_REGISTER_PATIENCE = 0.1


class Kubelet:
    """`run` goes on until cancelled; `ready` is set once the node is registered and its pods are known.

    `root` is the node's directory (logs, volumes); the runtime has its own. `services` lists all Services.
    """

    def __init__(
        self,
        client: Client,
        runtime: Runtime,
        clock: Clock,
        events: EventSink,
        options: NodeOptions,
        root: Path,
        services: Callable[[], Iterable[Obj]],
        *,
        shared_address: str = "",
    ) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.name = options.name
        self.runtime = runtime
        self.ready = asyncio.Event()
        found = machine.inspect(root)
        recorder = events.recorder("kubelet", options.name)
        self._registration = NodeRegistration(client, clock, options, found, (runtime.name, runtime.version), recorder)
        self._pods = Informer(client, PODS, clock, field_selector=f"spec.nodeName={options.name}")
        self._node = NodeContext(
            options.name, client, clock, runtime, recorder, root, options.address,
            Addresses(options.pod_cidr, shared=shared_address), services,
            self._earlier, machine.allocatable(found, options.max_pods),
        )  # fmt: skip
        self._workers: dict[str, PodWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ended: set[str] = set()
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self._pods.run(), name="kubelet pods")
            await self._register()
            await self._pods.synced.wait()
            await self._adopt()
            self._pods.add_handler(self._changed)
            group.create_task(self._registration.run(), name="kubelet node")
            group.create_task(self._runtime_events(), name="kubelet runtime events")
            self.ready.set()

    async def _register(self) -> None:
        while True:
            try:
                await self._registration.register()
                return
            except (StatusError, OSError) as error:
                log.warning("node %s cannot register: %s", self.name, error)
                await self._node.clock.sleep(_REGISTER_PATIENCE)

    async def _adopt(self) -> None:
        """Keep the addresses of pods that were here before; forget those that were deleted meanwhile."""
        bound = {pod["metadata"]["uid"] for pod in self._pods.list()}
        for sandbox, _ in await self.runtime.list_pods():
            if sandbox.pod_uid in bound:
                self._node.addresses.take(sandbox.pod_uid, sandbox.ip)
                continue
            await self.runtime.remove_sandbox(sandbox.id)
            shutil.rmtree(self._node.pod_directory(sandbox.pod_uid), ignore_errors=True)

    def _changed(self, old: Obj | None, new: Obj | None) -> None:
        pod = new if new is not None else old
        assert pod is not None
        uid = pod["metadata"]["uid"]
        worker = self._workers.get(uid)
        if new is None:
            self._ended.discard(uid)
            if worker is not None:
                worker.gone()
        elif worker is not None:
            worker.update(new)
        elif uid not in self._ended:
            self._begin(new)

    def _begin(self, pod: Obj) -> None:
        assert self._group is not None
        worker = self._workers[pod["metadata"]["uid"]] = PodWorker(self._node, pod)
        self._tasks[worker.uid] = self._group.create_task(self._work(worker), name=f"pod {pod['metadata']['name']}")

    def _earlier(self, uid: str) -> Iterable[Obj]:
        for worker in self._workers.values():
            if worker.uid == uid:
                return
            if worker.holds:
                yield worker.pod

    async def _work(self, worker: PodWorker) -> None:
        await worker.run()
        del self._workers[worker.uid], self._tasks[worker.uid]
        # A finalizer may keep the object; its containers must not come back.
        if self._pods.get(worker.pod["metadata"]["name"], worker.pod["metadata"]["namespace"]) is not None:
            self._ended.add(worker.uid)

    async def _runtime_events(self) -> None:
        while True:
            worker = self._workers.get(await self.runtime.wait_event())
            if worker is not None:
                worker.poke()

    # -- what the API server asks ------------------------------------------------------------------------------

    async def container(self, pod: Obj, name: str, *, running: bool = False) -> ContainerStatus:
        """The latest start of a container. Raises StatusError in the words of the kubelet."""
        entry = await self.runtime.pod(pod["metadata"]["uid"])
        found = [c for c in (entry[1] if entry else ()) if c.name == name]
        if not found or (running and found[-1].state is not ContainerState.RUNNING):
            meta = pod["metadata"]
            if running:
                raise not_found(GroupResource("", "pods"), f"{meta['name']}_{meta['namespace']}")
            raise bad_request(f'container "{name}" in pod "{meta["name"]}" is {_why(pod, name)}')
        return found[-1]

    async def exec(
        self, socket: remote.Messages, container_id: str, command: tuple[str, ...], wanted: remote.Wanted
    ) -> None:
        """Run a command in a container for whoever is behind the socket."""
        if isinstance(self.runtime, ProcessRuntime):
            await remote.run(socket, self.runtime, container_id, command, wanted)
        else:
            await remote.answer(socket, await self.runtime.exec(container_id, command, 0))

    async def attach(
        self, socket: remote.Messages, container_id: str, wanted: remote.Wanted, *, stdin_once: bool
    ) -> None:
        """What a container says, and its input, for whoever is behind the socket."""
        assert isinstance(self.runtime, ProcessRuntime)
        await remote.attach(socket, self.runtime, container_id, wanted, stdin_once=stdin_once)

    @property
    def streams(self) -> bool:
        """Whether containers are real processes that can be attached to and connected to."""
        return isinstance(self.runtime, ProcessRuntime)

    async def address_of(self, pod: Obj) -> str:
        """Where the pod's processes listen; empty when it has no sandbox."""
        entry = await self.runtime.pod(pod["metadata"]["uid"])
        return entry[0].ip if entry is not None else ""

    async def owns(self, address: str) -> bool:
        """Whether it is the address of a pod here."""
        return any(sandbox.ip == address for sandbox, _ in await self.runtime.list_pods())

    async def logs(
        self, pod: Obj, container: str, wanted: logs.Wanted, *, follow: bool, previous: bool
    ) -> AsyncIterator[bytes]:
        """Chunks of log text. Raises StatusError (400) at the first step when there is nothing to read."""
        latest = await self.container(pod, container)
        attempt = latest.attempt
        if previous:
            attempt -= 1
            if attempt < 0:
                meta = pod["metadata"]
                raise bad_request(f'previous terminated container "{container}" in pod "{meta["name"]}" not found')
        uid, id_ = pod["metadata"]["uid"], latest.id
        state = {"going": follow and not previous and latest.state is ContainerState.RUNNING}

        def going() -> bool:
            if state["going"]:
                state["going"] = self._still_runs(uid, id_)
            return state["going"]

        async for chunk in logs.read(self._node.log_path(pod, container, attempt), wanted, going):
            yield chunk

    def _still_runs(self, uid: str, id_: str) -> bool:
        worker = self._workers.get(uid)
        return worker is not None and worker.runs(id_)


def _why(pod: Obj, name: str) -> str:
    status = pod.get("status") or {}
    for each in [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]:
        if each["name"] == name and (waiting := (each.get("state") or {}).get("waiting")):
            reason = waiting.get("reason") or "waiting to start"
            if reason in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName"):
                why = reason if reason == "InvalidImageName" else "trying and failing to pull image"
                return f"waiting to start: {why}"
            return f"waiting to start: {reason}"
    return "waiting to start: ContainerCreating"
