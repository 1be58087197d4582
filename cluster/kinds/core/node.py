"""Node: written by the kubelet, which brings its status along on creation."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.golang import dump
from cluster.kinds.kind import Kind, Strategy, Subresource
from cluster.kinds.podspec.scheduling import TAINT_EFFECTS
from cluster.kinds.printers import nodes
from cluster.kinds.strategy import keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta import names
from cluster.meta.field import FaultType, FieldError, Path, forbidden, invalid, required
from cluster.meta.types import GroupVersionKind, Obj

DEFINITION = "io.k8s.api.core.v1.Node"
TAINTS = Path("metadata") / "taints"
"""Faults of taints stand there, though they are in the spec."""


def _taints(taints: list[dict[str, Any]]) -> Faults:
    faults: Faults = []
    seen: set[tuple[str, str]] = set()
    for at, taint in enumerate(taints):
        here, key, effect = TAINTS[at], taint.get("key") or "", taint.get("effect") or ""
        faults += checks.qualified(here / "key", key)
        complaints = names.label_value(taint.get("value") or "")
        if complaints:
            faults.append(invalid(here / "value", taint.get("value"), ";".join(complaints)))
        faults += checks.one_of(here / "effect", effect, TAINT_EFFECTS) if effect else [required(here / "effect")]
        if (key, effect) in seen:
            why = "taints must be unique by key and effect pair"
            faults.append(FieldError(FaultType.DUPLICATE, here, dump(taint, "io.k8s.api.core.v1.Taint"), why))
        seen.add((key, effect))
    return faults


def validate(node: Obj) -> Faults:
    held = spec(node)
    faults = _taints(held.get("taints") or [])
    for at, text in enumerate(held.get("podCIDRs") or ()):
        faults += checks.cidr((Path("spec") / "podCIDRs")[at], text)
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    now, was = spec(new), spec(old)
    faults = _taints(now.get("taints") or [])
    if was.get("podCIDRs") and now.get("podCIDRs") != was["podCIDRs"]:
        faults.append(
            forbidden(Path("spec") / "podCIDRs", 'node updates may not change podCIDR except from "" to valid')
        )
    if was.get("providerID") and now.get("providerID") != was["providerID"]:
        faults.append(
            forbidden(Path("spec") / "providerID", 'node updates may not change providerID except from "" to valid')
        )
    if (now.get("externalID") or "") != (was.get("externalID") or ""):
        faults.append(forbidden(Path("spec") / "externalID", "may not be updated"))
    return faults


def _default(node: Obj) -> None:
    """allocatable is capacity until the kubelet says otherwise; podCIDR is the first of podCIDRs."""
    held = node["status"]
    if held.get("capacity") and not held.get("allocatable"):
        held["allocatable"] = dict(held["capacity"])
    one, many = spec(node).get("podCIDR"), spec(node).get("podCIDRs")
    if one and (not many or many[0] != one):
        # The older field decides where the two differ.
        node["spec"]["podCIDRs"] = [one]
    elif many and not one:
        node["spec"]["podCIDR"] = many[0]


def _selectable(node: Obj) -> dict[str, str]:
    return {"spec.unschedulable": "true" if spec(node).get("unschedulable") else "false"}


def _warnings(new: Obj, _old: Obj | None) -> list[str]:
    held, out = spec(new), list[str]()
    if held.get("externalID"):
        out.append("spec.externalID: this field is deprecated, and is unused by Kubernetes")
    for at, text in enumerate(held.get("podCIDRs") or ()):
        out += checks.cidr_warnings((Path("spec") / "podCIDRs")[at], text)
    return out


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    default=DEFAULT,
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
    warnings=_warnings,
)


KIND = Kind(
    group="",
    version="v1",
    kind="Node",
    plural="nodes",
    singular="node",
    namespaced=False,
    short_names=("no",),
    definition="io.k8s.api.core.v1.Node",
    subresources=(
        Subresource(
            name="proxy",
            verbs=("create", "delete", "get", "patch", "update"),
            kind=GroupVersionKind("", "v1", "NodeProxyOptions"),
        ),
        status(DEFAULT),
    ),
    table=table("", "nodes", nodes.node),
    strategy=_WRITES,
    selectable=_selectable,
)
