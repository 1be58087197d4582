"""Validation of label selectors and node selectors, wherever kinds hold them."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.meta import names
from cluster.meta.field import Path, forbidden, invalid, required

Selector = dict[str, Any]

NO_VALUES = "must be specified when `operator` is 'In' or 'NotIn'"
SOME_VALUES = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
BAD_OPERATOR = "not a valid selector operator"


def label_selector(path: Path, selector: Selector | None, *, lenient_values: bool = False) -> Faults:
    """Faults of a LabelSelector; none for none. Lenient: values that are no label values are let be."""
    if selector is None:
        return []
    faults = checks.labels(path / "matchLabels", selector.get("matchLabels"))
    for at, requirement in enumerate(selector.get("matchExpressions") or ()):
        faults += _requirement((path / "matchExpressions")[at], requirement, lenient_values)
    return faults


def _requirement(path: Path, requirement: dict[str, Any], lenient_values: bool) -> Faults:
    operator, values = requirement.get("operator", ""), requirement.get("values") or []
    faults = _operator(path, operator, values)
    faults += checks.by_rule(path / "key", requirement.get("key", ""), names.label_key)
    if not lenient_values:
        for at, value in enumerate(values):
            faults += checks.by_rule((path / "values")[at], value, names.label_value)
    return faults


def _operator(path: Path, operator: str, values: list[str]) -> Faults:
    if operator in ("In", "NotIn"):
        return [] if values else [required(path / "values", NO_VALUES)]
    if operator in ("Exists", "DoesNotExist"):
        return [forbidden(path / "values", SOME_VALUES)] if values else []
    return [invalid(path / "operator", operator, BAD_OPERATOR)]


def is_empty(selector: Selector | None) -> bool:
    """Whether a selector selects everything."""
    return not (selector or {}).get("matchLabels") and not (selector or {}).get("matchExpressions")


def matches(selector: Selector | None, labels: dict[str, str]) -> bool:
    """Whether a LabelSelector selects; none selects nothing. An unknown operator selects nothing."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_satisfied(requirement, labels) for requirement in selector.get("matchExpressions") or ())


def _satisfied(requirement: dict[str, Any], labels: dict[str, str]) -> bool:
    key, values = requirement.get("key", ""), requirement.get("values") or ()
    match requirement.get("operator"):
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return labels.get(key) not in values or key not in labels
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False


def parses(selector: Selector | None) -> bool:
    """Whether the selector can be turned into a matcher: known operators with fitting values, valid keys."""
    return not label_selector(Path(""), selector)


def node_selector(path: Path, selector: Selector) -> Faults:
    """Faults of a NodeSelector: at least one term, terms of label and field requirements."""
    terms = selector.get("nodeSelectorTerms") or []
    if not terms:
        return [required(path / "nodeSelectorTerms", "must have at least one node selector term")]
    faults: Faults = []
    for at, term in enumerate(terms):
        faults += node_selector_term((path / "nodeSelectorTerms")[at], term)
    return faults


def node_selector_term(path: Path, term: dict[str, Any], *, any_value: bool = False) -> Faults:
    """`any_value`: the values need not be ones a label can have (they then match nothing)."""
    faults: Faults = []
    for at, requirement in enumerate(term.get("matchExpressions") or ()):
        faults += _node_requirement((path / "matchExpressions")[at], requirement, any_value)
    for at, requirement in enumerate(term.get("matchFields") or ()):
        faults += _field_requirement((path / "matchFields")[at], requirement)
    return faults


def _node_requirement(path: Path, requirement: dict[str, Any], any_value: bool) -> Faults:
    operator, values = requirement.get("operator", ""), requirement.get("values") or []
    if operator in ("Gt", "Lt"):
        faults = (
            []
            if len(values) == 1
            else [required(path / "values", "must be specified single value when `operator` is 'Lt' or 'Gt'")]
        )
    else:
        faults = _operator(path, operator, values)
    faults += checks.by_rule(path / "key", requirement.get("key", ""), names.label_key)
    for at, value in enumerate(() if any_value else values):
        faults += checks.by_rule((path / "values")[at], value, names.label_value)
    return faults


def _field_requirement(path: Path, requirement: dict[str, Any]) -> Faults:
    operator, values = requirement.get("operator", ""), requirement.get("values") or []
    faults: Faults = []
    if operator in ("In", "NotIn"):
        if len(values) != 1:
            faults.append(
                required(
                    path / "values", "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
                )
            )
    else:
        faults.append(invalid(path / "operator", operator, BAD_OPERATOR))
    key = requirement.get("key", "")
    if key != "metadata.name":
        faults.append(invalid(path / "key", key, "not a valid field selector key"))
        return faults
    for at, value in enumerate(values):
        faults += checks.by_rule((path / "values")[at], value, names.dns1123_subdomain)
    return faults
