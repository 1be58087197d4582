"""Compiles definitions into decoders: functions that read one JSON value as the API server's Go type would.

A decoder is called with (value, path, unknown): it returns the value as it will be written again, appends the paths
of fields it does not know to `unknown`, and raises DecodeFault at the first value of a wrong type. Each definition
becomes one closure over a table of its fields; nothing is looked up twice.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from cluster.meta import times
from cluster.meta.gojson import kind_of
from cluster.meta.quantity import QuantityError, canonical

Decoder = Callable[[Any, str, list[str]], Any]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
_CRD = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
_KEEP, _DROP_NULL, _DROP_EMPTY = 0, 1, 2
MAX_DEPTH = 256
_NO_BASE64 = "illegal base64 data at input byte"


class DecodeFault(ValueError):
    """A value of a wrong type or form. `str()` is the text of encoding/json; `converted` that of the converter which
    reads the result of a strategic merge patch."""

    def __init__(
        self, plain: str = "", *, found: str = "", literal: str = "", wanted: str = "", shape: str = ""
    ) -> None:
        super().__init__(plain)
        self.plain = plain
        self.found = found
        self.literal = literal
        self.wanted = wanted
        self.shape = shape
        self.struct = ""
        self.steps: list[str] = []
        self.own_reader = False
        """The type reads JSON by itself, and both readers leave it to that."""

    def __str__(self) -> str:
        if self.plain:
            return self.plain
        what = f"{self.found} {self.literal}" if self.literal else self.found
        if not self.struct:
            return f"json: cannot unmarshal {what} into Go value of type {self.wanted}"
        path = ".".join([self.struct, *reversed(self.steps)])
        return f"json: cannot unmarshal {what} into Go struct field {path} of type {self.wanted}"

    @property
    def converted(self) -> str:
        if self.plain:
            return f"error decoding from json: {self.plain}" if self.plain.startswith(_NO_BASE64) else self.plain
        if self.shape == "text":
            return f"json: cannot unmarshal {self.found} into Go value of type string"
        if self.own_reader:
            what = f"{self.found} {self.literal}" if self.literal else self.found
            return f"json: cannot unmarshal {what} into Go value of type {self.wanted}"
        go = {"string": "string", "bool": "bool", "array": "slice", "object": "map", "number": "int64"}[self.found]
        if self.shape in ("struct", "map", "slice"):
            return f"cannot restore {self.shape} from{':' if self.shape == 'struct' else ''} {go}"
        # Go itself converts integers to strings, and fractions to integers; the converter knows that it should not.
        if self.found == "number" and self.shape in ("int32", "int64"):
            return f"cannot convert float64 to {self.shape}"
        if self.found == "number" and self.shape == "string":
            return "cannot convert int64 to string"
        return f"unrecognized type: {self.shape}"


def mismatch(value: Any, wanted: str, shape: str, literal: str = "") -> DecodeFault:
    return DecodeFault(found=kind_of(value), literal=literal, wanted=wanted, shape=shape)


class Compiler:
    """Makes and keeps the decoders of one set of definitions."""

    def __init__(self, definitions: dict[str, dict[str, Any]], go_types: dict[str, dict[str, str]]) -> None:
        self._definitions = definitions
        self._go_types = go_types
        self._structs: dict[str, Decoder] = {}
        self._zeros: dict[str, dict[str, Any]] = {}

    def struct(self, name: str) -> Decoder:
        """The decoder of a definition. Raises KeyError for an unknown one."""
        found = self._structs.get(name)
        if found is None:
            found = self._structs[name] = _lazy(lambda: self._compile(name))
        return found

    def zero(self, name: str) -> dict[str, Any]:
        """What an empty value of a struct is written as."""
        if name not in self._zeros:
            self._zeros[name] = {}
            for key, schema, go in self._fields(name):
                if go.always(self._is_struct(schema)):
                    self._zeros[name][key] = self._zero_value(schema, go)
        return _copy(self._zeros[name])

    def _fields(self, name: str) -> list[tuple[str, dict[str, Any], GoType]]:
        facts = self._go_types.get(name, {})
        definition = self._definitions[name]
        required = definition.get("required", ())
        out = []
        for key, schema in definition.get("properties", {}).items():
            text = facts.get(key) or self._guess(schema, key in required)
            out.append((key, schema, GoType(text)))
        return out

    def _guess(self, schema: dict[str, Any], required: bool) -> str:
        """The likely Go type of a field whose type is not in the table."""
        if "$ref" in schema:
            return ("" if required else "*") + _type_name(schema["$ref"]) + ("" if required else ",o")
        text = _PLAIN.get(schema.get("format", ""), "") or _PLAIN.get(schema.get("type", ""), "string")
        return text if required else f"{text},o"

    def _is_struct(self, schema: dict[str, Any]) -> bool:
        return "$ref" in schema

    def _zero_value(self, schema: dict[str, Any], go: GoType) -> Any:
        name = schema.get("$ref", "")
        if go.pointer or (not name and schema.get("type") in ("array", "object")) or name in _NULL_ZERO:
            return None
        if name:
            return _SPECIAL_ZERO[name] if name in _SPECIAL_ZERO else self.zero(name)
        return _SCALAR_ZERO.get(schema.get("type", ""))

    def _compile(self, name: str) -> Decoder:
        fields: dict[str, tuple[type | None, Decoder, int]] = {}
        embedded: dict[str, str] = {}
        for key, schema, go in self._fields(name):
            if go.embedded:
                embedded[key] = f"{go.embedded}.{key}"
            decoder = self.value(schema, go.text)
            if not go.pointer:
                decoder = _null_as(self._zero_maker(schema, go), decoder)
            else:
                decoder = _null_as(lambda: None, decoder)
            fields[key] = (_exact_type(schema), decoder, go.dropping(self._is_struct(schema)))
        self.zero(name)
        always = tuple(self._zeros[name].items())
        for key in ("apiVersion", "kind"):
            if key in fields and key not in self._go_types.get(name, {}):
                fields[key] = (str, fields[key][1], _DROP_EMPTY)
        return _struct(name.rpartition(".")[2], fields, always, _type_name(name), embedded)

    def _zero_maker(self, schema: dict[str, Any], go: GoType) -> Callable[[], Any]:
        return lambda: self._zero_value(schema, go)

    def value(self, schema: dict[str, Any], go_text: str) -> Decoder:
        """The decoder of a property; null is not its business, but for elements."""
        name = schema.get("$ref")
        if name:
            return _SPECIAL[name] if name in _SPECIAL else self._reference(name)
        kind = schema.get("type", "")
        if kind == "array":
            return self._list(schema.get("items", {}), go_text)
        if kind == "object":
            return self._map(schema.get("additionalProperties"), go_text)
        if kind == "string":
            return _bytes if schema.get("format") == "byte" else _text(go_text)
        return _SCALARS[schema.get("format") or kind](go_text) if kind else _anything

    def _reference(self, name: str) -> Decoder:
        if name == _CRD + "JSONSchemaPropsOrArray":
            return _schema_or_list(self.struct(_CRD + "JSONSchemaProps"))
        if name.startswith(_CRD + "JSONSchemaPropsOr"):
            return _schema_or_other(self.struct(_CRD + "JSONSchemaProps"))
        return self.struct(name)

    def _list(self, items: dict[str, Any], go_text: str) -> Decoder:
        inner = go_text[2:] if go_text.startswith("[]") else self._guess(items, True)
        pointer = inner.startswith("*")
        element = self.value(items, inner.lstrip("*"))
        zero = None if pointer else self._zero_value(items, GoType(inner))
        return _list(element, _exact_type(items), zero, go_text)

    def _map(self, items: dict[str, Any] | None, go_text: str) -> Decoder:
        if items is None:
            return _any_map(go_text)
        inner = go_text.partition("]")[2] if go_text.startswith("map[") else self._guess(items, True)
        element = self.value(items, inner.lstrip("*"))
        zero = None if inner.startswith("*") else self._zero_value(items, GoType(inner))
        return _map(element, _exact_type(items), zero, go_text)


class GoType:
    """How a Go struct holds a field: `*int32,o` is a pointer, left out when empty; `…@Probe` is one of an embedded
    struct, whose name stands in messages."""

    __slots__ = ("embedded", "omit_empty", "omit_zero", "pointer", "text")

    def __init__(self, code: str) -> None:
        code, _, self.embedded = code.partition("@")
        text, _, flags = code.partition(",")
        self.pointer = text.startswith("*")
        self.text = text.lstrip("*")
        self.omit_empty = "o" in flags
        self.omit_zero = "z" in flags

    def always(self, is_struct: bool) -> bool:
        """Written even when it was not given: Go's omitempty does not leave out structs."""
        if self.omit_zero:
            return False
        return not self.omit_empty or (is_struct and not self.pointer)

    def dropping(self, is_struct: bool) -> int:
        if self.always(is_struct):
            return _KEEP
        if self.pointer or is_struct:
            return _DROP_NULL
        return _DROP_EMPTY


