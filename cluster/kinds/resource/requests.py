"""Requests for devices, in claims and in templates of claims: their defaults and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.podspec.volumes import csi_driver_name
from cluster.kinds.resource.identifiers import fully_qualified
from cluster.kinds.resource.selectors import selector
from cluster.meta import names
from cluster.meta.field import Path, duplicate, invalid, required, too_long, too_many

MOST_REQUESTS = 32
MOST_ALTERNATIVES = 8
MOST_SELECTORS = 32
LONGEST_PARAMETERS = 10 * 1024  # bytes of JSON
EFFECTS = ("NoExecute", "NoSchedule", "None")
_ONE_OF = "exactly one of `exactly` or `firstAvailable` is required"
_NO_REQUEST = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
_Check = Callable[[Path, Any], Faults]


def default_requests(devices: dict[str, Any]) -> None:
    for request in devices.get("requests") or ():
        if request.get("exactly") is not None:
            _counted(request["exactly"])
        for sub in request.get("firstAvailable") or ():
            _counted(sub)


def _counted(request: dict[str, Any]) -> None:
    """One device, unless all are asked for."""
    if not request.get("allocationMode"):
        request["allocationMode"] = "ExactCount"
    if request["allocationMode"] == "ExactCount" and not request.get("count"):
        request["count"] = 1
    for toleration in request.get("tolerations") or ():
        if not toleration.get("operator"):
            toleration["operator"] = "Equal"


def each(path: Path, held: Sequence[Any] | None, most: int, check: _Check) -> Faults:
    """Faults of every item, or that there are too many to look at."""
    if held and len(held) > most:
        return [too_many(path, most, len(held))]
    return [fault for at, item in enumerate(held or ()) for fault in check(path[at], item)]


def each_once(path: Path, held: Sequence[Any] | None, most: int, check: _Check, key: str = "") -> Faults:
    """The same, and each only once: the item itself or what it has under `key`."""
    faults = each(path, held, most, check)
    if held and len(held) > most:
        return faults
    keys = [(item.get(key) or "") if key else item for item in held or ()]
    return faults + [duplicate(path[at], name) for at, name in enumerate(keys) if name in keys[:at]]


def claim(path: Path, devices: dict[str, Any]) -> Faults:
    """Requests, constraints between their devices, and configuration for the drivers."""
    known = _names(devices)

    def reference(here: Path, name: str) -> Faults:
        return _reference(here, name, known)

    def constraint(here: Path, held: dict[str, Any]) -> Faults:
        faults = each_once(here / "requests", held.get("requests"), MOST_REQUESTS, reference)
        for name in ("matchAttribute", "distinctAttribute"):
            if held.get(name) is not None:
                return faults + fully_qualified(here / name, held[name])
        why = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'
        return [*faults, required(here, why)]

    def configured(here: Path, held: dict[str, Any]) -> Faults:
        faults = each_once(here / "requests", held.get("requests"), MOST_REQUESTS, reference)
        return faults + configuration(here, held)

    faults = each_once(path / "requests", devices.get("requests"), MOST_REQUESTS, _request, "name")
    faults += each(path / "constraints", devices.get("constraints"), MOST_REQUESTS, constraint)
    return faults + each(path / "config", devices.get("config"), MOST_REQUESTS, configured)


def _names(devices: dict[str, Any]) -> set[str]:
    """What a constraint may name: requests, and alternatives behind a slash."""
    out: set[str] = set()
    for request in devices.get("requests") or ():
        name = request.get("name") or ""
        out |= {name, *(f"{name}/{sub.get('name') or ''}" for sub in request.get("firstAvailable") or ())}
    return out


def _reference(path: Path, name: str, known: set[str]) -> Faults:
    parts = name.split("/")
    if len(parts) > 2:
        return [invalid(path, name, _NO_REQUEST)]
    faults = [fault for part in parts for fault in checks.label(path, part)]
    return faults if name in known else [*faults, invalid(path, name, _NO_REQUEST)]


def _request(path: Path, request: dict[str, Any]) -> Faults:
    faults = checks.label(path / "name", request.get("name") or "")
    exactly, alternatives = request.get("exactly"), request.get("firstAvailable")
    if exactly is None and not alternatives:
        return [*faults, required(path, _ONE_OF)]
    if exactly is not None and alternatives:
        return [*faults, invalid(path, None, f"{_ONE_OF}, but multiple fields are set")]
    if exactly is not None:
        return faults + _wanted(path / "exactly", exactly)
    return faults + each_once(path / "firstAvailable", alternatives, MOST_ALTERNATIVES, _alternative, "name")


def _alternative(path: Path, request: dict[str, Any]) -> Faults:
    return checks.label(path / "name", request.get("name") or "") + _wanted(path, request)


def _wanted(path: Path, request: dict[str, Any]) -> Faults:
    """How many devices of which class."""
    name, mode, count = request.get("deviceClassName"), request.get("allocationMode"), request.get("count") or 0
    here = path / "deviceClassName"
    faults = checks.subdomain(here, name) if name else [required(here)]
    faults += each(path / "selectors", request.get("selectors"), MOST_SELECTORS, selector)
    if mode == "All" and count:
        faults.append(invalid(path / "count", count, "must not be specified when allocationMode is 'All'"))
    elif mode == "ExactCount" and count <= 0:
        faults.append(invalid(path / "count", count, "must be greater than zero"))
    faults += checks.one_of(path / "allocationMode", mode, ("All", "ExactCount"))
    for at, toleration in enumerate(request.get("tolerations") or ()):
        faults += _toleration((path / "tolerations")[at], toleration)
    return faults


def _toleration(path: Path, held: dict[str, Any]) -> Faults:
    operator, value, effect = held.get("operator"), held.get("value") or "", held.get("effect")
    faults = checks.qualified(path / "key", held["key"]) if held.get("key") else []
    if operator == "Exists" and value:
        faults.append(invalid(path / "value", value, "must be empty for operator `Exists`"))
    elif operator == "Equal":
        faults += checks.by_rule(path / "value", value, names.label_value)
    faults += checks.one_of(path / "operator", operator, ("Equal", "Exists"))
    return faults + (checks.one_of(path / "effect", effect, EFFECTS) if effect else [])


def configuration(path: Path, held: dict[str, Any]) -> Faults:
    """What a driver is told; its parameters are an object it alone understands."""
    opaque = held.get("opaque")
    if opaque is None:
        return [required(path / "opaque")]
    path = path / "opaque"
    faults = csi_driver_name(path / "driver", opaque.get("driver") or "")
    parameters = opaque.get("parameters")
    if parameters is None:
        faults.append(required(path / "parameters"))
    elif len(json.dumps(parameters, separators=(",", ":")).encode()) > LONGEST_PARAMETERS:
        faults.append(too_long(path / "parameters", LONGEST_PARAMETERS))
    elif not isinstance(parameters, dict):
        faults.append(invalid(path / "parameters", "<value omitted>", "must be a valid JSON object"))
    return faults
