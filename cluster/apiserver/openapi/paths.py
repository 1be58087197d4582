"""The paths of OpenAPI documents, derived from kinds: enough for clients to find kinds, verbs and parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from cluster.apiserver.openapi.schemas import META, definition_key, list_key
from cluster.kinds.kind import Kind, Subresource

_CONNECT = frozenset(("attach", "exec", "portforward", "proxy"))
_PROXY_METHODS = ("delete", "get", "head", "options", "patch", "post", "put")
_PATCHES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "application/apply-patch+cbor",
)
_WRITES = ("dryRun", "fieldManager", "fieldValidation")


class Operation(NamedTuple):
    """One method of a path. `body` and `answer` are schema names; `query` the names of query parameters."""

    method: str
    action: str
    kind: Kind
    gvk: tuple[str, str, str]
    body: str = ""
    answer: str = ""
    query: tuple[str, ...] = ()


def base(kind: Kind) -> str:
    return f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"


def operations(kind: Kind) -> Iterator[tuple[str, list[Operation]]]:
    """(path, operations) of everything a kind serves."""
    root = base(kind)
    place = f"{root}/namespaces/{{namespace}}" if kind.namespaced else root
    collection = f"{place}/{kind.plural}"
    listing = _collection(kind)
    if listing:
        yield collection, listing
    if kind.namespaced and "list" in kind.verbs:
        yield f"{root}/{kind.plural}", [_op(kind, "get", "list", answer=list_key(kind), query=_LIST)]
    item = _item(kind)
    if item:
        yield f"{collection}/{{name}}", item
    for sub in kind.subresources:
        yield from _subresource(kind, f"{collection}/{{name}}/{sub.name}", sub)
    yield from _watches(kind, root)


_LIST = (
    "allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion",
    "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch",
)  # fmt: skip
_DELETE = (
    "dryRun", "gracePeriodSeconds", "ignoreStoreReadErrorWithClusterBreakingPotential", "orphanDependents",
    "propagationPolicy",
)  # fmt: skip


def _op(kind: Kind, method: str, action: str, **more: Any) -> Operation:
    return Operation(method, action, kind, (kind.group, kind.version, kind.kind), **more)


def _collection(kind: Kind) -> list[Operation]:
    name, out = definition_key(kind), []
    if "deletecollection" in kind.verbs:
        body, query = f"{META}DeleteOptions", (*_DELETE, *_LIST)
        out.append(_op(kind, "delete", "deletecollection", body=body, answer=f"{META}Status", query=query))
    if "list" in kind.verbs:
        out.append(_op(kind, "get", "list", answer=list_key(kind), query=_LIST))
    if "create" in kind.verbs:
        out.append(_op(kind, "post", "post", body=name, answer=name, query=_WRITES))
    return out


def _item(kind: Kind) -> list[Operation]:
    name, out = definition_key(kind), []
    if "delete" in kind.verbs:
        body = f"{META}DeleteOptions"
        out.append(_op(kind, "delete", "delete", body=body, answer=f"{META}Status", query=_DELETE))
    if "get" in kind.verbs:
        out.append(_op(kind, "get", "get", answer=name))
    if "patch" in kind.verbs:
        out.append(_op(kind, "patch", "patch", body=f"{META}Patch", answer=name, query=(*_WRITES, "force")))
    if "update" in kind.verbs:
        out.append(_op(kind, "put", "put", body=name, answer=name, query=_WRITES))
    return out


_SUB_METHODS = {"create": "post", "delete": "delete", "get": "get", "patch": "patch", "update": "put"}


def _subresource(kind: Kind, path: str, sub: Subresource) -> Iterator[tuple[str, list[Operation]]]:
    gvk = (sub.kind.group, sub.kind.version, sub.kind.kind) if sub.kind else (kind.group, kind.version, kind.kind)
    if sub.name == "proxy":
        connect = [Operation(method, "connect", kind, gvk) for method in _PROXY_METHODS]
        yield path, connect
        yield f"{path}/{{path}}", connect
        return
    name = _subresource_schema(kind, sub)
    out = []
    for verb in sorted(sub.verbs, key=lambda verb: _SUB_METHODS[verb]):
        method = _SUB_METHODS[verb]
        if sub.name in _CONNECT or sub.name == "log":
            out.append(Operation(method, "get" if sub.name == "log" else "connect", kind, gvk))
        else:
            body = f"{META}Patch" if verb == "patch" else name if verb in ("create", "update") else ""
            query = () if verb == "get" else (*_WRITES, "force") if verb == "patch" else _WRITES
            out.append(Operation(method, method, kind, gvk, body, name, query))
    yield path, out


_GROUP_FOLDERS = {
    "": "core", "rbac.authorization.k8s.io": "rbac", "flowcontrol.apiserver.k8s.io": "flowcontrol",
}  # fmt: skip


def _subresource_schema(kind: Kind, sub: Subresource) -> str:
    if sub.kind is None:
        return definition_key(kind)
    folder = _GROUP_FOLDERS.get(sub.kind.group) or sub.kind.group.partition(".")[0]
    return f"io.k8s.api.{folder}.{sub.kind.version}.{sub.kind.kind}"


def _watches(kind: Kind, root: str) -> Iterator[tuple[str, list[Operation]]]:
    """The old watch paths, which custom resources do not have."""
    if "watch" not in kind.verbs or not kind.definition:
        return
    answer, query = f"{META}WatchEvent", _LIST
    many = [_op(kind, "get", "watchlist", answer=answer, query=query)]
    one = [_op(kind, "get", "watch", answer=answer, query=query)]
    yield f"{root}/watch/{kind.plural}", many
    place = f"{root}/watch/namespaces/{{namespace}}" if kind.namespaced else f"{root}/watch"
    if kind.namespaced:
        yield f"{place}/{kind.plural}", many
    yield f"{place}/{kind.plural}/{{name}}", one


def needed_schemas(kinds: Iterable[Kind]) -> set[str]:
    """The schemas that the operations of kinds speak of."""
    found = set()
    for kind in kinds:
        for _, ops in operations(kind):
            for op in ops:
                found |= {op.body, op.answer}
    return found - {""}


def operation_id(path: str, op: Operation) -> str:
    """A unique name, as generated clients need one."""
    group = (op.kind.group.partition(".")[0] or "core").capitalize()
    tail = path[len(base(op.kind)) :]
    suffix = "ForAllNamespaces" if op.kind.namespaced and "{namespace}" not in path else ""
    sub = "".join(part.capitalize() for part in tail.split("/{name}", 1)[-1].replace("{path}", "WithPath").split("/"))
    space = "Namespaced" if "{namespace}" in path else ""
    verb = {"post": "create", "put": "replace", "get": "read"}.get(op.action, op.action)
    verb = {"connect": f"connect{op.method.capitalize()}", "deletecollection": "deleteCollection"}.get(op.action, verb)
    tail_name = sub if "{name}" in path else ""
    return f"{verb}{group}{op.kind.version.capitalize()}{space}{op.kind.kind}{tail_name}{suffix}"


_INTEGERS = frozenset(("limit", "timeoutSeconds", "gracePeriodSeconds"))
_BOOLEANS = frozenset(("allowWatchBookmarks", "sendInitialEvents", "watch", "orphanDependents", "force"))
_BOOLEANS |= {"ignoreStoreReadErrorWithClusterBreakingPotential"}


def query_type(name: str) -> str:
    return "integer" if name in _INTEGERS else "boolean" if name in _BOOLEANS else "string"


def path_parameters(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def patch_types(kind: Kind) -> tuple[str, ...]:
    return _PATCHES if kind.definition else tuple(p for p in _PATCHES if "strategic" not in p)
