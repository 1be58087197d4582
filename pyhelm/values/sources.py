"""The user's values: files first, left to right, then the `--set` flags by kind, as Helm orders them.

Reading is handed in, so that nothing here touches a disk or a network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pyhelm.chart.values_file import overlay, parse_values
from pyhelm.errors import ValuesError
from pyhelm.formats.yaml_read import YAMLError
from pyhelm.records import dataclass
from pyhelm.values import strvals

Values = dict[str, Any]
Read = Callable[[str], bytes]
"""The bytes of a path, a URL or `-`; raises OSError or ValuesError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueFlags:
    """What the command line gave, each kind in its own order."""

    files: Sequence[str] = ()
    set_json: Sequence[str] = ()
    set: Sequence[str] = ()
    set_string: Sequence[str] = ()
    set_file: Sequence[str] = ()
    set_literal: Sequence[str] = ()


def merge_sources(flags: ValueFlags, read: Read) -> Values:
    """One tree of all the user gave. Raises ValuesError naming the file or the flag."""
    out: Values = {}
    for path in flags.files:
        out = overlay(out, parse_values_file(_read(path, read), path))
    for text in flags.set_json:
        out = _json(text, out)
    for text in flags.set:
        _flag("--set", text, out, strvals.parse_set)
    for text in flags.set_string:
        _flag("--set-string", text, out, strvals.parse_string)
    for text in flags.set_file:
        _flag("--set-file", text, out, lambda t, o: strvals.parse_file(t, o, lambda p: _file_text(p, read)))
    for text in flags.set_literal:
        _flag("--set-literal", text, out, strvals.parse_literal)
    return out


def parse_values_file(data: bytes, name: str) -> Values:
    """One values file. Raises ValuesError naming the file and the line."""
    try:
        return parse_values(data)
    except YAMLError as error:
        raise ValuesError(f"failed to parse {name}: {error}") from error


def _read(path: str, read: Read) -> bytes:
    try:
        return read(path)
    except OSError as error:
        raise ValuesError(_go_open(path, error)) from error


def _file_text(path: str, read: Read) -> str:
    return _read(path, read).decode("utf-8", "replace")


def _go_open(path: str, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    verb = "read" if isinstance(error, IsADirectoryError) else "open"
    return f"{verb} {path}: {reason}"


def _flag(flag: str, text: str, into: Values, parse: Callable[[str, Values], None]) -> None:
    try:
        parse(text, into)
    except ValuesError as error:
        raise ValuesError(f"failed parsing {flag} data: {error}") from error


def _json(text: str, values: Values) -> Values:
    if text.strip().startswith("{"):
        import json

        try:
            found = json.loads(text, parse_int=float)
        except ValueError as error:
            raise ValuesError(f"failed parsing --set-json data JSON: {text}") from error
        return overlay(values, found)
    try:
        strvals.parse_json(text, values)
    except ValuesError as error:
        raise ValuesError(f"failed parsing --set-json data {text}") from error
    return values
