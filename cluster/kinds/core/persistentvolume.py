"""PersistentVolume: a piece of storage and where it comes from."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.core.persistentvolumeclaim import access_modes
from cluster.kinds.difference import difference
from cluster.kinds.golang import dump
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.podspec.volume_defaults import default_drivers
from cluster.kinds.podspec.volumes import SOURCES, csi_driver_name, needs, source
from cluster.kinds.printers import volumes as cells
from cluster.kinds.selectors_check import node_selector
from cluster.kinds.strategy import keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, forbidden, invalid, not_supported, required
from cluster.meta.quantity import Quantity
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.core.v1.PersistentVolume"
SPEC = Path("spec")
RECLAIM = ("Delete", "Recycle", "Retain")


def _default(volume: Obj) -> None:
    held = volume["spec"]
    volume["status"].setdefault("phase", "Pending")
    held.setdefault("persistentVolumeReclaimPolicy", "Retain")
    held.setdefault("volumeMode", "Filesystem")
    default_drivers(held)


def _prepare_create(volume: Obj) -> None:
    volume["status"] = {"phase": "Pending"}
    created = (volume.get("metadata") or {}).get("creationTimestamp")
    if created:
        volume["status"]["lastPhaseTransitionTime"] = created


def _local(path: Path, held: dict[str, Any]) -> Faults:
    where = held.get("path") or ""
    return checks.no_backsteps(path / "path", where) if where else [required(path / "path")]


def _csi(path: Path, held: dict[str, Any]) -> Faults:
    faults = csi_driver_name(path / "driver", held.get("driver") or "")
    return faults + needs("volumeHandle")(path, held)


_POD_ONLY = frozenset(
    (
        "emptyDir",
        "gitRepo",
        "secret",
        "persistentVolumeClaim",
        "downwardAPI",
        "configMap",
        "projected",
        "ephemeral",
        "image",
    )
)
_SOURCES = {**{name: check for name, check in SOURCES.items() if name not in _POD_ONLY}, "local": _local, "csi": _csi}


def validate(volume: Obj) -> Faults:
    held = spec(volume)
    modes = held.get("accessModes") or []
    faults: Faults = [] if modes else [required(SPEC / "accessModes")]
    faults += access_modes(SPEC / "accessModes", modes)
    faults += _capacity(held.get("capacity") or {})
    policy = held.get("persistentVolumeReclaimPolicy") or ""
    if policy:
        faults += checks.one_of(SPEC / "persistentVolumeReclaimPolicy", policy, RECLAIM)
    if (affinity := held.get("nodeAffinity")) is not None:
        faults += _affinity(SPEC / "nodeAffinity", affinity)
    found, own = source(SPEC, held, _SOURCES)
    faults += own
    if held.get("local") is not None and held.get("nodeAffinity") is None:
        faults.append(required(SPEC / "nodeAffinity", "Local volume requires node affinity"))
    if not found:
        faults.append(required(SPEC, "must specify a volume type"))
    if (held.get("hostPath") or {}).get("path") == "/" and policy == "Recycle":
        why = "may not be 'recycle' for a hostPath mount of '/'"
        faults.append(forbidden(SPEC / "persistentVolumeReclaimPolicy", why))
    if held.get("storageClassName"):
        faults += checks.subdomain(SPEC / "storageClassName", held["storageClassName"])
    if (mode := held.get("volumeMode")) is not None:
        faults += checks.one_of(SPEC / "volumeMode", mode, ("Block", "Filesystem"))
    return faults


def _capacity(capacity: dict[str, Any]) -> Faults:
    path = SPEC / "capacity"
    faults: Faults = [] if capacity else [required(path)]
    if set(capacity) != {"storage"}:
        faults.append(not_supported(path, capacity or None, ["storage"]))
    for name in sorted(capacity):
        if Quantity.parse(capacity[name]).nanos <= 0:
            faults.append(invalid(path[name], capacity[name], checks.NOT_POSITIVE))
    return faults


def _affinity(path: Path, affinity: dict[str, Any]) -> Faults:
    wanted = affinity.get("required")
    if wanted is None:
        return [required(path / "required", "must specify required node constraints")]
    return node_selector(path / "required", wanted)


def validate_update(new: Obj, old: Obj) -> Faults:
    now, was = spec(new), spec(old)
    faults = validate(new)
    before = {name: was[name] for name in _SOURCES if name in was}
    after = {name: now[name] for name in _SOURCES if name in now}
    if before != after:
        definition = "io.k8s.api.core.v1.PersistentVolumeSpec"
        shown = difference(_sources(was, definition), _sources(now, definition))
        path = SPEC / "persistentvolumesource"
        faults.append(forbidden(path, "spec.persistentvolumesource is immutable after creation" + shown))
    faults += checks.immutable("volumeMode", now.get("volumeMode"), was.get("volumeMode"))
    if was.get("nodeAffinity") is not None:
        faults += checks.immutable("nodeAffinity", now.get("nodeAffinity"), was.get("nodeAffinity"))
    return faults


_SOURCE_FIELDS = (
    "GCEPersistentDisk", "AWSElasticBlockStore", "HostPath", "Glusterfs", "NFS", "RBD", "Quobyte", "ISCSI",
    "FlexVolume", "Cinder", "CephFS", "FC", "Flocker", "AzureFile", "VsphereVolume", "AzureDisk",
    "PhotonPersistentDisk", "PortworxVolume", "ScaleIO", "Local", "StorageOS", "CSI",
)  # fmt: skip


def _sources(held: dict[str, Any], definition: str) -> dict[str, Any]:
    shown = dump(held, definition) or {}
    return {name: shown.get(name) for name in _SOURCE_FIELDS}


def _selectable(volume: Obj) -> dict[str, str]:
    return {"name": (volume.get("metadata") or {}).get("name") or ""}


def _keep_transition(new: Obj, old: Obj) -> None:
    """The time of the last change of phase stays while the phase does."""
    now, was = new.get("status") or {}, old.get("status") or {}
    stamp = was.get("lastPhaseTransitionTime")
    if stamp and now.get("phase") == was.get("phase") and not now.get("lastPhaseTransitionTime"):
        now["lastPhaseTransitionTime"] = stamp


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    default=DEFAULT,
    prepare_create=_prepare_create,
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
)


KIND = Kind(
    group="",
    version="v1",
    kind="PersistentVolume",
    plural="persistentvolumes",
    singular="persistentvolume",
    namespaced=False,
    short_names=("pv",),
    definition="io.k8s.api.core.v1.PersistentVolume",
    subresources=(status(DEFAULT, _keep_transition),),
    table=table("", "persistentvolumes", cells.volume),
    strategy=_WRITES,
    selectable=_selectable,
)
