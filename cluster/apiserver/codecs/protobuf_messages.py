"""The messages of the Kubernetes API: protobuf to wire dicts and back, by the table of field numbers.

A message is compiled when first used. Structs that Go embeds are messages of their own in protobuf but not in JSON;
times, quantities and raw JSON have their own form. Zero values that Go writes for every plain field are read as they
are: the typed decoder drops them.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import resources
from typing import Any

import orjson

from cluster.apiserver.codecs.protobuf_wire import (
    BYTES,
    FIXED64,
    VARINT,
    WireError,
    chunk,
    fields,
    read_double,
    read_varint,
    signed,
    tag,
    varint,
    write_double,
)
from cluster.kinds.schema import Schema
from cluster.meta import times

MAX_DEPTH = 100
_META = "k8s.io.apimachinery.pkg.apis.meta.v1."
_CRD = "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1."
_RAW = "k8s.io.apimachinery.pkg.runtime.RawExtension"

Reader = Callable[[Any, int], Any]
"""(wire value, depth) -> JSON value."""
Writer = Callable[[Any], bytes]
"""JSON value -> the bytes of a field's content."""


def definition_name(message: str) -> str:
    """The OpenAPI name of a message: `k8s.io.api.core.v1.Pod` is `io.k8s.api.core.v1.Pod`."""
    name = message.replace("apiextensions_apiserver", "apiextensions-apiserver")
    return "io.k8s." + name.replace("kube_aggregator", "kube-aggregator").removeprefix("k8s.io.")


def message_name(definition: str) -> str:
    return "k8s.io." + definition.removeprefix("io.k8s.").replace("-", "_")


class Codec:
    """Everything compiled for one schema."""

    def __init__(self, schema: Schema) -> None:
        text = resources.files("cluster.data").joinpath("protobuf-fields.json").read_bytes()
        self.table: dict[str, dict[str, list[str]]] = orjson.loads(text)
        self.schema = schema
        self._messages: dict[str, _Message] = {}

    def message(self, name: str) -> _Message:
        found = self._messages.get(name)
        if found is None:
            found = self._messages[name] = _Message()
            found.compile(self, name)
        return found

    def json_name(self, message: str, name: str, kind: str) -> str:
        """What JSON calls a field; empty for a struct that JSON has inline."""
        known = self._names(message)
        if not known or name in known:
            return name
        found = _folded(tuple(sorted(known))).get(_fold(name))
        if found:
            return found
        return "" if kind in self.table else name

    def _names(self, message: str) -> set[str]:
        name = definition_name(message)
        known = set(self.schema.go_types.get(name, ()))
        return known | set(self.schema.definitions.get(name, {}).get("properties", ()))

    def reader(self, kind: str) -> tuple[int, Reader]:
        """(wire type, reader) of a type."""
        if kind in _SCALARS:
            wire, read, _ = _SCALARS[kind]
            return wire, read
        if kind in _SPECIAL:
            return BYTES, _SPECIAL[kind][0](self)
        message = self.message(kind)
        return BYTES, message.read

    def writer(self, kind: str) -> tuple[int, Writer]:
        if kind in _SCALARS:
            wire, _, write = _SCALARS[kind]
            return wire, write
        if kind in _SPECIAL:
            return BYTES, _SPECIAL[kind][1](self)
        return BYTES, self.message(kind).write


def _fold(name: str) -> str:
    return name.lower().replace("-", "").replace("$", "")


@lru_cache(maxsize=512)
def _folded(names: tuple[str, ...]) -> dict[str, str]:
    return {_fold(name): name for name in names}


