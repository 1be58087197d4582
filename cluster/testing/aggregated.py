"""A small API server of its own, to be aggregated: flunders of wardle.example.com over TLS, kept in memory.

It believes what a front proxy tells it, records every request, and can be told to be slow, broken or old-fashioned.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
from pathlib import Path
from typing import Any

from cluster.apiserver.http.messages import Connection, Request, Response, Writer
from cluster.apiserver.http.server import HttpServer

GROUP, VERSION = "wardle.example.com", "v1alpha1"
BASE = f"/apis/{GROUP}/{VERSION}"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


class AggregatedServer:
    """`seen` holds the requests in order. `modern` off: neither aggregated discovery nor OpenAPI v3."""

    def __init__(
        self, certificate: Path, key: Path, front_proxy: Path | None = None, address: str = "127.0.0.1"
    ) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if front_proxy is not None:
            context.load_verify_locations(front_proxy)
            context.verify_mode = ssl.CERT_OPTIONAL
        self._http = HttpServer(self._answer, address=address, tls=context)
        self.seen: list[Request] = []
        self.flunders: dict[tuple[str, str], dict[str, Any]] = {}
        self.modern = True
        self.broken = 0
        """A status that every request is answered with."""
        self.revision = 0
        self._changed: list[asyncio.Queue[dict[str, Any]]] = []
        self.watches_ended = 0
        self.slow = asyncio.Event()
        self.slow.set()

    @property
    def watching(self) -> int:
        """Watches under way."""
        return len(self._changed)

    async def start(self) -> None:
        await self._http.start()

    async def stop(self) -> None:
        await self._http.stop(0.2)

    @property
    def port(self) -> int:
        return self._http.port

    def requests(self, start: str) -> list[Request]:
        """What was asked below a path, but for the checks of the aggregator itself."""
        return [
            r
            for r in self.seen
            if r.path.startswith(start) and not r.headers.get("x-remote-user", "").startswith("system:kube-agg")
        ]

    async def _answer(self, request: Request) -> Response:
        self.seen.append(request)
        await self.slow.wait()
        if self.broken:
            return Response(self.broken, b"broken\n", "text/plain")
        if "upgrade" in request.headers:
            return self._echo(request)
        if request.path.startswith(f"{BASE}/namespaces/") and "/flunders" in request.path:
            return await self._flunders(request)
        if request.path == f"{BASE}/flunders":
            return self._list("")
        return self._document(request)

    # Documents.

    def _document(self, request: Request) -> Response:
        made = {
            "/apis": self._groups,
            BASE: self._resources,
            "/openapi/v2": self._openapi_v2,
            "/openapi/v3": self._openapi_index,
            f"/openapi/v3{BASE}": self._openapi_v3,
        }.get(request.path.rstrip("/"))
        found = made(request) if made is not None else None
        if found is None:
            return _status(404, "NotFound", "the server could not find the requested resource")
        return found

    def _groups(self, request: Request) -> Response | None:
        if self.modern and "g=apidiscovery.k8s.io" in request.headers.get("accept", ""):
            kind = {"group": GROUP, "version": VERSION, "kind": "Flunder"}
            flunders = {
                "resource": "flunders",
                "responseKind": kind,
                "scope": "Namespaced",
                "singularResource": "flunder",
                "shortNames": ["fl"],
                "verbs": _VERBS,
            }
            versions = [{"version": VERSION, "resources": [flunders], "freshness": "Current"}]
            item = {"metadata": {"name": GROUP, "creationTimestamp": None}, "versions": versions}
            body = {
                "kind": "APIGroupDiscoveryList",
                "apiVersion": "apidiscovery.k8s.io/v2",
                "metadata": {},
                "items": [item],
            }
            return _etagged(request, json.dumps(body).encode(), AGGREGATED)
        version = {"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}
        group = {"name": GROUP, "versions": [version], "preferredVersion": version}
        return _json({"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]})

    def _resources(self, request: Request) -> Response:
        flunders = {
            "name": "flunders",
            "singularName": "flunder",
            "namespaced": True,
            "kind": "Flunder",
            "shortNames": ["fl"],
            "verbs": _VERBS,
        }
        status = {
            "name": "flunders/status",
            "singularName": "",
            "namespaced": True,
            "kind": "Flunder",
            "verbs": ["get"],
        }
        body = {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": f"{GROUP}/{VERSION}",
            "resources": [flunders, status],
        }
        return _json(body)

    def _schema(self, reference: str) -> dict[str, Any]:
        gvk = [{"group": GROUP, "version": VERSION, "kind": "Flunder"}]
        meta = {"$ref": f"{reference}io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
        properties = {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": meta,
            "spec": {
                "type": "object",
                "description": "what the flunder is",
                "properties": {"size": {"type": "integer"}},
            },
        }
        flunder: dict[str, Any] = {"type": "object", "description": "Flunder is a flunder.", "properties": properties}
        flunder["x-kubernetes-group-version-kind"] = gvk
        own = {"type": "object", "description": "another ObjectMeta", "properties": {"name": {"type": "string"}}}
        return {
            "com.example.wardle.v1alpha1.Flunder": flunder,
            "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": own,
        }

    def _paths(self, reference: str, version: int) -> dict[str, Any]:
        schema = {"$ref": f"{reference}com.example.wardle.v1alpha1.Flunder"}
        answer: dict[str, Any] = {"description": "OK", "schema": schema}
        if version == 3:
            answer = {"description": "OK", "content": {"application/json": {"schema": schema}}}
        gvk = {"group": GROUP, "version": VERSION, "kind": "Flunder"}
        post: dict[str, Any] = {"responses": {"200": answer}, "x-kubernetes-group-version-kind": gvk}
        if version == 2:
            post["consumes"] = ["application/json"]
            post["parameters"] = [{"name": "body", "in": "body", "required": True, "schema": schema}]
        parameter: dict[str, Any] = {"name": "namespace", "in": "path", "required": True}
        parameter |= {"type": "string"} if version == 2 else {"schema": {"type": "string"}}
        get = {"responses": {"200": answer}, "x-kubernetes-group-version-kind": gvk}
        flunders = {"get": get, "post": post, "parameters": [parameter]}
        return {f"{BASE}/namespaces/{{namespace}}/flunders": flunders, "/version/": {"get": {"responses": {}}}}

    def _openapi_v2(self, request: Request) -> Response:
        body = {
            "swagger": "2.0",
            "info": {"title": "wardle", "version": "v1"},
            "paths": self._paths("#/definitions/", 2),
            "definitions": self._schema("#/definitions/"),
        }
        return _etagged(request, json.dumps(body).encode(), "application/json")

    def _openapi_index(self, request: Request) -> Response | None:
        if not self.modern:
            return None
        body = self._openapi_v3(request).body
        digest = hashlib.sha256(body).hexdigest().upper()
        path = BASE.removeprefix("/")
        return _json({"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}}})

    def _openapi_v3(self, request: Request) -> Response:
        body = {
            "openapi": "3.0.0",
            "info": {"title": "wardle", "version": "v1"},
            "paths": self._paths("#/components/schemas/", 3),
            "components": {"schemas": self._schema("#/components/schemas/")},
        }
        return _json(body)

    # Flunders.

    async def _flunders(self, request: Request) -> Response:
        parts = request.path.removeprefix(f"{BASE}/namespaces/").split("/")
        namespace, name = parts[0], parts[2] if len(parts) > 2 else ""
        if request.method == "POST":
            return self._create(namespace, json.loads(request.body))
        if not name and request.method == "DELETE":
            for key in [key for key in self.flunders if key[0] == namespace]:
                self._tell("DELETED", self.flunders.pop(key))
            return self._list(namespace)
        if not name:
            if "watch=" in request.query:
                return self._watch()
            return self._list(namespace)
        found = self.flunders.get((namespace, name))
        if found is None:
            return _status(404, "NotFound", f'flunders.{GROUP} "{name}" not found')
        if request.method == "DELETE":
            del self.flunders[namespace, name]
            self._tell("DELETED", found)
            return _json({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
        return _json(found)

    def _create(self, namespace: str, obj: dict[str, Any]) -> Response:
        self.revision += 1
        meta = obj["metadata"] | {"namespace": namespace, "resourceVersion": str(self.revision), "uid": "u"}
        meta["creationTimestamp"] = "2026-01-01T00:00:00Z"
        made = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Flunder"} | obj | {"metadata": meta}
        self.flunders[namespace, meta["name"]] = made
        self._tell("ADDED", made)
        return _json(made, 201)

    def _list(self, namespace: str) -> Response:
        items = [obj for (held, _), obj in self.flunders.items() if not namespace or held == namespace]
        meta = {"resourceVersion": str(self.revision)}
        return _json({"kind": "FlunderList", "apiVersion": f"{GROUP}/{VERSION}", "metadata": meta, "items": items})

    def _tell(self, type: str, obj: dict[str, Any]) -> None:
        for queue in self._changed:
            queue.put_nowait({"type": type, "object": obj})

    def _watch(self) -> Response:
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._changed.append(queue)

        async def send(writer: Writer) -> None:
            try:
                while True:
                    writer.write(json.dumps(await queue.get()).encode() + b"\n")
                    await writer.drain()
            finally:
                self._changed.remove(queue)
                self.watches_ended += 1

        return Response(200, stream=send)

    def _echo(self, request: Request) -> Response:
        async def take_over(connection: Connection) -> None:
            protocol = request.headers["upgrade"]
            connection.write(
                f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n".encode()
            )
            while data := await connection.read():
                connection.write(data.upper())
                await connection.drain()

        return Response(101, takeover=take_over)


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(status, json.dumps(body).encode())


def _etagged(request: Request, body: bytes, content_type: str) -> Response:
    etag = f'"{hashlib.sha256(body).hexdigest()}"'
    if request.headers.get("if-none-match") == etag:
        return Response(304, headers=[("ETag", etag)])
    return Response(200, body, content_type, headers=[("ETag", etag)])


def _status(code: int, reason: str, message: str) -> Response:
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return _json({**body, "message": message, "reason": reason, "code": code}, code)
