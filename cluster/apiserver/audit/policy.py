"""audit.k8s.io/v1 Policy: the first rule that fits a request says how much of it is kept; none keeps nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from cluster.apiserver.request import RequestInfo, UserInfo
from cluster.meta.names import dns1123_subdomain
from cluster.meta.types import Obj


class Level(IntEnum):
    NONE = 0
    METADATA = 1
    REQUEST = 2
    REQUEST_RESPONSE = 3


LEVELS = {
    "None": Level.NONE,
    "Metadata": Level.METADATA,
    "Request": Level.REQUEST,
    "RequestResponse": Level.REQUEST_RESPONSE,
}
NAMES = {level: name for name, level in LEVELS.items()}
RECEIVED, STARTED, COMPLETE, PANIC = STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a request is audited: at which level, and the stages that are left out."""

    level: Level
    omitted: frozenset[str] = frozenset()
    omit_managed_fields: bool = False


_NOTHING = Verdict(Level.NONE)


class Policy:
    """Raises ValueError, a line a fault with its field, for what cannot be understood."""

    def __init__(self, policy: Obj) -> None:
        found = faults(policy)
        if found:
            raise ValueError("\n".join(found))
        omitted = frozenset(policy.get("omitStages") or ())
        managed = bool(policy.get("omitManagedFields"))
        self._rules = [(rule, _verdict(rule, omitted, managed)) for rule in policy["rules"]]

    def verdict(self, user: UserInfo | None, info: RequestInfo) -> Verdict:
        """`user` is who asks, before any impersonation; None when that is not known."""
        return next((verdict for rule, verdict in self._rules if _fits(rule, user, info)), _NOTHING)


def _verdict(rule: Obj, omitted: frozenset[str], managed: bool) -> Verdict:
    own = rule.get("omitManagedFields")
    stages = omitted | frozenset(rule.get("omitStages") or ())
    return Verdict(LEVELS[rule["level"]], stages, managed if own is None else bool(own))


def _fits(rule: Obj, user: UserInfo | None, info: RequestInfo) -> bool:
    users, groups = rule.get("users"), rule.get("userGroups")
    if users and (user is None or user.name not in users):
        return False
    if groups and (user is None or not set(groups) & set(user.groups)):
        return False
    if rule.get("verbs") and info.verb not in rule["verbs"]:
        return False
    if rule.get("namespaces") or rule.get("resources"):
        return info.is_resource and _fits_resource(rule, info)
    if rule.get("nonResourceURLs"):
        return not info.is_resource and any(_covers(url, info.path) for url in rule["nonResourceURLs"])
    return True


def _covers(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


def _fits_resource(rule: Obj, info: RequestInfo) -> bool:
    namespaces, resources = rule.get("namespaces"), rule.get("resources")
    if namespaces and info.namespace not in namespaces:
        return False
    return not resources or any(_names(entry, info) for entry in resources)


def _names(entry: dict[str, Any], info: RequestInfo) -> bool:
    if (entry.get("group") or "") not in (info.group, "*"):
        return False
    wanted, names = entry.get("resources"), entry.get("resourceNames")
    if not wanted:
        return True
    if names and info.name not in names:
        return False
    fitting = {"*", f"{info.resource}/*", info.resource}
    if info.subresource:
        fitting = {"*", f"{info.resource}/*", f"*/{info.subresource}", f"{info.resource}/{info.subresource}"}
    return not fitting.isdisjoint(wanted)


# What a policy must be.


def faults(policy: Obj) -> list[str]:
    """A line each: field, and what is wrong with it."""
    if policy.get("kind") != "Policy" or policy.get("apiVersion") != "audit.k8s.io/v1":
        return ["apiVersion, kind: the audit policy must be an audit.k8s.io/v1 Policy"]
    out = [*_unknown(policy, _POLICY, ""), *_stages(policy.get("omitStages"), "omitStages")]
    rules = policy.get("rules")
    if not rules or not isinstance(rules, list):
        return [*out, "rules: there must be at least one"]
    for at, rule in enumerate(rules):
        where = f"rules[{at}]"
        out += _rule(rule, where) if isinstance(rule, dict) else [f"{where}: must be a mapping"]
    return out


_POLICY = frozenset(("apiVersion", "kind", "metadata", "rules", "omitStages", "omitManagedFields"))
_RULE = frozenset(
    (
        "level", "users", "userGroups", "verbs", "resources", "namespaces", "nonResourceURLs", "omitStages",
        "omitManagedFields",
    )
)  # fmt: skip


def _unknown(held: Obj, known: frozenset[str], where: str) -> list[str]:
    return [f"{where}{name}: there is no such field" for name in sorted(set(held) - known)]


def _rule(rule: Obj, where: str) -> list[str]:
    out = _unknown(rule, _RULE, f"{where}.")
    level = rule.get("level")
    if level not in LEVELS:
        wrong = "must be given" if level is None else f"{level!r} is none of {', '.join(LEVELS)}"
        out.append(f"{where}.level: {wrong}")
    out += _stages(rule.get("omitStages"), f"{where}.omitStages")
    urls = rule.get("nonResourceURLs") or ()
    for at, url in enumerate(urls):
        out += _url(str(url), f"{where}.nonResourceURLs[{at}]")
    if urls and (rule.get("resources") or rule.get("namespaces")):
        out.append(f"{where}.nonResourceURLs: a rule cannot be for both resources and other URLs")
    for at, entry in enumerate(rule.get("resources") or ()):
        out += _resources(entry, f"{where}.resources[{at}]")
    return out


def _stages(stages: Any, where: str) -> list[str]:
    wrong = [stage for stage in stages or () if stage not in STAGES]
    return [f"{where}: {stage!r} is none of {', '.join(STAGES)}" for stage in wrong]


def _url(url: str, where: str) -> list[str]:
    out = []
    if url != "*" and not url.startswith("/"):
        out.append(f"{where}: {url!r} must begin with a slash")
    if "*" in url[:-1]:
        out.append(f"{where}: in {url!r} a * may only be the last character")
    return out


def _resources(entry: Any, where: str) -> list[str]:
    if not isinstance(entry, dict):
        return [f"{where}: must be a mapping with group and resources"]
    out = []
    group = entry.get("group") or ""
    if group not in ("", "*"):
        out += [f"{where}.group: {group!r}: {why}" for why in dns1123_subdomain(group)]
    if entry.get("resourceNames") and not entry.get("resources"):
        out.append(f"{where}.resourceNames: needs at least one of resources")
    return out
