"""FlowSchema: which requests go to which priority level."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.flowcontrol.policy_rules import policy_rule
from cluster.kinds.golang import dump
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.strategy import clear_status, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, invalid, not_supported, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.flowcontrol.v1.FlowSchema"
SPEC = Path("spec")
LOWEST = 10000


def _default(obj: Obj) -> None:
    if not obj["spec"].get("matchingPrecedence"):
        obj["spec"]["matchingPrecedence"] = 1000


def _precedence_of(obj: Obj, path: str, precedence: int) -> Faults:
    faults: Faults = []
    if precedence <= 0:
        faults.append(invalid(path, precedence, "must be a positive value"))
    if precedence > LOWEST:
        faults.append(invalid(path, precedence, f"must not be greater than {LOWEST}"))
    if precedence == 1 and (obj.get("metadata") or {}).get("name") != "exempt":
        why = "only the schema named 'exempt' may have matchingPrecedence 1"
        faults.append(invalid(path, precedence, why))
    return faults


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    precedence = held.get("matchingPrecedence") or 0
    faults: Faults = []
    faults += _precedence_of(obj, SPEC / "matchingPrecedence", precedence)
    method = held.get("distinguisherMethod")
    if method is not None and method.get("type") not in ("ByNamespace", "ByUser"):
        shown = dump(method, "io.k8s.api.flowcontrol.v1.FlowDistinguisherMethod")
        faults.append(not_supported(SPEC / "distinguisherMethod" / "type", shown, ["ByNamespace", "ByUser"]))
    name = (held.get("priorityLevelConfiguration") or {}).get("name") or ""
    path = SPEC / "priorityLevelConfiguration" / "name"
    faults += checks.subdomain(path, name) if name else [required(path, "must reference a priority level")]
    for at, rule in enumerate(held.get("rules") or ()):
        faults += policy_rule((SPEC / "rules")[at], rule)
    return faults


def validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    default=DEFAULT,
    prepare_create=clear_status(DEFINITION),
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
    generation=True,
)


def _precedence(schema: Obj) -> tuple[int, str]:
    """Those asked first are shown first."""
    return spec(schema).get("matchingPrecedence") or 0, schema["metadata"]["name"]


KIND = Kind(
    group="flowcontrol.apiserver.k8s.io",
    version="v1",
    kind="FlowSchema",
    plural="flowschemas",
    singular="flowschema",
    namespaced=False,
    definition="io.k8s.api.flowcontrol.v1.FlowSchema",
    subresources=(status(DEFAULT),),
    table=table("flowcontrol.apiserver.k8s.io", "flowschemas", extensions.flow_schema, _precedence),
    strategy=_WRITES,
)
