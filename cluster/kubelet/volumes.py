"""The volumes of a pod as directories of this machine.

Volumes made from the API (configMap, secret, downwardAPI, projected) are written as Kubernetes writes them: the files
of one state stand in a directory named by the time, `..data` is a symbolic link to it, every visible name links
through `..data`, and a change replaces that one link, so that a reader sees the old state or the new one.
"""

from __future__ import annotations

import os
import shutil
import time
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.kubelet.environment import ConfigFault, Surroundings, field_value, resource_value
from cluster.meta.types import Obj

Fetch = Callable[[str, str], Awaitable[Obj | None]]
"""(resource, name) -> an object of the pod's namespace (persistentvolumes: of the cluster), None when there is none."""
Token = Callable[[str, int], Awaitable[str]]
"""(audience, seconds) -> a token of the pod's service account."""

_TOKEN_RENEWAL = 0.8


class VolumeFault(Exception):
    """A volume cannot be set up now; the text is that of the FailedMount event."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a pod's volumes may ask for."""

    pod: Obj
    around: Surroundings
    fetch: Fetch
    token: Token


@dataclass(frozen=True, slots=True)
class File:
    data: bytes
    mode: int


async def set_up(volume: Mapping[str, Any], directory: Path, source: Source) -> Path:
    """Make (or refresh) one volume below `directory`; answers the path to mount. Raises VolumeFault."""
    name = str(volume["name"])
    kind, spec = _kind(volume)
    path: Path = directory / name
    try:
        if kind == "hostPath":
            return _host_path(spec)
        if kind == "persistentVolumeClaim":
            return await _claim(spec["claimName"], source)
        if kind == "emptyDir":
            return _empty(path)
        files = await _files(kind, spec, source)
    except (VolumeFault, ConfigFault, OSError) as fault:
        raise VolumeFault(f'MountVolume.SetUp failed for volume "{name}" : {fault}') from fault
    write_atomically(path, files)
    return path


