"""NetworkPolicy: who may talk to the pods it selects."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.podspec.probes import port_or_name
from cluster.kinds.printers import network
from cluster.kinds.selectors_check import label_selector
from cluster.kinds.strategy import spec
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, forbidden, invalid, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.networking.v1.NetworkPolicy"
SPEC = Path("spec")


def _default(obj: Obj) -> None:
    held = obj["spec"]
    for rule in [*(held.get("ingress") or ()), *(held.get("egress") or ())]:
        for port in rule.get("ports") or ():
            port.setdefault("protocol", "TCP")
    if not held.get("policyTypes"):
        held["policyTypes"] = ["Ingress", "Egress"] if held.get("egress") else ["Ingress"]


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    faults = label_selector(SPEC / "podSelector", held.get("podSelector"))
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for at, rule in enumerate(held.get(direction) or ()):
            here = (SPEC / direction)[at]
            for index, port in enumerate(rule.get("ports") or ()):
                faults += _port((here / "ports")[index], port)
            for index, peer in enumerate(rule.get(peers) or ()):
                faults += _peer((here / peers)[index], peer)
    return faults + _types(SPEC / "policyTypes", held.get("policyTypes") or [])


def _types(path: Path, types: list[str]) -> Faults:
    if len(types) > 2:
        return [invalid(path, types, "may not specify more than two policyTypes")]
    faults: Faults = []
    for at, kind in enumerate(types):
        faults += checks.one_of(path[at], kind, ("Ingress", "Egress"))
    return faults


def _port(path: Path, port: dict[str, Any]) -> Faults:
    faults: Faults = []
    if (protocol := port.get("protocol")) is not None:
        faults += checks.one_of(path / "protocol", protocol, ("TCP", "UDP", "SCTP"))
    number, end = port.get("port"), port.get("endPort")
    if number is None:
        return (
            faults
            if end is None
            else [*faults, invalid(path / "endPort", end, "may not be specified when `port` is not specified")]
        )
    if isinstance(number, str):
        if end is not None:
            faults.append(invalid(path / "endPort", end, "may not be specified when `port` is non-numeric"))
        return faults + port_or_name(path / "port", number)
    faults += port_or_name(path / "port", number)
    if end is None:
        return faults
    if end < number:
        faults.append(invalid(path / "endPort", number, "must be greater than or equal to `port`"))
    return faults + checks.port(path / "endPort", end)


def _peer(path: Path, peer: dict[str, Any]) -> Faults:
    selectors = [name for name in ("podSelector", "namespaceSelector") if peer.get(name) is not None]
    faults: Faults = []
    for name in selectors:
        faults += label_selector(path / name, peer[name])
    block = peer.get("ipBlock")
    if block is not None:
        faults += _block(path / "ipBlock", block)
    if not selectors and block is None:
        faults.append(required(path, "must specify a peer"))
    elif selectors and block is not None:
        faults.append(forbidden(path, "may not specify both ipBlock and another peer"))
    return faults


def _block(path: Path, block: dict[str, Any]) -> Faults:
    text = block.get("cidr") or ""
    if not text:
        return [required(path / "cidr")]
    outer = checks.network(text)
    if outer is None:
        return checks.cidr(path / "cidr", text)
    faults = checks.legacy_cidr(path / "cidr", text)
    if faults:
        return faults
    for at, item in enumerate(block.get("except") or ()):
        here, inner = (path / "except")[at], checks.network(item)
        bad = checks.legacy_cidr(here, item)
        faults += bad
        if bad or inner is None:
            continue
        if inner == outer or inner.version != outer.version or not inner.subnet_of(outer):  # type: ignore[arg-type]
            faults.append(invalid(here, item, "must be a strict subset of `cidr`"))
    return faults


def validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


def _warnings(new: Obj, _old: Obj | None) -> list[str]:
    out: list[str] = []
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for at, rule in enumerate(spec(new).get(direction) or ()):
            for index, peer in enumerate(rule.get(peers) or ()):
                block = peer.get("ipBlock") or {}
                path = ((SPEC / direction)[at] / peers)[index] / "ipBlock"
                out += checks.cidr_warnings(path / "cidr", block.get("cidr") or "")
                for number, hole in enumerate(block.get("except") or ()):
                    out += checks.cidr_warnings((path / "except")[number], hole)
    return out


_WRITES = Strategy(
    update_metadata="update",
    default=defaulting(DEFINITION, _default),
    validate=validate,
    validate_update=validate_update,
    generation=True,
    warnings=_warnings,
)


KIND = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="NetworkPolicy",
    plural="networkpolicies",
    singular="networkpolicy",
    namespaced=True,
    short_names=("netpol",),
    definition="io.k8s.api.networking.v1.NetworkPolicy",
    table=table("networking.k8s.io", "networkpolicies", network.network_policy),
    strategy=_WRITES,
)
