"""OpenAPI for a set of kinds: the v3 index with a document for each group version, and the one v2 document.

Documents are built when first asked for, kept as encoded bytes and forgotten by `drop`. A document's hash covers what
it is made of, not its text, so that the index costs nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from cluster.apiserver.openapi import paths
from cluster.apiserver.openapi.schemas import META, Schemas, custom_schemas, definition_key
from cluster.kinds.kind import Kind
from cluster.kinds.schema import Schema, raw_definitions

_LIMIT = 12
_DISCOVERY = {"api": "APIVersions", "apis": "APIGroupList"}
_FORMAT = 4
"""Raise it when documents of the same kinds change: clients keep them by hash."""


class Document(NamedTuple):
    body: bytes
    etag: str
    """Without quotes; also the hash of the index."""
    content_type: str = "application/json"


class Others(NamedTuple):
    """What other servers add to the v2 document: `mark` differs whenever that does."""

    mark: str
    merge: Callable[[dict[str, Any]], dict[str, Any]]


class OpenAPI:
    """`schema` is that of the served minor; `version` what info.version says, e.g. `1.36`."""

    def __init__(self, schema: Schema, version: str = "") -> None:
        self._schema = schema
        self._version = version or schema.minor
        self._kept: dict[str, Document] = {}

    def drop(self) -> None:
        """Forget every built document."""
        self._kept.clear()

    def index(self, kinds: Iterable[Kind], others: Mapping[str, Any] | None = None) -> Document:
        """GET /openapi/v3: every document with its hash. `others` are entries of other servers."""
        found = dict(others or {}) | {
            path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={self._hash(path, members)}"}
            for path, members in sorted(_documents(kinds).items())
        }
        body = orjson.dumps({"paths": dict(sorted(found.items()))})
        return Document(body, hashlib.sha256(body).hexdigest().upper(), "text/plain; charset=utf-8")

    def document(self, path: str, kinds: Iterable[Kind]) -> Document | None:
        """GET /openapi/v3/{path}, e.g. `apis/apps/v1`; None where there is no such document."""
        members = _documents(kinds).get(path)
        if members is None:
            return None
        return self._keep(f"v3/{path}", self._hash(path, members), lambda: self._build_v3(path, members))

    def v2(self, kinds: Iterable[Kind], protobuf: bool = False, others: Others | None = None) -> Document:
        """GET /openapi/v2 as JSON, or as gnostic's protobuf for clients that ask for that."""
        members = list(kinds)
        mark = self._hash("v2", members)
        if others is not None and others.mark:
            mark = hashlib.sha256(f"{mark} {others.mark}".encode()).hexdigest().upper()

        def build() -> dict[str, Any]:
            made = self._build_v2(members)
            return made if others is None else others.merge(made)

        if not protobuf:
            return self._keep("v2", mark, lambda: orjson.dumps(build()))
        from cluster.apiserver.openapi.v2_protobuf import encode

        kept = self._keep("v2.pb", f"{mark}PB", lambda: encode(build()))
        return kept._replace(content_type="application/com.github.proto-openapi.spec.v2.v1.0+protobuf")

    def _keep(self, key: str, mark: str, build: Any) -> Document:
        found = self._kept.get(key)
        if found is None or found.etag != mark:
            # What orjson returns may keep twice the room it needs; a copy has its own size.
            found = Document(bytes(memoryview(build())), mark)
            self._kept.pop(key, None)
            if len(self._kept) >= _LIMIT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = found
        return found

    def _hash(self, path: str, kinds: Iterable[Kind]) -> str:
        mark = hashlib.sha256(f"{_FORMAT} {self._version} {self._schema.minor} {path}".encode())
        for kind in kinds:
            mark.update(f" {kind.gvk} {kind.plural} {kind.verbs} {[s.name for s in kind.subresources]}".encode())
            if not kind.definition:
                mark.update(orjson.dumps(kind.schema, option=orjson.OPT_SORT_KEYS, default=dict))
        return mark.hexdigest().upper()

    def _build_v3(self, path: str, kinds: list[Kind]) -> bytes:
        schemas = Schemas(raw_definitions(self._schema.minor), self._schema.go_types, 3)
        found = schemas.closure(_names(kinds, path))
        _narrow(found, {("", "v1"), *((kind.group, kind.version) for kind in kinds)})
        for kind in kinds:
            if not kind.definition:
                found.update(custom_schemas(kind, 3))
        told = _v3_paths(path, kinds)
        document = {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": self._version},
            "paths": told,
            "components": {
                **_shared(kinds, told), "schemas": found, "securitySchemes": {"BearerToken": _BEARER}
            },
        }  # fmt: skip
        return orjson.dumps(document)

    def _build_v2(self, kinds: list[Kind]) -> dict[str, Any]:
        schemas = Schemas(raw_definitions(self._schema.minor), self._schema.go_types, 2)
        every = {name for path, members in _documents(kinds).items() for name in _names(members, path)}
        found = schemas.closure(every)
        for kind in kinds:
            if not kind.definition:
                found.update(custom_schemas(kind, 2))
        return {
            "swagger": "2.0",
            "info": {"title": "Kubernetes", "version": self._version},
            "paths": _v2_paths(kinds),
            "definitions": found,
            "parameters": {},
            "securityDefinitions": {"BearerToken": _BEARER},
            "security": [{"BearerToken": []}],
        }