def _empty(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _kind(volume: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    for kind, spec in volume.items():
        if kind != "name" and spec is not None:
            return kind, spec
    return "emptyDir", {}


# -- volumes with files from the API ---------------------------------------------------------------------------


async def _files(kind: str, spec: Mapping[str, Any], source: Source) -> dict[str, File]:
    mode = spec.get("defaultMode", 0o644)
    if kind == "configMap":
        return await _config_map(spec, spec.get("name") or "", mode, source)
    if kind == "secret":
        return await _secret(spec, spec.get("secretName") or "", mode, source)
    if kind == "downwardAPI":
        return _downward(spec, mode, source)
    if kind == "projected":
        out: dict[str, File] = {}
        for each in spec.get("sources") or ():
            out |= await _projection(each, mode, source)
        return out
    raise VolumeFault(f"volumes of type {kind} are not supported by this node")


async def _projection(each: Mapping[str, Any], mode: int, source: Source) -> dict[str, File]:
    if (spec := each.get("configMap")) is not None:
        return await _config_map(spec, spec.get("name") or "", mode, source)
    if (spec := each.get("secret")) is not None:
        return await _secret(spec, spec.get("name") or "", mode, source)
    if (spec := each.get("downwardAPI")) is not None:
        return _downward(spec, mode, source)
    if (spec := each.get("serviceAccountToken")) is not None:
        token = await source.token(spec.get("audience") or "", spec.get("expirationSeconds") or 3600)
        return {spec["path"]: File(token.encode(), 0o600)}
    raise VolumeFault(f"projected source {', '.join(each) or 'none'} is not supported by this node")


async def _config_map(spec: Mapping[str, Any], name: str, mode: int, source: Source) -> dict[str, File]:
    obj = await source.fetch("configmaps", name)
    if obj is None and not spec.get("optional"):
        raise VolumeFault(f'configmap "{name}" not found')
    found = obj or {}
    values = {k: v.encode() for k, v in (found.get("data") or {}).items()}
    values |= {k: b64decode(v) for k, v in (found.get("binaryData") or {}).items()}
    return _chosen(spec, values, mode)


async def _secret(spec: Mapping[str, Any], name: str, mode: int, source: Source) -> dict[str, File]:
    obj = await source.fetch("secrets", name)
    if obj is None and not spec.get("optional"):
        raise VolumeFault(f'secret "{name}" not found')
    values = {k: b64decode(v) for k, v in ((obj or {}).get("data") or {}).items()}
    return _chosen(spec, values, mode)


def _chosen(spec: Mapping[str, Any], values: dict[str, bytes], mode: int) -> dict[str, File]:
    items = spec.get("items")
    if not items:
        return {name: File(data, mode) for name, data in values.items()}
    out: dict[str, File] = {}
    for item in items:
        if item["key"] in values:
            out[item["path"]] = File(values[item["key"]], item.get("mode") or mode)
        elif not spec.get("optional"):
            raise VolumeFault(f"references non-existent config key: {item['key']}")
    return out


def _downward(spec: Mapping[str, Any], mode: int, source: Source) -> dict[str, File]:
    out: dict[str, File] = {}
    for item in spec.get("items") or ():
        if ref := item.get("fieldRef"):
            text = field_value(source.pod, ref["fieldPath"], source.around)
        else:
            text = resource_value(source.pod, item["resourceFieldRef"], source.around)
        out[item["path"]] = File(text.encode(), item.get("mode") or mode)
    return out


# -- volumes that are directories already ----------------------------------------------------------------------


def _host_path(spec: Mapping[str, Any]) -> Path:
    path, kind = Path(spec["path"]), spec.get("type") or ""
    if kind == "DirectoryOrCreate":
        path.mkdir(parents=True, exist_ok=True)
    elif kind == "FileOrCreate":
        path.touch()
    tests = {"Directory": path.is_dir, "File": path.is_file, "Socket": path.is_socket}
    if kind in tests and not tests[kind]():
        raise VolumeFault(f"hostPath type check failed: {path} is not a {kind.lower()}")
    return path


async def _claim(name: str, source: Source) -> Path:
    claim = await source.fetch("persistentvolumeclaims", name)
    if claim is None:
        raise VolumeFault(f'persistentvolumeclaim "{name}" not found')
    bound = (claim.get("spec") or {}).get("volumeName")
    volume = await source.fetch("persistentvolumes", bound) if bound else None
    if volume is None:
        raise VolumeFault(f"PVC {source.pod['metadata']['namespace']}/{name} is not bound")
    spec = volume["spec"]
    if "hostPath" in spec:
        return _host_path({"type": "DirectoryOrCreate", **spec["hostPath"]})
    if "local" in spec:
        return _host_path({"path": spec["local"]["path"]})
    raise VolumeFault(f"persistent volume {bound} is of a type that this node does not support")


# -- writing ---------------------------------------------------------------------------------------------------


def write_atomically(root: Path, files: Mapping[str, File]) -> bool:
    """Bring a directory to hold exactly `files` (by relative path); False when it already did."""
    root.mkdir(parents=True, exist_ok=True)
    data = root / "..data"
    if data.exists() and _read(data) == {name: f.data for name, f in files.items()}:
        return False
    old = os.readlink(data) if data.is_symlink() else ""
    stamp = f"..{time.strftime('%Y_%m_%d_%H_%M_%S', time.gmtime())}.{time.time_ns() % 10**10}"
    for name, file in files.items():
        path = root / stamp / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
        path.chmod(file.mode)
    (root / stamp).mkdir(exist_ok=True)
    fresh = root / "..data_tmp"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(stamp)
    os.replace(fresh, data)
    _link(root, {name.split("/")[0] for name in files})
    if old:
        shutil.rmtree(root / old, ignore_errors=True)
    return True


def _read(data: Path) -> dict[str, bytes]:
    real = data.resolve()
    return {str(p.relative_to(real)): p.read_bytes() for p in real.rglob("*") if p.is_file()}


def _link(root: Path, names: set[str]) -> None:
    for path in root.iterdir():
        if not path.name.startswith("..") and path.name not in names:
            path.unlink(missing_ok=True)
    for name in names:
        link = root / name
        if not link.is_symlink():
            link.symlink_to(Path("..data") / name)


def sub_path(volume: Path, inner: str) -> Path:
    """A subPath of a volume, made when absent. Raises VolumeFault when it leaves the volume."""
    if not inner:
        return volume
    path = volume / inner
    if ".." in Path(inner).parts or not path.resolve().is_relative_to(volume.resolve()):
        raise VolumeFault(f"subPath {inner} leaves the volume")
    if not path.exists():
        path.mkdir(parents=True)
    return path
