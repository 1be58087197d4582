"""The part of writing that concerns metadata alone: names, uid, times, generation, owners. Knows no kind's fields."""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Callable
from typing import Any

from cluster.kinds.kind import Kind
from cluster.meta import errors
from cluster.meta.objects import clone
from cluster.meta.times import seconds
from cluster.meta.types import Obj

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_LONGEST_STEM = 58
_random = random.Random(os.urandom(16))


def generate_name(stem: str) -> str:
    """`stem` and five letters that spell no word."""
    return stem[:_LONGEST_STEM] + "".join(_random.choices(_ALPHABET, k=5))


def new_uid() -> str:
    return str(uuid.UUID(int=_random.getrandbits(128), version=4))


def place_in_namespace(obj: Obj, kind: Kind, namespace: str) -> None:
    """metadata.namespace follows the URL; raises 400 when both are given and differ."""
    meta = obj["metadata"]
    given = meta.get("namespace") or ""
    if not kind.namespaced:
        meta.pop("namespace", None)
        return
    if given and given != namespace:
        raise errors.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    meta["namespace"] = namespace


def wipe(meta: dict[str, Any]) -> None:
    """The client's opinion on what the server alone decides is dropped before anybody can own it."""
    for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "uid", "creationTimestamp"):
        meta.pop(field, None)


def stamp_new(obj: Obj, kind: Kind, now: float) -> None:
    """What the server alone decides about a new object."""
    meta = obj["metadata"]
    wipe(meta)
    meta.pop("resourceVersion", None)
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = generate_name(meta["generateName"])
    meta["uid"] = new_uid()
    meta["creationTimestamp"] = seconds(now)
    if kind.strategy.generation:
        meta["generation"] = 1
    obj["metadata"] = ordered(meta)


_ORDER = (
    "name",
    "generateName",
    "namespace",
    "uid",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)


def ordered(meta: dict[str, Any]) -> dict[str, Any]:
    """Metadata in the order Kubernetes writes it; empty values go."""
    out = {key: meta[key] for key in _ORDER if meta.get(key) not in (None, "", {}, [])}
    if "deletionGracePeriodSeconds" in meta and meta["deletionGracePeriodSeconds"] is not None:
        out["deletionGracePeriodSeconds"] = meta["deletionGracePeriodSeconds"]
    for key, value in meta.items():
        if key not in out and key not in _ORDER and key != "resourceVersion":
            out[key] = value
    return out


_ENTRY = ("manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource")


def go_order(meta: dict[str, Any]) -> dict[str, Any]:
    """Metadata in Kubernetes' order, resourceVersion in its place, for messages that show it."""
    order = [*_ORDER[:4], "resourceVersion", *_ORDER[4:]]
    known = {key: meta[key] for key in order if key in meta}
    if known.get("managedFields"):
        known["managedFields"] = [{k: e[k] for k in _ENTRY if k in e} for e in known["managedFields"]]
    return known | {key: value for key, value in meta.items() if key not in known}


_KEPT = ("creationTimestamp", "generation")
_RESTORED = ("uid", "deletionTimestamp", "deletionGracePeriodSeconds")


def carry_over(new: Obj, old: Obj) -> None:
    """An update cannot touch these: what the client left out comes back from the old object.

    A changed uid or deletion time stays, for validation to complain about.
    """
    meta, before = new["metadata"], old["metadata"]
    for field in _KEPT:
        if field in before:
            meta[field] = before[field]
        else:
            meta.pop(field, None)
    for field in _RESTORED:
        if meta.get(field) is None and field in before:
            meta[field] = before[field]
    meta.pop("selfLink", None)


def bump_generation(new: Obj, old: Obj, counted: Callable[[Obj], Any] | None = None) -> None:
    """+1 when what is counted changed: by default anything outside metadata and status."""
    counted = counted or _spec
    if counted(new) != counted(old):
        new["metadata"]["generation"] = (old["metadata"].get("generation") or 0) + 1


def _spec(obj: Obj) -> dict[str, Any]:
    return {k: v for k, v in obj.items() if k not in ("metadata", "status", "apiVersion", "kind")}


def dedup_owners(obj: Obj) -> list[str]:
    """Drop repeated owner references; returns the warning, if any."""
    owners = obj["metadata"].get("ownerReferences")
    if not owners or len(owners) < 2:
        return []
    kept: list[dict[str, Any]] = []
    doubled: list[str] = []
    for owner in owners:
        if owner in kept:
            doubled.append(str(owner.get("uid")))
        else:
            kept.append(clone(owner))
    if not doubled:
        return []
    obj["metadata"]["ownerReferences"] = kept
    listed = ", ".join(dict.fromkeys(doubled))
    return [
        f".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, "
        f"and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {listed}"
    ]