_BEARER = {
    "description": "Bearer Token authentication",
    "type": "apiKey",
    "name": "authorization",
    "in": "header",
}


def _documents(kinds: Iterable[Kind]) -> dict[str, list[Kind]]:
    """Path of each v3 document -> the kinds in it."""
    out: dict[str, list[Kind]] = {
        ".well-known/openid-configuration": [],
        "api": [],
        "apis": [],
        "openid/v1/jwks": [],
        "version": [],
    }
    for kind in kinds:
        out.setdefault(paths.base(kind)[1:], []).append(kind)
        if kind.group and kind.definition:
            out.setdefault(f"apis/{kind.group}", [])
    return out


def _narrow(schemas: dict[str, Any], versions: set[tuple[str, str]]) -> None:
    """Kinds that every group has (DeleteOptions, WatchEvent) are told for the document's own groups only."""
    for schema in schemas.values():
        listed = schema.get("x-kubernetes-group-version-kind", ())
        if len(listed) > 1:
            kept = [gvk for gvk in listed if (gvk["group"], gvk["version"]) in versions]
            schema["x-kubernetes-group-version-kind"] = kept


_PLAIN_ANSWERS = {
    ".well-known/openid-configuration": "",
    "openid/v1/jwks": "",
    "version": "io.k8s.apimachinery.pkg.version.Info",
}


def _names(kinds: list[Kind], path: str) -> set[str]:
    found = paths.needed_schemas(kinds)
    if kinds:
        found |= {definition_key(kind) for kind in kinds if "list" in kind.verbs}
        custom = not any(kind.definition for kind in kinds)
        return found | ({META + "ObjectMeta", META + "ListMeta"} if custom else {META + "APIResourceList"})
    answer = _root_answer(path)
    return {answer} if answer else set()


def _root_answer(path: str) -> str:
    """The schema of a path that belongs to no kind."""
    if path in _PLAIN_ANSWERS:
        return _PLAIN_ANSWERS[path]
    return META + _DISCOVERY.get(path, "APIGroup")


def _v3_paths(path: str, kinds: list[Kind]) -> dict[str, Any]:
    """What the operations of a document have in common stands once, among its components (`_shared`): that is what
    makes it quick to parse, which kubectl does for every object it applies."""
    answer = META + "APIResourceList" if kinds else _root_answer(path)
    out: dict[str, Any] = {}
    if not kinds or any(kind.definition for kind in kinds):
        out[f"/{path}/"] = {"get": {"responses": {"200": _v3_answer(answer)}}}
    for kind in kinds:
        for where, ops in paths.operations(kind):
            entry = out.setdefault(where, {})
            entry.update({op.method: _v3_operation(where, op) for op in ops})
            entry["parameters"] = [_ref("parameters", f"path-{name}") for name in paths.path_parameters(where)]
    return dict(sorted(out.items()))


