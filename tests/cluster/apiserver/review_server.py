"""A server outside that answers reviews as the test says, and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster.apiserver.http.messages import Request, Response
from cluster.apiserver.http.server import HttpServer

Judge = Callable[[dict[str, Any]], dict[str, Any] | int]


class ReviewServer:
    """`judge(review)` gives the status of the answer, or a code instead of one."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.asked: list[dict[str, Any]] = []
        self._http = HttpServer(self._answer, address="127.0.0.1", port=0, tls=None)

    async def start(self) -> None:
        await self._http.start()

    async def stop(self) -> None:
        await self._http.stop()

    def kubeconfig(self, folder: Path) -> Path:
        url = f"http://127.0.0.1:{self._http.port}/ask"
        path = folder / "webhook.kubeconfig"
        context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
        user = {"name": "u", "user": {"token": "secret"}}
        about = {"clusters": [{"name": "c", "cluster": {"server": url}}], "users": [user], "contexts": [context]}
        path.write_text(json.dumps(about | {"current-context": "c"}))
        return path

    async def _answer(self, request: Request) -> Response:
        assert request.headers["authorization"] == "Bearer secret"
        review = json.loads(request.body)
        self.asked.append(review)
        found = self.judge(review)
        if isinstance(found, int):
            return Response(found, b"no", "text/plain")
        return Response(200, json.dumps({**review, "status": found}).encode(), "application/json")
