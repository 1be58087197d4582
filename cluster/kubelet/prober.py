"""Probing one running container: startup first, then liveness and readiness, each in its own rhythm.

A container without a probe of a kind counts as passing it. Until readiness (or startup) was reached for the first
time it is asked much more often than `periodSeconds` says, so that a pod is ready as soon as its program is; these
early questions only ever bring good news, failures are counted in the rhythm that the probe asks for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cluster.kubelet.handlers import Answer, Target, ask
from cluster.machinery.clock import Clock

_EAGER = ((1.0, 0.025), (5.0, 0.1), (30.0, 0.25))
"""(until this many seconds after the start, ask every so many seconds)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the pod worker wants to be told."""

    changed: Callable[[], None]
    unhealthy: Callable[[str, str], None]
    """(container name, event message)"""
    fatal: Callable[[str, str], None]
    """(container name, kind of probe): the container is to be killed."""


@dataclass(frozen=True, slots=True)
class _Rhythm:
    delay: float
    period: float
    timeout: float
    successes: int
    failures: int

    @classmethod
    def of(cls, probe: Mapping[str, Any]) -> _Rhythm:
        return cls(
            probe.get("initialDelaySeconds") or 0,
            probe.get("periodSeconds") or 10,
            probe.get("timeoutSeconds") or 1,
            probe.get("successThreshold") or 1,
            probe.get("failureThreshold") or 3,
        )


class Prober:
    """`started` and `ready` are the present verdicts; `run` goes on until cancelled."""

    def __init__(self, target: Target, clock: Clock, heard: Heard) -> None:
        self._target, self._clock, self._heard = target, clock, heard
        spec = target.container
        self._name = spec["name"]
        self._begun = clock.now()
        self.started = not spec.get("startupProbe")
        self.ready = self.started and not spec.get("readinessProbe")

    @property
    def needed(self) -> bool:
        return any(self._target.container.get(k) for k in ("startupProbe", "livenessProbe", "readinessProbe"))

    async def run(self) -> None:
        spec = self._target.container
        if not self.started and not await self._startup(spec["startupProbe"]):
            return
        async with asyncio.TaskGroup() as group:
            if spec.get("livenessProbe"):
                group.create_task(self._liveness(spec["livenessProbe"]))
            if spec.get("readinessProbe"):
                group.create_task(self._readiness(spec["readinessProbe"]))
            else:
                self._set(ready=True)

    def _set(self, *, ready: bool) -> None:
        if self.ready != ready:
            self.ready = ready
            self._heard.changed()

    async def _startup(self, probe: Mapping[str, Any]) -> bool:
        """Whether the container came up."""
        rhythm = _Rhythm.of(probe)
        await self._clock.sleep(rhythm.delay)
        failures = 0
        while not await self._eagerly(probe, rhythm):
            answer = await self._ask(probe, rhythm)
            if answer.ok:
                break
            failures += 1
            self._complain("Startup", answer)
            if failures >= rhythm.failures:
                self._heard.fatal(self._name, "startup")
                return False
        self.started = True
        self._heard.changed()
        return True

    async def _liveness(self, probe: Mapping[str, Any]) -> None:
        rhythm = _Rhythm.of(probe)
        await self._clock.sleep(rhythm.delay)
        failures = 0
        while True:
            answer = await self._ask(probe, rhythm)
            failures = 0 if answer.ok else failures + 1
            if not answer.ok:
                self._complain("Liveness", answer)
            if failures >= rhythm.failures:
                self._heard.fatal(self._name, "liveness")
                return
            await self._clock.sleep(rhythm.period)

    async def _readiness(self, probe: Mapping[str, Any]) -> None:
        rhythm = _Rhythm.of(probe)
        await self._clock.sleep(rhythm.delay)
        row = 0
        if rhythm.successes == 1 and await self._eagerly(probe, rhythm):
            self._set(ready=True)
            await self._clock.sleep(rhythm.period)
        while True:
            answer = await self._ask(probe, rhythm)
            row = max(row, 0) + 1 if answer.ok else min(row, 0) - 1
            if not answer.ok:
                self._complain("Readiness", answer)
            if row >= rhythm.successes:
                self._set(ready=True)
            elif row <= -rhythm.failures or (not answer.ok and not self.ready):
                self._set(ready=False)
            if self.ready or rhythm.successes > 1:
                await self._clock.sleep(rhythm.period)
            elif await self._eagerly(probe, rhythm):
                row = 1
                self._set(ready=True)
                await self._clock.sleep(rhythm.period)

    async def _eagerly(self, probe: Mapping[str, Any], rhythm: _Rhythm) -> bool:
        """Ask often for one period; True at the first good answer."""
        until = self._clock.now() + rhythm.period
        while (now := self._clock.now()) < until:
            if (await self._ask(probe, rhythm)).ok:
                return True
            pause = self._pause(now - self._begun, costly=probe.get("exec") is not None)
            if pause is None:
                await self._clock.sleep(until - self._clock.now())
                return False
            await self._clock.sleep(min(pause, max(until - self._clock.now(), 0)))
        return False

    def _pause(self, age: float, *, costly: bool) -> float | None:
        for until, pause in _EAGER:
            if age < until:
                return pause * (4 if costly else 1)
        return None

    async def _ask(self, probe: Mapping[str, Any], rhythm: _Rhythm) -> Answer:
        return await ask(probe, self._target, rhythm.timeout)

    def _complain(self, kind: str, answer: Answer) -> None:
        self._heard.unhealthy(self._name, f"{kind} probe failed: {answer.text}")