def _lazy(compile_now: Callable[[], Decoder]) -> Decoder:
    """Compiles at the first call: definitions refer to each other and to themselves."""
    made: list[Decoder] = []

    def decode(value: Any, path: str, unknown: list[str]) -> Any:
        if not made:
            made.append(compile_now())
        return made[0](value, path, unknown)

    return decode


def _copy(value: dict[str, Any]) -> dict[str, Any]:
    return {key: _copy(item) if type(item) is dict else item for key, item in value.items()}


def _type_name(definition: str) -> str:
    """`io.k8s.api.core.v1.Pod` is v1.Pod in a message."""
    return ".".join(definition.split(".")[-2:])


_PLAIN = {"integer": "int32", "int32": "int32", "int64": "int64", "number": "float64", "double": "float64"}
_PLAIN |= {"boolean": "bool", "string": "string", "byte": "[]uint8"}
_SCALAR_ZERO: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}


def _exact_type(schema: dict[str, Any]) -> type | None:
    """The Python type a value may have to be taken as it is, without a call."""
    if schema.get("type") == "string" and schema.get("format") != "byte":
        return str
    return bool if schema.get("type") == "boolean" else None


def _null_as(make: Callable[[], Any], decoder: Decoder) -> Decoder:
    def decode(value: Any, path: str, unknown: list[str]) -> Any:
        return make() if value is None else decoder(value, path, unknown)

    return decode


