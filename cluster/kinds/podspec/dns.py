"""Validation of a pod's names and resolver: dnsPolicy, dnsConfig, hostAliases."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.meta import names
from cluster.meta.field import Path, invalid, required

POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
NAMESERVERS, SEARCHES, SEARCH_CHARACTERS = 3, 32, 2048


def policy(path: str, value: str) -> Faults:
    return checks.one_of(path, value, POLICIES) if value else [required(path)]


def config(path: Path, value: dict[str, Any] | None, dns_policy: str) -> Faults:
    """dnsConfig; policy None asks for one with a name server."""
    if dns_policy == "None":
        if value is None:
            return [required(path, "must provide `dnsConfig` when `dnsPolicy` is None")]
        if not value.get("nameservers"):
            return [required(path / "nameservers", "must provide at least one DNS nameserver when `dnsPolicy` is None")]
    if value is None:
        return []
    servers = value.get("nameservers") or []
    faults: Faults = []
    if len(servers) > NAMESERVERS:
        faults.append(invalid(path / "nameservers", servers, f"must not have more than {NAMESERVERS} nameservers"))
    for at, server in enumerate(servers):
        faults += checks.legacy_ip((path / "nameservers")[at], server)
    return faults + _searches(path / "searches", value.get("searches") or []) + _options(path, value)


def _searches(path: Path, searches: list[str]) -> Faults:
    faults: Faults = []
    if len(searches) > SEARCHES:
        faults.append(invalid(path, searches, f"must not have more than {SEARCHES} search paths"))
    if len(" ".join(searches)) > SEARCH_CHARACTERS:
        faults.append(
            invalid(
                path,
                searches,
                f"must not have more than {SEARCH_CHARACTERS} characters (including spaces) in the search list",
            )
        )
    for at, search in enumerate(searches):
        if search != ".":
            faults += checks.by_rule(path[at], search.removesuffix("."), names.dns1123_subdomain_with_underscore)
    return faults


def _options(path: Path, value: dict[str, Any]) -> Faults:
    return [
        required((path / "options")[at], "must not be empty")
        for at, option in enumerate(value.get("options") or ())
        if not option.get("name")
    ]


def host_aliases(path: Path, aliases: list[dict[str, Any]]) -> Faults:
    """Extra lines of /etc/hosts."""
    faults: Faults = []
    for at, alias in enumerate(aliases):
        faults += checks.legacy_ip(path[at] / "ip", alias.get("ip") or "")
        for index, name in enumerate(alias.get("hostnames") or ()):
            faults += checks.subdomain((path[at] / "hostnames")[index], name)
    return faults
