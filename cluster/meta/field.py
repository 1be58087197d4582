"""Faults of a field, in the words of k8s.io/apimachinery/pkg/util/validation/field.

Validation collects `FieldError`s; the registry turns them into one 422. `Path` builds `spec.ports[0].name` and
`metadata.annotations[a/b]` as Go's field.Path does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cluster.meta.errors import Cause


class FaultType(StrEnum):
    """The wire reason of a fault; `.label` is what messages begin with."""

    NOT_FOUND = "FieldValueNotFound"
    REQUIRED = "FieldValueRequired"
    DUPLICATE = "FieldValueDuplicate"
    INVALID = "FieldValueInvalid"
    NOT_SUPPORTED = "FieldValueNotSupported"
    FORBIDDEN = "FieldValueForbidden"
    TOO_LONG = "FieldValueTooLong"
    TOO_MANY = "FieldValueTooMany"
    INTERNAL = "InternalError"
    TYPE_INVALID = "FieldValueTypeInvalid"


_LABELS = {
    FaultType.NOT_FOUND: "Not found",
    FaultType.REQUIRED: "Required value",
    FaultType.DUPLICATE: "Duplicate value",
    FaultType.INVALID: "Invalid value",
    FaultType.NOT_SUPPORTED: "Unsupported value",
    FaultType.FORBIDDEN: "Forbidden",
    FaultType.TOO_LONG: "Too long",
    FaultType.TOO_MANY: "Too many",
    FaultType.INTERNAL: "Internal error",
    FaultType.TYPE_INVALID: "Invalid value",
}
_VALUELESS = {
    FaultType.REQUIRED,
    FaultType.FORBIDDEN,
    FaultType.TOO_LONG,
    FaultType.INTERNAL,
}


class Path(str):
    """A field path; `/` appends a field, `[...]` an index or a map key."""

    __slots__ = ()

    def __truediv__(self, child: str) -> Path:
        return Path(f"{self}.{child}" if self else child)

    def __getitem__(self, index: Any) -> Path:
        return Path(f"{self!s}[{index}]")


ROOT = Path("")


class Verbatim(str):
    """A value whose text is shown as it is."""

    __slots__ = ()


OMITTED: Any = Verbatim("")
"""The value of a fault that shows none although its type has one."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault. `allowance` names a server setting under which the fault is tolerated, e.g. `loopback-addresses`
    for the plain process runtime, whose pods live on 127.0.0.0/8."""

    type: FaultType
    path: str
    value: Any = None
    detail: str = ""
    allowance: str = ""

    def body(self) -> str:
        """The message without the path, as it stands in details.causes[].message."""
        label = _LABELS[self.type]
        if self.type in _VALUELESS or self.value is OMITTED or (self.type is FaultType.TOO_MANY and self.value == ""):
            text = label
        else:
            text = f"{label}: {show(self.value)}"
        return f"{text}: {self.detail}" if self.detail else text

    def cause(self) -> Cause:
        return Cause(str(self.type), self.body(), str(self.path))


def show(value: Any) -> str:
    """How Go prints a bad value: strings quoted, numbers and booleans plain, null and structures as JSON."""
    if isinstance(value, Verbatim):
        return str(value)
    if isinstance(value, str | bool) or value is None or isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def required(path: str, detail: str = "") -> FieldError:
    return FieldError(FaultType.REQUIRED, path, "", detail)


def invalid(path: str, value: Any, detail: str) -> FieldError:
    return FieldError(FaultType.INVALID, path, value, detail)


def forbidden(path: str, detail: str) -> FieldError:
    return FieldError(FaultType.FORBIDDEN, path, "", detail)


def duplicate(path: str, value: Any) -> FieldError:
    return FieldError(FaultType.DUPLICATE, path, value)


def not_found(path: str, value: Any, detail: str = "") -> FieldError:
    return FieldError(FaultType.NOT_FOUND, path, value, detail)


def not_supported(path: str, value: Any, supported: list[str]) -> FieldError:
    listed = ", ".join(json.dumps(s) for s in supported)
    return FieldError(FaultType.NOT_SUPPORTED, path, value, f"supported values: {listed}" if supported else "")


def too_long(path: str, limit: int) -> FieldError:
    return FieldError(FaultType.TOO_LONG, path, "", f"may not be more than {limit} bytes")


def too_many(path: str, limit: int, actual: int | str = "") -> FieldError:
    """`actual` is shown when it is given."""
    return FieldError(FaultType.TOO_MANY, path, actual, f"must have at most {limit} items")