def _struct(
    name: str,
    fields: dict[str, tuple[type | None, Decoder, int]],
    always: tuple[tuple[str, Any], ...],
    wanted: str,
    embedded: dict[str, str],
) -> Decoder:
    find = fields.get

    def decode(value: Any, path: str, unknown: list[str]) -> Any:
        if type(value) is not dict:
            raise mismatch(value, wanted, "struct")
        out: dict[str, Any] = {}
        key = ""
        try:
            for key, item in value.items():
                entry = find(key)
                if entry is None:
                    unknown.append(f"{path}.{key}" if path else key)
                    continue
                exact, decoder, dropping = entry
                if type(item) is not exact:
                    item = decoder(item, f"{path}.{key}" if path else key, unknown)
                if not item and dropping and (dropping == _DROP_EMPTY or item is None):
                    continue
                out[key] = item
        except DecodeFault as fault:
            fault.struct = fault.struct or name
            fault.steps.append(embedded.get(key, key))
            raise
        for key, item in always:
            if key not in out:
                out[key] = _copy(item) if type(item) is dict else item
        return out

    return decode


def _list(element: Decoder, exact: type | None, zero: Any, wanted: str) -> Decoder:
    def decode(value: Any, path: str, unknown: list[str]) -> Any:
        if type(value) is not list:
            raise mismatch(value, wanted, "slice")
        out = []
        for index, item in enumerate(value):
            if type(item) is not exact:
                item = _fresh(zero) if item is None else element(item, f"{path}[{index}]", unknown)
            out.append(item)
        return out

    return decode


def _map(element: Decoder, exact: type | None, zero: Any, wanted: str) -> Decoder:
    def decode(value: Any, path: str, unknown: list[str]) -> Any:
        if type(value) is not dict:
            raise mismatch(value, wanted, "map")
        out = {}
        for key, item in value.items():
            if type(item) is not exact:
                item = _fresh(zero) if item is None else element(item, f"{path}.{key}", unknown)
            out[key] = item
        return out

    return decode


def _fresh(zero: Any) -> Any:
    return _copy(zero) if type(zero) is dict else zero


def _any_map(wanted: str) -> Decoder:
    def decode(value: Any, path: str, unknown: list[str]) -> Any:
        if type(value) is not dict:
            raise mismatch(value, wanted, "map")
        return value

    return decode


def _text(wanted: str) -> Decoder:
    def decode(value: Any, path: str, unknown: list[str]) -> Any:
        if type(value) is not str:
            raise mismatch(value, wanted, "string")
        return value

    return decode


def _boolean(wanted: str) -> Decoder:
    def decode(value: Any, path: str, unknown: list[str]) -> Any:
        if type(value) is not bool:
            raise mismatch(value, wanted, "bool")
        return value

    return decode


def _integer(bits: int) -> Callable[[str], Decoder]:
    limit = 2 ** (bits - 1)

    def make(wanted: str) -> Decoder:
        shape = f"int{bits}"

        def decode(value: Any, path: str, unknown: list[str]) -> Any:
            if type(value) is not int:
                raise mismatch(value, wanted, shape, _literal(value))
            if not -limit <= value < limit:
                raise mismatch(value, wanted, shape, str(value))
            return value

        return decode

    return make


def _literal(value: Any) -> str:
    return repr(value) if type(value) is float else ""


