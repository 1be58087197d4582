"""How much of a shared capacity a claim may ask for: certain amounts, or a range with steps."""

from __future__ import annotations

from typing import Any

from cluster.kinds.checks import Faults
from cluster.kinds.resource.requests import each
from cluster.meta.field import Path, duplicate, forbidden, invalid, required
from cluster.meta.quantity import Quantity

MOST_AMOUNTS = 10


def request_policy(path: Path, policy: dict[str, Any], capacity: str) -> Faults:
    amounts, ranged, default = policy.get("validValues"), policy.get("validRange"), policy.get("default")
    if amounts and ranged is not None:
        both = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
        return [forbidden(path, both)]
    named = "validValues" if amounts else "validRange"
    if not amounts and ranged is None:
        return []
    if default is None:
        return [required(path / "default", f"required when {named} is defined")]
    if amounts:
        return _amounts(path / named, amounts, default, Quantity.parse(capacity))
    return _range(path / named, ranged or {}, Quantity.parse(default), Quantity.parse(capacity))


def _amounts(path: Path, texts: list[str], default: str, capacity: Quantity) -> Faults:
    amounts = [Quantity.parse(text) for text in texts]
    faults: Faults = []
    for at in range(1, len(amounts)):
        if amounts[at - 1] > amounts[at]:
            faults.append(invalid(path[at], str(amounts[at]), "values must be sorted in ascending order"))

    def fits(here: Path, amount: Quantity) -> Faults:
        why = f"option is larger than capacity value: {capacity}"
        return [invalid(here, str(amount), why)] if amount > capacity else []

    faults += each(path, amounts, MOST_AMOUNTS, fits)
    if len(amounts) <= MOST_AMOUNTS:
        wholes = [amount.value() for amount in amounts]
        faults += [duplicate(path[at], str(whole)) for at, whole in enumerate(wholes) if whole in wholes[:at]]
    if len(amounts) > MOST_AMOUNTS or Quantity.parse(default) not in amounts:
        faults.append(invalid(path, default, "default value is not valid according to the requestPolicy"))
    return faults


def _range(path: Path, held: dict[str, Any], default: Quantity, capacity: Quantity) -> Faults:
    if held.get("min") is None:
        return [required(path / "min", "required when validRange is defined")]
    least = Quantity.parse(held["min"])
    most = Quantity.parse(held["max"]) if held.get("max") is not None else None
    limits: list[tuple[str, bool, Quantity, str]] = [
        ("min", least > capacity, least, f"min is larger than capacity value: {capacity}"),
        ("min", default < least, default, f"default is less than min: {least}"),
    ]
    if most is not None:
        limits += [
            ("max", least > most, least, f"min is larger than max: {most}"),
            ("max", most > capacity, most, f"max is larger than capacity value: {capacity}"),
            ("max", default > most, default, f"default is more than max: {most}"),
        ]
    faults = [invalid(path / field, str(shown), why) for field, broken, shown, why in limits if broken]
    if held.get("step") is not None:
        faults += _steps(path / "step", Quantity.parse(held["step"]), least, capacity, [default, most])
    return faults


def _steps(path: Path, step: Quantity, least: Quantity, capacity: Quantity, values: list[Quantity | None]) -> Faults:
    faults: Faults = []
    if (one := least + step) > capacity:
        faults.append(invalid(path, str(step), f"one step {one} is larger than capacity value: {capacity}"))
    for value in values:
        if value is not None and step.value() and (value.value() - least.value()) % step.value():
            why = f"value is not a multiple of a given step ({step}) from ({least})"
            faults.append(invalid(path, str(value), why))
    return faults
