"""Who manages which field: the registry's one door to managedFields, so that no write can forget it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cluster.apiserver.registry.options import WriteOptions
from cluster.meta.ownership import Applied, Writer, apply, update
from cluster.meta.times import seconds
from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.apiserver.registry.registry import Registry
    from cluster.apiserver.registry.services import Services
    from cluster.kinds.kind import Kind

_STATUS = (("f:status",),)
_SPEC = (("f:spec",),)
_BY_SUBRESOURCE = {"status": _SPEC, "approval": _SPEC, "finalize": _STATUS}


def track(registry: Registry, new: Obj, old: Obj | None, options: WriteOptions, subresource: str = "") -> None:
    """Record what `options.manager` changed from `old` (None: created) to `new`, in place."""
    track_as(registry.kind, registry.services, new, old, options, subresource)


def track_as(
    kind: Kind, services: Services, new: Obj, old: Obj | None, options: WriteOptions, subresource: str = ""
) -> None:
    """The same for a kind that has no resource of its own."""
    schema = services.schema
    live = old if old is not None else schema.empty(kind)
    tracked = update(live, new, schema.kind_structure(kind), _writer(kind, services, options, subresource))
    managed = tracked["metadata"].get("managedFields")
    if managed:
        new["metadata"]["managedFields"] = managed
    else:
        new["metadata"].pop("managedFields", None)


def applied(registry: Registry, patch: Obj, old: Obj | None, options: WriteOptions, subresource: str = "") -> Applied:
    """Server-side apply of `patch` over `old` (None: to create). Raises StatusError."""
    schema = registry.services.schema
    live = old if old is not None else schema.empty(registry.kind)
    writer = _writer(registry.kind, registry.services, options, subresource)
    return apply(live, patch, schema.kind_structure(registry.kind), writer, options.force)


def _writer(kind: Kind, services: Services, options: WriteOptions, subresource: str) -> Writer:
    """`reset` are the fields this endpoint cannot write."""
    reset: tuple[tuple[str, ...], ...]
    if subresource:
        reset = _BY_SUBRESOURCE.get(subresource, ())
    else:
        reset = _STATUS if kind.subresource("status") is not None else ()
        if kind.plural == "certificatesigningrequests":
            # Its spec is written once, by its maker, and owned by nobody.
            reset = _SPEC + _STATUS
    now = seconds(services.clock.now())
    return Writer(options.manager, kind.api_version, now, subresource, reset, _versions(kind, services))


def _versions(kind: Kind, services: Services) -> Callable[[str], bool]:
    """Asked only about versions that are not the writer's own."""

    def knows(version: str) -> bool:
        if kind.kind == "Event":
            return version in ("v1", "events.k8s.io/v1")
        served = services.kinds.find(kind.group, kind.kind)
        return any(other.api_version == version for other in served)

    return knows