def _float(wanted: str) -> Decoder:
    def decode(value: Any, path: str, unknown: list[str]) -> Any:
        if type(value) not in (int, float):
            raise mismatch(value, wanted, "float64")
        return value

    return decode


_SCALARS: dict[str, Callable[[str], Decoder]] = {
    "int32": _integer(32),
    "int64": _integer(64),
    "integer": _integer(64),
    "double": _float,
    "number": _float,
    "boolean": _boolean,
    "date-time": _text,
}


def _bytes(value: Any, path: str, unknown: list[str]) -> Any:
    if type(value) is list and all(type(item) is int and 0 <= item < 256 for item in value):
        # A list of numbers is a slice of bytes to Go, too.
        return base64.b64encode(bytes(value)).decode()
    if type(value) is not str:
        raise mismatch(value, "[]uint8", "slice")
    text = value.replace("\r", "").replace("\n", "")
    try:
        if len(text) % 4 == 0:
            base64.b64decode(text, validate=True)
            return text
    except binascii.Error:
        pass
    raise DecodeFault(f"{_NO_BASE64} {_base64_fault(value)}")


_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def _base64_fault(text: str) -> int:
    """The byte at which Go's decoder gives up."""
    count = 0
    for at, char in enumerate(text):
        if char in "\r\n":
            continue
        if char not in _BASE64:
            return at if char != "=" or count % 4 < 2 else _padding_fault(text, at, count)
        count += 1
    return len(text) - (count % 4 or 0)


def _padding_fault(text: str, at: int, count: int) -> int:
    """Padding may only end the text, and must fill its group."""
    rest = [i for i in range(at + 1, len(text)) if text[i] not in "\r\n"]
    if count % 4 == 2:
        if not rest:
            return len(text)
        if text[rest[0]] != "=":
            return rest[0]
        rest = rest[1:]
    return rest[0] if rest else len(text)


def _time(value: Any, path: str, unknown: list[str]) -> Any:
    return _timestamp(value, times.canonical_seconds)


def _micro_time(value: Any, path: str, unknown: list[str]) -> Any:
    return _timestamp(value, times.canonical_micros)


def _timestamp(value: Any, canonicalize: Callable[[str], str]) -> Any:
    if type(value) is not str:
        raise mismatch(value, "string", "text")
    try:
        return canonicalize(value)
    except times.TimeError as error:
        raise DecodeFault(str(error)) from error


def _duration(value: Any, path: str, unknown: list[str]) -> Any:
    if type(value) is not str:
        raise mismatch(value, "string", "text")
    try:
        return times.format_duration(times.parse_duration(value))
    except times.TimeError as error:
        raise DecodeFault(str(error)) from error


def _quantity(value: Any, path: str, unknown: list[str]) -> Any:
    if type(value) not in (str, int, float):
        raise DecodeFault(_WRONG_QUANTITY)
    try:
        return canonical(value)
    except QuantityError as error:
        raise DecodeFault(str(error)) from error


_WRONG_QUANTITY = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_int32 = _integer(32)("int32")


def _int_or_string(value: Any, path: str, unknown: list[str]) -> Any:
    if type(value) is str:
        return value
    try:
        return _int32(value, path, unknown)
    except DecodeFault as fault:
        fault.own_reader = True
        raise


def _anything(value: Any, path: str, unknown: list[str]) -> Any:
    return value


def _schema_or_list(schema: Decoder) -> Decoder:
    def decode(value: Any, path: str, unknown: list[str]) -> Any:
        if type(value) is list:
            return [schema(item, f"{path}[{index}]", unknown) for index, item in enumerate(value)]
        return schema(value, path, unknown)

    return decode


def _schema_or_other(schema: Decoder) -> Decoder:
    def decode(value: Any, path: str, unknown: list[str]) -> Any:
        return schema(value, path, unknown) if type(value) is dict else value

    return decode


_SPECIAL: dict[str, Decoder] = {
    _META + "Time": _time,
    _META + "MicroTime": _micro_time,
    _META + "Duration": _duration,
    _META + "FieldsV1": _anything,
    _META + "Patch": _anything,
    "io.k8s.apimachinery.pkg.api.resource.Quantity": _quantity,
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
    "io.k8s.apimachinery.pkg.runtime.RawExtension": _anything,
    _CRD + "JSON": _anything,
}
_NULL_ZERO = {_META + "Time", _META + "MicroTime", "io.k8s.apimachinery.pkg.runtime.RawExtension", _CRD + "JSON"}
_SPECIAL_ZERO: dict[str, Any] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "0",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": 0,
    _META + "Duration": "0s",
    _META + "FieldsV1": None,
    _META + "Patch": None,
}
