"""Who manages which field: the registry's one door to managedFields, so that no write can forget it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.apiserver.registry.options import WriteOptions
from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.apiserver.registry.registry import Registry


def track(registry: Registry, new: Obj, old: Obj | None, options: WriteOptions, subresource: str = "") -> None:
    """Record what `options.manager` changed from `old` (None: created) to `new`, in place."""
