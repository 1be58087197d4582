"""What the API types look like, for one Kubernetes minor: decoding wire dicts and the structure of objects.

The OpenAPI definitions come from the `kubernetes-validate` package and say which fields exist; `go-types.json` says
how the API server holds each of them (pointer, omitted when empty, the type's name), which decides what a written
object looks like and how faults are worded. Both are read once, slimmed, and compiled only for the definitions
that are asked for. Descriptions are not kept; `raw_definitions` reads them again for OpenAPI.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple

import orjson

from cluster.kinds.kind import Kind
from cluster.kinds.schema_custom import custom_decoder, custom_structure
from cluster.kinds.schema_decode import Compiler, DecodeFault
from cluster.kinds.schema_order import go_order
from cluster.kinds.schema_structure import Structures
from cluster.meta.structure import Structure
from cluster.meta.types import GroupVersionKind, Obj

__all__ = ["DEFAULT_MINOR", "DecodeFault", "Decoded", "Schema", "raw_definitions", "schema"]

DEFAULT_MINOR = "1.36"
_KEPT = (
    "type", "format", "required", "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type",
    "x-kubernetes-patch-merge-key", "x-kubernetes-patch-strategy",
)  # fmt: skip
OBJECT_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


class Decoded(NamedTuple):
    """An object as the API server holds it, and the paths of the fields that were left out as unknown."""

    obj: Obj
    unknown: list[str]


class SchemaMissing(LookupError):
    """There are no definitions for that Kubernetes minor."""


def _folder(minor: str) -> str:
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or spec.origin is None:
        raise SchemaMissing("the package kubernetes-validate is not installed")
    root = os.path.join(os.path.dirname(spec.origin), "kubernetes-json-schema")
    folder = os.path.join(root, f"v{minor}.0-local")
    if not os.path.isdir(folder):
        known = sorted(_minors(root), key=lambda text: [int(part) for part in text.split(".")])
        raise SchemaMissing(f"no schemas for Kubernetes {minor}; there are {', '.join(known)}")
    return folder


def _minors(root: str) -> list[str]:
    found = (re.fullmatch(r"v(\d+\.\d+)\.0-local", name) for name in os.listdir(root))
    return [match[1] for match in found if match]


def raw_definitions(minor: str = DEFAULT_MINOR) -> dict[str, Any]:
    """{definition name: OpenAPI schema with descriptions}, read from disk at each call; references are `#/$defs/…`."""
    with open(os.path.join(_folder(minor), "_definitions.json"), "rb") as file:
        found = orjson.loads(file.read())
    return found["$defs"]  # type: ignore[no-any-return]


def _slim(value: dict[str, Any], pool: dict[bytes, dict[str, Any]]) -> dict[str, Any]:
    """A schema without what decoding does not need; equal ones are one object."""
    out: dict[str, Any]
    reference = value.get("$ref")
    if reference:
        out = {key: value[key] for key in _KEPT if key in value}
        out["$ref"] = reference.rpartition("/")[2]
    else:
        out = {key: value[key] for key in _KEPT if key in value}
        kind = out.get("type")
        if isinstance(kind, list):
            out["type"] = kind[0]
        for key in ("items", "additionalProperties"):
            if isinstance(value.get(key), dict):
                out[key] = _slim(value[key], pool)
        if "properties" in value:
            out["properties"] = {name: _slim(child, pool) for name, child in value["properties"].items()}
            return out
    # A copy, for what orjson returns keeps 4 KiB however short it is, and there are thousands of keys.
    return pool.setdefault(bytes(memoryview(orjson.dumps(out))), out)


def _kinds_of(raw: dict[str, Any]) -> dict[GroupVersionKind, str]:
    out = {}
    for name, value in raw.items():
        for gvk in value.get("x-kubernetes-group-version-kind", ()):
            out[GroupVersionKind(gvk["group"], gvk["version"], gvk["kind"])] = name
    return out


class Schema:
    """All definitions of one minor, compiled on demand. One instance serves a process."""

    def __init__(self, minor: str = DEFAULT_MINOR) -> None:
        self.minor = minor
        pool: dict[bytes, dict[str, Any]] = {}
        raw = raw_definitions(minor)
        self.definitions = {name: _slim(value, pool) for name, value in raw.items()}
        self._kinds_of = _kinds_of(raw)
        text = resources.files("cluster.data").joinpath("go-types.json").read_bytes()
        self.go_types: dict[str, dict[str, str]] = orjson.loads(text)
        self._compiler = Compiler(self.definitions, self.go_types)
        self._structures = Structures(self.definitions)
        self._kinds: dict[tuple[str, str, str, int], Callable[[Obj], Decoded]] = {}

    def knows(self, definition: str) -> bool:
        return definition in self.definitions

    def definition_of(self, gvk: GroupVersionKind) -> str | None:
        """The definition of a built-in kind, lists and options included; None for what is not built in."""
        return self._kinds_of.get(gvk)

    def decode(self, definition: str, value: Obj) -> Decoded:
        """Read a wire dict as a definition: types checked, unknown fields left out and named, empty ones as Go writes
        them. The argument is not changed; leaves may be shared. Raises DecodeFault."""
        unknown: list[str] = []
        return Decoded(self._compiler.struct(definition)(value, "", unknown), unknown)

    def empty(self, kind: Kind) -> Obj:
        """The object of a kind before anything is set: what a created object is compared with for ownership."""
        if kind.schema is not None or not kind.definition:
            return {"apiVersion": kind.api_version, "kind": kind.kind}
        return {**self._compiler.zero(kind.definition), "apiVersion": kind.api_version, "kind": kind.kind}

    def structure(self, definition: str) -> Structure:
        """Merge keys, list types and atoms of a definition."""
        return self._structures.of(definition)

    def decode_kind(self, kind: Kind, value: Obj) -> Decoded:
        """`decode` for an object of a kind, built-in or custom. Raises DecodeFault."""
        key = (kind.group, kind.version, kind.kind, id(kind.schema))
        found = self._kinds.get(key)
        if found is None:
            found = self._kinds[key] = self._kind_decoder(kind)
        return found(value)

    def kind_structure(self, kind: Kind) -> Structure:
        """`structure` of a kind, built-in or custom."""
        if kind.schema is None and kind.definition:
            return self.structure(kind.definition)
        return custom_structure(kind.schema, kind.preserve_unknown, self.structure(OBJECT_META))

    def go_order(self, kind: Kind, value: Obj) -> Obj:
        """An object with its fields in the order the API server writes them; unknown fields last, parts are copied."""
        if kind.schema is not None or not kind.definition:
            return value
        ordered: Obj = go_order(value, {"$ref": kind.definition}, self.definitions, self.go_types)
        return ordered

    def forget(self, kind: Kind) -> None:
        """Drop what was compiled for a kind that is gone."""
        for key in [key for key in self._kinds if key[:3] == (kind.group, kind.version, kind.kind)]:
            del self._kinds[key]

    def _kind_decoder(self, kind: Kind) -> Callable[[Obj], Decoded]:
        if kind.schema is None and kind.definition:
            read = self._compiler.struct(kind.definition)
        else:
            read = custom_decoder(kind.schema, kind.preserve_unknown, self._compiler.struct(OBJECT_META))

        def decode(value: Obj) -> Decoded:
            unknown: list[str] = []
            return Decoded(read(value, "", unknown), unknown)

        return decode


@lru_cache(maxsize=2)
def schema(minor: str = DEFAULT_MINOR) -> Schema:
    """The schema of a minor, read once. Raises SchemaMissing."""
    return Schema(minor)
