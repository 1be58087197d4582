"""The plugins in order: all mutate, then (after the object is validated) all validate."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import perf_counter
from typing import NamedTuple

from cluster.apiserver.admission.interface import Attributes, Operation, Plugin
from cluster.apiserver.authz.interface import AuthorizerChain
from cluster.apiserver.metrics.admission import ADMIT, VALIDATE, AdmissionTimes, Times
from cluster.meta.errors import StatusError
from cluster.meta.objects import clone
from cluster.meta.types import GroupResource, Obj

_Key = tuple[Operation, GroupResource, str]


class _Step(NamedTuple):
    """The plugins that want to see a write, in order, each with its times, and the times of all together."""

    plugins: tuple[tuple[Plugin, Times], ...]
    times: Times


class AdmissionChain:
    """`mutating` and `validating` may name the same plugin; the order is that of the lists."""

    def __init__(
        self, mutating: Sequence[Plugin], validating: Sequence[Plugin], authorizer: AuthorizerChain | None = None
    ) -> None:
        self._remote = authorizer if authorizer is not None and authorizer.remote else None
        """Where expressions may ask what is only known elsewhere, so that plugins may have to begin anew."""
        self._mutating = tuple(mutating)
        self._validating = tuple(validating)
        self._for: dict[_Key, tuple[_Step, _Step]] = {}
        self.times = AdmissionTimes()

    async def mutate(self, attributes: Attributes) -> None:
        step = self._interested(attributes)[0]
        started = last = perf_counter()
        times = step.times
        try:
            for plugin, times in step.plugins:
                if self._remote is None:
                    await plugin.mutate(attributes)
                else:
                    await self._remote.answering(partial(_begin_anew, plugin, attributes, clone(attributes.obj)))
                now = perf_counter()
                times.took(now - last)
                last = now
        except StatusError:
            _refused(step, times, started, last)
            raise
        step.times.took(last - started)

    async def validate(self, attributes: Attributes) -> None:
        step = self._interested(attributes)[1]
        started = last = perf_counter()
        times = step.times
        try:
            for plugin, times in step.plugins:
                if self._remote is None:
                    await plugin.validate(attributes)
                else:
                    await self._remote.answering(partial(plugin.validate, attributes))
                now = perf_counter()
                times.took(now - last)
                last = now
        except StatusError:
            _refused(step, times, started, last)
            raise
        step.times.took(last - started)

    def names(self) -> list[str]:
        return list(dict.fromkeys(p.name for p in (*self._mutating, *self._validating)))

    def _interested(self, a: Attributes) -> tuple[_Step, _Step]:
        key = (a.operation, a.resource, a.subresource)
        found = self._for.get(key)
        if found is None:
            found = self._for[key] = (
                self._step(self._mutating, key, ADMIT),
                self._step(self._validating, key, VALIDATE),
            )
        return found

    def _step(self, plugins: Sequence[Plugin], key: _Key, type: str) -> _Step:
        operation = key[0].value
        wanted = (plugin for plugin in plugins if plugin.handles(*key))
        timed = tuple((plugin, self.times.of_plugin(plugin.name, operation, type)) for plugin in wanted)
        return _Step(timed, self.times.of_step(operation, type))


def _refused(step: _Step, times: Times, started: float, last: float) -> None:
    now = perf_counter()
    times.refused.observe(now - last)
    step.times.refused.observe(now - started)


async def _begin_anew(plugin: Plugin, attributes: Attributes, obj: Obj | None) -> None:
    attributes.obj = clone(obj)
    await plugin.mutate(attributes)


def settle(attributes: Attributes, succeeded: bool) -> None:
    """Tell those who asked how the write ended."""
    for cleanup in attributes.cleanups:
        cleanup(succeeded)
    attributes.cleanups.clear()
