"""Validation of resource requirements: names, quantities, requests against limits, claims."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.meta import names
from cluster.meta.field import Path, duplicate, forbidden, invalid, not_found, required
from cluster.meta.quantity import NANO, Quantity

STANDARD_CONTAINER = frozenset(("cpu", "memory", "ephemeral-storage"))
INTEGER_RESOURCES = frozenset(
    (
        "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps",
        "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
    )
)  # fmt: skip
NATIVE_DOMAIN = "kubernetes.io/"


def is_huge_page(name: str) -> bool:
    return name.startswith("hugepages-")


def is_standard_container_resource(name: str) -> bool:
    return name in STANDARD_CONTAINER or is_huge_page(name)


def is_native(name: str) -> bool:
    """Whether the name has no domain, or that of Kubernetes."""
    return "/" not in name or NATIVE_DOMAIN in name


def is_extended(name: str) -> bool:
    """A resource of a vendor: countable, not to be overcommitted."""
    if is_native(name) or name.startswith("requests."):
        return False
    return not names.label_key(f"requests.{name}")


def may_overcommit(name: str) -> bool:
    return is_native(name) and not is_huge_page(name)


def resource_name(path: str, name: str) -> Faults:
    """A qualified name, which is a standard one when it has no domain."""
    return checks.by_rule(path, name, names.label_key)


def quantity_value(path: str, name: str, text: Any) -> Faults:
    """Not negative; whole where the resource is counted."""
    quantity = Quantity.parse(text)
    faults: Faults = []
    if quantity.nanos < 0:
        faults.append(invalid(path, str(text), checks.NEGATIVE))
    if (name in INTEGER_RESOURCES or is_extended(name)) and quantity.nanos % NANO:
        faults.append(invalid(path, str(text), checks.NOT_INTEGER))
    return faults


def container_resource_name(path: str, name: str) -> Faults:
    faults = resource_name(path, name)
    if "/" not in name and not is_standard_container_resource(name):
        faults.append(invalid(path, name, "must be a standard resource for containers"))
    elif "/" in name and not is_native(name) and not is_extended(name):
        faults.append(invalid(path, name, "doesn't follow extended resource name standard"))
    return faults


def requirements(path: Path, resources: dict[str, Any], claims: frozenset[str] = frozenset()) -> Faults:
    """Faults of a container's ResourceRequirements. `claims` are the names of the pod's resource claims."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    faults: Faults = []
    for name in sorted(limits):
        here = (path / "limits")[name]
        faults += container_resource_name(here, name)
        faults += quantity_value(here, name, limits[name])
    for name in sorted(requests):
        here = (path / "requests")[name]
        faults += container_resource_name(here, name)
        faults += quantity_value(here, name, requests[name])
        faults += _against_limit(path, name, Quantity.parse(requests[name]), limits.get(name))
    faults += _huge_pages(path, limits, requests)
    return faults + _claims(path / "claims", resources.get("claims") or [], claims)


def _against_limit(path: Path, name: str, request: Quantity, limit: Any) -> Faults:
    if limit is None:
        if may_overcommit(name):
            return []
        return [required(path / "limits", "Limit must be set for non overcommitable resources")]
    bound = Quantity.parse(limit)
    if not may_overcommit(name) and request != bound:
        return [invalid(path / "requests", str(request), f"must be equal to {name} limit of {bound}")]
    if request > bound:
        return [invalid(path / "requests", str(request), f"must be less than or equal to {name} limit of {bound}")]
    return []


def _huge_pages(path: Path, limits: dict[str, Any], requests: dict[str, Any]) -> Faults:
    asked = {*limits, *requests}
    if any(is_huge_page(name) for name in asked) and not asked & {"cpu", "memory"}:
        return [forbidden(path, "HugePages require cpu or memory")]
    return []


def _claims(path: Path, claims: list[dict[str, Any]], known: frozenset[str]) -> Faults:
    faults: Faults = []
    seen: set[tuple[str, str]] = set()
    for at, claim in enumerate(claims):
        name, request = claim.get("name", ""), claim.get("request", "")
        here = path[at]
        if not name:
            faults.append(required(here / "name"))
            continue
        faults += checks.label(here / "name", name)
        shown = f"{name}/{request}" if request else name
        if (name, request) in seen:
            faults.append(duplicate(here, shown))
        seen.add((name, request))
        if name not in known:
            faults.append(not_found(here / "name", name))
    return faults
