"""CBOR (RFC 8949), as much of it as JSON data needs, with the self-described tag that Kubernetes puts in front."""

from __future__ import annotations

import base64
import struct
from typing import Any

from cluster.meta.errors import bad_request

_SELF_DESCRIBED = b"\xd9\xd9\xf7"
_MAX_DEPTH = 64


class _Malformed(ValueError):
    pass


def loads(data: bytes) -> Any:
    """The value of one item. Raises StatusError 400."""
    try:
        value, end = _item(data, 0, 0)
        if end != len(data):
            raise _Malformed(f"{len(data) - end} bytes of extraneous data starting at index {end}")
    except _Malformed as error:
        raise bad_request(f"cbor: {error}") from error
    return value


def _item(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    if depth > _MAX_DEPTH:
        raise _Malformed(f"exceeded max nested level {_MAX_DEPTH}")
    if at >= len(data):
        raise _Malformed("unexpected EOF")
    major, info = data[at] >> 5, data[at] & 31
    if major == 7:
        return _simple(data, at, info)
    if info == 31:
        return _indefinite(data, at + 1, major, depth)
    number, at = _argument(data, at + 1, info)
    if major == 0:
        return _checked(number), at
    if major == 1:
        return _checked(-1 - number), at
    if major in (2, 3):
        return _text(data, at, number, major)
    if major == 4:
        return _array(data, at, number, depth)
    if major == 5:
        return _map(data, at, number, depth)
    return _item(data, at, depth + 1)


def _checked(number: int) -> int:
    if not -(2**63) <= number < 2**63:
        raise _Malformed("integer does not fit into 64 bits")
    return number


def _argument(data: bytes, at: int, info: int) -> tuple[int, int]:
    if info < 24:
        return info, at
    if info > 27:
        raise _Malformed(f"invalid additional information {info}")
    size = 1 << (info - 24)
    if at + size > len(data):
        raise _Malformed("unexpected EOF")
    return int.from_bytes(data[at : at + size], "big"), at + size


def _text(data: bytes, at: int, size: int, major: int) -> tuple[str, int]:
    if size > len(data) - at:
        raise _Malformed("unexpected EOF")
    part = data[at : at + size]
    if major == 2:
        return _octets(part), at + size
    try:
        return part.decode(), at + size
    except UnicodeDecodeError as error:
        raise _Malformed("invalid UTF-8 string") from error


def _octets(part: bytes) -> str:
    """Kubernetes encodes text as byte strings; what is not text is meant for a []byte field, base64 in JSON."""
    try:
        return part.decode()
    except UnicodeDecodeError:
        return base64.b64encode(part).decode()


def _array(data: bytes, at: int, count: int, depth: int) -> tuple[list[Any], int]:
    if count > len(data) - at:
        raise _Malformed("unexpected EOF")
    out = []
    for _ in range(count):
        value, at = _item(data, at, depth + 1)
        out.append(value)
    return out, at


def _map(data: bytes, at: int, count: int, depth: int) -> tuple[dict[str, Any], int]:
    if count > len(data) - at:
        raise _Malformed("unexpected EOF")
    out: dict[str, Any] = {}
    for _ in range(count):
        at = _pair(data, at, depth, out)
    return out, at


def _pair(data: bytes, at: int, depth: int, out: dict[str, Any]) -> int:
    key, at = _item(data, at, depth + 1)
    if not isinstance(key, str):
        raise _Malformed("map key is not a string")
    if key in out:
        raise _Malformed(f'found duplicate map key "{key}"')
    out[key], at = _item(data, at, depth + 1)
    return at


def _indefinite(data: bytes, at: int, major: int, depth: int) -> tuple[Any, int]:
    if major not in (2, 3, 4, 5):
        raise _Malformed("invalid indefinite length")
    items: list[Any] = []
    pairs: dict[str, Any] = {}
    while at < len(data) and data[at] != 0xFF:
        if major == 5:
            at = _pair(data, at, depth, pairs)
        else:
            value, at = _item(data, at, depth + 1)
            items.append(value)
    if at >= len(data):
        raise _Malformed("unexpected EOF")
    if major == 5:
        return pairs, at + 1
    if major == 4:
        return items, at + 1
    if not all(isinstance(item, str) for item in items):
        raise _Malformed("wrong chunk in an indefinite string")
    return "".join(items), at + 1


_FLOATS = {25: (2, ">e"), 26: (4, ">f"), 27: (8, ">d")}
_WORDS = {20: False, 21: True, 22: None, 23: None}


def _simple(data: bytes, at: int, info: int) -> tuple[Any, int]:
    if info in _WORDS:
        return _WORDS[info], at + 1
    if info not in _FLOATS:
        raise _Malformed(f"invalid simple value {info}")
    size, form = _FLOATS[info]
    if at + 1 + size > len(data):
        raise _Malformed("unexpected EOF")
    number = float(struct.unpack(form, data[at + 1 : at + 1 + size])[0])
    if number != number or number in (float("inf"), float("-inf")):
        raise _Malformed("NaN and infinities are not allowed")
    return number, at + 1 + size


def dumps(value: Any) -> bytes:
    """One item with the self-described tag."""
    out = bytearray(_SELF_DESCRIBED)
    _write(value, out)
    return bytes(out)


def _write(value: Any, out: bytearray) -> None:
    if isinstance(value, str):
        part = value.encode("utf-8", "surrogatepass")
        out += _head(2, len(part)) + part
    elif isinstance(value, bool):
        out.append(0xF5 if value else 0xF4)
    elif value is None:
        out.append(0xF6)
    elif isinstance(value, int):
        out += _head(0, value) if value >= 0 else _head(1, -1 - value)
    elif isinstance(value, float):
        out += b"\xfb" + struct.pack(">d", value)
    elif isinstance(value, list):
        out += _head(4, len(value))
        for item in value:
            _write(item, out)
    else:
        out += _head(5, len(value))
        for key in sorted(value):
            _write(key, out)
            _write(value[key], out)


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes((major << 5 | number,))
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * size):
            return bytes((major << 5 | info,)) + number.to_bytes(size, "big")
    raise ValueError("number too large")
