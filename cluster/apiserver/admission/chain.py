"""The plugins in order: all mutate, then (after the object is validated) all validate."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from cluster.apiserver.admission.interface import Attributes, Operation, Plugin
from cluster.apiserver.authz.interface import AuthorizerChain
from cluster.meta.objects import clone
from cluster.meta.types import GroupResource, Obj

_Key = tuple[Operation, GroupResource, str]


class AdmissionChain:
    """`mutating` and `validating` may name the same plugin; the order is that of the lists."""

    def __init__(
        self, mutating: Sequence[Plugin], validating: Sequence[Plugin], authorizer: AuthorizerChain | None = None
    ) -> None:
        self._remote = authorizer if authorizer is not None and authorizer.remote else None
        """Where expressions may ask what is only known elsewhere, so that plugins may have to begin anew."""
        self._mutating = tuple(mutating)
        self._validating = tuple(validating)
        self._for: dict[_Key, tuple[tuple[Plugin, ...], tuple[Plugin, ...]]] = {}

    async def mutate(self, attributes: Attributes) -> None:
        for plugin in self._interested(attributes)[0]:
            if self._remote is None:
                await plugin.mutate(attributes)
            else:
                await self._remote.answering(partial(_begin_anew, plugin, attributes, clone(attributes.obj)))

    async def validate(self, attributes: Attributes) -> None:
        for plugin in self._interested(attributes)[1]:
            if self._remote is None:
                await plugin.validate(attributes)
            else:
                await self._remote.answering(partial(plugin.validate, attributes))

    def names(self) -> list[str]:
        return list(dict.fromkeys(p.name for p in (*self._mutating, *self._validating)))

    def _interested(self, a: Attributes) -> tuple[tuple[Plugin, ...], tuple[Plugin, ...]]:
        key = (a.operation, a.resource, a.subresource)
        found = self._for.get(key)
        if found is None:
            found = self._for[key] = (
                tuple(p for p in self._mutating if p.handles(*key)),
                tuple(p for p in self._validating if p.handles(*key)),
            )
        return found


async def _begin_anew(plugin: Plugin, attributes: Attributes, obj: Obj | None) -> None:
    attributes.obj = clone(obj)
    await plugin.mutate(attributes)


def settle(attributes: Attributes, succeeded: bool) -> None:
    """Tell those who asked how the write ended."""
    for cleanup in attributes.cleanups:
        cleanup(succeeded)
    attributes.cleanups.clear()
