"""The two ways to write an object: update, which takes ownership of what it changes, and apply, which declares.

Follows the field manager of k8s.io/apimachinery and the updater of structured-merge-diff. All managers of an object
are taken to speak one version of it; entries of other versions are kept and compared as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from cluster.meta.errors import StatusError, bad_request
from cluster.meta.ownership import typed
from cluster.meta.ownership.fieldset import FieldSet, Path, show
from cluster.meta.ownership.managed import (
    APPLY,
    BEFORE_FIRST_APPLY,
    UPDATE,
    Managed,
    Manager,
    Owned,
    cap,
    decode,
    with_managed,
    without_managed,
)
from cluster.meta.structure import Structure
from cluster.meta.types import GroupVersion, Obj

SCALE = "scale"
"""Writes through it are recorded without a time: the API server loses it on the way through the Scale object."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_META_NAMES = (
    "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields",
    "resourceVersion",
)  # fmt: skip
_UNOWNED = FieldSet.of(
    ("f:apiVersion",), ("f:kind",), ("f:metadata",), *(("f:metadata", f"f:{name}") for name in _META_NAMES)
)


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, in which version, when (RFC 3339 seconds), through which subresource.

    `reset` names the fields this endpoint does not write, as fieldsV1 paths: `(("f:status",),)` on the main one.
    """

    manager: str
    api_version: str
    now: str
    subresource: str = ""
    reset: tuple[Path, ...] = ()
    knows: Callable[[str], bool] = lambda version: True
    """Whether an apiVersion is one the object can be had in. Managers that speak of another lose what they own."""

    @property
    def ignored(self) -> FieldSet:
        return FieldSet.of(*self.reset)


class Applied(NamedTuple):
    """The result of an apply: still to be decoded and defaulted; `changed` is false when nothing but ownership did."""

    obj: Obj
    changed: bool


def update(live: Obj, new: Obj, structure: Structure, writer: Writer) -> Obj:
    """`new` with the managedFields of an update over `live`. To create, `live` is the empty object of the kind
    (`Schema.empty`). Neither argument is changed."""
    managed = _starting_point(live, new, writer)
    plain_live, plain_new = without_managed(live), without_managed(new)
    tracked = bool(managed) or not (live.get("metadata") or {}).get("uid")
    if not tracked:
        return plain_new
    managed = _track(plain_live, plain_new, structure, writer, managed)
    cap(managed)
    return with_managed(new, managed)


def _starting_point(live: Obj, new: Obj, writer: Writer) -> Managed:
    """Whose ownership counts: what the request says, if it says something, else what is stored."""
    sent = (new.get("metadata") or {}).get("managedFields")
    stored = (live.get("metadata") or {}).get("managedFields")
    if writer.subresource:
        return decode(stored)
    if isinstance(sent, list) and len(sent) == 1 and not any(sent[0].values()):
        return {}
    return decode(sent) or decode(stored)


def _track(live: Obj, new: Obj, structure: Structure, writer: Writer, managed: Managed) -> Managed:
    difference = typed.compare(live, new, structure).without(writer.ignored)
    changed = difference.modified.union(difference.added)
    left = _take_away(managed, changed, difference.removed, writer)
    own = changed.difference(_UNOWNED)
    if own:
        me = Manager(writer.manager, UPDATE, writer.api_version, writer.subresource)
        before = left[me].fields if me in left else FieldSet()
        left[me] = Owned(own.union(before), writer.api_version, "" if writer.subresource == SCALE else writer.now)
    return left


def _take_away(
    managed: Managed, changed: FieldSet, removed: FieldSet, writer: Writer, besides: Manager | None = None
) -> Managed:
    """Ownership after others' fields were changed or removed; managers that own nothing any more are gone."""
    out: Managed = {}
    for manager, owned in managed.items():
        fields = owned.fields
        if owned.api_version != writer.api_version and not writer.knows(owned.api_version):
            continue
        if manager != besides:
            fields = fields.difference(fields.intersection(changed)).difference(removed)
        if fields:
            out[manager] = Owned(fields, owned.api_version, owned.time)
    return out


