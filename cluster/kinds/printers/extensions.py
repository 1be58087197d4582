"""Cells of what configures the API itself: webhooks, policies, priorities, signing requests, devices, roles."""

from __future__ import annotations

from typing import Any

from cluster.kinds.kind import Cell
from cluster.kinds.printers.text import NONE, UNSET, age, duration, name
from cluster.meta.types import Obj


def webhooks(obj: Obj, now: float) -> list[Cell]:
    return [name(obj), len(obj.get("webhooks") or ()), age(obj, now)]


def _param_kind(spec: dict[str, Any]) -> str:
    kind = spec.get("paramKind")
    return f"{kind.get('apiVersion') or ''}/{kind.get('kind') or ''}" if kind else UNSET


def _param_ref(spec: dict[str, Any]) -> str:
    ref = spec.get("paramRef")
    if not ref:
        return UNSET
    held = ref.get("name") or ""
    if held:
        return f"{ref.get('namespace') or '*'}/{held}"
    return UNSET if ref.get("selector") is None else _selector_structure(ref["selector"])


def _selector_structure(selector: dict[str, Any]) -> str:
    """A label selector as Go prints the structure."""
    labels = "".join(f"{key}: {value}," for key, value in sorted((selector.get("matchLabels") or {}).items()))
    needs = "".join(
        f"LabelSelectorRequirement{{Key:{need.get('key') or ''},Operator:{need.get('operator') or ''},"
        f"Values:[{' '.join(need.get('values') or ())}],}},"
        for need in selector.get("matchExpressions") or ()
    )
    return (
        f"&LabelSelector{{MatchLabels:map[string]string{{{labels}}},"
        f"MatchExpressions:[]LabelSelectorRequirement{{{needs}}},}}"
    )


def validating_policy(obj: Obj, now: float) -> list[Cell]:
    spec = obj.get("spec") or {}
    return [name(obj), len(spec.get("validations") or ()), _param_kind(spec), age(obj, now)]


def mutating_policy(obj: Obj, now: float) -> list[Cell]:
    spec = obj.get("spec") or {}
    return [name(obj), len(spec.get("mutations") or ()), _param_kind(spec), age(obj, now)]


def policy_binding(obj: Obj, now: float) -> list[Cell]:
    spec = obj.get("spec") or {}
    return [name(obj), spec.get("policyName") or "", _param_ref(spec), age(obj, now)]


def signing_request(obj: Obj, now: float) -> list[Cell]:
    spec = obj.get("spec") or {}
    seconds = spec.get("expirationSeconds")
    return [
        name(obj),
        age(obj, now),
        spec.get("signerName") or NONE,
        spec.get("username") or "",
        NONE if seconds is None else duration(seconds),
        _csr_state(obj.get("status") or {}),
    ]


def _csr_state(status: dict[str, Any]) -> str:
    kinds = [condition.get("type") for condition in status.get("conditions") or ()]
    words = "Denied" if "Denied" in kinds else "Approved" if "Approved" in kinds else "Pending"
    if "Failed" in kinds:
        words += ",Failed"
    return f"{words},Issued" if status.get("certificate") else words


def flow_schema(obj: Obj, now: float) -> list[Cell]:
    spec = obj.get("spec") or {}
    conditions = (obj.get("status") or {}).get("conditions") or ()
    dangling = next((c.get("status") for c in conditions if c.get("type") == "Dangling"), "?")
    method = (spec.get("distinguisherMethod") or {}).get("type") or NONE
    return [
        name(obj),
        (spec.get("priorityLevelConfiguration") or {}).get("name") or NONE,
        spec.get("matchingPrecedence") or 0,
        method,
        age(obj, now),
        dangling,
    ]


def priority_level(obj: Obj, now: float) -> list[Cell]:
    spec = obj.get("spec") or {}
    shares: Cell = NONE
    queues: list[Cell] = [NONE, NONE, NONE]
    if spec.get("limited"):
        shares = spec["limited"].get("nominalConcurrencyShares", 0)
        queuing = (spec["limited"].get("limitResponse") or {}).get("queuing")
        if queuing:
            queues = [queuing.get(field, 0) for field in ("queues", "handSize", "queueLengthLimit")]
    elif spec.get("exempt"):
        shares = spec["exempt"].get("nominalConcurrencyShares", 0)
    return [name(obj), spec.get("type") or "", shares, *queues, age(obj, now)]


def api_service(obj: Obj, now: float) -> list[Cell]:
    service = (obj.get("spec") or {}).get("service")
    where = f"{service.get('namespace')}/{service.get('name')}" if service else "Local"
    available = "Unknown"
    for condition in (obj.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Available":
            available = condition.get("status") or ""
            if available != "True":
                available = f"{available} ({condition.get('reason') or ''})"
    return [name(obj), where, available, age(obj, now)]


def role_binding(obj: Obj, now: float) -> list[Cell]:
    ref = obj.get("roleRef") or {}
    subjects: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in obj.get("subjects") or ():
        text = subject.get("name") or ""
        if subject.get("kind") == "ServiceAccount":
            text = f"{subject.get('namespace') or ''}/{text}"
        subjects.setdefault(subject.get("kind") or "", []).append(text)
    return [
        name(obj),
        f"{ref.get('kind') or ''}/{ref.get('name') or ''}",
        age(obj, now),
        *(", ".join(subjects[kind]) for kind in ("User", "Group", "ServiceAccount")),
    ]


def priority_class(obj: Obj, now: float) -> list[Cell]:
    return [
        name(obj),
        obj.get("value") or 0,
        bool(obj.get("globalDefault")),
        age(obj, now),
        obj.get("preemptionPolicy") or "",
    ]


def runtime_class(obj: Obj, now: float) -> list[Cell]:
    return [name(obj), obj.get("handler") or "", age(obj, now)]


def lease(obj: Obj, now: float) -> list[Cell]:
    return [name(obj), (obj.get("spec") or {}).get("holderIdentity") or "", age(obj, now)]


def disruption_budget(obj: Obj, now: float) -> list[Cell]:
    spec = obj.get("spec") or {}
    bounds: list[Cell] = ["N/A" if spec.get(f) is None else str(spec[f]) for f in ("minAvailable", "maxUnavailable")]
    return [name(obj), *bounds, (obj.get("status") or {}).get("disruptionsAllowed") or 0, age(obj, now)]


def aged(obj: Obj, now: float) -> list[Cell]:
    return [name(obj), age(obj, now)]


def resource_claim(obj: Obj, now: float) -> list[Cell]:
    return [name(obj), _claim_state(obj), age(obj, now)]


def _claim_state(obj: Obj) -> str:
    status, states = obj.get("status") or {}, []
    if (obj.get("metadata") or {}).get("deletionTimestamp"):
        states.append("deleted")
    if not status.get("allocation"):
        if not (obj.get("metadata") or {}).get("deletionTimestamp"):
            states.append("pending")
    else:
        states.append("allocated")
        states.append("reserved" if status.get("reservedFor") else "")
    return ",".join(state for state in states if state)


def resource_slice(obj: Obj, now: float) -> list[Cell]:
    spec = obj.get("spec") or {}
    return [
        name(obj),
        spec.get("nodeName") or "",
        spec.get("driver") or "",
        (spec.get("pool") or {}).get("name") or "",
        age(obj, now),
    ]
