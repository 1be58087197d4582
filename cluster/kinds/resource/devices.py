"""Devices as drivers list them in slices: attributes, capacities, taints, counters, nodes."""

from __future__ import annotations

import re
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.resource.capacities import request_policy
from cluster.kinds.resource.identifiers import qualified
from cluster.kinds.resource.requests import EFFECTS, each, each_once
from cluster.kinds.selectors_check import node_selector
from cluster.meta import names
from cluster.meta.field import Path, duplicate, forbidden, invalid, required, too_long, too_many

MOST_PROPERTIES = 32  # attributes and capacities of a device
MOST_VALUES = 48  # values of its attributes
LONGEST_VALUE = 64
MOST_TAINTS = 16
MOST_CONDITIONS = 4
MOST_CONSUMPTIONS = 2
MOST_COUNTERS = 32
_LONGEST_KEY = 96
_LISTS = ("bools", "ints", "strings", "versions")
_NUMBER, _WORD = r"(0|[1-9]\d*)", r"(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_WORD}(\.{_WORD})*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?", re.ASCII
)
_NODES = (
    "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to "
    "true in the ResourceSlice spec"
)
_NO_NODES = (
    "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the "
    "ResourceSlice spec"
)


def device(path: Path, held: dict[str, Any], own_nodes: bool) -> Faults:
    """`own_nodes`: every device of the slice says itself where it is."""
    faults = checks.label(path / "name", held.get("name") or "")
    attributes, capacity = held.get("attributes") or {}, held.get("capacity") or {}
    if (count := len(attributes) + len(capacity)) > MOST_PROPERTIES:
        why = f"the total number of attributes and capacities must not exceed {MOST_PROPERTIES}"
        faults.append(invalid(path, count, why))
    if (count := sum(map(_values, attributes.values()))) > MOST_VALUES:
        faults.append(invalid(path, count, f"the total number of attribute values must not exceed {MOST_VALUES}"))
    for name, attribute in attributes.items():
        faults += qualified(path / "attributes", name)
        faults += _attribute((path / "attributes")[_shown(name, _LONGEST_KEY)], attribute)
    for name, amount in capacity.items():
        here = (path / "capacity")[_shown(name, _LONGEST_KEY)] / "requestPolicy"
        faults += qualified(path / "capacity", name)
        if amount.get("requestPolicy") is None:
            continue
        if held.get("allowMultipleAllocations"):
            faults += request_policy(here, amount["requestPolicy"], amount.get("value") or "0")
        else:
            faults.append(forbidden(here, "allowMultipleAllocations must be true"))
    faults += each(path / "taints", held.get("taints"), MOST_TAINTS, _taint)
    consumed = held.get("consumesCounters")
    faults += each_once(path / "consumesCounters", consumed, MOST_CONSUMPTIONS, _consumption, "counterSet")
    return faults + _nodes(path, held, own_nodes) + _binding(path, held)


def _shown(key: str, most: int) -> str:
    """A key as part of a path, its middle left out where it is too long."""
    if len(key) <= most:
        return key
    room = most - 3
    return f"{key[: (room + 1) // 2]}...{key[len(key) - room // 2 :]}"


def _values(attribute: dict[str, Any]) -> int:
    return sum(len(attribute.get(name) or ()) for name in _LISTS) or 1


def _attribute(path: Path, held: dict[str, Any]) -> Faults:
    """Exactly one value, of a length; versions are semantic ones."""
    faults: Faults = []
    for name, rule in (("string", _text), ("version", _version)):
        if held.get(name) is not None:
            faults += rule(path / name, held[name])
    for name in _LISTS:
        if held.get(name) is not None and not held[name]:
            faults.append(invalid(path / name, [], "must not be empty if specified"))
    for name, rule in (("strings", _text), ("versions", _version)):
        for at, item in enumerate(held.get(name) or ()):
            faults += rule((path / name)[at], item)
    given = [name for name, value in held.items() if value is not None]
    if len(given) != 1:
        faults.append(invalid(path, held if given else "", "exactly one value must be specified"))
    return faults


