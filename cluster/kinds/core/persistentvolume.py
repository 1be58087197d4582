"""PersistentVolume: a piece of storage and where it comes from."""

from __future__ import annotations

import posixpath
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.core.persistentvolumeclaim import access_modes
from cluster.kinds.difference import difference
from cluster.kinds.golang import dump
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.podspec.volume_defaults import default_drivers
from cluster.kinds.podspec.volume_paths import needs
from cluster.kinds.podspec.volumes import SOURCES, csi_driver_name, source
from cluster.kinds.podspec.warnings import node_selector_term
from cluster.kinds.printers import volumes as cells
from cluster.kinds.selectors_check import node_selector
from cluster.kinds.strategy import keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import FieldError, Path, forbidden, invalid, not_supported, required
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
    faults += needs("volumeHandle")(path, held)
    for name in (
        "controllerPublishSecretRef",
        "controllerExpandSecretRef",
        "nodePublishSecretRef",
        "nodeExpandSecretRef",
    ):
        if held.get(name) is not None:
            faults += _secret(path / name, held[name])
    return faults


_SECRETS = ("controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef")


def _secret(path: Path, ref: dict[str, Any]) -> Faults:
    name, space = ref.get("name") or "", ref.get("namespace") or ""
    faults = checks.subdomain(path / "name", name) if name else [required(path / "name")]
    return faults + (checks.label(path / "namespace", space) if space else [required(path / "namespace")])


def _azure_file(path: Path, held: dict[str, Any]) -> Faults:
    faults = needs("secretName", "shareName")(path, held)
    if held.get("secretNamespace") == "":
        faults.append(required(path / "secretNamespace"))
    return faults


def _iscsi(path: Path, held: dict[str, Any]) -> Faults:
    """As in a pod, but what is no known kind of name is just not valid."""
    return [
        FieldError(fault.type, fault.path, fault.value, fault.detail.removesuffix(" starting with iqn, eui, or naa"))
        for fault in SOURCES["iscsi"](path, held)
    ]


_OWN = {"local": _local, "csi": _csi, "azureFile": _azure_file, "iscsi": _iscsi}
_ORDER = (
    "hostPath", "gcePersistentDisk", "awsElasticBlockStore", "glusterfs", "flocker", "nfs", "rbd", "quobyte", "cephfs",
    "iscsi", "cinder", "fc", "flexVolume", "azureFile", "vsphereVolume", "photonPersistentDisk", "portworxVolume",
    "azureDisk", "scaleIO", "local", "storageos", "csi",
)  # fmt: skip
_SOURCES = {name: _OWN.get(name) or SOURCES[name] for name in _ORDER}


def validate(volume: Obj) -> Faults:
    held = spec(volume)
    faults = _modes(SPEC, held) + _capacity(held.get("capacity"))
    policy = held.get("persistentVolumeReclaimPolicy") or ""
    if policy:
        faults += checks.one_of(SPEC / "persistentVolumeReclaimPolicy", policy, RECLAIM)
    faults += _placed_sources(SPEC, held)
    if posixpath.normpath((held.get("hostPath") or {}).get("path") or ".") == "/" and policy == "Recycle":
        why = "may not be 'recycle' for a hostPath mount of '/'"
        faults.append(forbidden(SPEC / "persistentVolumeReclaimPolicy", why))
    if held.get("storageClassName"):
        faults += checks.subdomain(SPEC / "storageClassName", held["storageClassName"])
    if (mode := held.get("volumeMode")) is not None:
        faults += checks.one_of(SPEC / "volumeMode", mode, ("Block", "Filesystem"))
    return faults + _attributes_class(SPEC, held)


_INLINE = "in the context of inline volumes"


def inline_spec(path: Path, held: dict[str, Any]) -> Faults:
    """A volume that is no object of its own: a CSI volume without what an object would say of itself."""
    faults: Faults = []
    for name in ("claimRef", "capacity"):
        if held.get(name):
            faults.append(forbidden(path / name, f"may not be specified {_INLINE}"))
    if held.get("csi") is None:
        faults.append(required(path / "csi", f"has to be specified {_INLINE}"))
    faults += _modes(path, held)
    if (held.get("persistentVolumeReclaimPolicy") or "Retain") != "Retain":
        faults.append(forbidden(path / "persistentVolumeReclaimPolicy", f"may only be Retain {_INLINE}"))
    faults += _placed_sources(path, held)
    if held.get("storageClassName"):
        faults.append(forbidden(path / "storageClassName", f"may not be specified {_INLINE}"))
    if held.get("volumeMode") not in (None, "Filesystem"):
        why = f"may not specify volumeMode other than Filesystem {_INLINE}"
        faults.append(forbidden(path / "volumeMode", why))
    return faults + _attributes_class(path, held)


def _modes(path: Path, held: dict[str, Any]) -> Faults:
    modes = held.get("accessModes") or []
    faults: Faults = [] if modes else [required(path / "accessModes")]
    return faults + access_modes(path / "accessModes", modes)


def _placed_sources(path: Path, held: dict[str, Any]) -> Faults:
    """Where the volume may be used, and the one place it comes from."""
    faults = _affinity(path / "nodeAffinity", held["nodeAffinity"]) if held.get("nodeAffinity") is not None else []
    found, own = source(path, held, _SOURCES, always="flexVolume")
    faults += own
    if held.get("local") is not None and not (held.get("nodeAffinity") or {}).get("required"):
        faults.append(required(path / "nodeAffinity", "Local volume requires node affinity"))
    return faults if found else [*faults, required(path, "must specify a volume type")]


def _attributes_class(spec_path: Path, held: dict[str, Any]) -> Faults:
    name, path = held.get("volumeAttributesClassName"), spec_path / "volumeAttributesClassName"
    if name is None:
        return []
    faults = checks.subdomain(path, name) if name else [required(path, "an empty string is disallowed")]
    if held.get("csi") is None:
        faults.append(required(spec_path / "csi", "has to be specified when using volumeAttributesClassName"))
    return faults


_RECYCLE = "The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning."


def _warnings(new: Obj, _old: Obj | None) -> list[str]:
    held = spec(new)
    out = []
    for at, term in enumerate(((held.get("nodeAffinity") or {}).get("required") or {}).get("nodeSelectorTerms") or ()):
        out += node_selector_term((SPEC / "nodeAffinity" / "required" / "nodeSelectorTerms")[at], term)
    if held.get("persistentVolumeReclaimPolicy") == "Recycle":
        out.append(f"{SPEC / 'persistentVolumeReclaimPolicy'}: {_RECYCLE}")
    for name, why in _OLD_SOURCES.items():
        if held.get(name) is not None:
            out.append(f"{SPEC / ('storageOS' if name == 'storageos' else name)}: {why}")
    return out


_OLD_SOURCES = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}


def _capacity(given: dict[str, Any] | None) -> Faults:
    path, capacity = SPEC / "capacity", given or {}
    faults: Faults = [] if capacity else [required(path)]
    if set(capacity) != {"storage"}:
        faults.append(not_supported(path, given, ["storage"]))
    for name in sorted(capacity):
        amount = Quantity.parse(capacity[name])
        if amount.value() < 0:
            faults.append(invalid(path[name], amount.value(), "must be a valid resource quantity"))
        if amount.nanos <= 0:
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
    warnings=_warnings,
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
)
