"""Files of one volume that lie in each other's way: allowed, and told."""

from __future__ import annotations

from typing import Any, NamedTuple


class _File(NamedTuple):
    """A path inside a volume and what writes it; `source` is empty where the volume has only one."""

    path: str
    source: str = ""

    def __str__(self) -> str:
        return f'"{self.path}" ({self.source})' if self.source else f'"{self.path}"'


def overlapping_paths(volumes: list[dict[str, Any]]) -> list[str]:
    out = []
    for volume in volumes:
        name = volume.get("name") or ""
        for described, items in _single(volume):
            out += _overlaps(name, described, [_File(item.get("path") or "") for item in items])
        if volume.get("projected") is not None:
            out += _projected(name, volume["projected"].get("sources") or [])
    return out


def _single(volume: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Volumes made of one source: how each is called, and its files."""
    config, secret, fields = (volume.get(name) or {} for name in ("configMap", "secret", "downwardAPI"))
    return [
        (f'ConfigMap "{config.get("name") or ""}"', config.get("items") or []),
        (f'Secret "{secret.get("secretName") or ""}"', secret.get("items") or []),
        ("DownwardAPI", fields.get("items") or []),
    ]


def _projected(name: str, sources: list[dict[str, Any]]) -> list[str]:
    out = []
    files: list[_File] = []
    for source in sources:
        if not any(value is not None for value in source.values()):
            out.append(f'volume "{name}" (Projected) has no sources provided')
        files += _files(source)
    return out + _overlaps(name, "Projected", files)


def _files(source: dict[str, Any]) -> list[_File]:
    """The files of a projection: those of the first kind of source that names any."""
    for field, kind in (("configMap", "ConfigMap"), ("secret", "Secret"), ("downwardAPI", "DownwardAPI")):
        held = source.get(field) or {}
        if held.get("items"):
            called = kind if kind == "DownwardAPI" else f'{kind} "{held.get("name") or ""}"'
            return [_File(item.get("path") or "", called) for item in held["items"]]
    if source.get("serviceAccountToken") is not None:
        return [_File(source["serviceAccountToken"].get("path") or "", "ServiceAccountToken")]
    if (bundle := source.get("clusterTrustBundle")) is not None:
        named = bundle.get("name") if bundle.get("name") is not None else bundle.get("signerName")
        return [_File(bundle.get("path") or "", f'ClusterTrustBundle "{named or ""}"')]
    return []


def _overlaps(volume: str, described: str, files: list[_File]) -> list[str]:
    out = []
    before: list[_File] = []
    for item in files:
        file = _File(item.path.rstrip("/"), item.source)
        for other in before:
            if file.path and other.path and _within_reach(file, other):
                out.append(f'volume "{volume}" ({described}): overlapping paths: {file} with {other}')
        before.append(file)
    return out


def _within_reach(one: _File, other: _File) -> bool:
    mine, theirs = one.path + "/", other.path + "/"
    return mine.startswith(theirs) or theirs.startswith(mine)
