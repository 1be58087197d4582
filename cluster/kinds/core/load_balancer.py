"""Validation of where a load balancer says it listens, in the status of Services."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.meta.field import Path, forbidden, invalid, required
from cluster.meta.types import Obj

PATH = Path("status") / "loadBalancer" / "ingress"


def load_balancer(new: Obj, _old: Obj) -> Faults:
    listed = ((new.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    if listed and (new.get("spec") or {}).get("type") != "LoadBalancer":
        return [forbidden(PATH, "may only be used when `spec.type` is 'LoadBalancer'")]
    faults: Faults = []
    for at, ingress in enumerate(listed):
        faults += _ingress(PATH[at], ingress)
    return faults


def _ingress(path: Path, ingress: dict[str, Any]) -> Faults:
    faults: Faults = []
    address, name, mode = ingress.get("ip") or "", ingress.get("hostname") or "", ingress.get("ipMode")
    if address:
        faults += checks.ip(path / "ip", address)
        if mode is None:
            faults.append(required(path / "ipMode", "must be specified when `ip` is set"))
    elif mode is not None:
        faults.append(forbidden(path / "ipMode", "may not be specified when `ip` is not set"))
    if mode is not None and address:
        faults += checks.one_of(path / "ipMode", mode, ("Proxy", "VIP"))
    if name:
        faults += checks.subdomain(path / "hostname", name)
        if checks.address(name):
            faults.append(invalid(path / "hostname", name, "must be a DNS name, not an IP address"))
    return faults
