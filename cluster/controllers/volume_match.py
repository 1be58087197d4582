"""Which volume suits which claim, and what binding writes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.machinery.selecting import label_selector, labels_of
from cluster.meta.objects import clone
from cluster.meta.quantity import Quantity
from cluster.meta.types import Obj

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"


def notes(obj: Obj) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def phase(obj: Obj) -> str:
    return (obj.get("status") or {}).get("phase") or "Pending"


def class_of(obj: Obj) -> str:
    """The storage class of a claim or a volume; the annotation is the older spelling."""
    old = notes(obj).get("volume.beta.kubernetes.io/storage-class")
    return old if old is not None else obj["spec"].get("storageClassName") or ""


def refers_to(volume: Obj, claim: Obj) -> bool:
    """The volume's claimRef means this claim: by name, and by uid where it has one."""
    ref = volume["spec"].get("claimRef")
    if not ref:
        return False
    meta = claim["metadata"]
    named = (ref.get("namespace"), ref.get("name")) == (meta["namespace"], meta["name"])
    return named and ref.get("uid") in {None, "", meta["uid"]}


def _size(claim: Obj) -> Quantity:
    return Quantity.parse(((claim["spec"].get("resources") or {}).get("requests") or {}).get("storage") or "0")


def capacity(volume: Obj) -> Quantity:
    return Quantity.parse((volume["spec"].get("capacity") or {}).get("storage") or "0")


def _suits(volume: Obj, claim: Obj) -> bool:
    """Size, modes and kind of volume are enough for the claim."""
    wanted = claim["spec"].get("accessModes") or ()
    return (
        not volume["metadata"].get("deletionTimestamp")
        and (volume["spec"].get("volumeMode") or "Filesystem") == (claim["spec"].get("volumeMode") or "Filesystem")
        and set(wanted) <= set(volume["spec"].get("accessModes") or ())
        and capacity(volume) >= _size(claim)
    )


def fits(volume: Obj, claim: Obj) -> bool:
    """A free volume the claim may take."""
    selector = claim["spec"].get("selector")
    return (
        not volume["spec"].get("claimRef")
        and phase(volume) == "Available"
        and class_of(volume) == class_of(claim)
        and (selector is None or label_selector(selector)(labels_of(volume)))
        and _suits(volume, claim)
    )


def best(volumes: Iterable[Obj], claim: Obj, *, reserved_only: bool) -> Obj | None:
    """A volume reserved for the claim, else the smallest free one that suits it."""
    free: list[Obj] = []
    for volume in volumes:
        if refers_to(volume, claim) and _suits(volume, claim):
            return volume
        if not reserved_only and fits(volume, claim):
            free.append(volume)
    return min(free, key=lambda v: (capacity(v), v["metadata"]["name"]), default=None)


def bound_volume(volume: Obj, claim: Obj) -> Obj | None:
    """The volume with its claimRef filled in, or None when it is so already."""
    ref = volume["spec"].get("claimRef")
    if ref and ref.get("uid") == claim["metadata"]["uid"]:
        return None
    out = clone(volume)
    meta = claim["metadata"]
    if not ref:
        out["metadata"].setdefault("annotations", {})[BOUND_BY_CONTROLLER] = "yes"
    out["spec"]["claimRef"] = {
        "kind": "PersistentVolumeClaim",
        "namespace": meta["namespace"],
        "name": meta["name"],
        "uid": meta["uid"],
        "apiVersion": "v1",
        "resourceVersion": meta["resourceVersion"],
    }
    return out


def bound_claim(claim: Obj, volume: Obj) -> Obj | None:
    """The claim with its volume filled in, or None when it is so already."""
    if claim["spec"].get("volumeName") and BIND_COMPLETED in notes(claim):
        return None
    out = clone(claim)
    mine = out["metadata"].setdefault("annotations", {})
    if not claim["spec"].get("volumeName"):
        mine[BOUND_BY_CONTROLLER] = "yes"
    mine[BIND_COMPLETED] = "yes"
    out["spec"]["volumeName"] = volume["metadata"]["name"]
    return out


def bound_status(claim: Obj, volume: Obj) -> dict[str, Any]:
    kept = {k: v for k, v in (claim.get("status") or {}).items() if k not in {"phase", "accessModes", "capacity"}}
    return {
        "phase": "Bound",
        "accessModes": list(volume["spec"].get("accessModes") or ()),
        "capacity": dict(volume["spec"].get("capacity") or {}),
        **kept,
    }
