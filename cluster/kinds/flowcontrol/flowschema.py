"""FlowSchema: which requests go to which priority level."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.strategy import clear_status, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, invalid, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.flowcontrol.v1.FlowSchema"
SPEC = Path("spec")


def _default(obj: Obj) -> None:
    if not obj["spec"].get("matchingPrecedence"):
        obj["spec"]["matchingPrecedence"] = 1000


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    precedence = held.get("matchingPrecedence") or 0
    faults: Faults = []
    if not 0 < precedence <= 10000:
        faults.append(
            invalid(SPEC / "matchingPrecedence", precedence, "must be a number between 1 and 10000, inclusive")
        )
    method = held.get("distinguisherMethod")
    if method is not None:
        faults += checks.one_of(SPEC / "distinguisherMethod", method.get("type"), ("ByNamespace", "ByUser"))
    name = (held.get("priorityLevelConfiguration") or {}).get("name") or ""
    path = SPEC / "priorityLevelConfiguration" / "name"
    faults += checks.subdomain(path, name) if name else [required(path, "must reference a priority level")]
    for at, rule in enumerate(held.get("rules") or ()):
        faults += _rule((SPEC / "rules")[at], rule)
    return faults


def _rule(path: Path, rule: dict[str, Any]) -> Faults:
    faults: Faults = []
    if not rule.get("subjects"):
        faults.append(required(path / "subjects", "subjects must contain at least one value"))
    if not rule.get("resourceRules") and not rule.get("nonResourceRules"):
        faults.append(required(path, "at least one of resourceRules and nonResourceRules has to be non-empty"))
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
