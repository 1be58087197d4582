"""Commands over SPDY, as channels: one stream for each of a command's ends becomes what a WebSocket's channels are.

The client opens every stream at the start, told apart by the header `streamtype`. Messages in and out begin with
their channel, as in cluster.kubelet.remote, which so needs to know nothing of streams.
"""

from __future__ import annotations

import asyncio

from cluster.kubelet.spdy import Session, Stream

_CHANNELS = {"stdin": 0, "stdout": 1, "stderr": 2, "error": 3, "resize": 4}
_OPENING_SECONDS, _CLOSING_SECONDS = 30.0, 2.0


class SpdyMessages:
    """See the module; `open` first. Answers None from `receive` when the client is gone."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._streams: dict[int, Stream] = {}
        self._messages: asyncio.Queue[bytes | None] = asyncio.Queue(64)
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, wanted: set[str]) -> bool:
        """Wait for the streams of these types; False when they do not come."""
        self._tasks.append(asyncio.create_task(self._run()))
        missing = {_CHANNELS[name] for name in wanted}
        try:
            async with asyncio.timeout(_OPENING_SECONDS):
                while missing:
                    stream = await self._session.accept()
                    if stream is None:
                        return False
                    channel = _CHANNELS.get(stream.headers.get("streamtype", ""))
                    if channel is not None:
                        self._streams[channel] = stream
                        missing.discard(channel)
        except TimeoutError:
            return False
        for channel in (0, 4):
            if channel in self._streams:
                self._tasks.append(asyncio.create_task(self._pump(channel, self._streams[channel])))
        return True

    async def receive(self) -> bytes | None:
        return await self._messages.get()

    async def send(self, data: bytes) -> None:
        stream = self._streams.get(data[0])
        if stream is not None:
            await stream.send(data[1:])

    def close(self) -> None:
        """End every stream. The connection is left to the client: what it has not read yet would go with it."""
        for stream in self._streams.values():
            stream.close()

    async def stop(self) -> None:
        """Give the client time to end the connection itself."""
        if self._tasks:
            await asyncio.wait(self._tasks[:1], timeout=_CLOSING_SECONDS)
        self._session.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self) -> None:
        await self._session.run()
        await self._messages.put(None)

    async def _pump(self, channel: int, stream: Stream) -> None:
        while data := await stream.receive():
            for part in data.splitlines() if channel == _CHANNELS["resize"] else (data,):
                await self._messages.put(bytes((channel,)) + part)
        if channel == _CHANNELS["stdin"]:
            await self._messages.put(bytes((255, channel)))
