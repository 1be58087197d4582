"""Request bodies: bytes in, an object of the expected kind out, or the fault the API server would tell.

The steps and their order are those of the decoding in k8s.io/apiserver: media type, syntax, kind, typed reading,
conversion; strict faults (unknown and doubled fields) are collected and judged by `fieldValidation`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from cluster.apiserver.codecs import media
from cluster.kinds.kind import Kind
from cluster.kinds.schema import Decoded, DecodeFault, Schema
from cluster.meta import gojson
from cluster.meta.errors import bad_request, invalid
from cluster.meta.field import invalid as field_invalid
from cluster.meta.types import GroupVersion, GroupVersionKind, Obj

STRICT, WARN, IGNORE = "Strict", "Warn", "Ignore"
_SCHEME = "pkg/api/legacyscheme/scheme.go:30"
_OPTIONS_SCHEME = "k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27"
_HEAD = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
_OPTIONS = frozenset(("DeleteOptions", "CreateOptions", "UpdateOptions", "PatchOptions"))


@dataclass(frozen=True, slots=True)
class Target:
    """What a body is to be read as. `kind` is given for custom resources, `definition` for everything else."""

    gvk: GroupVersionKind
    definition: str = ""
    kind: Kind | None = None
    plain: bool = False
    """Options: what is wrong with them is told without a sentence around it."""

    @classmethod
    def of(cls, kind: Kind) -> Target:
        if kind.schema is None and kind.definition:
            return cls(kind.gvk, kind.definition)
        return cls(kind.gvk, kind=kind)

    @property
    def media_types(self) -> tuple[str, ...]:
        return media.CUSTOM if self.kind is not None else media.BUILT_IN


class Body(NamedTuple):
    """The object with apiVersion and kind set, and the texts of warnings."""

    obj: Obj
    warnings: list[str]


def decode_body(body: bytes, content_type: str, target: Target, schema: Schema, validation: str = WARN) -> Body:
    """Read a request body. `validation` is Strict, Warn or Ignore ("" is Warn). Raises StatusError 400 or 415."""
    kind = media.body_media(content_type, target.media_types)
    if kind == media.PROTOBUF:
        from cluster.apiserver.codecs.protobuf import decode_object
        from cluster.apiserver.codecs.protobuf_wire import WireError

        try:
            value = decode_object(body, schema)
        except WireError as error:
            raise _unrecognized(target, str(error), body) from error
        return _typed(value, _Text(body), target, schema, validation)
    value, doubled = _syntax(body, kind, target, validation)
    return _typed(value, _Text(body, kind == media.YAML, doubled), target, schema, validation)


class _Text(NamedTuple):
    """A body and what is strictly wrong with it before anything is known of its fields: keys given twice, as paths,
    or in YAML as complaints by line."""

    body: bytes
    yaml: bool = False
    doubled: list[str] = []  # noqa: RUF012

    def warnings(self, unknown: list[str]) -> list[str]:
        if not self.yaml and self.doubled:
            return gojson.strict_faults(self.body, unknown)
        return self.doubled + [f'unknown field "{path}"' for path in unknown]

    def refusal(self, unknown: list[str]) -> str:
        faults = self.warnings(unknown)
        if self.yaml and self.doubled:
            lines = "".join(f"\n  {line}" for line in self.doubled)
            faults = [f"yaml: unmarshal errors:{lines}", *faults[len(self.doubled) :]]
        return "strict decoding error: " + ", ".join(faults)


def _syntax(body: bytes, kind: str, target: Target, validation: str) -> tuple[Any, list[str]]:
    """(value, keys given twice)."""
    if kind == media.YAML:
        from cluster.apiserver.codecs import yaml_text

        try:
            loaded = yaml_text.loads(body)
        except yaml_text.YAMLError as error:
            raise _unrecognized(target, str(error), body) from error
        return loaded.value, loaded.duplicates
    if kind == media.CBOR:
        from cluster.apiserver.codecs.cbor import loads

        return loads(body), []
    try:
        value = gojson.loads(body)
    except gojson.JSONError as error:
        raise _unrecognized(target, f"couldn't get version/kind; json parse error: {error}", body) from error
    if validation == IGNORE:
        return value, []
    return value, gojson.duplicate_fields(body, value)


def _unrecognized(target: Target, fault: str, body: bytes) -> Exception:
    if target.plain:
        return bad_request(fault)
    return bad_request(
        f"the object provided is unrecognized (must be of type {target.gvk.kind}): {fault} ({summary(body)})"
    )


def summary(body: bytes, limit: int = 30) -> str:
    """How a message shows a body: as text when it is an object, else in hexadecimal."""
    if not body:
        return "<empty>"
    cut, tail = body[:limit], " ..." if len(body) > limit else ""
    return (cut.decode("utf-8", "replace") if body[:1] == b"{" else cut.hex()) + tail


def _typed(value: Any, text: _Text, target: Target, schema: Schema, validation: str) -> Body:
    if value is None and text.body.strip():
        value = {}
    gvk = _kind_of(value, text.body, target)
    decoded = _read(value, gvk, target, schema)
    if validation == STRICT and (decoded.unknown or text.doubled):
        raise _unhandled(gvk, target, text.refusal(decoded.unknown))
    obj = decoded.obj
    _check_conversion(gvk, target, obj)
    obj["apiVersion"], obj["kind"] = target.gvk.api_version, target.gvk.kind
    return Body(obj, [] if validation == IGNORE else text.warnings(decoded.unknown))


def _kind_of(value: Any, body: bytes, target: Target) -> GroupVersionKind:
    """The kind a body says it is, completed by the expected one."""
    if not isinstance(value, dict):
        found = f"json: cannot unmarshal {gojson.kind_of(value)} into Go value of type {_HEAD}"
        raise _unrecognized(target, f"couldn't get version/kind; json parse error: {found}", body)
    for key in ("apiVersion", "kind"):
        if not isinstance(value.get(key, ""), str | None):
            found = f"json: cannot unmarshal {gojson.kind_of(value[key])} into Go struct field .{key} of type string"
            raise _unrecognized(target, f"couldn't get version/kind; json parse error: {found}", body)
    version, name = value.get("apiVersion") or "", value.get("kind") or ""
    try:
        group, parsed = GroupVersion.parse(version)
    except ValueError as error:
        raise _unrecognized(target, str(error), body) from error
    if target.kind is not None:
        _check_custom(version, name, body, target)
    default = target.gvk
    if not parsed and group in ("", default.group):
        group, parsed = default.group, default.version
    return GroupVersionKind(group, parsed, name or default.kind)


def _check_custom(version: str, name: str, body: bytes, target: Target) -> None:
    if not name:
        text = body.decode("utf-8", "replace")
        raise _unrecognized(target, f"Object 'Kind' is missing in '{text}'", body)
    if version != target.gvk.api_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version "
            f"({target.gvk.api_version})"
        )


def _unhandled(gvk: GroupVersionKind, target: Target, fault: str) -> Exception:
    if target.plain:
        return bad_request(fault)
    return bad_request(
        f"{gvk.kind} in version {json.dumps(gvk.version)} cannot be handled as a {target.gvk.kind}: {fault}"
    )


def _read(value: Obj, gvk: GroupVersionKind, target: Target, schema: Schema) -> Decoded:
    try:
        if target.kind is not None:
            return schema.decode_kind(target.kind, value)
        definition = target.definition if _expected(gvk, target) else schema.definition_of(gvk)
        if definition is None:
            where = f'version "{GroupVersion(gvk.group, gvk.version)}"'
            raise _unhandled(gvk, target, f'no kind "{gvk.kind}" is registered for {where} in scheme "{_SCHEME}"')
        return schema.decode(definition, value)
    except DecodeFault as fault:
        raise _unhandled(gvk, target, str(fault)) from fault


def foreign(value: Obj, target: Target, schema: Schema) -> str:
    """Why an object that names itself cannot be read as the expected kind; empty when it can."""
    group, version = GroupVersion.parse(str(value.get("apiVersion") or target.gvk.api_version))
    gvk = GroupVersionKind(group, version, str(value.get("kind") or target.gvk.kind))
    if gvk == target.gvk:
        return ""
    if schema.definition_of(gvk) is None:
        return f'no kind "{gvk.kind}" is registered for version "{GroupVersion(group, version)}" in scheme "{_SCHEME}"'
    return "" if (gvk.group, gvk.kind) == (target.gvk.group, target.gvk.kind) else _unknown_conversion(gvk, target)


def _unknown_conversion(gvk: GroupVersionKind, target: Target) -> str:
    internal = internal_package(target.gvk.group)
    return f"converting ({gvk.version}.{gvk.kind}) to ({internal}.{target.gvk.kind}): unknown conversion"


def internal_package(group: str) -> str:
    """The Go package of a group's internal types, which some messages name."""
    return "core" if group in ("", "events.k8s.io") else group.partition(".")[0]


