"""Cells of storage: volumes, claims, classes, attachments, drivers."""

from __future__ import annotations

from typing import Any

from cluster.kinds.kind import Cell
from cluster.kinds.printers.text import UNSET, age, joined, name
from cluster.meta.types import Obj

_MODES = (
    ("ReadWriteOnce", "RWO"),
    ("ReadOnlyMany", "ROX"),
    ("ReadWriteMany", "RWX"),
    ("ReadWriteOncePod", "RWOP"),
)
_OLD_CLASS = "volume.beta.kubernetes.io/storage-class"


def access_modes(modes: list[str] | None) -> str:
    """Short forms, each once, in the usual order."""
    return ",".join(short for mode, short in _MODES if mode in (modes or ()))


def _class(obj: Obj) -> str:
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    return annotations.get(_OLD_CLASS) or (obj.get("spec") or {}).get("storageClassName") or ""


def _phase(obj: Obj, phase: str) -> str:
    return "Terminating" if (obj.get("metadata") or {}).get("deletionTimestamp") else phase


def claim(obj: Obj, now: float) -> list[Cell]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    capacity, modes = "", ""
    if spec.get("volumeName"):
        modes = access_modes(status.get("accessModes"))
        capacity = (status.get("capacity") or {}).get("storage") or "0"
    return [
        name(obj),
        _phase(obj, status.get("phase") or ""),
        spec.get("volumeName") or "",
        capacity,
        modes,
        _class(obj),
        spec.get("volumeAttributesClassName") or UNSET,
        age(obj, now),
        spec.get("volumeMode") or UNSET,
    ]


def volume(obj: Obj, now: float) -> list[Cell]:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    ref = spec.get("claimRef")
    return [
        name(obj),
        (spec.get("capacity") or {}).get("storage") or "0",
        access_modes(spec.get("accessModes")),
        spec.get("persistentVolumeReclaimPolicy") or "",
        _phase(obj, status.get("phase") or ""),
        f"{ref.get('namespace') or ''}/{ref.get('name') or ''}" if ref else "",
        _class(obj),
        spec.get("volumeAttributesClassName") or UNSET,
        status.get("reason") or "",
        age(obj, now),
        spec.get("volumeMode") or UNSET,
    ]


def storage_class(obj: Obj, now: float) -> list[Cell]:
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    default = any(
        annotations.get(key) == "true"
        for key in (
            "storageclass.kubernetes.io/is-default-class",
            "storageclass.beta.kubernetes.io/is-default-class",
        )
    )
    return [
        f"{name(obj)} (default)" if default else name(obj),
        obj.get("provisioner") or "",
        obj.get("reclaimPolicy") or "Delete",
        obj.get("volumeBindingMode") or "Immediate",
        bool(obj.get("allowVolumeExpansion")),
        age(obj, now),
    ]


def attributes_class(obj: Obj, now: float) -> list[Cell]:
    return [name(obj), obj.get("driverName") or "", age(obj, now)]


def attachment(obj: Obj, now: float) -> list[Cell]:
    spec = obj.get("spec") or {}
    return [
        name(obj),
        spec.get("attacher") or "",
        (spec.get("source") or {}).get("persistentVolumeName") or "",
        spec.get("nodeName") or "",
        bool((obj.get("status") or {}).get("attached")),
        age(obj, now),
    ]


def csi_node(obj: Obj, now: float) -> list[Cell]:
    return [name(obj), len((obj.get("spec") or {}).get("drivers") or ()), age(obj, now)]


def csi_driver(obj: Obj, now: float) -> list[Cell]:
    spec: dict[str, Any] = obj.get("spec") or {}
    return [
        name(obj),
        spec.get("attachRequired", True),
        bool(spec.get("podInfoOnMount")),
        bool(spec.get("storageCapacity")),
        joined((request.get("audience") or "" for request in spec.get("tokenRequests") or ()), UNSET),
        bool(spec.get("requiresRepublish")),
        joined(spec.get("volumeLifecycleModes") or (), NONE_MODES),
        age(obj, now),
    ]


NONE_MODES = "<none>"
