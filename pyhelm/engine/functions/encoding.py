"""YAML, JSON, TOML and the base encodings, in and out, with Helm's way of reporting faults as data."""

from __future__ import annotations

import base64
from typing import Any

from pyhelm.engine.functions.errors import GoCallError
from pyhelm.formats import json_read, json_write
from pyhelm.formats.gotypes import NilList, NilMap
from pyhelm.formats.yaml_write import UnsupportedValue
from pyhelm.formats.yaml_write import dump as dump_yaml

__all__ = [
    "b32dec", "b32enc", "b64dec", "b64dec_bytes", "b64enc", "from_json", "from_json_array", "from_toml", "from_yaml",
    "from_yaml_array", "must_from_json", "must_to_json", "must_to_pretty_json", "must_to_raw_json", "must_to_toml",
    "must_to_yaml", "to_json", "to_pretty_json", "to_raw_json", "to_toml", "to_yaml", "to_yaml_pretty",
]  # fmt: skip


def to_yaml(value: Any) -> str:
    """YAML without the last newline; "" for what has no JSON form."""
    try:
        return dump_yaml(value)[:-1]
    except UnsupportedValue:
        return ""


def must_to_yaml(value: Any) -> str:
    """The same, failing loudly."""
    try:
        return dump_yaml(value)[:-1]
    except UnsupportedValue as error:
        raise GoCallError(f"error marshaling into JSON: {error}") from None


def to_yaml_pretty(value: Any) -> str:
    """YAML as yaml.v3 writes it, lists indented under their key."""
    from pyhelm.formats.yaml_pretty import dump

    return dump(value).removesuffix("\n")


def from_yaml(text: str) -> dict[str, Any]:
    """A map; a fault comes back as {"Error": message}."""
    from pyhelm.formats.yaml_read import YAMLError, load_map

    try:
        return load_map(text)
    except YAMLError as error:
        return {"Error": str(error)}


def from_yaml_array(text: str) -> list[Any]:
    """A list; a fault comes back as its only item."""
    from pyhelm.formats.yaml_read import YAMLError, load_list

    try:
        return load_list(text)
    except YAMLError as error:
        return [str(error)]


def to_json(value: Any) -> str:
    """Compact JSON; "" for what has none."""
    try:
        return json_write.dump(value)
    except UnsupportedValue:
        return ""


def must_to_json(value: Any) -> str:
    """The same, failing loudly."""
    return _loud(json_write.dump, value)


def _loud(write: Any, value: Any, **options: Any) -> str:
    try:
        return str(write(value, **options))
    except UnsupportedValue as error:
        raise GoCallError(str(error)) from None


def to_pretty_json(value: Any) -> str:
    """JSON over several lines, indented by two; "" for what has none."""
    try:
        return json_write.dump_pretty(value)
    except UnsupportedValue:
        return ""


def must_to_pretty_json(value: Any) -> str:
    """The same, failing loudly."""
    return _loud(json_write.dump_pretty, value)


def to_raw_json(value: Any) -> str:
    """Compact JSON without HTML escapes."""
    return _loud(json_write.dump, value, html=False)


must_to_raw_json = to_raw_json


def from_json(text: str) -> dict[str, Any]:
    """A map; a fault comes back as {"Error": message}."""
    try:
        value = json_read.load_map(text)
    except json_read.JSONError as error:
        return {**(error.partial or {}), "Error": str(error)}
    return NilMap() if value is None else value


def from_json_array(text: str) -> list[Any]:
    """A list; a fault comes back as its only item."""
    try:
        value = json_read.load_list(text)
    except json_read.JSONError as error:
        return [str(error)]
    return NilList() if value is None else value


def must_from_json(text: str) -> Any:
    """Any JSON value."""
    try:
        return json_read.load(text)
    except json_read.JSONError as error:
        raise GoCallError(str(error)) from None


def to_toml(value: Any) -> str:
    """TOML; a fault's message in its place."""
    from pyhelm.formats.toml_write import TOMLError, dump

    if value is None:
        raise GoCallError("reflect: call of reflect.Value.Type on zero Value")
    try:
        return dump(value)
    except TOMLError as error:
        return str(error)


def must_to_toml(value: Any) -> str:
    """The same, failing loudly."""
    from pyhelm.formats.toml_write import TOMLError, dump

    try:
        return dump(value)
    except TOMLError as error:
        raise GoCallError(str(error)) from None


def from_toml(text: str) -> dict[str, Any]:
    """A map; a fault comes back as {"Error": message}."""
    from pyhelm.formats.toml_read import TOMLError, load

    try:
        return load(text)
    except TOMLError as error:
        return {"Error": str(error)}


def b64enc(text: str) -> str:
    """base64 of the text's bytes."""
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")


def b64dec(text: str) -> str:
    """The bytes of a base64 text, as text; a fault's message in their place."""
    return _decoded(text, 64, 4, _BASE64)


def b64dec_bytes(text: str) -> bytes:
    """The bytes of a base64 text; a fault is raised."""
    fault = _first_fault(text, 4, _BASE64)
    if fault >= 0:
        raise GoCallError(f"illegal base64 data at input byte {fault}")
    return base64.b64decode(text.replace("\n", "").replace("\r", ""))


def b32enc(text: str) -> str:
    """base32 of the text's bytes."""
    return base64.b32encode(text.encode("utf-8", "surrogateescape")).decode("ascii")


def b32dec(text: str) -> str:
    """The bytes of a base32 text, as text; a fault's message in their place."""
    return _decoded(text, 32, 8, _BASE32)


_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_BASE32 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def _decoded(text: str, base: int, group: int, alphabet: frozenset[str]) -> str:
    fault = _first_fault(text, group, alphabet)
    if fault >= 0:
        return f"illegal base{base} data at input byte {fault}"
    plain = text.replace("\n", "").replace("\r", "")
    data = base64.b64decode(plain) if base == 64 else base64.b32decode(plain)
    return data.decode("utf-8", "surrogateescape")


def _first_fault(text: str, group: int, alphabet: frozenset[str]) -> int:
    """Where Go's decoder gives up, -1 when it does not; newlines are skipped but counted."""
    data = text.encode("utf-8", "surrogateescape").decode("latin-1")
    marks = [(place, char) for place, char in enumerate(data) if char not in "\r\n"]
    start = 0
    while start < len(marks):
        quantum = marks[start : start + group]
        for offset, (place, char) in enumerate(quantum):
            if char == "=":
                return _padding_fault(data, marks, start, offset, group, place)
            if char not in alphabet:
                return place
        if len(quantum) < group:
            return _short_fault(data, quantum, group)
        start += group
    return -1


def _short_fault(data: str, quantum: list[tuple[int, str]], group: int) -> int:
    return len(data) - len(quantum) if group == 4 else len(data)


_GOOD_PADDING = {4: (2, 3), 8: (2, 4, 5, 7)}


def _padding_fault(
    data: str, marks: list[tuple[int, str]], start: int, offset: int, group: int, place: int
) -> int:
    if offset not in _GOOD_PADDING[group]:
        return place
    for expected in range(offset, group):
        at = start + expected
        if at >= len(marks):
            return len(data)
        if marks[at][1] != "=":
            return marks[at][0] - 1 if group == 4 else marks[at][0]
    return marks[start + group][0] if start + group < len(marks) else -1
