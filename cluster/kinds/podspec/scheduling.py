"""Validation of where a pod may run: affinity, tolerations, spread, gates, selectors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.selectors_check import label_selector, node_selector, node_selector_term
from cluster.meta import names
from cluster.meta.field import Path, duplicate, forbidden, invalid, not_supported, required

TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_WEIGHT = "must be in the range 1-100"


def affinity(path: Path, value: dict[str, Any] | None) -> Faults:
    faults: Faults = []
    if not value:
        return faults
    if value.get("nodeAffinity") is not None:
        faults += _node_affinity(path / "nodeAffinity", value["nodeAffinity"])
    for name in ("podAffinity", "podAntiAffinity"):
        if value.get(name) is not None:
            faults += _pod_affinity(path / name, value[name])
    return faults


def _node_affinity(path: Path, value: dict[str, Any]) -> Faults:
    faults: Faults = []
    if value.get(_REQUIRED) is not None:
        faults += node_selector(path / _REQUIRED, value[_REQUIRED])
    for at, term in enumerate(value.get(_PREFERRED) or ()):
        here = (path / _PREFERRED)[at]
        weight = term.get("weight") or 0
        if not 1 <= weight <= 100:
            faults.append(invalid(here / "weight", weight, _WEIGHT))
        faults += node_selector_term(here / "preference", term.get("preference") or {}, any_value=True)
    return faults


def _pod_affinity(path: Path, value: dict[str, Any]) -> Faults:
    faults: Faults = []
    for at, term in enumerate(value.get(_REQUIRED) or ()):
        faults += _pod_term((path / _REQUIRED)[at], term)
    for at, weighted in enumerate(value.get(_PREFERRED) or ()):
        here = (path / _PREFERRED)[at]
        weight = weighted.get("weight") or 0
        if not 1 <= weight <= 100:
            faults.append(invalid(here / "weight", weight, _WEIGHT))
        faults += _pod_term(here / "podAffinityTerm", weighted.get("podAffinityTerm") or {})
    return faults


def _pod_term(path: Path, term: dict[str, Any]) -> Faults:
    faults = label_selector(path / "labelSelector", term.get("labelSelector"))
    faults += label_selector(path / "namespaceSelector", term.get("namespaceSelector"))
    for name in term.get("namespaces") or ():
        faults += checks.label(path / "namespace", name)
    faults += _label_keys(path, term)
    key = term.get("topologyKey") or ""
    if not key:
        faults.append(required(path / "topologyKey", "can not be empty"))
    return faults + checks.qualified(path / "topologyKey", key)


def _label_keys(path: Path, term: dict[str, Any]) -> Faults:
    """matchLabelKeys and mismatchLabelKeys go with a label selector and exclude each other."""
    wanted, unwanted = term.get("matchLabelKeys") or [], term.get("mismatchLabelKeys") or []
    faults: Faults = []
    for name, keys in (("matchLabelKeys", wanted), ("mismatchLabelKeys", unwanted)):
        if keys and term.get("labelSelector") is None:
            faults.append(forbidden(path / name, "must not be specified when labelSelector is not set"))
        for at, key in enumerate(keys):
            faults += checks.qualified((path / name)[at], key)
    faults += _said_twice(path, wanted, term.get("labelSelector") or {})
    both = set(wanted) & set(unwanted)
    for at, key in enumerate(wanted):
        if key in both:
            faults.append(
                invalid((path / "matchLabelKeys")[at], key, "exists in both matchLabelKeys and mismatchLabelKeys")
            )
    return faults


def _said_twice(path: Path, wanted: list[str], selector: dict[str, Any]) -> Faults:
    """A key that became a requirement may not be among the selector's labels. The API counts the place of the key
    from the term itself."""
    at = {key: index for index, key in enumerate(wanted)}
    known = set(selector.get("matchLabels") or ())
    faults: Faults = []
    for expression in selector.get("matchExpressions") or ():
        key = expression.get("key") or ""
        if key in at and key in known:
            faults.append(invalid(path[at[key]], key, "exists in both matchLabelKeys and labelSelector"))
        known.add(key)
    return faults


def tolerations(path: Path, listed: Iterable[dict[str, Any]]) -> Faults:
    faults: Faults = []
    for at, toleration in enumerate(listed):
        faults += _toleration(path[at], toleration)
    return faults


def _toleration(path: Path, toleration: dict[str, Any]) -> Faults:
    key, operator = toleration.get("key") or "", toleration.get("operator") or ""
    value, effect = toleration.get("value") or "", toleration.get("effect") or ""
    faults = checks.qualified(path / "key", key) if key else []
    if not key and operator != "Exists":
        faults.append(
            invalid(
                path / "operator",
                operator,
                'operator must be Exists when `key` is empty, which means "match all values and all keys"',
            )
        )
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        faults.append(invalid(path / "effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"))
    if operator in ("Equal", ""):
        complaints = names.label_value(value)
        if complaints:
            faults.append(invalid(path / "operator", value, ";".join(complaints)))
    elif operator == "Exists":
        if value:
            faults.append(invalid(path / "operator", value, "value must be empty when `operator` is 'Exists'"))
    else:
        known = ["Equal", "Exists", "Lt", "Gt"] if operator in ("Lt", "Gt") else ["Equal", "Exists"]
        faults.append(not_supported(path / "operator", operator, known))
    return faults + (checks.one_of(path / "effect", effect, TAINT_EFFECTS) if effect else [])


_TUPLE = "{topologyKey, whenUnsatisfiable}"


def spread(path: Path, constraints: list[dict[str, Any]]) -> Faults:
    """topologySpreadConstraints; a repeated pair is reported at its first appearance."""
    faults: Faults = []
    for at, constraint in enumerate(constraints):
        here = path[at]
        key, action = constraint.get("topologyKey") or "", constraint.get("whenUnsatisfiable") or ""
        skew = constraint.get("maxSkew") or 0
        if skew <= 0:
            faults.append(invalid(here / "maxSkew", skew, checks.NOT_POSITIVE))
        if not key:
            faults.append(required(here / "topologyKey", "can not be empty"))
        faults += checks.one_of(here / "whenUnsatisfiable", action, ("DoNotSchedule", "ScheduleAnyway"))
        later = {(c.get("topologyKey") or "", c.get("whenUnsatisfiable") or "") for c in constraints[at + 1 :]}
        if (key, action) in later:
            faults.append(duplicate(here / _TUPLE, f"{{{key}, {action}}}"))
        faults += _spread_options(here, constraint, action)
    return faults


def _spread_options(path: Path, constraint: dict[str, Any], action: str) -> Faults:
    faults: Faults = []
    if (domains := constraint.get("minDomains")) is not None:
        if domains <= 0:
            faults.append(invalid(path / "minDomains", domains, checks.NOT_POSITIVE))
        if action != "DoNotSchedule":
            faults.append(
                invalid(
                    path / "minDomains",
                    domains,
                    f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}",
                )
            )
    for name in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
        if (policy := constraint.get(name)) is not None:
            faults += checks.one_of(path / name, policy, ("Honor", "Ignore"))
    faults += _label_keys(path, constraint)
    return faults + label_selector(path / "labelSelector", constraint.get("labelSelector"))


def gates(path: Path, listed: list[dict[str, Any]]) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for at, gate in enumerate(listed):
        name = gate.get("name") or ""
        faults += checks.qualified(path[at], name)
        if name in seen:
            faults.append(duplicate(path[at], name))
        seen.add(name)
    return faults


def readiness_gates(path: Path, listed: list[dict[str, Any]]) -> Faults:
    faults: Faults = []
    for at, gate in enumerate(listed):
        faults += checks.qualified(path[at] / "conditionType", gate.get("conditionType") or "")
    return faults
