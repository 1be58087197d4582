"""What admission policies and their bindings share: match resources, parameters, bindings."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.admissionregistration.webhook_checks import default_rules, rule_with_operations
from cluster.kinds.checks import Faults
from cluster.kinds.selectors_check import label_selector
from cluster.kinds.strategy import fill_absent
from cluster.meta import names
from cluster.meta.field import Path, duplicate, forbidden, invalid, required

SPEC = Path("spec")
_MUTABLE = ("*", "CONNECT", "CREATE", "UPDATE")


def default_match(match: dict[str, Any] | None) -> None:
    if match is None:
        return
    fill_absent(match, "matchPolicy", "Equivalent")
    for name in ("namespaceSelector", "objectSelector"):
        if match.get(name) is None:
            match[name] = {}
    default_rules(match.get("resourceRules"))
    default_rules(match.get("excludeResourceRules"))


def match_resources(path: Path, match: dict[str, Any]) -> Faults:
    faults: Faults = []
    if match.get("matchPolicy") is None:
        faults.append(required(path / "matchPolicy"))
    else:
        faults += checks.one_of(path / "matchPolicy", match["matchPolicy"], ("Equivalent", "Exact"))
    for name in ("namespaceSelector", "objectSelector"):
        if match.get(name) is None:
            faults.append(required(path / name))
        else:
            faults += label_selector(path / name, match[name])
    for name in ("resourceRules", "excludeResourceRules"):
        for at, rule in enumerate(match.get(name) or ()):
            faults += _resource_names((path / name)[at] / "resourceNames", rule.get("resourceNames") or [])
            faults += rule_with_operations((path / name)[at], rule)
    return faults


def _resource_names(path: Path, listed: list[str]) -> Faults:
    faults: Faults = []
    for at, name in enumerate(listed):
        faults += checks.by_rule(path[at], name, names.path_segment)
        if name in listed[:at]:
            faults.append(duplicate(path[at], name))
    return faults


def mutable_operations(path: Path, match: dict[str, Any]) -> Faults:
    """What is deleted cannot be changed any more."""
    faults: Faults = []
    for rule in match.get("resourceRules") or ():
        for operation in rule.get("operations") or ():
            faults += checks.one_of(path / "resourceRules" / "operations", operation, _MUTABLE)
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
    version, kind = held.get("apiVersion") or "", held.get("kind") or ""
    faults = _group_version(path / "apiVersion", version) if version else [required(path / "apiVersion")]
    if not kind:
        return [*faults, required(path / "kind")]
    if complaints := names.dns1035_label(kind.lower()):
        why = f"may have mixed case, but should otherwise match: {','.join(complaints)}"
        faults.append(invalid(path / "kind", kind, why))
    return faults


def _group_version(path: Path, text: str) -> Faults:
    if text.count("/") > 1:
        return [invalid(path, text, f"unexpected GroupVersion string: {text}")]
    group, _, version = text.rpartition("/")
    faults: Faults = []
    if group and (complaints := names.dns1123_subdomain(group)):
        faults.append(invalid(path, group, ",".join(complaints)))
    if not version:
        faults.append(invalid(path, text, "version must be specified"))
    elif complaints := names.dns1035_label(version):
        faults.append(invalid(path, version, ",".join(complaints)))
    return faults


def param_ref(path: Path, ref: dict[str, Any]) -> Faults:
    name, selector = ref.get("name") or "", ref.get("selector")
    both, why = bool(name) and selector is not None, "name and selector are mutually exclusive"
    faults: Faults = checks.by_rule(path / "name", name, names.path_segment) if name else []
    if both:
        faults.append(forbidden(path / "name", why))
    if selector is not None:
        faults += label_selector(path / "selector", selector)
    if both:
        faults.append(forbidden(path / "selector", why))
    if not name and selector is None:
        faults.append(required(path, "one of name or selector must be specified"))
    action = ref.get("parameterNotFoundAction")
    if not action:
        return [*faults, required(path / "parameterNotFoundAction")]
    return faults + checks.one_of(path / "parameterNotFoundAction", action, ("Deny", "Allow"))


def binding(spec: dict[str, Any]) -> Faults:
    name = spec.get("policyName") or ""
    faults: Faults = checks.subdomain(SPEC / "policyName", name) if name else [required(SPEC / "policyName")]
    if spec.get("paramRef") is not None:
        faults += param_ref(SPEC / "paramRef", spec["paramRef"])
    if spec.get("matchResources") is not None:
        faults += match_resources(SPEC / "matchResources", spec["matchResources"])
    return faults


def actions(spec: dict[str, Any]) -> Faults:
    listed = spec.get("validationActions") or []
    path = SPEC / "validationActions"
    if not listed:
        return [required(path, "at least one validation action is required")]
    faults: Faults = []
    for at, action in enumerate(listed):
        faults += checks.one_of(path[at], action, ("Audit", "Deny", "Warn"))
        if action in listed[:at]:
            faults.append(duplicate(path[at], action))
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
