"""The record of a release: JSON, gzip, base64, exactly as Helm reads and writes it.

Both ways: what real Helm stored is read here, and what is written here real Helm reads.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from typing import Any

from pyhelm.errors import ReleaseError
from pyhelm.manifest.hooks import Hook, HookRun
from pyhelm.release.model import Info, Release
from pyhelm.release.status import Status
from pyhelm.release.times import ZERO
from pyhelm.release.wire import Struct, json_text

TYPE = "helm.sh/release.v1"
"""Type of the Secret that holds a record."""

_STATUSES = frozenset(status.value for status in Status)
_GZIP_MAGIC = b"\x1f\x8b\x08"


def key(name: str, version: int) -> str:
    """Name of the object that holds revision `version`."""
    return f"sh.helm.release.v1.{name}.v{version}"


def encode(release: Release) -> str:
    """The text of the record (one base64 layer)."""
    body = json_text(to_data(release)).encode()
    return base64.b64encode(gzip.compress(body, 9, mtime=0)).decode()


def decode(text: str, labels: dict[str, str] | None = None) -> Release:
    """A record's text -> Release. Raises ReleaseError where it cannot be read."""
    try:
        body = base64.b64decode(text, validate=True)
        if body[:3] == _GZIP_MAGIC:
            body = gzip.decompress(body)
        data = json.loads(body)
    except (binascii.Error, OSError, EOFError, zlib.error, ValueError) as error:
        raise ReleaseError(f"the release record cannot be decoded: {error}") from error
    if not isinstance(data, dict):
        raise ReleaseError("the release record cannot be decoded: it holds no object")
    return from_data(data, labels or {})


def to_data(release: Release) -> Struct:
    """The release as the JSON object of the record, in Go's field order."""
    data: dict[str, Any] = {}
    _put(data, "name", release.name)
    data["info"] = _info_data(release.info)
    data["chart"] = _chart_data(release.chart)
    _put(data, "config", release.config)
    _put(data, "manifest", release.manifest)
    _put(data, "hooks", [_hook_data(hook) for hook in release.hooks])
    _put(data, "version", release.version)
    _put(data, "namespace", release.namespace)
    _put(data, "apply_method", release.apply_method)
    return Struct(data)


def _chart_data(chart: dict[str, Any]) -> Struct:
    fields = dict(chart)
    for name in ("metadata", "lock"):
        if isinstance(fields.get(name), dict):
            fields[name] = Struct(fields[name])
    for name in ("templates", "files"):
        fields[name] = [Struct(file) for file in fields.get(name) or []]
    return Struct(fields)


def from_data(data: dict[str, Any], labels: dict[str, str]) -> Release:
    """The JSON object of a record -> Release."""
    return Release(
        name=str(data.get("name") or ""),
        namespace=str(data.get("namespace") or ""),
        version=int(data.get("version") or 0),
        info=_info(data.get("info") or {}),
        chart=data.get("chart") or {},
        config=data.get("config") or {},
        manifest=str(data.get("manifest") or ""),
        hooks=[_hook(hook) for hook in data.get("hooks") or []],
        labels=dict(labels),
        apply_method=str(data.get("apply_method") or ""),
    )


def _put(data: dict[str, Any], name: str, value: Any) -> None:
    if value:
        data[name] = value


def _info_data(info: Info) -> Struct:
    data: dict[str, Any] = {}
    for name in ("first_deployed", "last_deployed", "deleted", "description"):
        _put(data, name, getattr(info, name))
    data["status"] = info.status.value
    _put(data, "notes", info.notes)
    _put(data, "resources", info.resources)
    return Struct(data)


def _info(data: dict[str, Any]) -> Info:
    word = str(data.get("status") or "unknown")
    return Info(
        first_deployed=_time(data.get("first_deployed")),
        last_deployed=_time(data.get("last_deployed")),
        deleted=_time(data.get("deleted")),
        description=str(data.get("description") or ""),
        status=Status(word) if word in _STATUSES else Status.UNKNOWN,
        notes=str(data.get("notes") or ""),
    )


def _time(value: Any) -> str:
    text = str(value or "")
    return "" if text == ZERO else text


def _hook_data(hook: Hook) -> Struct:
    data: dict[str, Any] = {}
    for name in ("name", "kind", "path", "manifest"):
        _put(data, name, getattr(hook, name))
    _put(data, "events", list(hook.events))
    run = hook.last_run
    last: dict[str, Any] = {}
    _put(last, "started_at", run.started_at)
    _put(last, "completed_at", run.completed_at)
    data["last_run"] = Struct({**last, "phase": run.phase})
    _put(data, "weight", hook.weight)
    _put(data, "delete_policies", list(hook.delete_policies))
    _put(data, "output_log_policies", list(hook.output_log_policies))
    return Struct(data)


def _hook(data: dict[str, Any]) -> Hook:
    run = data.get("last_run") or {}
    return Hook(
        name=str(data.get("name") or ""),
        kind=str(data.get("kind") or ""),
        path=str(data.get("path") or ""),
        manifest=str(data.get("manifest") or ""),
        events=tuple(data.get("events") or ()),
        weight=int(data.get("weight") or 0),
        delete_policies=tuple(data.get("delete_policies") or ()),
        output_log_policies=tuple(data.get("output_log_policies") or ()),
        last_run=HookRun(_time(run.get("started_at")), _time(run.get("completed_at")), str(run.get("phase") or "")),
    )
