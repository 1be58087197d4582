"""Validation of a pod's volumes: one source each, every source by its own rule."""

from __future__ import annotations

import re
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.podspec.projections import projected
from cluster.kinds.podspec.volume_paths import Check, Source, downward_item, items, local_path, mode, needs
from cluster.meta import names
from cluster.meta.field import Path, duplicate, forbidden, invalid, not_supported, required, too_long
from cluster.meta.labels import annotation_faults
from cluster.meta.quantity import Quantity

_HOST_PATH_TYPES = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
)  # fmt: skip


def _host_path(path: Path, source: Source) -> Faults:
    where = source.get("path") or ""
    if not where:
        return [required(path / "path")]
    faults = checks.no_backsteps(path / "path", where)
    return faults + checks.one_of(path / "type", source.get("type") or "", _HOST_PATH_TYPES)


def _empty_dir(path: Path, source: Source) -> Faults:
    limit = source.get("sizeLimit")
    if limit is not None and Quantity.parse(limit).nanos < 0:
        return [forbidden(path / "sizeLimit", "SizeLimit field must be a valid resource quantity")]
    return []


def _secret(path: Path, source: Source) -> Faults:
    faults: Faults = [] if source.get("secretName") else [required(path / "secretName")]
    return faults + mode(path / "defaultMode", source.get("defaultMode")) + items(path, source)


def _config_map(path: Path, source: Source) -> Faults:
    faults: Faults = [] if source.get("name") else [required(path / "name")]
    return faults + mode(path / "defaultMode", source.get("defaultMode")) + items(path, source)


def _nfs(path: Path, source: Source) -> Faults:
    faults = needs("server", "path")(path, source)
    where = source.get("path") or ""
    if not where.startswith("/"):
        faults.append(invalid(path / "path", where, "must be an absolute path"))
    return faults


def _claim(path: Path, source: Source) -> Faults:
    return needs("claimName")(path, source)


def _downward(path: Path, source: Source) -> Faults:
    faults = mode(path / "defaultMode", source.get("defaultMode"))
    for item in source.get("items") or ():
        faults += downward_item(path, item)
    return faults


def _git(path: Path, source: Source) -> Faults:
    faults = needs("repository")(path, source)
    return faults + local_path(path / "directory", source.get("directory") or "")


def _gce(path: Path, source: Source) -> Faults:
    path = Path(path.replace("gcePersistentDisk", "persistentDisk"))
    return needs("pdName")(path, source) + _partition(path, source)


def _ebs(path: Path, source: Source) -> Faults:
    return needs("volumeID")(path, source) + _partition(path, source)


def _partition(path: Path, source: Source) -> Faults:
    value = source.get("partition") or 0
    return [] if 0 <= value <= 255 else [invalid(path / "partition", value, "must be between 1 and 255, inclusive")]


_INITIATORS = {
    "iqn": re.compile(r"iqn\.\d{4}-\d{2}\.([A-Za-z0-9\-.]+)(:[^,;*&$|\s]+)$"),
    "eui": re.compile(r"^eui.[A-Za-z0-9]{16}$"),
    "naa": re.compile(r"^naa.[A-Za-z0-9]{32}$"),
}


def _initiator(path: Path, name: str) -> Faults:
    rule = _INITIATORS.get(name[:3])
    if rule is None:
        return [invalid(path, name, "must be valid format starting with iqn, eui, or naa")]
    return [] if rule.search(name) else [invalid(path, name, "must be valid format")]


def _iscsi(path: Path, source: Source) -> Faults:
    faults: Faults = [] if source.get("targetPortal") else [required(path / "targetPortal")]
    name = source.get("iqn") or ""
    faults += _initiator(path / "iqn", name) if name else [required(path / "iqn")]
    lun = source.get("lun") or 0
    if not 0 <= lun <= 255:
        faults.append(invalid(path / "lun", lun, "must be between 0 and 255, inclusive"))
    if (source.get("chapAuthDiscovery") or source.get("chapAuthSession")) and source.get("secretRef") is None:
        faults.append(required(path / "secretRef"))
    if (initiator := source.get("initiatorName")) is not None:
        faults += _initiator(path / "initiatorname", initiator)
    return faults


_HOST_AND_PORT = "must be a host:port pair or multiple pairs separated by commas"


def _quobyte(path: Path, source: Source) -> Faults:
    registry = source.get("registry") or ""
    faults: Faults = []
    if not registry:
        faults.append(required(path / "registry", _HOST_AND_PORT))
    elif len(source.get("tenant") or "") >= 65:
        faults.append(required(path / "tenant", "must be a UUID and may not exceed a length of 64 characters"))
    else:
        pairs = [pair for pair in registry.split(",") if not _host_and_port(pair)]
        faults += [invalid(path / "registry", registry, _HOST_AND_PORT) for _ in pairs]
    return faults if source.get("volume") else [*faults, required(path / "volume")]


