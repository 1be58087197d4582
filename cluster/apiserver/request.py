"""Who asks for what: the user, the parsed path, and the context that travels through the filters.

RequestInfo follows k8s.io/apiserver/pkg/endpoints/request: it is made from the path and method alone, before
anything is known to exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from cluster.apiserver.http.messages import Request
from cluster.meta.types import GroupResource

ANONYMOUS = "system:anonymous"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
MASTERS = "system:masters"


@dataclass(frozen=True, slots=True)
class UserInfo:
    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def as_dict(self) -> dict[str, object]:
        """authentication.k8s.io UserInfo."""
        out: dict[str, object] = {"username": self.name} if self.name else {}
        if self.uid:
            out["uid"] = self.uid
        if self.groups:
            out["groups"] = list(self.groups)
        if self.extra:
            out["extra"] = {k: list(v) for k, v in self.extra}
        return out


LOOPBACK = UserInfo("system:apiserver", "", (MASTERS, AUTHENTICATED))
"""The server acting for itself."""

NOBODY = UserInfo(ANONYMOUS, "", (UNAUTHENTICATED,))
"""Who has shown no credential."""

_VERBS = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
CLIENT_GONE = 499
"""The status of requests whose client went away before the answer; it is never sent."""
HEALTH = frozenset(("/healthz", "/livez", "/readyz"))
READ_VERBS = frozenset(("get", "list", "watch"))
LONG_SUBRESOURCES = frozenset(("log", "exec", "attach", "portforward", "proxy"))
"""Requests of these go on for as long as their clients like, as watches do."""
_NAMESPACE_SUBRESOURCES = frozenset(("status", "finalize"))


@dataclass(slots=True)
class RequestInfo:
    """`resource` is empty for paths outside the API. `verb` is the API verb, empty for methods that are none; outside
    the API it is the method in lower case."""

    path: str
    verb: str
    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    rest: tuple[str, ...] = ()
    """Path segments after the subresource (proxies)."""
    prefix: str = ""
    """`api` or `apis`."""
    named: bool = False
    """The path goes on after the resource, even with an empty name."""

    @property
    def is_resource(self) -> bool:
        return bool(self.resource)

    @property
    def is_long_running(self) -> bool:
        return self.verb == "watch" or self.subresource in LONG_SUBRESOURCES

    @property
    def group_resource(self) -> GroupResource:
        return GroupResource(self.group, self.resource)


def parse_info(request: Request, query: Query) -> RequestInfo:
    """Never fails: what is no API path is a non-resource request."""
    path = request.path
    info = RequestInfo(path, request.method.lower())
    parts = [unquote(p) if "%" in p else p for p in path.strip("/").split("/")]
    if parts[0] == "api" and len(parts) > 2:
        info.prefix, info.version, parts = "api", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        info.prefix, info.group, info.version, parts = "apis", parts[1], parts[2], parts[3:]
    else:
        return info
    if parts[0] == "watch" and len(parts) > 1:
        # The paths of watches from before `?watch=true`; a name in one restricts it.
        _read_resource(info, parts[1:])
        info.verb, info.named = "watch", False
        return info
    _read_resource(info, parts)
    info.verb = _verb(info, request, query)
    return info


def _read_resource(info: RequestInfo, parts: list[str]) -> None:
    if parts[0] == "namespaces" and len(parts) > 1:
        info.namespace = parts[1]
        if len(parts) > 2 and parts[2] not in _NAMESPACE_SUBRESOURCES:
            parts = parts[2:]
    info.resource = parts[0]
    if len(parts) > 1:
        info.name, info.named = parts[1], True
    if len(parts) > 2:
        info.subresource = parts[2]
    info.rest = tuple(parts[3:])


def _verb(info: RequestInfo, request: Request, query: Query) -> str:
    verb = _VERBS.get(request.method, "")
    if info.name:
        return verb
    if verb == "get":
        name = _only_name(query.get("fieldSelector"))
        info.name = name
        return "watch" if query.flag("watch") else "list"
    return "deletecollection" if verb == "delete" else verb


def _only_name(selector: str) -> str:
    """A list restricted to one name is authorised for that name."""
    for part in selector.split(",") if selector else ():
        key, _, value = part.partition("=")
        if key == "metadata.name" and not key.endswith("!"):
            return value.removeprefix("=")
    return ""


class Query:
    """Parameters of a URL. The first of repeated ones counts, as in Go."""

    __slots__ = ("_pairs",)

    def __init__(self, text: str) -> None:
        self._pairs: list[tuple[str, str]] = parse_qsl(text, keep_blank_values=True) if text else []

    @classmethod
    def of(cls, **values: str) -> Query:
        query = cls("")
        query._pairs = [(k, v) for k, v in values.items() if v]
        return query

    def get(self, name: str) -> str:
        return next((v for k, v in self._pairs if k == name), "")

    def all(self, name: str) -> list[str]:
        return [v for k, v in self._pairs if k == name]

    def has(self, name: str) -> bool:
        return any(k == name for k, _ in self._pairs)

    def flag(self, name: str) -> bool:
        """Go's conversion of a query value to bool: present and neither "false" nor "0"."""
        for key, value in self._pairs:
            if key == name:
                return value.lower() not in ("false", "0")
        return False

    def pairs(self) -> list[tuple[str, str]]:
        return list(self._pairs)


@dataclass(slots=True)
class Context:
    """One request on its way through the filters."""

    request: Request
    query: Query
    info: RequestInfo
    user: UserInfo = NOBODY
    warnings: list[str] = field(default_factory=list)
    audit_id: str = ""
    impersonator: UserInfo | None = None
    received: float = 0.0
    """When it came in, Unix seconds."""
    deadline: float | None = None
    """When it must be answered, where its client has said so."""
    timed_out: bool = False
    routed: bool = False
    """There is a handler for it."""
    waited: float = 0.0
    """Seconds it had to wait for others."""
    failed: str = ""
    """What the server itself did wrong, when it did."""
    headers: tuple[tuple[str, str], ...] = ()
    """What flow control tells the client."""
    release: Callable[[], None] | None = None
    """Gives back what the request occupies."""
    on_end: Callable[[], None] | None = None
    """Called once its last byte has been sent."""
    annotations: dict[str, str] | None = None
    """What the audit log shall say of it; None when it is not audited."""
    audit: Any = None
    """cluster.apiserver.audit.record.Record; None when it is not audited."""

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def annotate(self, key: str, value: str) -> None:
        if self.annotations is not None:
            self.annotations[key] = value

    def initialized(self) -> None:
        """A watch has told its initial state; what is left costs next to nothing."""
        release, self.release = self.release, None
        if release is not None:
            release()