class _Message:
    """One message: a table by number for reading, one by JSON name for writing."""

    __slots__ = ("_embedded", "_read", "_write")

    def __init__(self) -> None:
        self._read: dict[int, tuple[str, str, int, Reader, Reader | None]] = {}
        self._write: dict[str, tuple[int, str, int, Writer, Writer | None]] = {}
        self._embedded: list[tuple[int, _Message]] = []

    def compile(self, codec: Codec, name: str) -> None:
        for number, (field, kind) in codec.table[name].items():
            self._add(codec, int(number), codec.json_name(name, field, kind), kind)

    def _add(self, codec: Codec, number: int, key: str, kind: str) -> None:
        if not key:
            inner = codec.message(kind)
            self._read[number] = ("", "embedded", BYTES, inner.read, None)
            self._embedded.append((number, inner))
        elif kind.startswith("[]"):
            wire, read = codec.reader(kind[2:])
            self._read[number] = (key, "list", wire, read, None)
            self._write[key] = (number, "list", wire, codec.writer(kind[2:])[1], None)
        elif kind.startswith("map<"):
            first, _, second = kind[4:-1].partition(",")
            wire, read = codec.reader(second)
            self._read[number] = (key, "map", wire, codec.reader(first)[1], read)
            self._write[key] = (number, "map", wire, codec.writer(first)[1], codec.writer(second)[1])
        else:
            wire, read = codec.reader(kind)
            self._read[number] = (key, "one", wire, read, None)
            self._write[key] = (number, "one", wire, codec.writer(kind)[1], None)

    def read(self, data: bytes, depth: int = 0) -> dict[str, Any]:
        """Raises WireError."""
        if depth > MAX_DEPTH:
            raise WireError("proto: message is nested too deeply")
        out: dict[str, Any] = {}
        for number, wire, value in fields(data):
            entry = self._read.get(number)
            if entry is None:
                continue
            key, shape, wanted, read, second = entry
            if shape == "list":
                _read_item(out.setdefault(key, []), wire, wanted, value, read, depth, key)
                continue
            if wire != (BYTES if shape == "map" else wanted):
                raise WireError(f"proto: wrong wireType = {wire} for field {key[:1].upper() + key[1:]}")
            if shape == "one":
                out[key] = read(value, depth + 1)
            elif shape == "embedded":
                out.update(read(value, depth + 1))
            elif second is not None and isinstance(value, bytes):
                _read_pair(out.setdefault(key, {}), value, wanted, second, depth)
        return out

    def write(self, value: Any) -> bytes:
        out: list[bytes] = []
        for key, item in value.items():
            entry = self._write.get(key)
            if entry is None or item is None:
                continue
            number, shape, wire, write, second = entry
            if shape == "one":
                out.append(_field(number, wire, write(item)))
            elif shape == "list":
                out += [_field(number, wire, write(part)) for part in item]
            elif second is not None:
                out += [
                    chunk(number, _field(1, BYTES, write(name)) + _field(2, wire, second(part)))
                    for name, part in item.items()
                ]
        for number, inner in self._embedded:
            data = inner.write(value)
            if data:
                out.append(chunk(number, data))
        return b"".join(out)


def _field(number: int, wire: int, data: bytes) -> bytes:
    return chunk(number, data) if wire == BYTES else tag(number, wire) + data


def _read_item(out: list[Any], wire: int, wanted: int, value: Any, read: Reader, depth: int, key: str) -> None:
    if wire == wanted:
        out.append(read(value, depth + 1))
    elif wire == BYTES and wanted == VARINT:
        at = 0
        while at < len(value):
            number, at = read_varint(value, at)
            out.append(read(number, depth + 1))
    else:
        raise WireError(f"proto: wrong wireType = {wire} for field {key[:1].upper() + key[1:]}")


def _read_pair(out: dict[str, Any], data: bytes, wanted: int, read: Reader, depth: int) -> None:
    name, item, seen = "", b"" if wanted == BYTES else 0, False
    for number, wire, value in fields(data):
        if number == 1 and isinstance(value, bytes):
            name = _read_string(value, depth)
        elif number == 2:
            if wire != wanted:
                raise WireError(f"proto: wrong wireType = {wire} for field Value")
            item, seen = value, True
    out[name] = read(item, depth + 1) if seen or wanted == BYTES else 0