def _host_and_port(text: str) -> bool:
    host, colon, _ = text.rpartition(":")
    return bool(colon) and (":" not in host or (host.startswith("[") and host.endswith("]")))


def _flocker(path: Path, source: Source) -> Faults:
    name, uid = source.get("datasetName") or "", source.get("datasetUUID") or ""
    faults: Faults = []
    if not name and not uid:
        faults.append(required(path, "one of datasetName and datasetUUID is required"))
    if name and uid:
        faults.append(invalid(path, "resource", "datasetName and datasetUUID can not be specified simultaneously"))
    if "/" in name:
        faults.append(invalid(path / "datasetName", name, "must not contain '/'"))
    return faults


def _flex(path: Path, source: Source) -> Faults:
    faults = needs("driver")(path, source)
    for key in source.get("options") or {}:
        domain = "." + key.partition("/")[0].lower()
        if domain.endswith((".kubernetes.io", ".k8s.io")):
            why = "kubernetes.io and k8s.io namespaces are reserved"
            faults.append(invalid((path / "options")[key], key, why))
    return faults


_MANAGED = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
_BLOB = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"


def _azure_disk(path: Path, source: Source) -> Faults:
    faults = needs("diskName", "diskURI")(path, source)
    uri, kind = source.get("diskURI") or "", source.get("kind")
    if (caching := source.get("cachingMode")) is not None:
        faults += checks.one_of(path / "cachingMode", caching, ("None", "ReadOnly", "ReadWrite"))
    if kind is None:
        return faults
    faults += checks.one_of(path / "kind", kind, ("Dedicated", "Managed", "Shared"))
    if kind == "Managed" and not uri.startswith("/subscriptions/"):
        faults.append(not_supported(path / "diskURI", uri, [_MANAGED]))
    if kind != "Managed" and not uri.startswith("https://"):
        faults.append(not_supported(path / "diskURI", uri, [_BLOB]))
    return faults


def _storage_os(path: Path, source: Source) -> Faults:
    name, space = source.get("volumeName") or "", source.get("volumeNamespace") or ""
    faults = checks.label(path / "volumeName", name) if name else [required(path / "volumeName")]
    faults += checks.label(path / "volumeNamespace", space) if space else []
    if source.get("secretRef") is not None and not source["secretRef"].get("name"):
        faults.append(required(path / "secretRef" / "name"))
    return faults


def _cinder(path: Path, source: Source) -> Faults:
    faults = needs("volumeID")(path, source)
    if source.get("secretRef") is not None and not source["secretRef"].get("name"):
        faults.append(required(path / "secretRef" / "name"))
    return faults


def _csi(path: Path, source: Source) -> Faults:
    faults = csi_driver_name(path / "driver", source.get("driver") or "")
    secret = source.get("nodePublishSecretRef")
    if secret is not None and not secret.get("name"):
        faults.append(required(path / "nodePublishSecretRef" / "name"))
    elif secret is not None:
        faults += checks.subdomain(path / "name", secret["name"])
    return faults


def csi_driver_name(path: str, name: str) -> Faults:
    if not name:
        return [required(path)]
    faults: Faults = []
    if len(name) > 63:
        faults.append(too_long(path, 63))
    return faults + [invalid(path, name, complaint) for complaint in names.dns1123_subdomain(name.lower())]


def _ephemeral(path: Path, source: Source) -> Faults:
    from cluster.kinds.core.persistentvolumeclaim import claim_spec

    template = source.get("volumeClaimTemplate")
    if template is None:
        return [required(path / "volumeClaimTemplate")]
    here = path / "volumeClaimTemplate"
    meta = template.get("metadata") or {}
    faults = checks.labels(here / "metadata" / "labels", meta.get("labels"))
    faults += annotation_faults(meta.get("annotations"), here / "metadata" / "annotations")
    return faults + claim_spec(here / "spec", template.get("spec") or {})


def _image(path: Path, source: Source) -> Faults:
    """A template may leave the reference to be filled in later; see `volumes`."""
    policy = source.get("pullPolicy") or ""
    known = ("Always", "IfNotPresent", "Never")
    return checks.one_of(path / "pullPolicy", policy, known) if policy else [required(path / "pullPolicy")]


def _azure_file(path: Path, source: Source) -> Faults:
    return needs("secretName", "shareName")(path, source)


