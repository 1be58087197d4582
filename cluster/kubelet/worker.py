"""One pod's life on this node: a task that compares what is asked with what runs, acts, and writes the status.

Everything that concerns a pod happens in its worker, one step after the other, so nothing needs a lock. A step is
woken by a new version of the pod, by a container that ended, by a probe's verdict, or by a time that it asked for
itself. A step that fails is repeated with a growing delay.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cluster.kubelet import logs, starting
from cluster.kubelet.admission import reject
from cluster.kubelet.context import AddressesExhausted, NodeContext
from cluster.kubelet.handlers import Target
from cluster.kubelet.plan import Plan, plan
from cluster.kubelet.prober import Heard, Prober
from cluster.kubelet.runtimes.interface import ContainerState, ContainerStatus, RuntimeFault
from cluster.kubelet.starting import StartFault, Surrounding
from cluster.kubelet.status import View, Waiting, make_status, restartable
from cluster.kubelet.volumes import VolumeFault
from cluster.machinery.clock import parse_time, rfc3339
from cluster.machinery.events import NORMAL, WARNING
from cluster.machinery.pods import terminal
from cluster.machinery.resources import NODES, PODS
from cluster.meta.errors import StatusError, is_conflict, is_not_found
from cluster.meta.types import Obj

log = logging.getLogger(__name__)
_STRATEGIC = "application/strategic-merge-patch+json"
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 15.0
_CONFIG_RETRY = 2.0
_LEAST_GRACE = 2.0
"""Seconds left for TERM after a preStop hook has used up the grace period."""


class PodWorker:
    """`run` ends when the pod is gone from this node."""

    def __init__(self, node: NodeContext, pod: Obj) -> None:
        self._node, self._pod = node, pod
        self.uid: str = pod["metadata"]["uid"]
        self._wake = asyncio.Event()
        self._admitted = bool((pod.get("status") or {}).get("startTime"))
        self._gone = False
        self._given_back = False
        self._done = False
        self._around: Surrounding | None = None
        self._volumes_at = 0.0
        self._attempts: dict[str, list[ContainerStatus]] = {}
        self._probers: dict[str, tuple[str, Prober, asyncio.Task[None]]] = {}
        self._waiting: dict[str, Waiting] = {}
        self._retry_at: dict[str, float] = {}
        self._to_kill: dict[str, str] = {}
        self._failed: tuple[str, str] | None = None
        self._last_volume_fault = ""
        self._delay = _FIRST_DELAY

    # -- from outside ------------------------------------------------------------------------------------------

    @property
    def pod(self) -> Obj:
        return self._pod

    @property
    def holds(self) -> bool:
        """Whether it takes part of the node away from others."""
        return not (self._gone or self._given_back or terminal(self._pod))

    def update(self, pod: Obj) -> None:
        if _version(pod) >= _version(self._pod):
            self._pod = pod
            self._wake.set()

    def gone(self) -> None:
        """The pod is no longer in the API."""
        self._gone = True
        self._wake.set()

    def poke(self) -> None:
        self._wake.set()

    def runs(self, id_: str) -> bool:
        """Whether this start of a container was running at the last look."""
        return any(
            s.id == id_ and s.state is ContainerState.RUNNING for found in self._attempts.values() for s in found
        )

    async def run(self) -> None:
        try:
            while not self._done:
                self._wake.clear()
                pause = await self._guarded()
                if not self._done:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await self._wake.wait()
        finally:
            for _, _, task in self._probers.values():
                task.cancel()

    async def _guarded(self) -> float | None:
        try:
            pause = await self._step()
        except (StatusError, RuntimeFault, OSError, AddressesExhausted) as error:
            if is_not_found(error) or is_conflict(error):
                return self._node.volume_resync
            log.warning("pod %s: %s", self._pod["metadata"]["name"], error)
        except Exception:
            log.exception("pod %s", self._pod["metadata"]["name"])
        else:
            self._delay = _FIRST_DELAY
            return pause
        self._delay = min(self._delay * 2, _LONGEST_DELAY)
        return self._delay

    # -- one step ----------------------------------------------------------------------------------------------

    async def _step(self) -> float | None:
        """Act once; answers the seconds after which to look again."""
        await self._take_stock()
        if self._gone or self._pod["metadata"].get("deletionTimestamp"):
            await self._end()
            return None
        if terminal(self._pod):
            await self._stop_all(self._pod["spec"].get("terminationGracePeriodSeconds") or 30)
            return None
        if not self._admitted and not await self._admit():
            return None
        self._check_deadline()
        if self._failed is not None:
            await self._stop_all(self._pod["spec"].get("terminationGracePeriodSeconds") or 30)
            await self._take_stock()
            await self._publish(stopping=True)
            return None
        if not await self._prepare():
            await self._publish()
            return self._delay_volumes()
        pause = await self._act()
        await self._publish()
        return pause

    async def _admit(self) -> bool:
        """Once, before anything is made for the pod; False (with event and status) when the node does not take it."""
        node, meta = self._node, self._pod["metadata"]
        rejection = reject(self._pod, node.earlier(self.uid), await node.client.get(NODES, node.name))
        if rejection is None:
            self._admitted = True
            return True
        reason, message = rejection.status
        status: Obj = {"phase": "Failed", "reason": reason, "message": message}
        status |= {"startTime": rfc3339(node.clock.now()), "observedGeneration": meta.get("generation") or 1}
        self._pod = await node.client.patch(
            PODS, meta["name"], meta["namespace"], {"metadata": {"uid": self.uid}, "status": status},
            patch_type=_STRATEGIC, subresource="status",
        )  # fmt: skip
        node.event(self._pod, WARNING, reason, rejection.message)
        return False

    async def _take_stock(self) -> None:
        entry = await self._node.runtime.pod(self.uid)
        self._attempts = {}
        for status in entry[1] if entry is not None else ():
            self._attempts.setdefault(status.name, []).append(status)
        for name, (id_, _, task) in [*self._probers.items()]:
            latest = self._latest(name)
            if latest is None or latest.id != id_ or latest.state is not ContainerState.RUNNING:
                task.cancel()
                del self._probers[name]
        for name, found in self._attempts.items():
            if found[-1].state is ContainerState.RUNNING and name not in self._probers:
                self._probe(name, found[-1])

    def _latest(self, name: str) -> ContainerStatus | None:
        found = self._attempts.get(name)
        return found[-1] if found else None

    def _check_deadline(self) -> None:
        limit = self._pod["spec"].get("activeDeadlineSeconds")
        begun = parse_time((self._pod.get("status") or {}).get("startTime"))
        if limit is not None and begun and self._node.clock.now() >= begun + limit:
            message = "Pod was active on the node longer than the specified deadline"
            self._node.event(self._pod, NORMAL, "DeadlineExceeded", message)
            self._failed = ("DeadlineExceeded", message)

    async def _prepare(self) -> bool:
        """Sandbox and volumes; False (with the event) when a volume cannot be set up yet."""
        node, pod, now = self._node, self._pod, self._node.clock.now()
        if self._around is None:
            host = bool(pod["spec"].get("hostNetwork"))
            ip = node.host_ip if host else node.addresses.take(self.uid, (pod.get("status") or {}).get("podIP") or "")
            sandbox = await node.runtime.run_sandbox(starting.sandbox_config(node, pod, ip))
            self._around = Surrounding(sandbox)
        elif now < self._volumes_at + node.volume_resync:
            return True
        try:
            made = await starting.set_up_volumes(node, pod, self._around.sandbox.ip)
        except VolumeFault as fault:
            if str(fault) != self._last_volume_fault:
                node.event(pod, WARNING, "FailedMount", str(fault))
            self._last_volume_fault = str(fault)
            return bool(self._volumes_at)
        self._around.volumes = made
        self._volumes_at = now
        self._last_volume_fault = ""
        return True

    def _delay_volumes(self) -> float:
        self._delay = min(self._delay * 2, _LONGEST_DELAY)
        return self._delay / 2

    # -- starting and stopping ---------------------------------------------------------------------------------

    async def _act(self) -> float | None:
        await self._kill_condemned()
        self._waiting = {}
        decided = self._plan()
        for name in decided.stop:
            await self._stop(name, self._grace())
        pauses = self._tell_back_off(decided)
        self._waiting |= decided.waiting
        before = {c["name"]: self._latest(c["name"]) for c in decided.start}
        for container in decided.start:
            pauses += await self._start(container)
        if any(self._latest(c["name"]) is not before.get(c["name"]) for c in decided.start):
            # What has come up may let the next init container begin.
            await self._take_stock()
            self._wake.set()
        if self._pod["spec"].get("volumes"):
            pauses.append(self._node.volume_resync)
        pauses += self._until_deadline()
        return min(pauses, default=None)

    def _plan(self) -> Plan:
        now = self._node.clock.now()
        started = {name: prober.started for name, (_, prober, _) in self._probers.items()}
        back_off = self._node.backoff
        return plan(self._pod, self._attempts, started, lambda name, at: back_off.left((self.uid, name), at, now))

    def _until_deadline(self) -> list[float]:
        limit = self._pod["spec"].get("activeDeadlineSeconds")
        begun = parse_time((self._pod.get("status") or {}).get("startTime")) or self._node.clock.now()
        return [] if limit is None else [max(begun + limit - self._node.clock.now(), 0.05)]

    def _tell_back_off(self, decided: Plan) -> list[float]:
        meta = self._pod["metadata"]
        for name, _ in decided.backing_off:
            delay = self._node.backoff.delay((self.uid, name))
            where = f"container={name} pod={meta['name']}_{meta['namespace']}({meta['uid']})"
            self._waiting[name] = Waiting("CrashLoopBackOff", f"back-off {_duration(delay)} restarting failed {where}")
            text = (
                f"Back-off restarting failed container {name} in pod {meta['name']}_{meta['namespace']}({meta['uid']})"
            )
            self._node.event(self._pod, WARNING, "BackOff", text, name, init=self._is_init(name))
        return [left for _, left in decided.backing_off]

    def _is_init(self, name: str) -> bool:
        return any(c["name"] == name for c in self._pod["spec"].get("initContainers") or ())

    async def _start(self, container: Mapping[str, Any]) -> list[float]:
        """Answers when to try again, if it did not work."""
        node, name, now = self._node, container["name"], self._node.clock.now()
        assert self._around is not None
        if (held := self._held_back(container, now)) is not None:
            return [held]
        latest = self._latest(name)
        if latest is not None:
            node.backoff.tried((self.uid, name), now)
        try:
            status = await starting.start(
                node, self._pod, container, self._around, self._attempt(name, latest), init=self._is_init(name)
            )
        except StartFault as fault:
            self._waiting[name] = Waiting(fault.reason, fault.message)
            return [self._after_fault(container, fault, now)]
        self._retry_at.pop(name, None)
        node.image_backoff.forget((self.uid, container.get("image")))
        self._attempts.setdefault(name, []).append(status)
        self._probe(name, status)
        if not await starting.post_start(node, self._pod, container, status, self._around.sandbox.ip):
            self._to_kill[name] = "FailedPostStartHook"
            await self._kill_condemned()
        return []

    def _held_back(self, container: Mapping[str, Any], now: float) -> float | None:
        """Seconds to wait when an earlier try failed; the image's back-off shows as ImagePullBackOff."""
        name, image = container["name"], container.get("image") or ""
        left = self._retry_at.get(name, 0) - now
        if left <= 0:
            return None
        if self._node.image_backoff.delay((self.uid, image)):
            text = f'Back-off pulling image "{image}"'
            self._waiting[name] = Waiting("ImagePullBackOff", text)
            self._node.event(self._pod, NORMAL, "BackOff", text, name, init=self._is_init(name))
        elif (shown := self._shown_waiting(name)) is not None:
            self._waiting[name] = shown
        return left

    def _shown_waiting(self, name: str) -> Waiting | None:
        status = self._pod.get("status") or {}
        for each in [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]:
            if each["name"] == name and (found := each["state"].get("waiting")):
                return Waiting(found.get("reason") or "", found.get("message") or "")
        return None

    def _after_fault(self, container: Mapping[str, Any], fault: StartFault, now: float) -> float:
        if fault.pull:
            key = (self.uid, container.get("image"))
            self._node.image_backoff.tried(key, now)
            pause = self._node.image_backoff.delay(key)
            self._retry_at[container["name"]] = now + pause
            # Shown as ErrImagePull first and as ImagePullBackOff from then on.
            return 1.0
        pause = (
            _CONFIG_RETRY
            if fault.reason == "CreateContainerConfigError"
            else self._node.backoff.delay((self.uid, container["name"]))
        )
        if fault.reason != "CreateContainerConfigError":
            self._node.backoff.tried((self.uid, container["name"]), now)
        pause = max(pause, _CONFIG_RETRY)
        self._retry_at[container["name"]] = now + pause
        return pause

    def _attempt(self, name: str, latest: ContainerStatus | None) -> int:
        if latest is not None:
            return latest.attempt + 1
        status = self._pod.get("status") or {}
        for each in [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]:
            if each["name"] == name and each.get("containerID"):
                return int(each.get("restartCount") or 0) + 1
        return 0

    def _probe(self, name: str, status: ContainerStatus) -> None:
        container = self._container(name)
        if container is None:
            return
        ip = self._around.sandbox.ip if self._around is not None else (self._pod.get("status") or {}).get("podIP") or ""
        prober = Prober(
            Target(self._node.runtime, status.id, container, ip),
            self._node.clock,
            Heard(self.poke, self._unhealthy, self._condemn),
        )
        task = asyncio.get_running_loop().create_task(
            prober.run() if prober.needed else _nothing(), name=f"probes {name}"
        )
        self._probers[name] = (status.id, prober, task)

    def _container(self, name: str) -> Mapping[str, Any] | None:
        spec = self._pod["spec"]
        return next((c for c in [*spec["containers"], *(spec.get("initContainers") or ())] if c["name"] == name), None)

    def _unhealthy(self, name: str, message: str) -> None:
        self._node.event(self._pod, WARNING, "Unhealthy", message, name, init=self._is_init(name))

    def _condemn(self, name: str, probe: str) -> None:
        self._to_kill[name] = probe
        self._wake.set()

    async def _kill_condemned(self) -> None:
        for name, why in [*self._to_kill.items()]:
            container = self._container(name) or {}
            grace = (container.get(f"{why}Probe") or {}).get("terminationGracePeriodSeconds") or self._grace()
            message = f"Container {name} failed {why} probe, will be restarted"
            if why == "FailedPostStartHook":
                message = "FailedPostStartHook"
            await self._stop(name, grace, message)
            del self._to_kill[name]
        if self._attempts:
            await self._take_stock()

    def _grace(self) -> float:
        grace = self._pod["spec"].get("terminationGracePeriodSeconds")
        return 30.0 if grace is None else float(grace)

    async def _stop(self, name: str, grace: float, message: str = "") -> None:
        latest = self._latest(name)
        container = self._container(name)
        if latest is None or latest.state is not ContainerState.RUNNING or container is None:
            return
        node, begun = self._node, self._node.clock.now()
        node.event(
            self._pod, NORMAL, "Killing", message or f"Stopping container {name}", name, init=self._is_init(name)
        )
        ip = self._around.sandbox.ip if self._around is not None else ""
        await starting.pre_stop(node, self._pod, container, latest, ip, grace)
        left = grace - (node.clock.now() - begun)
        await node.runtime.stop_container(latest.id, max(left, _LEAST_GRACE) if grace > 0 else 0)

    async def _stop_all(self, grace: float) -> None:
        """Main containers together, then the sidecars from the last to the first."""
        spec = self._pod["spec"]
        init = spec.get("initContainers") or []
        first = [c["name"] for c in [*spec["containers"], *(c for c in init if not restartable(c))]]
        begun = self._node.clock.now()
        await asyncio.gather(*(self._stop(name, grace) for name in first))
        for container in reversed([c for c in init if restartable(c)]):
            await self._stop(container["name"], max(grace - (self._node.clock.now() - begun), min(grace, _LEAST_GRACE)))

    # -- the end -----------------------------------------------------------------------------------------------

    async def _end(self) -> None:
        """Stop everything within the grace period (which a second deletion may shorten), tell, and let go."""
        await self._stop_within_grace()
        for _, _, task in self._probers.values():
            task.cancel()
        self._probers.clear()
        await self._take_stock()
        if not self._gone:
            await self._publish(stopping=True)
            # Once the object is gone the scheduler gives its part of the node to others.
            self._given_back = True
            await self._delete()
        await self._let_go()
        self._done = True

    async def _stop_within_grace(self) -> None:
        begun = self._node.clock.now()
        while True:
            grace = self._deletion_grace()
            left = max(grace - (self._node.clock.now() - begun), 0.0)
            stopping = asyncio.ensure_future(self._stop_all(left))
            while not stopping.done() and self._deletion_grace() >= grace:
                self._wake.clear()
                waking = asyncio.ensure_future(self._wake.wait())
                try:
                    await asyncio.wait({stopping, waking}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    waking.cancel()
            if stopping.done():
                stopping.result()
                return
            stopping.cancel()
            with suppress(asyncio.CancelledError):
                await stopping

    def _deletion_grace(self) -> float:
        if self._gone and not self._pod["metadata"].get("deletionTimestamp"):
            return min(self._grace(), _LEAST_GRACE)
        grace = self._pod["metadata"].get("deletionGracePeriodSeconds")
        if self._gone:
            return min(float(grace or 0), _LEAST_GRACE)
        return self._grace() if grace is None else float(grace)

    async def _delete(self) -> None:
        meta = self._pod["metadata"]
        try:
            await self._node.client.delete(PODS, meta["name"], meta["namespace"], grace_period=0, uid=self.uid)
        except StatusError as error:
            if not (is_not_found(error) or is_conflict(error)):
                raise

    async def _let_go(self) -> None:
        entry = await self._node.runtime.pod(self.uid)
        if entry is not None:
            await self._node.runtime.remove_sandbox(entry[0].id)
        self._node.addresses.give_back(self.uid)
        for name in self._attempts:
            self._node.backoff.forget((self.uid, name))
        starting.clean_up(self._node, self._pod)

    # -- status ------------------------------------------------------------------------------------------------

    async def _publish(self, *, stopping: bool = False) -> None:
        old = self._pod.get("status") or {}
        status = make_status(self._pod, self._view(stopping=stopping))
        if all(old.get(key) == value for key, value in status.items()):
            return
        meta = self._pod["metadata"]
        body = {"metadata": {"uid": self.uid}, "status": _with_removals(status, old)}
        written = await self._node.client.patch(
            PODS, meta["name"], meta["namespace"], body, patch_type=_STRATEGIC, subresource="status"
        )
        if _version(written) >= _version(self._pod):
            self._pod = written

    def _view(self, *, stopping: bool) -> View:
        node, around = self._node, self._around
        return View(
            now=node.clock.now(),
            attempts=self._attempts,
            waiting=self._waiting,
            ready={name: prober.ready for name, (_, prober, _) in self._probers.items()},
            started={name: prober.started for name, (_, prober, _) in self._probers.items()},
            messages=self._messages(),
            ip=around.sandbox.ip if around is not None else "",
            host_ip=node.host_ip,
            sandbox=around is not None and not stopping,
            id_prefix=node.runtime.name,
            failed=self._failed,
            stopping=stopping,
        )

    def _messages(self) -> dict[str, str]:
        """Termination messages of containers that fall back to their logs."""
        out: dict[str, str] = {}
        for name, found in self._attempts.items():
            container = self._container(name)
            if container is None or container.get("terminationMessagePolicy") != "FallbackToLogsOnError":
                continue
            for status in found:
                if status.state is ContainerState.EXITED and status.exit_code:
                    out[status.id] = logs.last_words(self._node.log_path(self._pod, name, status.attempt))
        return out


def _with_removals(status: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """The patch that makes `old` into `status`: conditions are merged by their type, so what they lost is named."""
    before = {c["type"]: c for c in old.get("conditions") or ()}
    conditions = [{**{k: None for k in before.get(c["type"], ()) if k not in c}, **c} for c in status["conditions"]]
    return {**status, "conditions": conditions}


async def _nothing() -> None:
    return


def _version(obj: Obj) -> int:
    text = obj["metadata"].get("resourceVersion") or "0"
    return int(text) if text.isdigit() else 0


def _duration(seconds: float) -> str:
    """As Go prints a duration of whole seconds: 10s, 1m20s, 5m0s."""
    whole = int(seconds)
    return f"{whole}s" if whole < 60 else f"{whole // 60}m{whole % 60}s"
