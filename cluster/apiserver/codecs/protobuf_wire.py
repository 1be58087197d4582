"""The protobuf wire format, both ways: varints, lengths and groups, and nothing about any message.

Reading is strict: whatever is cut short or out of bounds raises WireError, in the words of Go's decoders.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_EOF = "unexpected EOF"


class WireError(ValueError):
    """The bytes are not a protobuf message."""


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """(unsigned value, index behind it)."""
    value = shift = 0
    while True:
        if shift >= 70:
            raise WireError("proto: integer overflow")
        if at >= len(data):
            raise WireError(_EOF)
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7


def fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """(number, wire type, value) of each field: an integer, or bytes."""
    at, end = 0, len(data)
    while at < end:
        tag, at = read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise WireError(f"proto: illegal tag {number} (wire type {tag})")
        if wire == VARINT:
            value, at = read_varint(data, at)
            yield number, wire, value
        elif wire in _SIZES or wire == BYTES:
            size, at = (_SIZES[wire], at) if wire in _SIZES else read_varint(data, at)
            if size > end - at:
                raise WireError(_EOF)
            yield number, wire, data[at : at + size]
            at += size
        else:
            raise WireError(f"proto: illegal wireType {wire}")


_SIZES = {FIXED64: 8, FIXED32: 4}


def varint(value: int) -> bytes:
    """A varint; negative numbers take ten bytes."""
    if 0 <= value < 0x80:
        return bytes((value,))
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def tag(number: int, wire: int) -> bytes:
    return varint(number << 3 | wire)


def chunk(number: int, data: bytes) -> bytes:
    """A length-delimited field."""
    return tag(number, BYTES) + varint(len(data)) + data


def signed(value: int, bits: int) -> int:
    """An unsigned varint as a signed number of so many bits."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def read_double(data: bytes) -> float:
    return float(struct.unpack("<d", data)[0])


def write_double(value: float) -> bytes:
    return struct.pack("<d", value)
