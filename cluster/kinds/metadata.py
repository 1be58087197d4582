"""Validation of metadata, the same for every kind: names, labels, annotations, owners, finalizers, managed fields.

Messages follow k8s.io/apimachinery/pkg/api/validation. The registry calls it before a kind's own validation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.kind import Kind
from cluster.meta import names
from cluster.meta.field import FaultType, FieldError, Path, forbidden, invalid, required
from cluster.meta.labels import annotation_faults, label_faults
from cluster.meta.types import GroupVersion, Obj

META = Path("metadata")
BOTH = "both"


def _no_rule(_: str) -> list[str]:
    return []


def _subdomain_in_bytes(name: str) -> list[str]:
    """The newer, declarative form of the rule, which counts bytes."""
    return names.dns1123_subdomain(name, "bytes")


def _canonical_address(name: str) -> list[str]:
    return [fault.detail for fault in checks.canonical_ip("", name)]


NAME_RULES: dict[str, Callable[[str], list[str]]] = {
    "dns1123-subdomain": names.dns1123_subdomain,
    "dns1123-subdomain-bytes": _subdomain_in_bytes,
    "dns1123-label": names.dns1123_label,
    "dns1035-label": names.dns1035_label,
    "path-segment": names.path_segment,
    "address": _canonical_address,
    "none": _no_rule,
}


def validate_metadata(obj: Obj, kind: Kind) -> list[FieldError]:
    """Faults of the metadata of an object to be created; its name is generated already."""
    return _as_created(obj, kind) + _bare_finalizers(obj.get("metadata") or {}, kind)


def _as_created(obj: Obj, kind: Kind) -> Faults:
    rule = NAME_RULES[kind.strategy.name_rule]
    return _object_meta(obj.get("metadata") or {}, kind.namespaced, rule, kind.strategy.checks_prefix)


def embedded_metadata_faults(meta: dict[str, Any]) -> list[FieldError]:
    """Faults of the metadata of an object within another one, which need have no name."""
    held = {**meta, "name": meta.get("name") or "unnamed"}
    return _object_meta(held, bool(meta.get("namespace")), NAME_RULES["path-segment"], False)


def _object_meta(
    meta: dict[str, Any], namespaced: bool, rule: Callable[[str], list[str]], checks_prefix: bool
) -> Faults:
    faults: Faults = []
    generate = meta.get("generateName") or ""
    if generate:
        complaints = rule(names.masked_prefix(generate)) if checks_prefix else names.path_segment(generate, True)
        faults += [invalid(META / "generateName", generate, complaint) for complaint in complaints]
    name = meta.get("name") or ""
    if name:
        faults += [invalid(META / "name", name, complaint) for complaint in rule(name)]
    else:
        faults.append(required(META / "name", "name or generateName is required"))
    faults += _namespace(meta.get("namespace") or "", namespaced)
    generation = meta.get("generation") or 0
    faults += checks.nonnegative(META / "generation", generation)
    return faults + _loose_parts(meta)


def _namespace(namespace: str, namespaced: bool) -> Faults:
    if not namespaced:
        return [forbidden(META / "namespace", "not allowed on this type")] if namespace else []
    if not namespace:
        return [required(META / "namespace")]
    return checks.label(META / "namespace", namespace)


def _loose_parts(meta: dict[str, Any], *, finalizers: bool = True) -> Faults:
    """What may change over an object's life: labels, annotations, owners, finalizers, managed fields."""
    faults = label_faults(meta.get("labels"), META / "labels")
    faults += annotation_faults(meta.get("annotations"), META / "annotations")
    faults += _owners(META / "ownerReferences", meta.get("ownerReferences") or [])
    if finalizers:
        faults += _finalizers(META / "finalizers", meta.get("finalizers") or [])
    return faults + _managed_fields(META / "managedFields", meta.get("managedFields") or [])


def _owners(path: Path, references: list[dict[str, Any]]) -> Faults:
    faults: Faults = []
    controller = ""
    for reference in references:
        faults += _owner(path, reference)
        if not reference.get("controller"):
            continue
        current = f"{reference.get('kind', '')}/{reference.get('name', '')}"
        if controller:
            faults.append(
                invalid(
                    path,
                    references,
                    "Only one reference can have Controller set to true. "
                    f'Found "true" in references for {controller} and {current}',
                )
            )
        else:
            controller = current
    return faults


def _owner(path: Path, reference: dict[str, Any]) -> Faults:
    version = reference.get("apiVersion") or ""
    faults: Faults = []
    try:
        gv = GroupVersion.parse(version)
    except ValueError:
        # More than one slash: the API goes on with neither group nor version.
        gv = GroupVersion("", "")
    if not gv.version:
        faults.append(invalid(path / "apiVersion", version, "version must not be empty"))
    for name in ("kind", "name", "uid"):
        if not reference.get(name):
            faults.append(invalid(path / name, reference.get(name) or "", "must not be empty"))
    if gv == ("", "v1") and reference.get("kind") == "Event":
        faults.append(invalid(path, reference, "/v1, Kind=Event is disallowed from being an owner"))
    return faults


