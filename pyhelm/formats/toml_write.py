"""TOML as BurntSushi's encoder writes it: keys sorted, plain values before tables, tables indented by two."""

from __future__ import annotations

import re
from typing import Any

from pyhelm.formats.floats import format_g
from pyhelm.formats.gotime import GoDuration, GoTime
from pyhelm.formats.gotypes import GoObject, kind_of

__all__ = ["TOMLError", "dump"]


class TOMLError(ValueError):
    """A value TOML has no form for; the message is the encoder's."""


_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_TO_ESCAPE = re.compile(r'["\\\x00-\x1f\x7f]')
_NIL_ELEMENT = "toml: cannot encode array with nil element"


def _quoted(text: str) -> str:
    shown = _TO_ESCAPE.sub(lambda found: _ESCAPES.get(found[0], f"\\u{ord(found[0]):04x}"), text)
    return f'"{shown}"'


def _key(name: str) -> str:
    return name if _BARE.match(name) else _quoted(name)


def _is_nil(value: Any) -> bool:
    return value is None or bool(getattr(value, "go_nil", False))


def _plain(value: Any) -> Any:
    """Objects as text or as tables."""
    if isinstance(value, GoObject) and not isinstance(value, GoTime | GoDuration):
        text = value.go_string()
        return text if text is not None else dict(value.go_fields())
    return value


def _is_table(value: Any) -> bool:
    """Whether the value is written under a header of its own."""
    value = _plain(value)
    return (isinstance(value, dict) and not _is_nil(value)) or _is_table_array(value)


def _is_table_array(value: Any) -> bool:
    if not isinstance(value, list) or not value:
        return False
    if any(_is_nil(item) for item in value):
        raise TOMLError(_NIL_ELEMENT)
    tables = [isinstance(_plain(item), dict) for item in value]
    for item in value:
        _is_table_array(item)
    return all(tables)


class _Writer:
    """The text so far. A newline between tables is written only after something else."""

    def __init__(self) -> None:
        self.out: list[str] = []

    def newline(self) -> None:
        """Ends the line unless nothing has been written."""
        if self.out:
            self.out.append("\n")

    def encode(self, path: tuple[str, ...], value: Any) -> None:
        """A value under its dotted path."""
        value = _plain(value)
        if _is_nil(value):
            return
        if isinstance(value, dict):
            self.table(path, value)
        elif _is_table_array(value):
            self.tables(path, value)
        elif not path:
            self.out.append(_element(value))
        else:
            self.out.append(f"{'  ' * (len(path) - 1)}{_key(path[-1])} = {_element(value)}")
            self.newline()

    def table(self, path: tuple[str, ...], value: dict[str, Any]) -> None:
        """`[path]` and what is in it."""
        if len(path) == 1:
            self.newline()
        if path:
            self.out.append(f"{'  ' * (len(path) - 1)}[{'.'.join(_key(name) for name in path)}]")
            self.newline()
        self.entries(path, value)

    def tables(self, path: tuple[str, ...], value: list[Any]) -> None:
        """`[[path]]` for each."""
        if not path:
            raise TOMLError("toml: top-level values must be Go maps or structs")
        for item in value:
            self.newline()
            self.out.append(f"{'  ' * (len(path) - 1)}[[{'.'.join(_key(name) for name in path)}]]")
            self.newline()
            self.entries(path, _plain(item))

    def entries(self, path: tuple[str, ...], value: dict[str, Any]) -> None:
        """Plain values first, then tables, each in order of their keys."""
        plain, tables = _divided(value)
        for name in (*plain, *tables):
            self.encode((*path, name), value[name])


def _divided(value: dict[str, Any]) -> tuple[list[str], list[str]]:
    plain: list[str] = []
    tables: list[str] = []
    for name in sorted(value):
        (tables if not _is_nil(value[name]) and _is_table(value[name]) else plain).append(name)
    return plain, tables


def _element(value: Any) -> str:
    value = _plain(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, GoTime):
        return _time(value)
    if isinstance(value, GoDuration):
        return _quoted(str(value.go_string()))
    if isinstance(value, list | tuple | bytes):
        return "[" + ", ".join([_item(item) for item in value]) + "]"
    if isinstance(value, dict):
        return _inline(value)
    raise TOMLError(f"unexpected type: {kind_of(value)}")


def _item(value: Any) -> str:
    if value is None:
        raise TOMLError(_NIL_ELEMENT)
    return _element(value)


def _inline(value: dict[str, Any]) -> str:
    plain, tables = _divided(value)
    kept = [name for name in (*plain, *tables) if not _is_nil(value[name])]
    return "{" + ", ".join([f"{_key(name)} = {_element(value[name])}" for name in kept]) + "}"


def _float(value: float) -> str:
    text = format_g(value)
    if value - value != 0:
        return {"+Inf": "inf", "-Inf": "-inf", "NaN": "nan"}[text]
    return text if "e" in text or "." in text else text + ".0"


def _time(moment: GoTime) -> str:
    layouts = {
        "datetime-local": "2006-01-02T15:04:05.999999999",
        "date-local": "2006-01-02",
        "time-local": "15:04:05.999999999",
    }
    return moment.format(layouts.get(moment.zone.name, "2006-01-02T15:04:05.999999999Z07:00"))


def dump(value: Any) -> str:
    """The TOML text. TOMLError for what it cannot say."""
    if value is None:
        raise TOMLError("reflect: call of reflect.Value.Type on zero Value")
    writer = _Writer()
    writer.encode((), value)
    return "".join(writer.out)