def apply(live: Obj, patch: Obj, structure: Structure, writer: Writer, force: bool = False) -> Applied:
    """Server-side apply of a configuration. To create, `live` is the empty object of the kind.

    Raises StatusError: 409 with causes on conflicts, 400 for managedFields in the patch, 500 for a patch that does
    not fit the schema (as Kubernetes answers).
    """
    _check_patch(patch, structure, writer)
    managed = decode((live.get("metadata") or {}).get("managedFields"))
    plain = without_managed(live)
    if not managed and (live.get("metadata") or {}).get("uid"):
        managed = _before_first(plain, structure, writer)
    try:
        applied = _apply(plain, patch, structure, writer, managed, force)
    except _Conflicts as conflicts:
        applied = _kubectl_takes_over(plain, patch, structure, writer, managed, conflicts)
    merged, owners, changed = applied
    me = Manager(writer.manager, APPLY, "", writer.subresource)
    if changed and me in owners and writer.subresource != SCALE:
        owners[me].time = writer.now
    cap(owners)
    if writer.manager == "kubectl" and changed:
        merged = _sync_last_applied(merged, patch)
    return Applied(with_managed(merged, owners), changed)


def _check_patch(patch: Obj, structure: Structure, writer: Writer) -> None:
    version = str(patch.get("apiVersion") or "")
    if version != writer.api_version:
        raise bad_request(
            "Incorrect version specified in apply patch. "
            f"Specified patch version: {version}, expected: {writer.api_version}"
        )
    metadata = patch.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")
    try:
        typed.validate(patch, structure)
    except typed.Invalid as error:
        raise StatusError(500, "", f"failed to create typed patch object ({identity(patch)}): {error}") from error


def identity(obj: Obj) -> str:
    """How messages about server-side apply name an object."""
    metadata = obj.get("metadata") if isinstance(obj.get("metadata"), dict) else {}
    group, version = GroupVersion.parse(str(obj.get("apiVersion") or ""))
    where = f"{(metadata or {}).get('namespace') or ''}/{(metadata or {}).get('name') or ''}"
    return f"{where}; {group}/{version}, Kind={obj.get('kind') or ''}"


def _before_first(live: Obj, structure: Structure, writer: Writer) -> Managed:
    """Everything in an object nobody tracked belongs to one manager of that name."""
    first = Writer(BEFORE_FIRST_APPLY, writer.api_version, writer.now, reset=writer.reset)
    empty: Obj = {"apiVersion": live.get("apiVersion"), "kind": live.get("kind"), "metadata": {}}
    return _track(empty, live, structure, first, {})


class _Conflicts(Exception):
    def __init__(self, found: list[tuple[Manager, Path]]) -> None:
        super().__init__("conflicts")
        self.found = found


def _apply(
    live: Obj, patch: Obj, structure: Structure, writer: Writer, managed: Managed, force: bool
) -> tuple[Obj, Managed, bool]:
    """(merged object, owners, whether the object changed). Raises _Conflicts."""
    me = Manager(writer.manager, APPLY, "", writer.subresource)
    last = managed.get(me)
    wanted = typed.to_set(patch, structure).without(writer.ignored)
    owners = dict(managed)
    owners[me] = Owned(wanted, writer.api_version, last.time if last else "")
    merged = typed.merge(live, patch, structure)
    if last is not None and last.fields:
        merged = _prune(merged, owners, last.fields, structure)
    difference = typed.compare(live, merged, structure)
    kept = difference.without(writer.ignored)
    changed = kept.modified.union(kept.added)
    if not force:
        _refuse_conflicts(owners, me, changed)
    owners = _take_away(owners, changed, kept.removed, writer, me)
    if me in owners:
        stripped = owners[me].fields.difference(_UNOWNED)
        owners[me] = Owned(stripped, writer.api_version, owners[me].time)
        if not stripped:
            del owners[me]
    differs = bool(difference.added or difference.modified or difference.removed)
    return merged, owners, differs


