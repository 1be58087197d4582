"""What admission policies and their bindings share: match resources, parameters, bindings."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.admissionregistration.webhook_checks import default_rules, rule_with_operations
from cluster.kinds.checks import Faults
from cluster.kinds.selectors_check import label_selector
from cluster.kinds.strategy import fill
from cluster.meta.field import Path, forbidden, invalid, required

SPEC = Path("spec")


def default_match(match: dict[str, Any] | None) -> None:
    if match is None:
        return
    fill(match, "matchPolicy", "Equivalent")
    for name in ("namespaceSelector", "objectSelector"):
        if match.get(name) is None:
            match[name] = {}
    default_rules(match.get("resourceRules"))
    default_rules(match.get("excludeResourceRules"))


def match_resources(path: Path, match: dict[str, Any]) -> Faults:
    faults: Faults = []
    if match.get("matchPolicy") is not None:
        faults += checks.one_of(path / "matchPolicy", match["matchPolicy"], ("Equivalent", "Exact"))
    for name in ("namespaceSelector", "objectSelector"):
        if match.get(name) is None:
            faults.append(required(path / name))
        faults += label_selector(path / name, match.get(name))
    for name in ("resourceRules", "excludeResourceRules"):
        for at, rule in enumerate(match.get(name) or ()):
            faults += rule_with_operations((path / name)[at], rule)
    return faults


def constraints(spec: dict[str, Any]) -> Faults:
    match = spec.get("matchConstraints")
    path = SPEC / "matchConstraints"
    if match is None:
        return [required(path)]
    faults = match_resources(path, match)
    if not match.get("resourceRules"):
        faults.append(required(path / "resourceRules"))
    return faults


def param_kind(spec: dict[str, Any]) -> Faults:
    held, path = spec.get("paramKind"), SPEC / "paramKind"
    if held is None:
        return []
    return [required(path / name) for name in ("apiVersion", "kind") if not held.get(name)]


def param_ref(path: Path, ref: dict[str, Any]) -> Faults:
    name, selector = ref.get("name") or "", ref.get("selector")
    faults: Faults = []
    if name and selector is not None:
        faults.append(forbidden(path / "name", "name and selector are mutually exclusive"))
    elif not name and selector is None:
        faults.append(required(path, "one of name or selector must be specified"))
    if selector is not None:
        faults += label_selector(path / "selector", selector)
    action = ref.get("parameterNotFoundAction")
    if action is None:
        faults.append(required(path / "parameterNotFoundAction"))
    else:
        faults += checks.one_of(path / "parameterNotFoundAction", action, ("Allow", "Deny"))
    return faults


def binding(spec: dict[str, Any]) -> Faults:
    name = spec.get("policyName") or ""
    faults: Faults = checks.subdomain(SPEC / "policyName", name) if name else [required(SPEC / "policyName")]
    if spec.get("paramRef") is not None:
        faults += param_ref(SPEC / "paramRef", spec["paramRef"])
    if spec.get("matchResources") is not None:
        faults += match_resources(SPEC / "matchResouces", spec["matchResources"])
    return faults


def actions(spec: dict[str, Any]) -> Faults:
    listed = spec.get("validationActions") or []
    path = SPEC / "validationActions"
    if not listed:
        return [required(path, "at least one validation action is required")]
    faults: Faults = []
    for at, action in enumerate(listed):
        faults += checks.one_of(path[at], action, ("Audit", "Deny", "Warn"))
    faults += checks.duplicates(path, listed)
    if "Deny" in listed and "Warn" in listed:
        faults.append(
            invalid(
                path,
                listed,
                "must not contain both Deny and Warn (repeating the same validation failure information in the API "
                "response and headers serves no purpose)",
            )
        )
    return faults
