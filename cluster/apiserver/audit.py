"""The audit log: who did what, as audit.k8s.io/v1 events, a JSON line each, in a file that is rotated by size.

A policy (audit.k8s.io/v1 Policy, a wire dict) decides how much of each request is kept: the first rule that fits
counts, nothing fits means nothing is kept. Secrets, config maps and token reviews must be guarded by the policy, as in
Kubernetes: at the levels Request and RequestResponse bodies are written as they are. A log that cannot be written
does not stop the server; what was lost is counted in `lost`.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster.apiserver.http.messages import Response
from cluster.apiserver.request import Context, RequestInfo, UserInfo
from cluster.meta.times import micros
from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.machinery.clock import Clock

_log = logging.getLogger(__name__)


class Level(IntEnum):
    NONE = 0
    METADATA = 1
    REQUEST = 2
    REQUEST_RESPONSE = 3


LEVELS = {
    "None": Level.NONE,
    "Metadata": Level.METADATA,
    "Request": Level.REQUEST,
    "RequestResponse": Level.REQUEST_RESPONSE,
}
_NAMES = {level: name for name, level in LEVELS.items()}
STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")


class Policy:
    """Raises ValueError with the place for a rule that cannot be understood."""

    def __init__(self, policy: Obj) -> None:
        if policy.get("kind") != "Policy" or policy.get("apiVersion") != "audit.k8s.io/v1":
            raise ValueError("the audit policy must be an audit.k8s.io/v1 Policy")
        self._rules: list[Obj] = list(policy.get("rules") or [])
        if not self._rules:
            raise ValueError("the audit policy has no rules")
        self._omitted = frozenset(policy.get("omitStages") or ())
        for at, rule in enumerate(self._rules):
            if rule.get("level") not in LEVELS:
                raise ValueError(f"rules[{at}].level: {rule.get('level')!r} is none of {', '.join(LEVELS)}")
            for stage in rule.get("omitStages") or ():
                if stage not in STAGES:
                    raise ValueError(f"rules[{at}].omitStages: {stage!r} is none of {', '.join(STAGES)}")

    def level_of(self, ctx: Context, stage: str) -> Level:
        for rule in self._rules:
            if _fits(rule, ctx):
                omitted = stage in self._omitted or stage in (rule.get("omitStages") or ())
                return Level.NONE if omitted else LEVELS[rule["level"]]
        return Level.NONE


def _fits(rule: Obj, ctx: Context) -> bool:
    user = ctx.impersonator or ctx.user
    if rule.get("users") and user.name not in rule["users"]:
        return False
    if rule.get("userGroups") and not set(rule["userGroups"]) & set(user.groups):
        return False
    if rule.get("verbs") and ctx.info.verb not in rule["verbs"]:
        return False
    if not ctx.info.is_resource:
        urls = rule.get("nonResourceURLs")
        if urls:
            return any(_path_fits(url, ctx.info.path) for url in urls)
        return not rule.get("resources") and not rule.get("namespaces")
    if rule.get("nonResourceURLs"):
        return False
    if rule.get("namespaces") and ctx.info.namespace not in rule["namespaces"]:
        return False
    resources = rule.get("resources")
    return not resources or any(_resource_fits(entry, ctx.info) for entry in resources)


def _path_fits(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


def _resource_fits(entry: Obj, info: RequestInfo) -> bool:
    if (entry.get("group") or "") != info.group:
        return False
    names = entry.get("resourceNames")
    if names and info.name not in names:
        return False
    wanted = entry.get("resources")
    if not wanted:
        return True
    full = f"{info.resource}/{info.subresource}" if info.subresource else info.resource
    wild = {"*", full}
    if info.subresource:
        wild |= {f"{info.resource}/*", f"*/{info.subresource}"}
    return any(w in wild for w in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditOptions:
    """`policy` is an audit.k8s.io/v1 Policy; `most_bytes` the size at which the file is put aside, `kept` how many
    such files stay (0: none)."""

    path: Path
    policy: Obj
    most_bytes: int = 100 << 20
    kept: int = 10


class RotatingFile:
    """Lines appended to a file; at its size it becomes `NAME.1`, the older ones move on."""

    def __init__(self, path: Path, most_bytes: int, kept: int) -> None:
        self._path, self._most, self._kept = path, most_bytes, kept
        self._file = path.open("ab")
        self._size = path.stat().st_size

    def write(self, line: bytes) -> None:
        """Raises OSError."""
        if self._size and self._size + len(line) > self._most:
            self._rotate()
        self._file.write(line)
        self._file.flush()
        self._size += len(line)

    def _rotate(self) -> None:
        self._file.close()
        for number in range(self._kept - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        if self._kept:
            self._path.replace(self._numbered(1))
        else:
            self._path.unlink()
        self._file = self._path.open("ab")
        self._size = 0

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def close(self) -> None:
        self._file.close()


class AuditLog:
    """`answered` sees every response."""

    def __init__(self, options: AuditOptions, clock: Clock) -> None:
        self._policy = Policy(options.policy)
        self._file = RotatingFile(options.path, options.most_bytes, options.kept)
        self._clock = clock
        self.written = 0
        self.lost = 0

    def answered(self, ctx: Context, response: Response) -> None:
        long = response.stream is not None or response.takeover is not None
        stage = "ResponseStarted" if long else "ResponseComplete"
        level = self._policy.level_of(ctx, stage)
        if level is Level.NONE:
            return
        event = event_of(ctx, response, level, stage, self._clock.now())
        try:
            self._file.write(json.dumps(event, separators=(",", ":")).encode() + b"\n")
            self.written += 1
        except OSError:
            if not self.lost:
                _log.exception("the audit log cannot be written")
            self.lost += 1

    def close(self) -> None:
        self._file.close()


def event_of(ctx: Context, response: Response, level: Level, stage: str, now: float) -> Obj:
    """The audit.k8s.io/v1 Event of a request and its answer."""
    request, info = ctx.request, ctx.info
    event: Obj = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": _NAMES[level],
        "auditID": ctx.audit_id,
        "stage": stage,
        "requestURI": f"{request.path}?{request.query}" if request.query else request.path,
        "verb": info.verb,
        "user": _user(ctx.impersonator or ctx.user),
        "sourceIPs": [request.peer] if request.peer else [],
        "userAgent": request.headers.get("user-agent", ""),
        "responseStatus": {"metadata": {}, "code": response.status},
        "requestReceivedTimestamp": micros(ctx.received or now),
        "stageTimestamp": micros(now),
    }
    if ctx.impersonator is not None:
        event["impersonatedUser"] = _user(ctx.user)
    if info.is_resource:
        event["objectRef"] = _object_ref(info)
    if level >= Level.REQUEST and request.body:
        event["requestObject"] = _body(request.body)
    if level >= Level.REQUEST_RESPONSE and response.body:
        event["responseObject"] = _body(response.body)
    return event


def _user(user: UserInfo) -> dict[str, object]:
    return user.as_dict()


def _object_ref(info: RequestInfo) -> dict[str, str]:
    parts = {
        "resource": info.resource,
        "namespace": info.namespace,
        "name": info.name,
        "apiGroup": info.group,
        "apiVersion": info.version,
        "subresource": info.subresource,
    }
    return {key: value for key, value in parts.items() if value}


def _body(data: bytes) -> Any:
    """JSON as it is; another encoding is only measured."""
    try:
        return json.loads(data)
    except ValueError:
        return {"encoding": "binary", "bytes": len(data)}