def _prune(merged: Obj, owners: Managed, last: FieldSet, structure: Structure) -> Obj:
    """Remove what the manager applied before, no longer applies, and nobody else owns."""
    last_named = last.with_named_fields(structure)
    pruned = typed.remove(merged, last_named, structure) or {}
    owned = FieldSet()
    for entry in owners.values():
        owned = owned.union(entry.fields)
    merged_set = typed.to_set(merged, structure).with_named_fields(structure)
    pruned_set = typed.to_set(pruned, structure).with_named_fields(structure)
    staying = pruned_set.union(owned.with_named_fields(structure))
    pruned = typed.remove(merged, merged_set.difference(staying), structure) or {}
    pruned_set = typed.to_set(pruned, structure).with_named_fields(structure)
    dangling = merged_set.difference(pruned_set).intersection(last_named)
    result: Obj = typed.remove(merged, dangling, structure) or {}
    return result


def _refuse_conflicts(owners: Managed, me: Manager, changed: FieldSet) -> None:
    found = []
    for manager in sorted(owners):
        if manager != me:
            found += [(manager, path) for path in owners[manager].fields.intersection(changed).paths()]
    if found:
        raise _Conflicts(found)


def conflict_error(found: list[tuple[Manager, Path]]) -> StatusError:
    """409 that names every field somebody else owns."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": show(path)}
        for manager, path in found
    ]
    if len(found) == 1:
        text = f"Apply failed with 1 conflict: conflict with {found[0][0]}: {show(found[0][1])}"
    else:
        lines = []
        for manager in dict.fromkeys(manager for manager, _ in found):
            lines.append(f"conflicts with {manager}:")
            lines += [f"- {show(path)}" for other, path in found if other == manager]
        text = f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)
    return StatusError(409, "Conflict", text, {"causes": causes})


def _kubectl_takes_over(
    live: Obj, patch: Obj, structure: Structure, writer: Writer, managed: Managed, conflicts: _Conflicts
) -> tuple[Obj, Managed, bool]:
    """kubectl may overrule its own earlier client-side apply, as the annotation of that tells."""
    found = conflicts.found
    if writer.manager == "kubectl":
        allowed = _last_applied_fields(live, structure)
        paths = set(allowed.paths())
        found = [(manager, path) for manager, path in found if path not in paths]
        if not found:
            return _apply(live, patch, structure, writer, managed, True)
    raise conflict_error(found)


def _last_applied_fields(live: Obj, structure: Structure) -> FieldSet:
    """The fields whose live value is still the one of the last client-side apply."""
    text = ((live.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    if not text:
        return FieldSet()
    try:
        last = orjson.loads(text)
        typed.validate(last, structure)
    except (orjson.JSONDecodeError, typed.Invalid):
        return FieldSet()
    if not isinstance(last, dict) or last.get("apiVersion") != live.get("apiVersion"):
        return FieldSet()
    changed = typed.compare(last, live, structure)
    differing = changed.modified.union(changed.added).union(changed.removed)
    return typed.to_set(last, structure).difference(differing)


def _sync_last_applied(merged: Obj, patch: Obj) -> Obj:
    annotations = (merged.get("metadata") or {}).get("annotations") or {}
    if LAST_APPLIED not in annotations:
        return merged
    text = orjson.dumps(_bare(patch), option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE).decode()
    return {**merged, "metadata": {**merged["metadata"], "annotations": {**annotations, LAST_APPLIED: text}}}


def _bare(patch: Obj) -> dict[str, Any]:
    """The configuration as the annotation keeps it: without the annotation itself."""
    metadata = dict(patch.get("metadata") or {})
    if isinstance(metadata.get("annotations"), dict):
        metadata["annotations"] = {k: v for k, v in metadata["annotations"].items() if k != LAST_APPLIED}
    return {**patch, "metadata": metadata}