# -- scalars -------------------------------------------------------------------------------------------------


def _read_string(value: Any, depth: int) -> str:
    return bytes(value).decode("utf-8", "replace")


def _read_bytes(value: Any, depth: int) -> str:
    return base64.b64encode(value).decode()


def _write_bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value)
    except (ValueError, TypeError):
        return b""


def _read_float(value: Any, depth: int) -> float:
    number = read_double(value)
    return number if math.isfinite(number) else 0.0


_SCALARS: dict[str, tuple[int, Reader, Writer]] = {
    "string": (BYTES, _read_string, lambda value: str(value).encode("utf-8", "surrogatepass")),
    "bytes": (BYTES, _read_bytes, _write_bytes),
    "bool": (VARINT, lambda value, _: bool(value), lambda value: b"\x01" if value else b"\x00"),
    "int32": (VARINT, lambda value, _: signed(value, 32), lambda value: varint(int(value))),
    "int64": (VARINT, lambda value, _: signed(value, 64), lambda value: varint(int(value))),
    "double": (FIXED64, _read_float, lambda value: write_double(float(value))),
}


# -- types with a form of their own ------------------------------------------------------------------------------


def _plain(data: bytes) -> dict[int, Any]:
    return {number: value for number, _, value in fields(data)}


def _number(value: Any, bits: int = 64) -> int:
    if not isinstance(value, int):
        raise WireError("proto: wrong wireType for a number")
    return signed(value, bits)


