"""The least HTTP client a test needs."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cluster.apiserver.server import ApiServer


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One kept connection to a server."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        parts = urlsplit(server.url)
        self._address = parts.hostname, parts.port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(
        self, method: str, path: str, body: Any = None, token: str | None = "admin", **headers: str
    ) -> Reply:
        reader, writer = self._streams = self._streams or await asyncio.open_connection(*self._address)
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        lines = [f"{method} {path} HTTP/1.1", "Host: test", f"Content-Length: {len(data)}"]
        sent = {"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        lines += [f"{k}: {v}" for k, v in sent.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        async with asyncio.timeout(10):
            return await self._read(reader)

    @staticmethod
    async def _read(reader: asyncio.StreamReader) -> Reply:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
        if headers.get("transfer-encoding") != "chunked":
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            return Reply(int(head[0].split()[1]), headers, body)
        parts = []
        while size := int(await reader.readuntil(b"\r\n"), 16):
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readexactly(2)
        return Reply(int(head[0].split()[1]), headers, b"".join(parts))

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
