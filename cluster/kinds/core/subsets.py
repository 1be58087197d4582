"""Repacking of Endpoints subsets: addresses with the same ports together, everything sorted.

Two writers that describe the same set of address and port pairs end up with the same object, so that comparing is
enough to see whether anything changed.
"""

from __future__ import annotations

import json
from typing import Any

Subset = dict[str, Any]


def _identity(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def repacked(subsets: list[Subset]) -> list[Subset]:
    """Equal addresses gather their ports, equal port sets gather their addresses."""
    ports: dict[str, dict[str, Any]] = {}
    addresses: dict[str, dict[str, Any]] = {}
    states: dict[tuple[str, bool], dict[str, None]] = {}
    for subset in subsets:
        own = {_identity(port): port for port in subset.get("ports") or ()}
        ports.update(own)
        for name, ready in (("addresses", True), ("notReadyAddresses", False)):
            for address in subset.get(name) or ():
                key = _identity(address)
                addresses[key] = address
                states.setdefault((key, ready), {}).update(dict.fromkeys(own))
    groups: dict[tuple[str, ...], Subset] = {}
    for (key, ready), held in states.items():
        group = groups.setdefault(tuple(sorted(held)), {})
        group.setdefault("addresses" if ready else "notReadyAddresses", []).append(addresses[key])
    return [_sorted(group, [ports[key] for key in keys]) for keys, group in sorted(groups.items())]


def _sorted(group: Subset, ports: list[dict[str, Any]]) -> Subset:
    out: Subset = {}
    for name in ("addresses", "notReadyAddresses"):
        if group.get(name):
            out[name] = sorted(group[name], key=lambda address: (address.get("ip", ""), _identity(address)))
    if ports:
        out["ports"] = sorted(
            ports, key=lambda port: (port.get("name", ""), port.get("port", 0), port.get("protocol", ""))
        )
    return out
