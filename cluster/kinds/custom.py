"""A CustomResourceDefinition becomes kinds: one for each served version, of the same shape as the built-in ones.

Everything a kind needs is derived from the definition once, here: defaults and checks from the schema, the table
from the columns, subresources, field selectors. Rules of `x-kubernetes-validations` are left to `Rules`, which the
API server hands in when it has an evaluator of expressions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from cluster.kinds.checks import Faults
from cluster.kinds.columns import NAME
from cluster.kinds.custom_defaults import drop_nulls, fill_defaults
from cluster.kinds.custom_scale import spec_faults, status_faults
from cluster.kinds.custom_schema import (
    NEW,
    list_types,
    validate_embedded,
    validate_schema,
    validate_value,
    without_own,
)
from cluster.kinds.custom_versions import conversion_of, schema_of
from cluster.kinds.jsonpath import compiled, shown
from cluster.kinds.kind import Cell, Column, Conversion, Convert, Kind, ScalePaths, Strategy, Subresource, Table
from cluster.kinds.metadata import finalizer_warnings
from cluster.kinds.printers.text import name, seconds_of, since
from cluster.kinds.registry import version_rank
from cluster.kinds.schema_custom import embeds
from cluster.kinds.strategy import STATUS_VERBS, carry, counting, keep_all_but_status, keep_status, nothing
from cluster.kinds.wire import shape
from cluster.meta.field import FaultType, FieldError, Path, invalid
from cluster.meta.objects import clone
from cluster.meta.types import GroupVersionKind, Obj

Spec = dict[str, Any]


class Judged(NamedTuple):
    """What rules say of an object: faults, and warnings of faults that were there before."""

    faults: Faults
    warnings: list[str]


Rules = Callable[[Obj, Obj | None, Spec], Judged]
"""(new, old or None, schema) -> what the schema's rules say."""

_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_OWN: tuple[str, ...] = ("apiVersion", "kind", "metadata")
_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
"""All there are, in the order in which Kubernetes tells those of custom resources."""
_SCALE = GroupVersionKind("autoscaling", "v1", "Scale")
_AGE = {
    "name": "Age",
    "type": "date",
    "jsonPath": ".metadata.creationTimestamp",
    "description": f"={_META}.creationTimestamp",
}

