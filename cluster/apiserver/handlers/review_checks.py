"""Validation of access reviews, as pkg/apis/authorization/validation has it. Knows wire dicts alone."""

from __future__ import annotations

from typing import Any

from cluster.kinds.selectors_check import NO_VALUES, SOME_VALUES
from cluster.meta import names
from cluster.meta.field import FieldError, Path, forbidden, invalid, required
from cluster.meta.types import Obj

_SPEC = Path("spec")
_ASKED = _SPEC / "resourceAttributes"
_OWNERSHIP = ("manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1")
_OTHER = _SPEC / "nonResourceAttributes"


def self_access(review: Obj) -> list[FieldError]:
    spec = review.get("spec") or {}
    return [*_either(spec), *_selectors(spec), *_metadata(review, "must be empty")]


def access(review: Obj) -> list[FieldError]:
    spec = review.get("spec") or {}
    return [*_either(spec), *_subject(spec), *_selectors(spec), *_metadata(review, "must be empty")]


def local_access(review: Obj, namespace: str) -> list[FieldError]:
    spec = review.get("spec") or {}
    asked, other = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    out = [*_either(spec), *_subject(spec), *_selectors(spec)]
    out += _metadata(review, "must be empty except for namespace", "namespace")
    if asked is not None and (asked.get("namespace") or "") != namespace:
        out.append(invalid(_ASKED / "namespace", asked.get("namespace") or "", "must match metadata.namespace"))
    if other is not None:
        out.append(invalid(_OTHER, _shown(other), "disallowed on this kind of request"))
    return out


def _shown(other: Obj) -> dict[str, str]:
    """NonResourceAttributes as the server prints its own form of them."""
    return {"Path": other.get("path") or "", "Verb": other.get("verb") or ""}


def _either(spec: Obj) -> list[FieldError]:
    asked, other = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if asked is not None and other is not None:
        return [invalid(_OTHER, _shown(other), "cannot be specified in combination with resourceAttributes")]
    if asked is None and other is None:
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [invalid(_ASKED, None, why)]
    return []


def _subject(spec: Obj) -> list[FieldError]:
    if spec.get("user") or spec.get("groups"):
        return []
    return [invalid(_SPEC / "user", "", "at least one of user or group must be specified")]


def _metadata(review: Obj, why: str, *allowed: str) -> list[FieldError]:
    meta = review.get("metadata") or {}
    if not any(value for name, value in meta.items() if name not in ("managedFields", *allowed)):
        return []
    shown = _in_order(meta, ("name", "generateName", "namespace"))
    if "managedFields" in shown:
        shown["managedFields"] = [_in_order(entry, _OWNERSHIP) for entry in shown.pop("managedFields")]
    return [invalid(Path("metadata"), shown, why)]


def _in_order(held: Obj, first: tuple[str, ...]) -> Obj:
    """As Go prints a struct."""
    return {name: held[name] for name in (*(n for n in first if n in held), *(n for n in held if n not in first))}


def _selectors(spec: Obj) -> list[FieldError]:
    asked = spec.get("resourceAttributes") or {}
    out = []
    for name in ("fieldSelector", "labelSelector"):
        selector = asked.get(name)
        if selector is not None:
            out += _selector(_ASKED / name, selector, labels=name == "labelSelector")
    return out


def _selector(path: Path, selector: dict[str, Any], *, labels: bool) -> list[FieldError]:
    raw, requirements = selector.get("rawSelector") or "", selector.get("requirements") or []
    out = []
    if raw and requirements:
        out.append(invalid(path / "rawSelector", raw, "may not specified at the same time as requirements"))
    if not raw and not requirements:
        why = f"when {path} is specified, requirements or rawSelector is required"
        out.append(required(path / "requirements", why))
    for at, requirement in enumerate(requirements):
        out += _requirement((path / "requirements")[at], requirement, labels=labels)
    return out


def _requirement(path: Path, requirement: dict[str, Any], *, labels: bool) -> list[FieldError]:
    """Operators this server does not know are let be: a newer client may ask with them."""
    key, operator = requirement.get("key") or "", requirement.get("operator")
    values = requirement.get("values") or []
    out = []
    if not labels and not key:
        out.append(required(path / "key", "must be specified"))
    if operator in ("In", "NotIn") and not values:
        out.append(required(path / "values", NO_VALUES))
    if operator in ("Exists", "DoesNotExist") and values:
        out.append(forbidden(path / "values", SOME_VALUES))
    if labels:
        out += [invalid(path / "key", key, text) for text in names.label_key(key)]
        for at, value in enumerate(values):
            out += [invalid((path / "values")[at], value, text) for text in names.label_value(value)]
    return out
