"""What a pod says of nodes, whoever asks: its node selector, its required affinity, its tolerations. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def suits(spec: Mapping[str, Any], name: str, labels: Mapping[str, str]) -> bool:
    """Whether the node of that name and labels is one for a pod of this spec: nodeSelector and required affinity."""
    if any(labels.get(k) != v for k, v in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    return selects(affinity.get("requiredDuringSchedulingIgnoredDuringExecution"), name, labels)


def selects(selector: Mapping[str, Any] | None, name: str, labels: Mapping[str, str]) -> bool:
    """A NodeSelector: any of its terms; no selector matches every node."""
    if selector is None:
        return True
    return any(meets(term, name, labels) for term in selector.get("nodeSelectorTerms") or ())


def meets(term: Mapping[str, Any], name: str, labels: Mapping[str, str]) -> bool:
    """A term of a NodeSelector; an empty one matches nothing."""
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False
    named = {"metadata.name": name}
    return all(_requirement(e, labels) for e in expressions) and all(_requirement(f, named) for f in fields)


def _requirement(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator, values = expression["key"], expression["operator"], expression.get("values") or ()
    present = key in labels
    if operator == "In":
        return present and labels[key] in values
    if operator == "NotIn":
        return not present or labels[key] not in values
    if operator == "Exists":
        return present
    if operator == "DoesNotExist":
        return not present
    return present and _compare(operator, labels[key], values)


def _compare(operator: str, label: str, values: Sequence[str]) -> bool:
    try:
        have, limit = int(label), int(values[0])
    except (ValueError, IndexError):
        return False
    return have > limit if operator == "Gt" else have < limit


def tolerates(toleration: Mapping[str, Any], taint: Mapping[str, Any]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Exists":
        return True
    if operator in {"Gt", "Lt"}:
        return _compare(operator, taint.get("value") or "", (toleration.get("value") or "",))
    return bool(toleration.get("key")) and (toleration.get("value") or "") == (taint.get("value") or "")
