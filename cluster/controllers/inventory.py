"""Which resources there are to follow and to empty: the built-in kinds and those of CustomResourceDefinitions.

One version of each resource, the preferred one. A server that is not ours is asked through Options.resources.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.controllers.context import Context, Resource
from cluster.kinds.registry import KindRegistry
from cluster.machinery.pods import condition
from cluster.machinery.resources import CUSTOM_RESOURCES
from cluster.meta.types import GroupResource, GroupVersionKind, GroupVersionResource, Obj

_NEEDED = {"delete", "list", "watch"}


def builtin() -> list[Resource]:
    """Built-in resources that can be listed, watched and deleted, one version each."""
    registry = KindRegistry.builtin()
    found: dict[GroupResource, Resource] = {}
    for gv in registry.group_versions():
        for kind in registry.resources(gv):
            if set(kind.verbs) >= _NEEDED:
                found.setdefault(kind.group_resource, Resource(kind.gvr, kind.gvk, kind.namespaced, tuple(kind.verbs)))
    return [*found.values()]


def custom(definition: Obj) -> Resource | None:
    """The resource of a CustomResourceDefinition, in its storage version; None until it is established."""
    established = condition(definition, "Established")
    if established is None or established["status"] != "True":
        return None
    spec = definition["spec"]
    version = _version(spec["versions"])
    names = spec["names"]
    gvr = GroupVersionResource(spec["group"], version, names["plural"])
    kind = GroupVersionKind(spec["group"], version, names["kind"])
    return Resource(gvr, kind, spec["scope"] == "Namespaced", ("delete", "deletecollection", "list", "watch"))


def _version(versions: Iterable[dict[str, Any]]) -> str:
    served = [v["name"] for v in versions if v.get("served") and v.get("storage")] + [
        v["name"] for v in versions if v.get("served")
    ]
    return str(served[0]) if served else ""


class Inventory:
    """Current resources; `kind_of` finds the resource behind an owner reference."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._definitions = context.informers.of(CUSTOM_RESOURCES)
        self._builtin: list[Resource] = []

    async def resources(self) -> list[Resource]:
        if self._context.options.resources is not None:
            return [*await self._context.options.resources()]
        if not self._builtin:
            self._builtin = builtin()
        made = (custom(definition) for definition in self._definitions.list())
        return self._builtin + [resource for resource in made if resource is not None and resource.gvr.version]
