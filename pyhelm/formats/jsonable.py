"""Values as the plain data encoding/json makes of them: the common first step of toJson and toYaml."""

from __future__ import annotations

import base64
from typing import Any

from pyhelm.formats.floats import format_g
from pyhelm.formats.gotypes import GoObject, type_of

__all__ = ["UnsupportedValue", "jsonable"]


class UnsupportedValue(ValueError):
    """A value JSON has no form for; the message is encoding/json's."""


def jsonable(value: Any) -> Any:
    """One level: an object's fields, a typed list as a list, bytes as base64, an int subclass as int."""
    if value is None or isinstance(value, (str, bool, float)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, dict):
        return None if getattr(value, "go_nil", False) else dict(value)
    if isinstance(value, (list, tuple)):
        return None if getattr(value, "go_nil", False) else list(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, GoObject):
        return value.go_json()
    raise UnsupportedValue(f"json: unsupported type: {type_of(value)}")


def refuse_infinite(value: float) -> None:
    """Raises for inf and nan."""
    if value - value != 0:
        raise UnsupportedValue(f"json: unsupported value: {format_g(value)}")
