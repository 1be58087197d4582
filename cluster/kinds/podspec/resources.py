"""Validation of resource requirements: names, quantities, requests against limits, claims."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.meta import names
from cluster.meta.field import Path, duplicate, forbidden, invalid, not_found, not_supported, required
from cluster.meta.quantity import NANO, Quantity, QuantityError

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


STANDARD = INTEGER_RESOURCES | STANDARD_CONTAINER | frozenset(
    (
        "requests.cpu", "requests.memory", "requests.ephemeral-storage", "limits.cpu", "limits.memory",
        "limits.ephemeral-storage", "storage", "requests.storage",
    )
)  # fmt: skip
POD_LEVEL = frozenset(("cpu", "memory"))


def resource_name(path: str, name: str) -> Faults:
    """A qualified name, which is a standard one when it has no domain."""
    faults = checks.by_rule(path, name, names.label_key)
    if not faults and "/" not in name and name not in STANDARD and not name.startswith(_HUGE_PAGES):
        faults.append(invalid(path, name, "must be a standard resource type or fully qualified"))
    return faults


_HUGE_PAGES = ("hugepages-", "requests.hugepages-")


def pod_resource_name(path: str, name: str) -> Faults:
    """What a pod may ask for as a whole."""
    faults = resource_name(path, name)
    if not faults and name not in POD_LEVEL and not is_huge_page(name):
        faults.append(not_supported(path, name, ["cpu", "hugepages-", "memory"]))
    return faults


def claim_names(spec: dict[str, Any]) -> frozenset[str]:
    """The names of a pod's resource claims."""
    return frozenset(claim["name"] for claim in spec.get("resourceClaims") or () if claim.get("name"))


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


def requirements(
    path: Path,
    resources: dict[str, Any],
    claims: frozenset[str] = frozenset(),
    named: Callable[[str, str], Faults] = container_resource_name,
) -> Faults:
    """Faults of ResourceRequirements. `claims` are the names of the pod's resource claims; `named` judges the names."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    faults: Faults = []
    for name in sorted(limits):
        here = (path / "limits")[name]
        faults += named(here, name)
        faults += quantity_value(here, name, limits[name])
        faults += _whole_pages(here, name, limits[name])
    for name in sorted(requests):
        here = (path / "requests")[name]
        faults += named(here, name)
        faults += quantity_value(here, name, requests[name])
        faults += _against_limit(path, name, Quantity.parse(requests[name]), limits.get(name))
        faults += _whole_pages(here, name, requests[name])
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


def _whole_pages(path: str, name: str, text: Any) -> Faults:
    """An amount of huge pages is a multiple of the page, whose size stands in the name."""
    if not is_huge_page(name):
        return []
    amount = Quantity.parse(text)
    try:
        page = Quantity.parse(name.removeprefix("hugepages-"))
    except QuantityError:
        page = Quantity(0)
    if page.nanos > 0 and amount.nanos >= 0 and amount.nanos % page.nanos == 0:
        return []
    return [invalid(path, str(text), f"{text} is not positive integer multiple of {name}")]


def _huge_pages(path: Path, limits: dict[str, Any], requests: dict[str, Any]) -> Faults:
    asked = {*limits, *requests}
    if any(is_huge_page(name) for name in asked) and not asked & {"cpu", "memory"}:
        return [forbidden(path, "HugePages require cpu or memory")]
    return []


def _claims(path: Path, claims: list[dict[str, Any]], known: frozenset[str]) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for at, claim in enumerate(claims):
        name, request = claim.get("name") or "", claim.get("request") or ""
        here = path[at]
        if not name:
            faults.append(required(here))
            continue
        faults += _repeated_claim(here, name, request, seen)
        if name not in known:
            listed = f": {', '.join(sorted(known))}" if known else " which is empty"
            faults.append(not_found(here, name, f"must be one of the names in pod.spec.resourceClaims{listed}"))
    return faults


def _repeated_claim(path: Path, name: str, request: str, seen: set[str]) -> Faults:
    """A claim is named whole or by its requests, each once."""
    if name in seen:
        return [duplicate(path, name)]
    faults = checks.label(path / "request", request) if request else []
    key = f"{name}/{request}" if request else name
    if key in seen:
        faults.append(duplicate(path, key))
    elif not request:
        faults += [duplicate(path, name) for other in seen if other.startswith(f"{name}/")]
    seen.add(key)
    return faults


def pod_level(path: Path, spec: dict[str, Any]) -> Faults:
    """The resources of the pod as a whole, and how they go with those of its containers."""
    resources = spec.get("resources")
    if resources is None:
        return []
    if (spec.get("os") or {}).get("name") == "windows":
        return [forbidden(path, "may not be set for a windows pod")]
    faults: Faults = []
    if resources.get("claims") is not None:
        faults.append(forbidden(path / "claims", "claims may not be set for Resources at pod-level"))
    faults += requirements(path, resources, claim_names(spec), pod_resource_name)
    return faults + _consistent(path, spec, resources)


def _consistent(path: Path, spec: dict[str, Any], resources: dict[str, Any]) -> Faults:
    faults: Faults = []
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    for name, total in aggregate(spec, "requests").items():
        if name in requests and total > Quantity.parse(requests[name]):
            why = f"must be greater than or equal to aggregate container requests of {total}"
            faults.append(invalid((path / "requests")[name], str(requests[name]), why))
    for name, total in aggregate(spec, "limits").items():
        if is_huge_page(name) and name in limits and total > Quantity.parse(limits[name]):
            why = f"must be greater than or equal to aggregate container limits of {total}"
            faults.append(invalid((path / "limits")[name], str(limits[name]), why))
    for at, container in enumerate(spec.get("containers") or ()):
        for name, amount in ((container.get("resources") or {}).get("limits") or {}).items():
            if name in limits and Quantity.parse(amount) > Quantity.parse(limits[name]):
                why = f"must be less than or equal to pod limits of {limits[name]}"
                faults.append(invalid((path / "containers")[at][name] / "limits", str(amount), why))
    return faults


def aggregate(spec: dict[str, Any], which: str) -> dict[str, Quantity]:
    """What the containers of a pod ask for together: the sum of those that stay, or what one of the init containers
    needs beside the sidecars before it, whichever is more."""
    total = _sum(spec.get("containers") or (), which)
    sidecars: dict[str, Quantity] = {}
    most: dict[str, Quantity] = {}
    for container in spec.get("initContainers") or ():
        held = _amounts(container, which)
        if container.get("restartPolicy") == "Always":
            _add(total, held)
            _add(sidecars, held)
            held = sidecars
        else:
            _add(held, sidecars)
        _raise(most, held)
    _raise(total, most)
    return total


def _sum(listed: Iterable[dict[str, Any]], which: str) -> dict[str, Quantity]:
    out: dict[str, Quantity] = {}
    for container in listed:
        _add(out, _amounts(container, which))
    return out


def _amounts(container: dict[str, Any], which: str) -> dict[str, Quantity]:
    held = (container.get("resources") or {}).get(which) or {}
    return {name: Quantity.parse(amount) for name, amount in held.items()}


def _add(total: dict[str, Quantity], more: dict[str, Quantity]) -> None:
    for name, amount in more.items():
        total[name] = total[name] + amount if name in total else amount


def _raise(total: dict[str, Quantity], least: dict[str, Quantity]) -> None:
    for name, amount in least.items():
        if name not in total or total[name] < amount:
            total[name] = amount
