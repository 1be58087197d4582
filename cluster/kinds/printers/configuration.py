"""Cells of what holds settings and bounds: ConfigMaps, Secrets, quotas, namespaces, events."""

from __future__ import annotations

from typing import Any

from cluster.kinds.kind import Cell
from cluster.kinds.printers.text import age, name, since
from cluster.meta.types import Obj


def config_map(obj: Obj, now: float) -> list[Cell]:
    return [name(obj), len(obj.get("data") or ()) + len(obj.get("binaryData") or ()), age(obj, now)]


def secret(obj: Obj, now: float) -> list[Cell]:
    return [name(obj), obj.get("type") or "", len(obj.get("data") or ()), age(obj, now)]


def namespace(obj: Obj, now: float) -> list[Cell]:
    return [name(obj), (obj.get("status") or {}).get("phase") or "", age(obj, now)]


def resource_quota(obj: Obj, now: float) -> list[Cell]:
    """Used of hard, requests apart from limits."""
    status: dict[str, Any] = obj.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    texts: dict[bool, list[str]] = {True: [], False: []}
    for resource in sorted(hard):
        texts[resource.startswith("limits")].append(f"{resource}: {used.get(resource, 0)}/{hard[resource]}")
    return [name(obj), ", ".join(texts[False]), ", ".join(texts[True]), age(obj, now)]


def component_status(obj: Obj, _now: float) -> list[Cell]:
    status, message, error = "Unknown", "", ""
    for condition in obj.get("conditions") or ():
        if condition.get("type") == "Healthy":
            status = "Healthy" if condition.get("status") == "True" else "Unhealthy"
            message, error = condition.get("message") or "", condition.get("error") or ""
            break
    return [name(obj), status, message, error]


def event(obj: Obj, now: float) -> list[Cell]:
    """An event in its core form."""
    first = since(obj.get("firstTimestamp"), now)
    if not obj.get("firstTimestamp"):
        first = since(obj.get("eventTime"), now)
    last = since(obj.get("lastTimestamp"), now) if obj.get("lastTimestamp") else first
    count = obj.get("count") or 0
    series = obj.get("series")
    if series:
        count = series.get("count") or 0
        last = since(series.get("lastObservedTime"), now)
    elif not count:
        count = 1
    about = obj.get("involvedObject") or {}
    about_text = about.get("kind", "").lower()
    if about.get("name"):
        about_text = f"{about_text}/{about['name']}"
    return [
        last,
        obj.get("type") or "",
        obj.get("reason") or "",
        about_text,
        about.get("fieldPath") or "",
        _source(obj),
        (obj.get("message") or "").strip(),
        first,
        count,
        name(obj),
    ]


def _source(obj: Obj) -> str:
    source = obj.get("source") or {}
    component = source.get("component") or obj.get("reportingComponent") or ""
    host = source.get("host") or obj.get("reportingInstance") or ""
    return f"{component}, {host}" if host else component
