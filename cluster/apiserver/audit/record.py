"""What is known of one audited request, and the event it makes at a stage."""

from __future__ import annotations

from typing import Any

import orjson

from cluster.apiserver.audit.policy import NAMES, Level, Verdict
from cluster.apiserver.http.messages import Response
from cluster.apiserver.request import Context, UserInfo
from cluster.meta.times import micros
from cluster.meta.types import Obj

API_VERSION = "audit.k8s.io/v1"
_LONGEST_AGENT = 1024
_NOBODY: Obj = {}


class Record:
    """`requested` and `responded` are told as the request goes on."""

    __slots__ = ("_name", "_namespace", "_request", "_response", "_revision", "_uid", "ctx", "user", "verdict")

    def __init__(self, ctx: Context, verdict: Verdict, user: UserInfo | None) -> None:
        """`user` is who asked, None when nobody could tell."""
        self.ctx = ctx
        self.verdict = verdict
        self.user = user
        self._namespace, self._name = ctx.info.namespace, ctx.info.name
        self._uid = self._revision = ""
        self._request: bytes | None = None
        self._response: bytes | None = None

    @property
    def bodies(self) -> bool:
        """Whether what is written may be kept."""
        return self.verdict.level >= Level.REQUEST

    def requested(self, obj: Obj) -> None:
        """The object of the request, decoded and defaulted, before admission has seen it."""
        meta = obj.get("metadata") or {}
        self._namespace = self._namespace or str(meta.get("namespace") or "")
        self._name = self._name or str(meta.get("name") or "")
        self._uid, self._revision = str(meta.get("uid") or ""), str(meta.get("resourceVersion") or "")
        if self.bodies:
            self._request = orjson.dumps(self._shown(_headed(obj)), default=dict)

    def patched(self, patch: bytes) -> None:
        """The body of a patch, which is JSON or YAML."""
        if self.bodies:
            self._request = _as_json(patch)

    def responded(self, obj: Obj) -> None:
        """The object that is answered, where the answer itself is not JSON."""
        if self.verdict.level >= Level.REQUEST_RESPONSE:
            self._response = orjson.dumps(self._shown(obj), default=dict)

    def event(self, stage: str, now: float, response: Response | None) -> Obj:
        """The audit.k8s.io/v1 Event; values of bodies are JSON that is written as it is."""
        ctx, request = self.ctx, self.ctx.request
        out: Obj = {
            "kind": "Event",
            "apiVersion": API_VERSION,
            "level": NAMES[self.verdict.level],
            "auditID": ctx.audit_id,
            "stage": stage,
            "requestURI": f"{request.path}?{request.query}" if request.query else request.path,
            "verb": ctx.info.verb,
            "user": _NOBODY if self.user is None else self.user.as_dict(),
        }
        if ctx.impersonator is not None:
            out["impersonatedUser"] = ctx.user.as_dict()
        sources = sources_of(request.headers, request.peer)
        if sources:
            out["sourceIPs"] = sources
        agent = request.headers.get("user-agent", "")
        if agent:
            out["userAgent"] = agent if len(agent) <= _LONGEST_AGENT else f"{agent[:_LONGEST_AGENT]}...TRUNCATED"
        if ctx.info.is_resource:
            out["objectRef"] = self._reference()
        if response is not None:
            self._answer(out, response)
        out["requestReceivedTimestamp"] = micros(ctx.received or now)
        out["stageTimestamp"] = micros(now)
        if ctx.annotations:
            out["annotations"] = dict(sorted(ctx.annotations.items()))
        return out

    def _reference(self) -> dict[str, str]:
        info = self.ctx.info
        parts = {
            "resource": info.resource,
            "namespace": self._namespace,
            "name": self._name,
            "uid": self._uid,
            "apiGroup": info.group,
            "apiVersion": info.version,
            "resourceVersion": self._revision,
            "subresource": info.subresource,
        }
        return {key: value for key, value in parts.items() if value}

    def _answer(self, event: Obj, response: Response) -> None:
        status = self._status_in(response)
        code = response.status
        event["responseStatus"] = {**(status or {"metadata": {}}), "code": code}
        if self._request is not None:
            event["requestObject"] = orjson.Fragment(self._request)
        typed = self.ctx.info.is_resource or response.body.startswith((b'{"kind":', b'{\n  "kind":'))
        if self.verdict.level >= Level.REQUEST_RESPONSE and typed:
            shown = self._response or self._body(response)
            if shown:
                event["responseObject"] = orjson.Fragment(shown)

    def _status_in(self, response: Response) -> Obj | None:
        """The Status that is answered, without kind; None when something else is."""
        if self.ctx.failed:
            message = {"status": "Failure", "message": self.ctx.failed, "reason": "InternalError"}
            return {"metadata": {}, **message}
        if not response.body.startswith((b'{"kind":"Status"', b'{\n  "kind": "Status"')):
            return None
        found: Obj = orjson.loads(response.body)
        return {key: value for key, value in found.items() if key not in ("kind", "apiVersion")}

    def _body(self, response: Response) -> bytes:
        if not response.content_type.startswith("application/json") or not response.body:
            return b""
        body = response.body
        if any(name == "Content-Encoding" for name, _ in response.headers):
            import gzip

            body = gzip.decompress(body)
        if self.verdict.omit_managed_fields:
            return orjson.dumps(self._shown(orjson.loads(body)))
        return _in_one_line(body)

    def _shown(self, obj: Obj) -> Obj:
        return without_managed_fields(obj) if self.verdict.omit_managed_fields else obj