def _fc(path: Path, source: Source) -> Faults:
    targets, wide, lun = source.get("targetWWNs") or [], source.get("wwids") or [], source.get("lun")
    here = path / "targetWWNs"
    faults: Faults = []
    if not targets and not wide:
        faults.append(required(here, "must specify either targetWWNs or wwids, but not both"))
    if targets and wide:
        faults.append(invalid(here, targets, "targetWWNs and wwids can not be specified simultaneously"))
    if targets and lun is None:
        faults.append(required(path / "lun", "lun is required if targetWWNs is specified"))
    elif targets and lun is not None and not 0 <= lun <= 255:
        faults.append(invalid(path / "lun", lun, "must be between 0 and 255, inclusive"))
    return faults


SOURCES: dict[str, Check] = {
    "emptyDir": _empty_dir,
    "hostPath": _host_path,
    "gitRepo": _git,
    "gcePersistentDisk": _gce,
    "awsElasticBlockStore": _ebs,
    "secret": _secret,
    "nfs": _nfs,
    "iscsi": _iscsi,
    "glusterfs": needs("endpoints", "path"),
    "flocker": _flocker,
    "persistentVolumeClaim": _claim,
    "rbd": needs("monitors", "image"),
    "cinder": _cinder,
    "cephfs": needs("monitors"),
    "quobyte": _quobyte,
    "downwardAPI": _downward,
    "fc": _fc,
    "flexVolume": _flex,
    "configMap": _config_map,
    "azureFile": _azure_file,
    "vsphereVolume": needs("volumePath"),
    "photonPersistentDisk": needs("pdID"),
    "portworxVolume": needs("volumeID"),
    "azureDisk": _azure_disk,
    "storageos": _storage_os,
    "projected": projected,
    "scaleIO": needs("gateway", "system", "volumeName"),
    "csi": _csi,
    "ephemeral": _ephemeral,
    "image": _image,
}
"""Every source, in the order in which the API looks at them."""
_SHOWN = {"cephfs": "cephFS", "downwardAPI": "downwarAPI"}
"""How a second source is called, where that is not its name."""


def source(path: Path, volume: Source, sources: dict[str, Check], *, always: str = "") -> tuple[int, Faults]:
    """How many sources are given, and their faults; what comes after the first is refused, but for `always`."""
    faults: Faults = []
    found = 0
    for name, check in sources.items():
        if volume.get(name) is None:
            continue
        found += 1
        if found > 1 and name != always:
            faults.append(forbidden(path / _SHOWN.get(name, name), "may not specify more than 1 volume type"))
        else:
            faults += check(path / name, volume[name])
    return found, faults


def volumes(path: Path, listed: list[dict[str, Any]], meta: dict[str, Any] | None = None) -> Faults:
    """Faults of a pod's volumes; their names are labels and unique. `meta`: the pod's metadata, None in a template."""
    return _examined(path, listed, meta)[0]


def sound(listed: list[dict[str, Any]], meta: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The volumes without a fault of their own; others do not exist for the mounts that name them."""
    return _examined(Path(""), listed, meta)[1]


def _examined(
    path: Path, listed: list[dict[str, Any]], meta: dict[str, Any] | None
) -> tuple[Faults, list[dict[str, Any]]]:
    pod = (meta or {}).get("name") or ""
    made = {f"{pod}-{volume.get('name') or ''}" for volume in listed if pod and volume.get("ephemeral") is not None}
    faults: Faults = []
    good: list[dict[str, Any]] = []
    seen: set[str] = set()
    for at, volume in enumerate(listed):
        own = _volume(path[at], volume, pod, template=meta is None)
        name = volume.get("name") or ""
        if name in seen:
            own.append(duplicate(path[at] / "name", name))
        if not own:
            seen.add(name)
            good.append(volume)
        faults += own
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName") or ""
        if claim in made:
            why = "must not reference a PVC that gets created for an ephemeral volume"
            faults.append(invalid(path[at] / "persistentVolumeClaim" / "claimName", claim, why))
    return faults, good


def _volume(here: Path, volume: Source, pod: str, *, template: bool) -> Faults:
    name = volume.get("name") or ""
    found, faults = source(here, volume, SOURCES)
    if not found:
        faults.append(required(here, "must specify a volume type"))
    if pod and name and volume.get("ephemeral") is not None:
        claim = f"{pod}-{name}"
        complaints = names.dns1123_subdomain(claim)
        faults += [invalid(here / "name", name, f'PVC name "{claim}": {complaint}') for complaint in complaints]
    if not template and found == 1 and volume.get("image") is not None and not volume["image"].get("reference"):
        faults.append(required(here / "image" / "reference"))
    return faults + (checks.label(here / "name", name) if name else [required(here / "name")])
