"""The seam of admission: what a plugin is told, and what it may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from cluster.apiserver.request import UserInfo
from cluster.kinds.kind import Kind
from cluster.meta import errors
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupResource, GroupVersionKind, Obj

if TYPE_CHECKING:
    from cluster.machinery.clock import Clock


class Operation(StrEnum):
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CONNECT = "CONNECT"


@dataclass(slots=True)
class Attributes:
    """One write. `obj` may be changed by `mutate` (None for a delete); `old` never (None for a create)."""

    operation: Operation
    kind: Kind
    namespace: str
    name: str
    obj: Obj | None
    old: Obj | None
    user: UserInfo
    subresource: str = ""
    dry_run: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    """The Create/Update/Patch/DeleteOptions of the request, as a wire dict."""
    warnings: list[str] = field(default_factory=list)
    cleanups: list[Any] = field(default_factory=list)
    """Functions of one bool, called when the write has succeeded (True) or failed (False)."""
    annotations: dict[str, str] | None = None
    """What the audit log shall say of this write; None when nobody listens."""
    bodies_audited: bool = False
    """Whether the audit log may see what is written."""

    spoken: GroupVersionKind | None = None
    """What `obj` is, where that is not the resource's own kind (PodExecOptions of pods/exec)."""

    @property
    def resource(self) -> GroupResource:
        return self.kind.group_resource

    def refused(self, why: str) -> StatusError:
        """The 403 of a plugin. While mutating, an object whose name is to be generated goes by its prefix."""
        meta = (self.obj or {}).get("metadata") or {}
        name = self.name or meta.get("name") or meta.get("generateName") or "Unknown"
        return errors.forbidden(self.resource, name, why)

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def annotate(self, key: str, value: str) -> None:
        """For the audit log."""
        if self.annotations is not None:
            self.annotations[key] = value


class Objects(Protocol):
    """What plugins may read: the newest objects. `version` grows with each change of a resource."""

    def get(self, resource: GroupResource, namespace: str, name: str) -> Obj | None: ...

    def all(self, resource: GroupResource, namespace: str = "") -> Iterable[Obj]: ...

    def version(self, resource: GroupResource) -> int: ...


class Writes(Protocol):
    """What plugins may write, as the server itself (quota usage)."""

    async def update_status(self, resource: GroupResource, obj: Obj) -> Obj:
        """Optimistic: raises a Conflict StatusError when the object has moved on."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the server hands to every plugin when it makes it."""

    objects: Objects
    writes: Writes
    clock: Clock
    authorizer: Any = None
    kinds: Any = None
    """cluster.kinds.registry.KindRegistry: what is served."""
    schema: Any = None
    """cluster.kinds.schema.Schema of the served Kubernetes minor."""
    webhooks: Any = None
    """Answers the cluster.apiserver.admission.dynamic.calling.Caller, which is made for the first webhook."""


class Plugin(Protocol):
    """`handles` is asked once for each combination and remembered; it must depend on its arguments alone.

    Both calls may raise StatusError, which refuses the write. `mutate` changes `attributes.obj` in place.
    """

    name: str

    def handles(self, operation: Operation, resource: GroupResource, subresource: str) -> bool: ...

    async def mutate(self, attributes: Attributes) -> None: ...

    async def validate(self, attributes: Attributes) -> None: ...