def _v3_operation(where: str, op: paths.Operation) -> dict[str, Any]:
    out: dict[str, Any] = {
        "operationId": paths.operation_id(where, op),
        "responses": {"200": _ref("responses", op.answer or _TEXT)},
        "x-kubernetes-action": op.action,
        "x-kubernetes-group-version-kind": _gvk(op),
    }
    if query := _v3_query(op):
        out["parameters"] = query
    if op.method == "patch" and op.body:
        # kubectl looks for the type of patches in the operation itself.
        out["requestBody"] = _v3_body(op.body, paths.patch_types(op.kind))
    elif op.body:
        out["requestBody"] = _ref("requestBodies", op.body)
    return out


_TEXT = "text"
"""The answer of operations that answer no object."""


def _ref(section: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{section}/{name}"}


def _v3_answer(name: str) -> dict[str, Any]:
    schema = _ref("schemas", name) if name else {"type": "string"}
    return {"description": "OK", "content": {"application/json": {"schema": schema}}}


def _v3_body(name: str, media: Iterable[str] = ("*/*",)) -> dict[str, Any]:
    schema = _ref("schemas", name)
    return {"content": {each: {"schema": schema} for each in media}}


def _v3_query(op: paths.Operation) -> list[dict[str, Any]]:
    if op.method in _WRITES:
        # kubectl looks for those of writes by name, in their operation.
        return [_v3_parameter(name) for name in op.query]
    # The old watch paths, three a kind, take what lists take: told there.
    return [] if op.action in _OLD else [_ref("parameters", name) for name in op.query]


_WRITES = ("patch", "post", "put")
_OLD = ("watch", "watchlist")


def _v3_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": paths.query_type(name), "uniqueItems": True}}


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _shared(kinds: list[Kind], told: dict[str, Any]) -> dict[str, Any]:
    """The components, beside schemas, that the operations of `kinds` at the paths `told` refer to."""
    ops = [op for kind in kinds for _, listed in paths.operations(kind) for op in listed]
    query = sorted({name for op in ops if op.method not in _WRITES for name in op.query})
    places = sorted({name for where in told for name in paths.path_parameters(where)})
    bodies = sorted({op.body for op in ops if op.body and op.method != "patch"})
    sections = {
        "parameters": {
            **{name: _v3_parameter(name) for name in query},
            **{f"path-{name}": _path_parameter(name) for name in places},
        },
        "requestBodies": {name: _v3_body(name) for name in bodies},
        "responses": {name or _TEXT: _v3_answer(name) for name in sorted({op.answer for op in ops})},
    }
    return {name: content for name, content in sections.items() if content}


def _gvk(op: paths.Operation) -> dict[str, str]:
    group, version, kind = op.gvk
    return {"group": group, "version": version, "kind": kind}


def _v2_paths(kinds: list[Kind]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for root, members in _documents(kinds).items():
        if not members or any(kind.definition for kind in members):
            answer = META + "APIResourceList" if members else _root_answer(root)
            out[f"/{root}/"] = {"get": {"responses": {"200": _v2_answer(answer)}}}
    for kind in kinds:
        for where, ops in paths.operations(kind):
            entry = out.setdefault(where, {})
            entry.update({op.method: _v2_operation(where, op) for op in ops})
            entry["parameters"] = [
                {"name": name, "in": "path", "required": True, "type": "string"}
                for name in paths.path_parameters(where)
            ]
    return dict(sorted(out.items()))


def _v2_answer(name: str) -> dict[str, Any]:
    schema = {"$ref": f"#/definitions/{name}"} if name else {"type": "string"}
    return {"description": "OK", "schema": schema}


def _v2_operation(where: str, op: paths.Operation) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = []
    if op.body:
        required = op.body != META + "DeleteOptions"
        body = {"name": "body", "in": "body", "schema": {"$ref": f"#/definitions/{op.body}"}}
        parameters.append({**body, "required": True} if required else body)
    parameters += [{"name": name, "in": "query", "type": paths.query_type(name)} for name in op.query]
    consumes = list(paths.patch_types(op.kind)) if op.method == "patch" else ["*/*"]
    return {
        "operationId": paths.operation_id(where, op),
        "consumes": consumes,
        "produces": ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"],
        "parameters": parameters,
        "responses": {"200": _v2_answer(op.answer)},
        "x-kubernetes-action": op.action,
        "x-kubernetes-group-version-kind": _gvk(op),
    }