def _text(path: Path, text: str) -> Faults:
    return [too_long(path, LONGEST_VALUE)] if len(text.encode()) > LONGEST_VALUE else []


def _version(path: Path, text: str) -> Faults:
    why = "must be a string compatible with semver.org spec 2.0.0"
    return ([] if _VERSION.fullmatch(text) else [invalid(path, text, why)]) + _text(path, text)


def _taint(path: Path, held: dict[str, Any]) -> Faults:
    faults = checks.qualified(path / "key", held.get("key") or "")
    faults += checks.by_rule(path / "value", held.get("value") or "", names.label_value)
    effect = held.get("effect")
    return faults + (checks.one_of(path / "effect", effect, EFFECTS) if effect else [required(path / "effect")])


def counter_set(path: Path, held: dict[str, Any]) -> Faults:
    return _counters(path, "name", held)


def _consumption(path: Path, held: dict[str, Any]) -> Faults:
    return _counters(path, "counterSet", held)


def _counters(path: Path, field: str, held: dict[str, Any]) -> Faults:
    name, counters = held.get(field) or "", held.get("counters") or {}
    faults = checks.label(path / field, name) if name else [required(path / field)]
    if not counters:
        return [*faults, required(path / "counters")]
    if len(counters) > MOST_COUNTERS:
        return [*faults, too_many(path / "counters", MOST_COUNTERS, len(counters))]
    return faults + [fault for key in counters for fault in checks.label(path / "counters", key)]


def _nodes(path: Path, held: dict[str, Any], own_nodes: bool) -> Faults:
    if not own_nodes:
        given = any(held.get(name) is not None for name in ("nodeName", "nodeSelector", "allNodes"))
        return [invalid(path, None, _NO_NODES)] if given else []
    faults, given_by = places(path, held, "must not be empty")
    if not given_by:
        faults.append(required(path, _NODES))
    elif len(given_by) > 1:
        faults.append(invalid(path, f"{{{', '.join(given_by)}}}", _NODES))
    return faults


def places(path: Path, held: dict[str, Any], unnamed: str) -> tuple[Faults, list[str]]:
    """Faults of where a slice or device is, and the fields that say it; `unnamed`: the fault of an empty name."""
    faults: Faults = []
    given: list[str] = []
    if held.get("nodeName"):
        given.append("`nodeName`")
        faults += checks.subdomain(path / "nodeName", held["nodeName"])
    elif held.get("nodeName") is not None:
        faults.append(invalid(path / "nodeName", "", unnamed))
    if held.get("nodeSelector") is not None:
        given.append("`nodeSelector`")
        faults += node_selector(path / "nodeSelector", held["nodeSelector"])
    faults += flag(path, held, "allNodes", given)
    return faults, given


def flag(path: Path, held: dict[str, Any], name: str, given: list[str]) -> Faults:
    """A flag that is on or not there at all."""
    if held.get(name) is None:
        return []
    if not held[name]:
        return [invalid(path / name, False, "must be either unset or set to true")]
    given.append(f"`{name}`")
    return []


def _binding(path: Path, held: dict[str, Any]) -> Faults:
    """What has to hold, and must not, before a pod is bound: both or neither, nothing twice."""
    good, bad = held.get("bindingConditions"), held.get("bindingFailureConditions")
    here, there = path / "bindingConditions", path / "bindingFailureConditions"
    faults = each(here, good, MOST_CONDITIONS, checks.qualified) + each(there, bad, MOST_CONDITIONS, checks.qualified)
    good_ones, bad_ones = good or [], bad or []
    faults += [duplicate(here[at], name) for at, name in enumerate(good_ones) if name in good_ones[:at]]
    for at, name in enumerate(bad_ones):
        if name in bad_ones[:at]:
            faults.append(duplicate(there[at], name))
        if name in good_ones:
            why = "bindingFailureConditions must not overlap with bindingConditions"
            faults.append(invalid(there[at], name, why))
    if not good and bad:
        faults.append(invalid(here, good, "bindingConditions are required to use bindingFailureConditions"))
    if not bad and good:
        faults.append(invalid(there, bad, "bindingFailureConditions are required to use bindingConditions"))
    return faults
