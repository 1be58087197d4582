"""What becomes of the names a CustomResourceDefinition asks for: accepted, or in conflict with another one's.

Pure: given a definition and the others of its group it gives the status that the naming and establishing controllers
of Kubernetes would write.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from cluster.meta.objects import clone
from cluster.meta.types import Obj

FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
_SINGLE = (
    ("plural", "PluralConflict"),
    ("singular", "SingularConflict"),
    ("shortNames", "ShortNamesConflict"),
    ("kind", "KindConflict"),
    ("listKind", "ListKindConflict"),
)


def condition(obj: Obj, type: str) -> Obj | None:
    """The condition of that type."""
    held = (obj.get("status") or {}).get("conditions") or ()
    return next((c for c in held if c.get("type") == type), None)


def holds(obj: Obj, type: str) -> bool:
    found = condition(obj, type)
    return found is not None and found.get("status") == "True"


def with_condition(status: Obj, type: str, value: str, reason: str, message: str, at: str) -> None:
    """Set a condition in place; the time of the transition moves only with the value."""
    listed = list(status.get("conditions") or ())
    wanted = {"type": type, "status": value, "lastTransitionTime": at, "reason": reason, "message": message}
    for place, held in enumerate(listed):
        if held.get("type") == type:
            if held.get("status") == value and held.get("lastTransitionTime"):
                wanted["lastTransitionTime"] = held["lastTransitionTime"]
            listed[place] = {**held, **wanted}
            break
    else:
        listed.append(wanted)
    status["conditions"] = listed


def accepted_status(crd: Obj, others: Iterable[Obj], at: str) -> Obj:
    """The status of `crd` beside `others` (definitions of any group), `at` being now as a timestamp."""
    status: Obj = clone(crd.get("status") or {})
    resources, kinds = _used(crd, others)
    names, conflict = _names(crd["spec"]["names"], status.get("acceptedNames") or {}, resources, kinds)
    status["acceptedNames"] = names
    if conflict:
        with_condition(status, "NamesAccepted", "False", *conflict, at)
        if condition({"status": status}, "Established") is None:
            with_condition(status, "Established", "False", "NotAccepted", "not all names are accepted", at)
    else:
        with_condition(status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", at)
        if not holds({"status": status}, "Established"):
            words = "the initial names have been accepted"
            with_condition(status, "Established", "True", "InitialNamesAccepted", words, at)
    _approval(crd, status, at)
    return status


def _used(crd: Obj, others: Iterable[Obj]) -> tuple[set[str], set[str]]:
    """Names of resources and of kinds that others of the group have been given."""
    resources: set[str] = set()
    kinds: set[str] = set()
    for other in others:
        if other["spec"]["group"] != crd["spec"]["group"] or other["metadata"]["name"] == crd["metadata"]["name"]:
            continue
        held = (other.get("status") or {}).get("acceptedNames") or {}
        resources.update(name for name in (held.get("plural"), held.get("singular")) if name)
        resources.update(held.get("shortNames") or ())
        kinds.update(name for name in (held.get("kind"), held.get("listKind")) if name)
    return resources, kinds


def _names(asked: Obj, held: Obj, resources: set[str], kinds: set[str]) -> tuple[Obj, tuple[str, str] | None]:
    """The names accepted now, and the last conflict as reason and message."""
    names: dict[str, Any] = {}
    conflict: tuple[str, str] | None = None
    for field, reason in _SINGLE:
        wanted, before = asked.get(field), held.get(field)
        used = kinds if field in ("kind", "listKind") else resources
        fresh = [n for n in _listed(wanted) if n not in _listed(before) and n in used]
        if fresh:
            words = [f"{json.dumps(name)} is already in use" for name in fresh]
            conflict = (reason, words[0] if len(words) == 1 else f"[{', '.join(words)}]")
        kept = before if fresh else wanted
        if kept or field in ("plural", "kind"):
            names[field] = kept or ""
    if asked.get("categories"):
        names["categories"] = list(asked["categories"])
    order = ("plural", "singular", "shortNames", "kind", "listKind", "categories")
    return {field: names[field] for field in order if field in names}, conflict


def _listed(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [value] if value else []


APPROVED = "api-approved.kubernetes.io"
_MORE = "see https://github.com/kubernetes/enhancements/pull/1111"


def protected(group: str) -> bool:
    """Whether a group is the community's."""
    return group in ("k8s.io", "kubernetes.io") or group.endswith((".k8s.io", ".kubernetes.io"))


def approval(crd: Obj) -> tuple[str, str]:
    """missing, bypassed, approved or invalid, and how that is told."""
    value = (crd["metadata"].get("annotations") or {}).get(APPROVED) or ""
    wanted = f"protected groups must have approval annotation {json.dumps(APPROVED)}"
    if not value:
        return "missing", f"{wanted}, {_MORE}"
    if value.startswith("unapproved"):
        return "bypassed", f"not approved: {json.dumps(value)}"
    parts = urlsplit(value)
    if parts.scheme and parts.netloc:
        return "approved", f"approved in {value}"
    return "invalid", f'{wanted} with either a URL or a reason starting with "unapproved", {_MORE}'


_ANNOTATION = {"missing": "Missing", "bypassed": "Unapproved", "approved": "Approved", "invalid": "Invalid"}


def _approval(crd: Obj, status: Obj, at: str) -> None:
    """Groups of the community need a word of approval."""
    if not protected(crd["spec"]["group"]):
        return
    state, words = approval(crd)
    value = "True" if state == "approved" else "False"
    type = "KubernetesAPIApprovalPolicyConformant"
    with_condition(status, type, value, f"{_ANNOTATION[state]}Annotation", words, at)


def terminating(crd: Obj, reason: str, message: str, at: str, value: str = "True") -> None:
    """Say in place how far the deletion is."""
    status: Obj = dict(crd.get("status") or {})
    with_condition(status, "Terminating", value, reason, message, at)
    crd["status"] = status


def mark_deleted(crd: Obj, at: str) -> bool:
    """The first deletion marks a definition and keeps it until its objects have gone; True when it did."""
    meta = crd["metadata"]
    if meta.get("deletionTimestamp"):
        return False
    meta["deletionTimestamp"] = at
    finalizers = list(meta.get("finalizers") or ())
    if FINALIZER not in finalizers:
        meta["finalizers"] = [*finalizers, FINALIZER]
    words = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
    terminating(crd, "InstanceDeletionPending", words, at)
    return True
