"""What a question of access is restricted to: selectors of a request, or of an access review.

A requirement that cannot be understood is left out, which makes the question wider and never narrower.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.apiserver.authz.interface import Selectors
from cluster.meta.selectors import FieldSelector, FieldTerm, LabelSelector, Requirement, SelectorError, require

_LABEL_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


def of_query(fields: str, labels: str) -> Selectors | None:
    """Of the texts of a request; None when there are none."""
    if not fields and not labels:
        return None
    terms, field_fault = _parsed_fields(fields)
    requirements, label_fault = _parsed_labels(labels)
    return Selectors(terms, requirements, field_fault, label_fault)


def of_review(asked: Mapping[str, Any]) -> Selectors | None:
    """Of ResourceAttributes, which have been validated."""
    fields, labels = asked.get("fieldSelector"), asked.get("labelSelector")
    if not fields and not labels:
        return None
    terms, field_fault = _given_fields(fields or {})
    requirements, label_fault = _given_labels(labels or {})
    return Selectors(terms, requirements, field_fault, label_fault)


def _parsed_fields(text: str) -> tuple[tuple[FieldTerm, ...], bool]:
    try:
        return FieldSelector.parse(text).terms, False
    except SelectorError:
        return (), True


def _parsed_labels(text: str) -> tuple[tuple[Requirement, ...], bool]:
    try:
        return LabelSelector.parse(text).requirements, False
    except SelectorError:
        return (), True


def _given_fields(selector: Mapping[str, Any]) -> tuple[tuple[FieldTerm, ...], bool]:
    if not selector.get("requirements"):
        return _parsed_fields(selector.get("rawSelector") or "")
    found, fault = [], False
    for given in selector["requirements"]:
        operator, values = given.get("operator"), given.get("values") or []
        if operator in ("In", "NotIn") and len(values) == 1:
            found.append(FieldTerm(given.get("key") or "", values[0], operator == "In"))
        else:
            fault = True
    return tuple(found), fault


def _given_labels(selector: Mapping[str, Any]) -> tuple[tuple[Requirement, ...], bool]:
    if not selector.get("requirements"):
        return _parsed_labels(selector.get("rawSelector") or "")
    found, fault = [], False
    for given in selector["requirements"]:
        operator = _LABEL_OPERATORS.get(given.get("operator") or "")
        try:
            if operator is None:
                raise SelectorError("unknown operator")
            found.append(require(given.get("key") or "", operator, given.get("values") or ()))
        except SelectorError:
            fault = True
    return tuple(found), fault