_BLOCKING = (
    FaultType.NOT_SUPPORTED,
    FaultType.REQUIRED,
    FaultType.TOO_LONG,
    FaultType.TOO_MANY,
    FaultType.TYPE_INVALID,
)
_UNCHECKED = (
    "some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)


def no_rules(_new: Obj, _old: Obj | None, _schema: Spec) -> Judged:
    return Judged([], [])


def kinds_of(crd: Obj, rules: Rules = no_rules, ask: Convert | None = None) -> list[Kind]:
    """The kinds a definition serves. Names are the accepted ones once there are any; `ask` calls its webhook."""
    spec, accepted = crd["spec"], (crd.get("status") or {}).get("acceptedNames") or {}
    names = accepted if accepted.get("plural") and accepted.get("kind") else spec["names"]
    conversion = conversion_of(spec, ask)
    return [_kind(spec, names, version, rules, conversion) for version in spec["versions"] if version.get("served")]


def _kind(spec: Spec, names: Spec, version: Spec, rules: Rules, conversion: Conversion) -> Kind:
    group, schema = spec["group"], schema_of(version) or {}
    subresources = version.get("subresources") or {}
    strategy = _Rules(names["kind"], schema, "status" in subresources, rules, subresources.get("scale"))
    return Kind(
        group=group,
        version=version["name"],
        kind=names["kind"],
        plural=names["plural"],
        singular=names.get("singular") or names["kind"].lower(),
        verbs=_VERBS,
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        schema=schema,
        preserve_unknown=bool(schema.get("x-kubernetes-preserve-unknown-fields"))
        or spec.get("preserveUnknownFields") is True,
        subresources=tuple(_subresources(subresources, strategy)),
        table=_table(version.get("additionalPrinterColumns")),
        strategy=strategy.strategy(),
        selectable=_selectable(version.get("selectableFields") or []),
        conversion=conversion,
        storage_version=f"{group}/{version['name']}" == conversion.storage,
        deprecated=_deprecated(spec, version),
    )


def _deprecated(spec: Spec, version: Spec) -> str:
    """The warning of a deprecated version: its own, or one that names the newest version that is not."""
    if not version.get("deprecated"):
        return ""
    if version.get("deprecationWarning") is not None:
        return str(version["deprecationWarning"])
    group, kind = spec["group"], spec["names"]["kind"]
    words = f"{group}/{version['name']} {kind} is deprecated"
    served = [other["name"] for other in spec["versions"] if other.get("served") and not other.get("deprecated")]
    newer = sorted((name for name in served if version_rank(name) < version_rank(version["name"])), key=version_rank)
    return f"{words}; use {group}/{newer[0]} {kind}" if newer else words


class _Rules:
    """The strategy functions of one version, over its schema."""

    def __init__(self, kind: str, schema: Spec, has_status: bool, rules: Rules, scale: Spec | None) -> None:
        self.kind = kind
        self.schema = schema
        self.has_status = has_status
        self.rules = rules
        self.scale = scale
        self.embeds = embeds(schema)
        self.remarked: list[str] = []
        """Warnings of the rules about the object that was judged last."""

    def strategy(self) -> Strategy:
        return Strategy(
            default=self.default,
            prepare_create=self.drop_status if self.has_status else nothing,
            prepare_update=keep_status if self.has_status else _as_given,
            validate=self.validate,
            validate_update=self.validate_update,
            remarks=self.remarks,
            warnings=finalizer_warnings,
            generation=True,
            generation_of=None if self.has_status else counting(status=True),
            unconditional_update=False,
        )

    def status(self) -> Strategy:
        return Strategy(
            default=self.default,
            prepare_update=_only_status,
            validate_update=self.validate_status,
            remarks=self.remarks,
            warnings=finalizer_warnings,
        )

    def validate_status(self, new: Obj, old: Obj) -> Faults:
        """The status is checked on its own: messages speak of paths within it, faults stand at the whole path."""
        held, schema = new.get("status"), (self.schema.get("properties") or {}).get("status")
        if not isinstance(held, dict) or not isinstance(schema, dict):
            return self.validate_update(new, old)
        was = old.get("status")
        found = validate_value(held, schema, was if was is not None else NEW)
        faults = [_below("status", fault) for fault in found] + status_faults(new, self.scale)
        return self._with_rules(faults + self._lists(new, old), new, old)

    def _with_rules(self, faults: Faults, new: Obj, old: Obj | None) -> Faults:
        """Rules run over objects that are sound enough."""
        if any(fault.type in _BLOCKING for fault in faults):
            return [*faults, invalid("<nil>", None, _UNCHECKED)] if has_rules(self.schema) else faults
        judged = self.rules(new, old, self.schema)
        self.remarked = judged.warnings
        return faults + judged.faults

    def remarks(self) -> list[str]:
        found, self.remarked = self.remarked, []
        return found

    def _lists(self, new: Obj, old: Obj | None) -> Faults:
        """Members of lists that are there twice, unless there were some before."""
        if old is not None and list_types(Path(""), without_own(old), self.schema):
            return []
        return list_types(Path(""), without_own(new), self.schema)

    def _embedded(self, obj: Obj) -> Faults:
        return validate_embedded(Path(""), without_own(obj), self.schema) if self.embeds else []

    def default(self, obj: Obj) -> None:
        shape(obj.setdefault("metadata", {}), _META)
        own = {key: value for key, value in obj.items() if key not in _OWN}
        kept: Obj = {key: obj[key] for key in _OWN if key in obj}
        drop_nulls(own, self.schema)
        fill_defaults(own, self.schema)
        obj.clear()
        obj.update(kept)
        obj.update({key: value for key, value in own.items() if key not in kept})

    def drop_status(self, obj: Obj) -> None:
        obj.pop("status", None)

    def validate(self, obj: Obj) -> Faults:
        named = self._named(obj)
        if named:
            return named
        faults = validate_schema(obj, self.schema) + spec_faults(obj, self.scale) + status_faults(obj, self.scale)
        faults += self._embedded(obj) + self._lists(obj, None)
        return self._with_rules(faults, obj, None)

    def _named(self, obj: Obj) -> Faults:
        kind = obj.get("kind") or ""
        return [] if kind == self.kind else [invalid("kind", kind, f"must be {self.kind}")]

    def validate_update(self, new: Obj, old: Obj) -> Faults:
        """What has not changed is let pass."""
        faults = validate_schema(new, self.schema, old) + spec_faults(new, self.scale) + status_faults(new, self.scale)
        faults += self._embedded(new) + self._lists(new, old)
        return self._with_rules(faults, new, old)


def has_rules(schema: Any) -> bool:
    """Whether a schema has rules anywhere."""
    if isinstance(schema, dict):
        return bool(schema.get("x-kubernetes-validations")) or any(has_rules(child) for child in schema.values())
    return isinstance(schema, list) and any(has_rules(child) for child in schema)


def _below(field: str, fault: FieldError) -> FieldError:
    path = f"{field}.{fault.path}" if fault.path else field
    return FieldError(fault.type, fault.path if fault.path == "<nil>" else path, fault.value, fault.detail)


def _as_given(_new: Obj, _old: Obj) -> None:
    return None


def _only_status(new: Obj, old: Obj) -> None:
    """Through `status` the metadata stays too, but for who manages what."""
    keep_all_but_status(new, old)
    sent = new.get("metadata") or {}
    meta = clone(old.get("metadata") or {})
    for field in ("resourceVersion", "managedFields"):
        carry(meta, sent, field)
    new["metadata"] = meta


def _subresources(held: Spec, rules: _Rules) -> list[Subresource]:
    out = []
    if held.get("status") is not None:
        out.append(Subresource(name="status", verbs=STATUS_VERBS, strategy=rules.status()))
    if "scale" in held and held["scale"] is not None:
        scale = held["scale"]
        paths = ScalePaths(
            scale["specReplicasPath"].lstrip("."),
            scale["statusReplicasPath"].lstrip("."),
            (scale.get("labelSelectorPath") or "").lstrip("."),
        )
        out.append(Subresource(name="scale", verbs=STATUS_VERBS, kind=_SCALE, scale=paths))
    return out


def _selectable(fields: list[Spec]) -> Callable[[Obj], dict[str, str]] | None:
    if not fields:
        return None
    finders = {field["jsonPath"].lstrip("."): compiled(field["jsonPath"]) for field in fields}

    def values(obj: Obj) -> dict[str, str]:
        found = {path: find(obj) for path, find in finders.items()}
        return {path: shown(values[0]) if values else "" for path, values in found.items()}

    return values


def _table(columns: list[Spec] | None) -> Table:
    """Name, then the columns of the definition; without any, the age."""
    listed = columns or [_AGE]
    finders = [(column["type"], compiled(column["jsonPath"])) for column in listed]

    def cells(obj: Obj, now: float) -> list[Cell]:
        return [name(obj), *(_cell(kind, find(obj), now) for kind, find in finders)]

    return Table((NAME, *(_column(column) for column in listed)), cells)


def _column(column: Spec) -> Column:
    described = f"Custom resource definition column (in JSONPath format): {column['jsonPath']}"
    return Column(
        column["name"],
        column["type"],
        column.get("format") or "",
        column.get("description") or described,
        column.get("priority") or 0,
    )


def _cell(kind: str, found: list[Any], now: float) -> Cell:
    """A found value as its column's type wants it; null where it does not fit."""
    if not found:
        return None
    if kind == "string":
        return shown(found[0])
    value = found[0]
    if kind == "date":
        return since(value, now) if isinstance(value, str) and seconds_of(value) is not None else "<invalid>"
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if kind == "integer" else value  # type: ignore[return-value]
