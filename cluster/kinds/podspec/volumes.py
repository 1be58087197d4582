"""Validation of a pod's volumes: one source each, every source by its own rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.podspec.env import VOLUME_FIELDS, field_ref, resource_field_ref
from cluster.kinds.selectors_check import label_selector
from cluster.meta import names
from cluster.meta.field import Path, duplicate, forbidden, invalid, required, too_long
from cluster.meta.quantity import Quantity

Source = dict[str, Any]
Check = Callable[[Path, Source], Faults]

_MODE = "must be a number between 0 and 0777 (octal), both inclusive"
_HOST_PATH_TYPES = (
    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
)  # fmt: skip


def mode(path: str, value: int | None) -> Faults:
    return [invalid(path, value, _MODE)] if value is not None and not 0 <= value <= 0o777 else []


def local_path(path: Path, value: str) -> Faults:
    """A relative path that stays below its directory, and whose first part does not begin with two dots."""
    if value.startswith("/"):
        return [invalid(path, value, "must be a relative path")]
    faults = checks.no_backsteps(path, value)
    if not faults and value.startswith(".."):
        faults.append(invalid(path, value, "must not start with '..'"))
    return faults


def needs(*fields: str) -> Check:
    """A source some of whose fields are required, and about which nothing else is asked."""

    def check(path: Path, source: Source) -> Faults:
        return [required(path / name) for name in fields if not source.get(name)]

    return check


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


def _key_to_path(path: Path, item: dict[str, Any]) -> Faults:
    faults: Faults = [] if item.get("key") else [required(path / "key")]
    if not item.get("path"):
        faults.append(required(path / "path"))
    faults += local_path(path / "path", item.get("path") or "")
    return faults + mode(path / "mode", item.get("mode"))


def _items(path: Path, source: Source) -> Faults:
    faults: Faults = []
    for at, item in enumerate(source.get("items") or ()):
        faults += _key_to_path((path / "items")[at], item)
    return faults


def _secret(path: Path, source: Source) -> Faults:
    faults: Faults = [] if source.get("secretName") else [required(path / "secretName")]
    return faults + mode(path / "defaultMode", source.get("defaultMode")) + _items(path, source)


def _config_map(path: Path, source: Source) -> Faults:
    faults: Faults = [] if source.get("name") else [required(path / "name")]
    return faults + mode(path / "defaultMode", source.get("defaultMode")) + _items(path, source)


def _nfs(path: Path, source: Source) -> Faults:
    faults = needs("server", "path")(path, source)
    if source.get("path") and not source["path"].startswith("/"):
        faults.append(invalid(path / "path", source["path"], "must be an absolute path"))
    return faults


def _claim(path: Path, source: Source) -> Faults:
    return needs("claimName")(path, source)


def _downward_item(path: Path, item: dict[str, Any]) -> Faults:
    faults: Faults = [] if item.get("path") else [required(path / "path")]
    faults += local_path(path / "path", item.get("path") or "")
    if item.get("fieldRef") is not None:
        faults += field_ref(path / "fieldRef", item["fieldRef"], VOLUME_FIELDS)
        if item.get("resourceFieldRef") is not None:
            faults.append(
                invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
            )
    elif item.get("resourceFieldRef") is not None:
        faults += resource_field_ref(path / "resourceFieldRef", item["resourceFieldRef"], in_volume=True)
    else:
        faults.append(required(path / "fieldRef", "one of fieldRef and resourceFieldRef is required"))
    return faults + mode(path / "mode", item.get("mode"))


def _downward(path: Path, source: Source) -> Faults:
    faults = mode(path / "defaultMode", source.get("defaultMode"))
    for at, item in enumerate(source.get("items") or ()):
        faults += _downward_item((path / "items")[at], item)
    return faults


def _token(path: Path, source: Source) -> Faults:
    seconds, faults = source.get("expirationSeconds") or 0, []
    if seconds < 600:
        faults.append(invalid(path / "expirationSeconds", seconds, "may not specify a duration less than 10 minutes"))
    if seconds > 1 << 32:
        faults.append(
            invalid(path / "expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds")
        )
    if not source.get("path"):
        faults.append(required(path / "path"))
    else:
        faults += local_path(path / "path", source["path"])
    return faults


def _projected_map(path: Path, source: Source) -> Faults:
    faults: Faults = [] if source.get("name") else [required(path / "name")]
    return faults + _items(path, source)


def _trust_bundle(path: Path, source: Source) -> Faults:
    name, signer = source.get("name"), source.get("signerName")
    faults: Faults = []
    if name is not None and signer is not None:
        faults.append(invalid(path, source, "only one of name and signerName may be used"))
    elif name is None and signer is None:
        faults.append(required(path, "either name or signerName must be specified"))
    faults += label_selector(path / "labelSelector", source.get("labelSelector"))
    return faults + (needs("path")(path, source) or local_path(path / "path", source["path"]))


_PROJECTIONS: dict[str, Check] = {
    "secret": _projected_map,
    "configMap": _projected_map,
    "downwardAPI": _downward,
    "serviceAccountToken": _token,
    "clusterTrustBundle": _trust_bundle,
}


def _projected(path: Path, source: Source) -> Faults:
    faults = mode(path / "defaultMode", source.get("defaultMode"))
    taken: set[str] = set()
    for at, projection in enumerate(source.get("sources") or ()):
        here = (path / "sources")[at]
        given = [name for name in _PROJECTIONS if projection.get(name) is not None]
        for number, name in enumerate(given):
            if number:
                faults.append(forbidden(here, "may not specify more than 1 volume type"))
            faults += _PROJECTIONS[name](here / name, projection[name])
        if not given and not projection.get("podCertificate"):
            faults.append(required(here, "must specify one of secret, configMap, downwardAPI, or serviceAccountToken"))
        faults += _conflicts(path, projection, taken)
    return faults


def _conflicts(path: Path, projection: Source, taken: set[str]) -> Faults:
    """Two projections may not write the same file."""
    faults: Faults = []
    for name in ("secret", "configMap", "downwardAPI"):
        for item in (projection.get(name) or {}).get("items") or ():
            where = item.get("path") or ""
            if where and where in taken:
                faults.append(invalid(path, projection.get("name", ""), "conflicting duplicate paths"))
            taken.add(where)
    token = (projection.get("serviceAccountToken") or {}).get("path")
    if token:
        if token in taken:
            faults.append(invalid(path, "", "conflicting duplicate paths"))
        taken.add(token)
    return faults


def _git(path: Path, source: Source) -> Faults:
    faults = needs("repository")(path, source)
    return faults + local_path(path / "directory", source.get("directory") or "")


def _gce(path: Path, source: Source) -> Faults:
    faults = needs("pdName")(path, source)
    return faults + _partition(path, source)


def _ebs(path: Path, source: Source) -> Faults:
    return needs("volumeID")(path, source) + _partition(path, source)


def _partition(path: Path, source: Source) -> Faults:
    value = source.get("partition") or 0
    return [] if 0 <= value <= 255 else [invalid(path / "partition", value, "must be between 1 and 255, inclusive")]


def _iscsi(path: Path, source: Source) -> Faults:
    faults = needs("targetPortal", "iqn")(path, source)
    lun = source.get("lun") or 0
    if not 0 <= lun <= 255:
        faults.append(invalid(path / "lun", lun, "must be between 0 and 255, inclusive"))
    return faults


def _csi(path: Path, source: Source) -> Faults:
    faults = csi_driver_name(path / "driver", source.get("driver") or "")
    secret = source.get("nodePublishSecretRef")
    if secret is not None and not secret.get("name"):
        faults.append(required(path / "nodePublishSecretRef" / "name"))
    return faults


def csi_driver_name(path: str, name: str) -> Faults:
    if not name:
        return [required(path)]
    faults: Faults = []
    if len(name) > 63:
        faults.append(too_long(path, 63))
    return faults + checks.by_rule(path, name.lower(), names.dns1123_subdomain)


def _ephemeral(path: Path, source: Source) -> Faults:
    from cluster.kinds.core.persistentvolumeclaim import claim_spec

    template = source.get("volumeClaimTemplate")
    if template is None:
        return [required(path / "volumeClaimTemplate")]
    here = path / "volumeClaimTemplate"
    faults = checks.labels(here / "metadata" / "labels", (template.get("metadata") or {}).get("labels"))
    return faults + claim_spec(here / "spec", template.get("spec") or {})


def _image(path: Path, source: Source) -> Faults:
    faults = needs("reference")(path, source)
    return faults + checks.one_of(
        path / "pullPolicy", source.get("pullPolicy", ""), ("Always", "IfNotPresent", "Never")
    )


def _azure_file(path: Path, source: Source) -> Faults:
    return needs("secretName", "shareName")(path, source)


def _fc(path: Path, source: Source) -> Faults:
    if not source.get("targetWWNs") and not source.get("wwids"):
        return [required(path / "targetWWNs", "must specify either targetWWNs or wwids, but not both")]
    if source.get("targetWWNs") and source.get("wwids"):
        return [
            invalid(
                path / "targetWWNs", source["targetWWNs"], "targetWWNs and wwids can not be specified simultaneously"
            )
        ]
    return []


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
    "persistentVolumeClaim": _claim,
    "rbd": needs("monitors", "image"),
    "cinder": needs("volumeID"),
    "cephfs": needs("monitors"),
    "flocker": needs(),
    "downwardAPI": _downward,
    "fc": _fc,
    "flexVolume": needs("driver"),
    "configMap": _config_map,
    "azureFile": _azure_file,
    "vsphereVolume": needs("volumePath"),
    "quobyte": needs("registry", "volume"),
    "azureDisk": needs("diskName", "diskURI"),
    "storageos": needs(),
    "portworxVolume": needs("volumeID"),
    "scaleIO": needs("gateway", "system", "volumeName"),
    "projected": _projected,
    "csi": _csi,
    "ephemeral": _ephemeral,
    "image": _image,
}
"""Every source, in the order in which the API looks at them."""


def source(path: Path, volume: Source, sources: dict[str, Check]) -> tuple[int, Faults]:
    """How many sources are given, and their faults; what comes after the first is refused."""
    faults: Faults = []
    found = 0
    for name, check in sources.items():
        if volume.get(name) is None:
            continue
        found += 1
        if found > 1:
            faults.append(forbidden(path / name, "may not specify more than 1 volume type"))
        else:
            faults += check(path / name, volume[name])
    return found, faults


def volumes(path: Path, listed: list[dict[str, Any]]) -> Faults:
    """Faults of a pod's volumes; their names are labels and unique."""
    faults: Faults = []
    seen: set[str] = set()
    for at, volume in enumerate(listed):
        here = path[at]
        name = volume.get("name") or ""
        found, own = source(here, volume, SOURCES)
        if not found:
            own.append(required(here, "must specify a volume type"))
        if not name:
            own.append(required(here / "name"))
        else:
            named = checks.label(here / "name", name)
            if not named and name in seen:
                named = [duplicate(here / "name", name)]
            own += named
        seen.add(name)
        faults += own
    return faults


def sound(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The volumes without a fault of their own; others do not exist for the mounts that name them."""
    return [volume for volume in listed if not volumes(Path(""), [volume])]
