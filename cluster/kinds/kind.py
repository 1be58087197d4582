"""A kind is one value: names, scope, schema, subresources, columns and a few small strategy functions.

Routes, discovery, OpenAPI, tables, storage keys and RBAC verbs are derived from it. Adding a built-in kind is one
file in its group's folder and one name in that group's tuple; a CustomResourceDefinition becomes the same value
at run time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cluster.meta.field import FieldError
from cluster.meta.types import GroupResource, GroupVersion, GroupVersionKind, GroupVersionResource, Obj

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")

Cell = str | int | bool | None | list[Any] | dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the server-side table; priority 1 is shown with -o wide only."""

    name: str
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """How rows of a kind are printed. `cells(obj, now)` gives one cell a column; `now` is Unix seconds."""

    columns: tuple[Column, ...]
    cells: Callable[[Obj, float], list[Cell]]
    order: Callable[[Obj], Any] | None = None
    """Sort key of the rows, where they are not shown in the order of the list."""


def _nothing(_: Obj) -> None:
    return None


def _nothing2(_new: Obj, _old: Obj) -> None:
    return None


def _no_errors(_: Obj) -> list[FieldError]:
    return []


def _no_errors2(_new: Obj, _old: Obj) -> list[FieldError]:
    return []


def _no_warnings(_new: Obj, _old: Obj | None) -> list[str]:
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """What is particular to writing a kind. Every function may change the object it is given (never `old`).

    `default` fills in omitted fields; `prepare_create` and `prepare_update` clear or keep what clients may not set
    (status, generation is kept by the registry through `generation_changes`); `validate` and `validate_update`
    return faults; `canonicalize` runs last before storing; `warnings` returns texts for Warning headers, and so may
    `prepare_create` where what it warns of is gone afterwards.
    """

    default: Callable[[Obj], None] = _nothing
    prepare_create: Callable[[Obj], list[str] | None] = _nothing
    prepare_update: Callable[[Obj, Obj], None] = _nothing2
    validate: Callable[[Obj], list[FieldError]] = _no_errors
    validate_update: Callable[[Obj, Obj], list[FieldError]] = _no_errors2
    canonicalize: Callable[[Obj], None] = _nothing
    warnings: Callable[[Obj, Obj | None], list[str]] = _no_warnings
    remarks: Callable[[], list[str]] | None = None
    """What the last validation had to say that is no fault; told to the client even beside faults, and forgotten."""
    generation: bool = False
    """metadata.generation is kept: 1 on create, +1 when anything outside metadata and status changes."""
    generation_of: Callable[[Obj], Any] | None = None
    """What the generation counts the changes of, where that is not everything outside metadata and status."""
    create_on_update: bool = False
    """PUT of a missing object creates it."""
    unconditional_update: bool = True
    """PUT without resourceVersion is allowed."""
    grace_period: Callable[[Obj, int | None], int | None] | None = None
    """Graceful deletion: (object, asked seconds) -> seconds, or None to delete at once."""
    name_rule: str = "dns1123-subdomain"
    checks_prefix: bool = True
    """generateName has to follow the rule of names too."""
    update_metadata: str = "both"
    """How validation of an update looks at the metadata itself: as an update (`update`), as at a new object
    (`whole`), `both`, or `none`."""
    bare_finalizers: bool = False
    """Finalizers without a prefix are accepted."""
    unsaid_propagation: str = ""
    """The warning to a client who deletes without saying what becomes of the dependents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subresource:
    """A subresource with its own path. `kind` is what it speaks when that is not the parent's kind."""

    name: str
    verbs: tuple[str, ...]
    kind: GroupVersionKind | None = None
    strategy: Strategy | None = None
    """For `status`-like ones that store into the parent: how a write through them is prepared and checked."""
    scale: ScalePaths | None = None


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Where a scalable kind keeps its numbers (dotted paths below the object, without the leading dot)."""

    spec_replicas: str = "spec.replicas"
    status_replicas: str = "status.replicas"
    selector: str = "spec.selector"


Convert = Callable[[list[Obj], str], Awaitable[list[Obj]]]
"""(objects, apiVersion) -> the same objects in that version; raises StatusError."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """How objects of a kind come from the store and go there, when definitions change between the two.

    `read` gives what is stored as the schema of its own version has it today; `settle` does that for what a conversion
    has made. Both return a new object. `ask` converts where that takes more than another apiVersion. `known` are the
    apiVersions there are, `storage` the one objects are written in.
    """

    storage: str
    known: frozenset[str]
    read: Callable[[Obj], Obj]
    settle: Callable[[Obj], Obj]
    ask: Convert | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One served version of one resource."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str = ""
    namespaced: bool
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    definition: str = ""
    """Name in the OpenAPI definitions, e.g. `io.k8s.api.apps.v1.Deployment`."""
    schema: Mapping[str, Any] | None = None
    """The OpenAPI v3 schema itself, for kinds that are not in the definitions (custom resources)."""
    preserve_unknown: bool = False
    subresources: tuple[Subresource, ...] = ()
    table: Table | None = None
    strategy: Strategy = field(default_factory=Strategy)
    selectable: Callable[[Obj], dict[str, str]] | None = None
    """Field-selector values beyond metadata.name and metadata.namespace."""
    storage: GroupResource | None = None
    """Where objects are kept, when another group or version shares the store (events, autoscaling)."""
    to_storage: Callable[[Obj], Obj] | None = None
    from_storage: Callable[[Obj], Obj] | None = None
    conversion: Conversion | None = None
    """Instead of the two, for custom resources."""
    storage_version: bool = True
    introduced: str = "1.0"
    """First Kubernetes minor that serves this version by default; `removed` is the first that does not."""
    removed: str = ""
    deprecated: str = ""

    @property
    def gvk(self) -> GroupVersionKind:
        return GroupVersionKind(self.group, self.version, self.kind)

    @property
    def gvr(self) -> GroupVersionResource:
        return GroupVersionResource(self.group, self.version, self.plural)

    @property
    def gv(self) -> GroupVersion:
        return GroupVersion(self.group, self.version)

    @property
    def group_resource(self) -> GroupResource:
        return GroupResource(self.group, self.plural)

    @property
    def storage_resource(self) -> GroupResource:
        return self.storage or self.group_resource

    @property
    def api_version(self) -> str:
        return str(self.gv)

    @property
    def list_kind(self) -> str:
        return f"{self.kind}List"

    def subresource(self, name: str) -> Subresource | None:
        return next((s for s in self.subresources if s.name == name), None)


Kinds = Sequence[Kind]
