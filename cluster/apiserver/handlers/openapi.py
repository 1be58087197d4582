"""/openapi/v3, its documents and /openapi/v2: bytes with a hash, so that clients fetch each of them once.

A document's address in the index names its content by that hash: what is fetched from there may be kept for ever, and
an address with an old hash leads to the new one. Of group versions that other servers answer, these
tell.
"""

from __future__ import annotations

import hashlib
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from cluster.apiserver.handlers import render
from cluster.apiserver.http.messages import Response
from cluster.apiserver.openapi import Document, OpenAPI, Others
from cluster.apiserver.request import Context
from cluster.kinds.kind import Kind
from cluster.kinds.registry import KindRegistry
from cluster.kinds.schema import Schema
from cluster.machinery.clock import Clock

if TYPE_CHECKING:
    from cluster.apiserver.aggregation.aggregator import Aggregator

_PROTOBUF = "application/com.github.proto-openapi.spec.v2"
_KEPT_FOR = 365 * 86400.0


class OpenAPIHandlers:
    """Documents follow the kinds: built anew after these have changed."""

    def __init__(self, kinds: KindRegistry, schema: Schema, aggregator: Aggregator, clock: Clock) -> None:
        self._kinds = kinds
        self._documents = OpenAPI(schema)
        self._edition = kinds.edition
        self._aggregator = aggregator
        self._clock = clock

    def _ours(self) -> list[Kind]:
        remote = self._aggregator.remote
        return [kind for kind in self._kinds if kind.gv not in remote]

    async def index(self, ctx: Context) -> Response:
        documents = self._aggregator.documents
        others = documents.index() if documents is not None else None
        return self._answer(ctx, self._current().index(self._ours(), others))

    async def document(self, ctx: Context) -> Response:
        path = ctx.request.path.removeprefix("/openapi/v3/").rstrip("/")
        found = self._current().document(path, self._ours())
        if found is not None:
            return self._named(ctx, path, found)
        return await self._others_document(ctx, path)

    async def _others_document(self, ctx: Context, path: str) -> Response:
        """From the server whose it is, asked in the name of the user."""
        documents = self._aggregator.documents
        owner = documents.owner(path) if documents is not None else None
        if documents is None or owner is None:
            return Response(404, content_type="text/plain; charset=utf-8")
        body = documents.told_here(owner)
        if body:
            return self._named(ctx, path, Document(body, hashlib.sha256(body).hexdigest().upper()))
        return await self._aggregator.forward(ctx, owner)

    def _named(self, ctx: Context, path: str, found: Document) -> Response:
        """A document of v3, at an address with or without a hash."""
        if not _takes_json(ctx.request.headers.get("accept", "")):
            return Response(406, content_type="", headers=[("Vary", "Accept")])
        asked = ctx.query.get("hash")
        if asked and asked != found.etag:
            return _moved(path, found)
        response = self._answer(ctx, found)
        response.headers.append(("Vary", "Accept"))
        if asked:
            response.headers.append(("Cache-Control", "public, immutable"))
            # Not "GMT": the original's spelling, which its clients' caches read.
            until = formatdate(self._clock.now() + _KEPT_FOR, usegmt=True)
            response.headers.append(("Expires", until.replace("GMT", "UTC")))
        return response

    async def v2(self, ctx: Context) -> Response:
        protobuf = _PROTOBUF in ctx.request.headers.get("accept", "")
        return self._answer(ctx, self._current().v2(self._ours(), protobuf, self._others()))

    def _others(self) -> Others | None:
        documents = self._aggregator.documents
        if documents is None:
            return None

        def merge(made: dict[str, Any]) -> dict[str, Any]:
            from cluster.apiserver.aggregation.swagger import merged

            return merged(made, documents.v2_parts())

        return Others(documents.v2_mark(), merge)

    def _current(self) -> OpenAPI:
        if self._edition != self._kinds.edition:
            self._edition = self._kinds.edition
            self._documents.drop()
        return self._documents

    @staticmethod
    def _answer(ctx: Context, document: Document) -> Response:
        etag = f'"{document.etag}"'
        if ctx.request.headers.get("if-none-match", "") == etag:
            return Response(304, headers=[("ETag", etag)])
        response = render.finish(ctx, document.body, document.content_type)
        response.headers.append(("ETag", etag))
        return response


def _takes_json(accept: str) -> bool:
    kinds = {clause.partition(";")[0].strip() for clause in accept.split(",")}
    return not accept or not kinds.isdisjoint(("application/json", "application/*", "*/*"))


def _moved(path: str, document: Document) -> Response:
    where = f"/openapi/v3/{path}?hash={document.etag}"
    return Response(301, headers=[("Location", where), ("Vary", "Accept"), ("ETag", f'"{document.etag}"')])
