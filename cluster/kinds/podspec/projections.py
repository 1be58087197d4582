"""Validation of projected volumes: several sources in one directory, none of which may write another's file."""

from __future__ import annotations

from collections.abc import Callable

from cluster.kinds.checks import Faults
from cluster.kinds.golang import dump
from cluster.kinds.podspec.volume_paths import Source, downward_item, key_to_path, local_path, mode
from cluster.kinds.selectors_check import label_selector
from cluster.kinds.signers import signer_name
from cluster.meta import names
from cluster.meta.field import Path, forbidden, invalid, not_supported, required
from cluster.meta.labels import annotation_faults

_CONFLICT = "conflicting duplicate paths"
_BUNDLE = "io.k8s.api.core.v1.ClusterTrustBundleProjection"


class _Files:
    """The files already spoken for in one volume; a second taker is a fault at the volume."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._taken: set[str] = set()

    def take(self, where: str, shown: str) -> Faults:
        if where in self._taken:
            return [invalid(self._path, shown, _CONFLICT)]
        self._taken.add(where)
        return []


def projected(path: Path, source: Source) -> Faults:
    faults = mode(path / "defaultMode", source.get("defaultMode"))
    files = _Files(path)
    for at, projection in enumerate(source.get("sources") or ()):
        here = (path / "sources")[at]
        given = [name for name in _PROJECTIONS if projection.get(name) is not None]
        for name in given:
            faults += _PROJECTIONS[name](path, here / name, projection[name], files)
        if len(given) > 1:
            faults.append(forbidden(here, "may not specify more than 1 volume type per source"))
    return faults


def _keys(_: Path, path: Path, source: Source, files: _Files) -> Faults:
    name = source.get("name") or ""
    faults: Faults = [] if name else [required(path / "name")]
    for at, item in enumerate(source.get("items") or ()):
        faults += key_to_path((path / "items")[at], item)
        if item.get("path"):
            faults += files.take(item["path"], name)
    return faults


def _downward(_: Path, path: Path, source: Source, files: _Files) -> Faults:
    faults: Faults = []
    for item in source.get("items") or ():
        faults += downward_item(path, item)
        if item.get("path"):
            faults += files.take(item["path"], item["path"])
    return faults


def _token(volume: Path, path: Path, source: Source, _: _Files) -> Faults:
    seconds, where, faults = source.get("expirationSeconds") or 0, source.get("path") or "", []
    here = path / "expirationSeconds"
    if seconds < 600:
        faults.append(invalid(here, seconds, "may not specify a duration less than 10 minutes"))
    if seconds > 1 << 32:
        faults.append(invalid(here, seconds, "may not specify a duration larger than 2^32 seconds"))
    # The API shows the path of a token at the volume itself.
    return faults + (local_path(volume / "path", where) if where else [required(volume / "path")])


def _trust_bundle(_: Path, path: Path, source: Source, files: _Files) -> Faults:
    name, signer, where = source.get("name"), source.get("signerName"), source.get("path") or ""
    if name is not None and signer is not None:
        faults = [invalid(path, dump(source, _BUNDLE), "only one of name and signerName may be used")]
    elif name is not None:
        faults = _bundle_by_name(path, name, source)
    elif signer is not None:
        faults = [] if signer else [required(path / "signerName", "must be a valid signer name")]
        faults += signer_name(path / "signerName", signer)
        faults += label_selector(path / "labelSelector", source.get("labelSelector"))
    else:
        faults = [required(path, "either name or signerName must be specified")]
    if not where:
        faults.append(required(path / "path"))
    faults += local_path(path / "path", where)
    return faults + files.take(where, where)


def _bundle_by_name(path: Path, name: str, source: Source) -> Faults:
    faults: Faults = [] if name else [required(path / "name", "must be a valid object name")]
    for complaint in names.dns1123_subdomain(name.rpartition(":")[2]):
        faults.append(invalid(path / "name", name, f"not a valid clustertrustbundlename: {complaint}"))
    if source.get("labelSelector") is not None:
        shown = dump(source["labelSelector"], "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector")
        faults.append(invalid(path / "labelSelector", shown, "labelSelector must be unset if name is specified"))
    return faults


_KEY_TYPES = ["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"]
_HOUR, _DAY, _YEARLY = 3600, 86400, 7862400


def _certificate(_: Path, path: Path, source: Source, files: _Files) -> Faults:
    signer, kind = source.get("signerName") or "", source.get("keyType") or ""
    faults = signer_name(path / "signerName", signer)
    if source.get("userAnnotations") is not None:
        faults += annotation_faults(source["userAnnotations"], path / "userAnnotations")
    if kind not in _KEY_TYPES:
        faults.append(not_supported(path / "keyType", kind, _KEY_TYPES))
    faults += _lifetime(path / "maxExpirationSeconds", source.get("maxExpirationSeconds"), signer)
    given = [name for name in ("credentialBundlePath", "keyPath", "certificateChainPath") if source.get(name)]
    for name in given:
        faults += local_path(path / name, source[name])
        faults += files.take(source[name], source[name])
    if not given:
        why = "specify at least one of credentialBundlePath, keyPath, and certificateChainPath"
        faults.append(required(path, why))
    return faults


def _lifetime(path: str, seconds: int | None, signer: str) -> Faults:
    if seconds is None:
        return []
    most = _DAY if ("." + signer.partition("/")[0]).endswith(".kubernetes.io") else _YEARLY
    faults: Faults = []
    if seconds < _HOUR:
        faults.append(invalid(path, seconds, "if provided, maxExpirationSeconds must be >= 3600"))
    if seconds > most:
        faults.append(invalid(path, seconds, f"if provided, maxExpirationSeconds must be <= {most}"))
    return faults


_PROJECTIONS: dict[str, Callable[[Path, Path, Source, _Files], Faults]] = {
    "secret": _keys,
    "configMap": _keys,
    "downwardAPI": _downward,
    "serviceAccountToken": _token,
    "clusterTrustBundle": _trust_bundle,
    "podCertificate": _certificate,
}