def _expected(gvk: GroupVersionKind, target: Target) -> bool:
    """Of the expected kind; the options kinds belong to every group."""
    return gvk == target.gvk or (gvk.kind == target.gvk.kind and gvk.kind in _OPTIONS)


def _check_conversion(gvk: GroupVersionKind, target: Target, obj: Obj) -> None:
    if _expected(gvk, target):
        return
    wanted = target.gvk
    if target.plain:
        where = f'version "{GroupVersion(gvk.group, gvk.version)}"'
        raise bad_request(f'no kind "{gvk.kind}" is registered for {where} in scheme "{_OPTIONS_SCHEME}"')
    if gvk.kind == wanted.kind and gvk.group == wanted.group:
        data, expected = GroupVersion(gvk.group, gvk.version), wanted.api_version
        raise bad_request(f"the API version in the data ({data}) does not match the expected API version ({expected})")
    if target.kind is not None and gvk._replace(kind=wanted.kind) == wanted:
        # The kind of a custom resource is checked as one of its fields.
        cause = field_invalid("kind", gvk.kind, f"must be {wanted.kind}").cause()
        raise invalid((wanted.group, gvk.kind), (obj.get("metadata") or {}).get("name") or "", [cause])
    raise _unhandled(gvk, target, _unknown_conversion(gvk, target))