def without_managed_fields(obj: Obj) -> Obj:
    """A copy of an object, a list or a table that does not say who owns which field."""
    out = dict(obj)
    if isinstance(out.get("metadata"), dict):
        out["metadata"] = {key: value for key, value in out["metadata"].items() if key != "managedFields"}
    if isinstance(out.get("items"), list):
        out["items"] = [without_managed_fields(item) for item in out["items"]]
    if isinstance(out.get("rows"), list):
        out["rows"] = [
            {**row, "object": without_managed_fields(row["object"])} if row.get("object") else row
            for row in out["rows"]
        ]
    return out


def sources_of(headers: dict[str, str], peer: str) -> list[str]:
    """Where a request came from, as proxies on its way have noted it; the one that connected is last."""
    found = [part.strip() for part in headers.get("x-forwarded-for", "").split(",")]
    found.append(headers.get("x-real-ip", "").strip())
    told = list(dict.fromkeys(part for part in found if part and _is_address(part)))
    return [*told, peer] if peer and (not told or told[-1] != peer) else told


def _is_address(text: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _headed(obj: Obj) -> Obj:
    """Kind and version first, as everything that is encoded has them."""
    head = {key: obj[key] for key in ("kind", "apiVersion") if key in obj}
    return head | {key: value for key, value in obj.items() if key not in head}


def _as_json(patch: bytes) -> bytes:
    try:
        orjson.loads(patch)
    except ValueError:
        import yaml

        try:
            return orjson.dumps(yaml.safe_load(patch), default=str)
        except (yaml.YAMLError, UnicodeDecodeError, TypeError):
            return orjson.dumps(patch.decode("utf-8", "replace"))
    return _in_one_line(patch)


def _in_one_line(body: bytes) -> bytes:
    """JSON that may have been written for people."""
    body = body.strip()
    return orjson.dumps(orjson.loads(body)) if b"\n" in body else body


def line_of(event: Obj) -> bytes:
    """One line of JSON, written as Go writes it: what means something in HTML is escaped."""
    data = orjson.dumps(event)
    return data.replace(b"&", b"\\u0026").replace(b"<", b"\\u003c").replace(b">", b"\\u003e")


def text_of(event: Obj) -> bytes:
    """The format `legacy`."""
    user, other = event.get("user") or {}, event.get("impersonatedUser")
    quoted: Any = {
        "id": event["auditID"],
        "stage": event["stage"],
        "ip": (event.get("sourceIPs") or ["<unknown>"])[0],
        "method": event["verb"],
        "user": user.get("username") or "<none>",
        "groups": _groups(user.get("groups") or (), "<none>"),
        "as": other["username"] if other else "<self>",
        "asgroups": _groups(other.get("groups") or (), "<lookup>") if other else "<lookup>",
        "user-agent": event.get("userAgent") or "",
        "namespace": (event.get("objectRef") or {}).get("namespace") or "<none>",
        "uri": event["requestURI"],
        "response": str((event.get("responseStatus") or {}).get("code", "<deferred>")),
    }
    fields = " ".join(f"{name}={orjson.dumps(value).decode()}" for name, value in quoted.items())
    return f"{event['requestReceivedTimestamp']} AUDIT: {fields}".encode()


def _groups(groups: Any, none: str) -> str:
    return ",".join(orjson.dumps(group).decode() for group in groups) or none
