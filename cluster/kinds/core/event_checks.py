"""Validation and field selectors of events, in their core form."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.meta.field import Path, invalid, required
from cluster.meta.types import Obj

_ABOUT = Path("involvedObject")
DEFAULT_NAMESPACE = "default"
_LONGEST, _LONGEST_MESSAGE = 128, 1024


def validate(event: Obj, reporter: str = "reportingComponent") -> Faults:
    """An event lies in the namespace of what it is about; one about a cluster-wide object in `default`. One of the
    newer form (it has eventTime) says who reports what. `reporter` is what the version calls the one who reports."""
    about = event.get("involvedObject") or {}
    namespace, held = (event.get("metadata") or {}).get("namespace") or "", about.get("namespace") or ""
    if event.get("eventTime"):
        wrong = not held and namespace not in (DEFAULT_NAMESPACE, "kube-system")
    else:
        wrong = namespace not in ("", DEFAULT_NAMESPACE) if not held else namespace != held
    faults: Faults = []
    if wrong:
        faults.append(invalid(_ABOUT / "namespace", held, "does not match event.namespace"))
    if event.get("eventTime"):
        faults += _reported(event, reporter)
    return faults + checks.subdomain(Path("namespace"), namespace)


def _reported(event: Obj, reporter: str) -> Faults:
    controller = event.get("reportingComponent") or ""
    faults: Faults = [] if controller else [required(Path(reporter))]
    faults += checks.qualified(Path(reporter), controller)
    for name in ("reportingInstance", "action", "reason"):
        if not event.get(name):
            faults.append(required(Path(name)))
        faults += _short(name, event.get(name) or "", _LONGEST)
    return faults + _short("message", event.get("message") or "", _LONGEST_MESSAGE)


def _short(name: str, text: str, most: int) -> Faults:
    if len(text.encode()) <= most:
        return []
    return [invalid(Path(name), "", f"can have at most {most} characters")]


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