def _octets(value: Any) -> bytes:
    if not isinstance(value, bytes):
        raise WireError("proto: wrong wireType for bytes")
    return value


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _time_reader(show: Callable[[datetime], str]) -> Callable[[Codec], Reader]:
    def read(value: Any, depth: int) -> Any:
        found = _plain(value)
        if not found:
            return None
        try:
            moment = timedelta(seconds=_number(found.get(1, 0)), microseconds=_number(found.get(2, 0), 32) // 1000)
            return show(_EPOCH + moment)
        except OverflowError as error:
            raise WireError("proto: time out of range") from error

    return lambda _: read


def _write_time(value: Any) -> bytes:
    moment = times.parse(value) - _EPOCH
    seconds = moment.days * 86400 + moment.seconds
    return tag(1, VARINT) + varint(seconds) + tag(2, VARINT) + varint(moment.microseconds * 1000)


def _read_quantity(value: Any, depth: int) -> str:
    return _read_string(_octets(_plain(value).get(1, b"")), depth) or "0"


def _write_quantity(value: Any) -> bytes:
    return chunk(1, str(value).encode())


def _read_int_or_string(value: Any, depth: int) -> int | str:
    found = _plain(value)
    if _number(found.get(1, 0)) == 1:
        return _read_string(_octets(found.get(3, b"")), depth)
    return _number(found.get(2, 0), 32)


def _write_int_or_string(value: Any) -> bytes:
    if isinstance(value, str):
        return tag(1, VARINT) + b"\x01" + tag(2, VARINT) + b"\x00" + chunk(3, value.encode())
    return tag(1, VARINT) + b"\x00" + tag(2, VARINT) + varint(value) + chunk(3, b"")


def _read_json(value: Any, depth: int) -> Any:
    raw = _octets(_plain(value).get(1, b""))
    if not raw:
        return None
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise WireError(f"embedded JSON: {error}") from error


def _write_json(value: Any) -> bytes:
    return chunk(1, orjson.dumps(value))


def _raw_reader(codec: Codec) -> Reader:
    def read(value: Any, depth: int) -> Any:
        raw = _octets(_plain(value).get(1, b""))
        if raw.startswith(b"k8s\x00"):
            from cluster.apiserver.codecs.protobuf import read_envelope

            return read_envelope(raw, codec, depth + 1)
        return _read_json(value, depth)

    return read


def _read_duration(value: Any, depth: int) -> str:
    return times.format_duration(_number(_plain(value).get(1, 0)))


def _write_duration(value: Any) -> bytes:
    return tag(1, VARINT) + varint(times.parse_duration(value))


def _read_strings(value: Any, depth: int) -> list[str]:
    return [_read_string(_octets(item), depth) for number, _, item in fields(value) if number == 1]


def _write_strings(value: Any) -> bytes:
    return b"".join(chunk(1, str(item).encode()) for item in value)


def _schema_or(codec: Codec, number: int, strings: bool = False) -> Reader:
    """JSONSchemaPropsOr…: a schema in field `number`, or else a boolean, schemas or strings in the other one."""

    def read(value: Any, depth: int) -> Any:
        props = codec.message(_CRD + "JSONSchemaProps")
        allowed: Any = None
        listed: list[Any] = []
        for index, _, item in fields(value):
            if index == number:
                return props.read(_octets(item), depth + 1)
            if isinstance(item, int):
                allowed = bool(item)
            else:
                listed.append(_read_string(item, depth) if strings else props.read(item, depth + 1))
        return listed if allowed is None else allowed

    return read


def _schema_or_bool(codec: Codec) -> Reader:
    read_schema = _schema_or(codec, 2)

    def read(value: Any, depth: int) -> Any:
        found = read_schema(value, depth)
        return False if found == [] else found

    return read


def _schema_or_writer(codec: Codec, schema_number: int, other_number: int) -> Writer:
    def write(value: Any) -> bytes:
        props = codec.message(_CRD + "JSONSchemaProps")
        if isinstance(value, bool):
            return tag(other_number, VARINT) + (b"\x01" if value else b"\x00")
        if isinstance(value, list):
            parts = [item.encode() if isinstance(item, str) else props.write(item) for item in value]
            return b"".join(chunk(other_number, part) for part in parts)
        allowed = tag(other_number, VARINT) + b"\x01" if schema_number == 2 else b""
        return allowed + chunk(schema_number, props.write(value))

    return write


def _fixed(read: Reader, write: Writer) -> tuple[Callable[[Codec], Reader], Callable[[Codec], Writer]]:
    return lambda _: read, lambda _: write


_SPECIAL: dict[str, tuple[Callable[[Codec], Reader], Callable[[Codec], Writer]]] = {
    _META + "Time": (_time_reader(times.seconds), lambda _: _write_time),
    _META + "MicroTime": (_time_reader(times.micros), lambda _: _write_time),
    _META + "Duration": _fixed(_read_duration, _write_duration),
    _META + "FieldsV1": _fixed(_read_json, _write_json),
    _META + "Verbs": _fixed(_read_strings, _write_strings),
    "k8s.io.apimachinery.pkg.api.resource.Quantity": _fixed(_read_quantity, _write_quantity),
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": _fixed(_read_int_or_string, _write_int_or_string),
    _RAW: (_raw_reader, lambda _: _write_json),
    _CRD + "JSON": _fixed(_read_json, _write_json),
    _CRD + "JSONSchemaPropsOrBool": (
        lambda codec: _schema_or_bool(codec),
        lambda codec: _schema_or_writer(codec, 2, 1),
    ),
    _CRD + "JSONSchemaPropsOrArray": (
        lambda codec: _schema_or(codec, 1),
        lambda codec: _schema_or_writer(codec, 1, 2),
    ),
    _CRD + "JSONSchemaPropsOrStringArray": (
        lambda codec: _schema_or(codec, 1, strings=True),
        lambda codec: _schema_or_writer(codec, 1, 2),
    ),
}
for _group in ("authentication.v1", "authorization.v1", "certificates.v1"):
    for _suffix in ("", "beta1"):
        _SPECIAL[f"k8s.io.api.{_group}{_suffix}.ExtraValue"] = _fixed(_read_strings, _write_strings)
