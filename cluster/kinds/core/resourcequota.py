"""ResourceQuota: bounds on what a namespace holds, for all pods or for those in a scope."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.core.quota_resources import OBJECT_COUNTS, POD_SCOPED, is_standard, is_standard_quota
from cluster.kinds.golang import dump
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.podspec.resources import is_extended
from cluster.kinds.printers import configuration
from cluster.kinds.strategy import clear_status, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, invalid, required
from cluster.meta.quantity import NANO, Quantity
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.core.v1.ResourceQuota"
SPEC = Path("spec")
SCOPES = (
    "BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating",
    "VolumeAttributesClass",
)  # fmt: skip
_EXISTS_ONLY = ("Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "CrossNamespacePodAffinity")


def _amount(path: Path, name: str, value: Any) -> Faults:
    faults = checks.qualified(path, name)
    if "/" not in name:
        if not faults and not is_standard(name):
            faults.append(invalid(path, name, "must be a standard resource type or fully qualified"))
        if not is_standard_quota(name):
            faults.append(invalid(path, name, "must be a standard resource for quota"))
    quantity = Quantity.parse(value)
    if quantity.nanos < 0:
        faults.append(invalid(path, str(value), checks.NEGATIVE))
    if (name in OBJECT_COUNTS or is_extended(name)) and quantity.nanos % NANO:
        faults.append(invalid(path, str(value), checks.NOT_INTEGER))
    return faults


def _scopes(held: dict[str, Any]) -> Faults:
    scopes, hard = held.get("scopes") or [], held.get("hard") or {}
    path = SPEC / "scopes"
    faults: Faults = []
    for scope in scopes:
        if scope not in SCOPES:
            faults.append(invalid(path, scopes, "unsupported scope"))
        for name in sorted(hard):
            if is_standard_quota(name) and not _applies(scope, name):
                faults.append(invalid(path, scopes, "unsupported scope applied to resource"))
    for one, other in (("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")):
        if one in scopes and other in scopes:
            faults.append(invalid(path, scopes, "conflicting scopes"))
    return faults


def _applies(scope: str, name: str) -> bool:
    if scope == "BestEffort":
        return name == "pods"
    if scope in ("Terminating", "NotTerminating", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity"):
        return name in POD_SCOPED
    if scope == "VolumeAttributesClass":
        return name in ("persistentvolumeclaims", "requests.storage")
    return True


def _selector(held: dict[str, Any]) -> Faults:
    expressions = (held.get("scopeSelector") or {}).get("matchExpressions") or []
    path = SPEC / "scopeSelector" / "matchExpressions"
    faults: Faults = []
    for expression in expressions:
        scope, operator = expression.get("scopeName") or "", expression.get("operator") or ""
        values = expression.get("values") or []
        if scope not in SCOPES:
            faults.append(invalid(path / "scopeName", scope, "unsupported scope"))
        for name in sorted(held.get("hard") or {}):
            if is_standard_quota(name) and not _applies(scope, name):
                shown = dump(held["scopeSelector"], "io.k8s.api.core.v1.ScopeSelector")
                faults.append(invalid(path, shown, "unsupported scope applied to resource"))
        faults += _operator(path, scope, operator, values)
    return faults


def _operator(path: Path, scope: str, operator: str, values: list[str]) -> Faults:
    faults: Faults = []
    if scope in _EXISTS_ONLY and operator != "Exists":
        why = (
            "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
            "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
            "ResourceQuotaScopeCrossNamespacePodAffinity"
        )
        faults.append(invalid(path / "operator", operator, why))
    if operator in ("In", "NotIn"):
        why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
        return faults if values else [*faults, required(path / "values", why)]
    if operator in ("Exists", "DoesNotExist"):
        why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
        return [*faults, invalid(path / "values", values, why)] if values else faults
    return [*faults, invalid(path / "operator", operator, "not a valid selector operator")]


def validate(quota: Obj) -> Faults:
    held = spec(quota)
    faults: Faults = []
    for name in sorted(held.get("hard") or {}):
        faults += _amount((SPEC / "hard")[name], name, held["hard"][name])
    return faults + _scopes(held) + _selector(held)


def validate_update(new: Obj, old: Obj) -> Faults:
    now, was = spec(new).get("scopes") or [], spec(old).get("scopes") or []
    faults = validate(new)
    if sorted(now) != sorted(was):
        faults.append(invalid(SPEC / "scopes", now, checks.IMMUTABLE))
    return faults


DEFAULT = defaulting(DEFINITION)
_WRITES = Strategy(
    update_metadata="update",
    default=DEFAULT,
    prepare_create=clear_status(DEFINITION),
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
)


KIND = Kind(
    group="",
    version="v1",
    kind="ResourceQuota",
    plural="resourcequotas",
    singular="resourcequota",
    namespaced=True,
    short_names=("quota",),
    definition="io.k8s.api.core.v1.ResourceQuota",
    subresources=(status(DEFAULT),),
    table=table("", "resourcequotas", configuration.resource_quota),
    strategy=_WRITES,
)
