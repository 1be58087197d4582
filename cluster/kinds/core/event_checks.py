"""Validation and field selectors of events, in their core form."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.meta.field import Path, invalid
from cluster.meta.types import Obj

_ABOUT = Path("involvedObject")
DEFAULT_NAMESPACE = "default"


def validate(event: Obj) -> Faults:
    """An event lies in the namespace of what it is about; one about a cluster-wide object in `default`."""
    about = event.get("involvedObject") or {}
    namespace, held = (event.get("metadata") or {}).get("namespace") or "", about.get("namespace") or ""
    wrong = namespace not in ("", DEFAULT_NAMESPACE) if not held else namespace != held
    faults: Faults = []
    if wrong:
        faults.append(invalid(_ABOUT / "namespace", held, "does not match event.namespace"))
    if namespace:
        faults += checks.label(Path("namespace"), namespace)
    return faults


_SELECTED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")


def selectable(event: Obj) -> dict[str, str]:
    about = event.get("involvedObject") or {}
    out = {f"involvedObject.{field}": about.get(field) or "" for field in _SELECTED}
    component = (event.get("source") or {}).get("component") or ""
    reporting = event.get("reportingComponent") or ""
    return out | {
        "reason": event.get("reason") or "",
        "reportingComponent": reporting,
        "source": component or reporting,
        "type": event.get("type") or "",
    }
