"""/openapi/v3, its documents and /openapi/v2: bytes with a hash, so that clients fetch each of them once."""

from __future__ import annotations

from cluster.apiserver.handlers import render
from cluster.apiserver.handlers.router import page_not_found
from cluster.apiserver.http.messages import Response
from cluster.apiserver.openapi import Document, OpenAPI
from cluster.apiserver.request import Context
from cluster.kinds.registry import KindRegistry
from cluster.kinds.schema import Schema

_PROTOBUF = "application/com.github.proto-openapi.spec.v2"
_V3_PROTOBUF = "application/com.github.proto-openapi.spec.v3"


class OpenAPIHandlers:
    """Documents follow the kinds: built anew after these have changed."""

    def __init__(self, kinds: KindRegistry, schema: Schema) -> None:
        self._kinds = kinds
        self._documents = OpenAPI(schema)
        self._edition = kinds.edition

    async def index(self, ctx: Context) -> Response:
        return self._answer(ctx, self._current().index(self._kinds))

    async def document(self, ctx: Context) -> Response:
        path = ctx.request.path.removeprefix("/openapi/v3/").rstrip("/")
        found = self._current().document(path, self._kinds)
        if found is None:
            return page_not_found()
        return self._answer(ctx, found)

    async def v2(self, ctx: Context) -> Response:
        protobuf = _PROTOBUF in ctx.request.headers.get("accept", "")
        return self._answer(ctx, self._current().v2(self._kinds, protobuf))

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
        if ctx.query.get("hash") == document.etag:
            # The address names the content: it may be kept for ever.
            response.headers.append(("Cache-Control", "public"))
        return response
