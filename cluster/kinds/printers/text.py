"""How values are written in cells: ages, selectors, lists of names. Follows the API server's printers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from cluster.meta.types import Obj

NONE = "<none>"
UNKNOWN = "<unknown>"
UNSET = "<unset>"


def name(obj: Obj) -> str:
    return (obj.get("metadata") or {}).get("name") or ""


def seconds_of(stamp: str | None) -> float | None:
    """Unix seconds of an RFC 3339 time; None for none or nonsense."""
    try:
        return datetime.fromisoformat(stamp).timestamp() if stamp else None
    except ValueError:
        return None


def since(stamp: str | None, now: float) -> str:
    """How long ago; `<unknown>` without a time."""
    then = seconds_of(stamp)
    return UNKNOWN if then is None else duration(now - then)


def age(obj: Obj, now: float) -> str:
    return since((obj.get("metadata") or {}).get("creationTimestamp"), now)


def duration(seconds: float) -> str:
    """Two units at most, coarser as it grows: `5m30s`, `3h`, `2y40d`."""
    total = int(seconds)
    if total < -1:
        return "<invalid>"
    if total < 0:
        return "0s"
    if total < 120:
        return f"{total}s"
    minutes, hours = total // 60, total // 3600
    if minutes < 10:
        return _two(minutes, "m", total % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    return _days(hours)


def _days(hours: int) -> str:
    days = hours // 24
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _two(days, "d", hours % 24, "h")
    if hours < 24 * 365 * 2:
        return f"{days}d"
    if hours < 24 * 365 * 8:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(big: int, unit: str, small: int, smaller: str) -> str:
    return f"{big}{unit}{small}{smaller}" if small else f"{big}{unit}"


def label_map(labels: dict[str, str] | None) -> str:
    """`a=b,c=d`, or `<none>`."""
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def selector(value: dict[str, Any] | None) -> str:
    """A label selector in the notation of queries; empty when it selects everything."""
    parts = [(key, f"{key}={text}") for key, text in ((value or {}).get("matchLabels") or {}).items()]
    for requirement in (value or {}).get("matchExpressions") or ():
        parts.append((requirement.get("key", ""), _requirement(requirement)))
    # By key alone: requirements of one key stay in the order they were written.
    return ",".join(text for _, text in sorted(parts, key=lambda part: part[0]))


def _requirement(requirement: dict[str, Any]) -> str:
    key, values = requirement.get("key", ""), ",".join(sorted(requirement.get("values") or ()))
    match requirement.get("operator"):
        case "In":
            return f"{key} in ({values})"
        case "NotIn":
            return f"{key} notin ({values})"
        case "DoesNotExist":
            return f"!{key}"
    return str(key)


def selector_or_none(value: dict[str, Any] | None) -> str:
    return selector(value) or NONE


def containers(spec: dict[str, Any]) -> tuple[str, str]:
    """Names and images of a pod's containers."""
    listed = spec.get("containers") or ()
    return ",".join(c.get("name") or "" for c in listed), ",".join(c.get("image") or "" for c in listed)


def template(obj: Obj) -> tuple[str, str]:
    return containers(((obj.get("spec") or {}).get("template") or {}).get("spec") or {})


def joined(values: Iterable[str], nothing: str = NONE) -> str:
    return ",".join(values) or nothing
