"""What all registries of a server share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cluster.apiserver.request import UserInfo
from cluster.kinds.kind import Kind
from cluster.kinds.registry import KindRegistry
from cluster.meta.types import GroupResource, Obj
from cluster.storage.interface import Store

if TYPE_CHECKING:
    from cluster.apiserver.admission.chain import AdmissionChain
    from cluster.apiserver.registry.feed import Feed
    from cluster.machinery.clock import Clock


Undo = Callable[[], None]


@dataclass(slots=True)
class Hooks:
    """What a resource needs around its writes that no other does (address allocation, released on failure).

    `prepare(new, old, dry_run)` runs after validation and before storing; what it returns is called when the
    write fails. `removed(obj)` runs after an object has gone. `deletable(obj)` says whether an object without
    finalizers may go (namespaces keep theirs in the spec).
    """

    prepare: Callable[[Obj, Obj | None, bool], Undo | None] | None = None
    reserve: Callable[[Obj, Obj | None, bool], Awaitable[Undo | None]] | None = None
    """`prepare` where other servers give away the same things."""
    stamp: Callable[[Obj, Obj, float], None] | None = None
    """Writes times into an object that is changed, given (new, old, now)."""
    sign: Callable[[Obj, UserInfo], None] | None = None
    """Writes who asked into a new object (certificate signing requests)."""
    permit: Callable[[Obj, Obj | None, UserInfo], Awaitable[None]] | None = None
    """Whether this user may write this object, given (new, old, user); raises StatusError (rights handed out)."""
    removed: Callable[[Obj], None] | None = None
    deletable: Callable[[Obj], bool] | None = None
    before_delete: Callable[[Obj, float], bool] | None = None
    """Marks an object as being deleted in its own way (given the time); True when it must be stored and kept."""


@dataclass(slots=True)
class Services:
    """Handed to every registry. `allowances` are faults of validation this server tolerates."""

    store: Store
    feed: Feed
    kinds: KindRegistry
    clock: Clock
    admission: AdmissionChain
    allowances: frozenset[str] = frozenset()
    hooks: dict[GroupResource, Hooks] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)
    schema: Any = None
    """cluster.kinds.schema.Schema of the served Kubernetes minor."""
    documentation: Callable[[str, str], str] = lambda definition, field: ""
    """The description of a field of an OpenAPI definition, for table columns."""
    shortest_watch: float = 1800.0
    """Seconds a watch lasts at least, when its client does not say; at most twice that."""
    convert: Callable[[Obj, Kind, Kind], Awaitable[Obj]] | None = None
