"""Label selectors of objects, compiled once into a predicate over labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

Predicate = Callable[[Mapping[str, str]], bool]


def nothing(_: Mapping[str, str]) -> bool:
    return False


def everything(_: Mapping[str, str]) -> bool:
    return True


def label_selector(selector: dict[str, Any] | None) -> Predicate:
    """A LabelSelector: none selects nothing, an empty one everything. ValueError for an unknown operator."""
    if selector is None:
        return nothing
    if not selector.get("matchExpressions"):
        return equality(selector.get("matchLabels"))
    return _compiled(json.dumps(selector, sort_keys=True))


def equality(labels: Mapping[str, str] | None) -> Predicate:
    """All of these labels, with these values."""
    if not labels:
        return everything
    wanted = [*labels.items()]

    def matches(found: Mapping[str, str]) -> bool:
        return all(found.get(k) == v for k, v in wanted)

    return matches


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Predicate:
    selector = json.loads(text)
    tests = [equality(selector.get("matchLabels")), *(_requirement(e) for e in selector["matchExpressions"])]
    return lambda found: all(test(found) for test in tests)


def _requirement(expression: dict[str, Any]) -> Predicate:
    key, operator = expression["key"], expression["operator"]
    values = frozenset(expression.get("values") or ())
    if operator == "In":
        return lambda found: found.get(key) in values
    if operator == "NotIn":
        return lambda found: found.get(key) not in values
    if operator == "Exists":
        return lambda found: key in found
    if operator == "DoesNotExist":
        return lambda found: key not in found
    raise ValueError(f'"{operator}" is not a valid label selector operator')


def labels_of(obj: dict[str, Any]) -> dict[str, str]:
    return (obj.get("metadata") or {}).get("labels") or {}