STANDARD_FINALIZERS = ("foregroundDeletion", "orphan", "kubernetes")


def _finalizers(path: Path, finalizers: list[str]) -> Faults:
    """Qualified names. Two deletion strategies exclude each other."""
    faults: Faults = []
    for finalizer in finalizers:
        faults += checks.qualified(path, finalizer)
    if "orphan" in finalizers and "foregroundDeletion" in finalizers:
        faults.append(invalid(path, finalizers, "finalizer orphan and foregroundDeletion cannot be both set"))
    return faults


def finalizer_warnings(new: Obj, old: Obj | None) -> list[str]:
    """About new finalizers of a custom resource, which may be called anything."""
    before = set(((old or {}).get("metadata") or {}).get("finalizers") or ())
    added = sorted(set((new.get("metadata") or {}).get("finalizers") or ()) - before)
    out = []
    for name in added:
        about = f'{META / "finalizers"}: "{name}": '
        out += [about + text for text in names.label_key(name)]
        if "/" not in name and name not in STANDARD_FINALIZERS:
            path = " including a path (/)" if "." in name else ""
            words = f"prefer a domain-qualified finalizer name{path} to avoid accidental conflicts"
            out.append(f"{about}{words} with other finalizer writers")
    return out


_ANY_FINALIZER = ("admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io")
"""Groups that are served beside the built-in kinds, as custom ones are: a bare name will do for them."""


def _bare_finalizers(meta: dict[str, Any], kind: Kind) -> Faults:
    """Without a prefix only the standard names are known to built-in kinds."""
    if not kind.definition or kind.group in _ANY_FINALIZER or kind.strategy.bare_finalizers:
        return []
    return [
        invalid(
            (META / "finalizers")[at], finalizer, "name is neither a standard finalizer name nor is it fully qualified"
        )
        for at, finalizer in enumerate(meta.get("finalizers") or ())
        if "/" not in finalizer and finalizer not in STANDARD_FINALIZERS
    ]


def _managed_fields(path: Path, entries: list[dict[str, Any]]) -> Faults:
    faults: Faults = []
    for at, entry in enumerate(entries):
        here = path[at]
        operation = entry.get("operation") or ""
        if operation not in ("Apply", "Update"):
            faults.append(invalid(here / "operation", operation, "must be `Apply` or `Update`"))
        if (entry.get("fieldsType") or "") not in ("", "FieldsV1"):
            faults.append(invalid(here / "fieldsType", entry["fieldsType"], "must be `FieldsV1`"))
        if len((entry.get("manager") or "").encode()) > 128:
            faults.append(FieldError(FaultType.TOO_LONG, here / "manager", "", "may not be more than 128 bytes"))
    return faults


_FIXED = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)


def validate_metadata_update(new: Obj, old: Obj, kind: Kind, looked_at: str = BOTH) -> list[FieldError]:
    """Faults of an update's metadata. The registry has carried over already what clients may leave out.

    Kubernetes looks at it several times, and its causes show it: once as at any object and once as at any update,
    and then as the kind does (`looked_at`: see Strategy.update_metadata).
    """
    now, was = new.get("metadata") or {}, old.get("metadata") or {}
    changed, bare = _changed(now, was), _bare_finalizers(now, kind)
    named = [rule for rule in (NAME_RULES[kind.strategy.name_rule], names.path_segment) if _prefix_faults(now, rule)]
    if not changed and not bare and not named and not _finalizers(META, now.get("finalizers") or []):
        return []
    found = _object_meta(now, kind.namespaced, names.path_segment, True) + changed
    if looked_at in ("update", BOTH):
        found += changed + bare
    if looked_at in ("whole", BOTH):
        found += _as_created(new, kind) + bare
    return found


def _prefix_faults(meta: dict[str, Any], rule: Callable[[str], list[str]]) -> bool:
    prefix = meta.get("generateName") or ""
    return bool(prefix) and bool(rule(names.masked_prefix(prefix)))


def _changed(now: dict[str, Any], was: dict[str, Any]) -> Faults:
    faults: Faults = []
    if was.get("deletionTimestamp"):
        added = [f for f in now.get("finalizers") or [] if f not in (was.get("finalizers") or [])]
        if added:
            faults.append(
                forbidden(
                    META / "finalizers",
                    "no new finalizers can be added if the object is being deleted, "
                    f"found new finalizers {_go_strings(added)}",
                )
            )
    if not now.get("resourceVersion"):
        faults.append(invalid(META / "resourceVersion", 0, "must be specified for an update"))
    generation, before = now.get("generation") or 0, was.get("generation") or 0
    if generation < before:
        faults.append(invalid(META / "generation", generation, "must not be decremented"))
    for name in _FIXED:
        if now.get(name) != was.get(name):
            faults.append(invalid(META / name, now.get(name), checks.IMMUTABLE))
    return faults + _loose_parts(now, finalizers=False)


def _go_strings(values: list[str]) -> str:
    """A list of strings as Go's %#v prints it."""
    quoted = ", ".join(f'"{value}"' for value in values)
    return f"[]string{{{quoted}}}"
