"""The back end that posts events to a server, named by a kubeconfig, in batches and again when that fails."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from cluster.apiserver.audit.options import Mode, WebhookOptions
from cluster.apiserver.audit.record import API_VERSION, line_of
from cluster.apiserver.webhook_config import Target
from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.machinery.clock import Clock

_log = logging.getLogger(__name__)
_TRIES = 5
_FACTOR = 1.5
_TIMEOUT = 30.0
_LAST = 5.0
"""Seconds in which what is held must have been sent when the server stops."""


class Webhook:
    """See trail.Backend. Both blocking modes send each event at once, one after the other; requests do not wait for
    that, and a lost event is known too late to refuse its request."""

    strict = False

    def __init__(self, options: WebhookOptions, clock: Clock) -> None:
        """Raises ValueError, with file and field, OSError."""
        self._options = options
        self._clock = clock
        self._target = Target.read(options.kubeconfig)
        self._batch = options.largest_batch if options.mode is Mode.BATCH else 1
        self._wait = options.longest_wait if options.mode is Mode.BATCH else 0.0
        self._held: deque[bytes] = deque()
        self._came = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = False
        self.lost = 0
        self._task = asyncio.create_task(self._run(), name="apiserver-audit-webhook")

    def take(self, event: Obj) -> bool:
        if len(self._held) >= self._options.buffer:
            self.lost += 1
            return False
        self._held.append(line_of(event))
        self._came.set()
        if len(self._held) >= self._batch:
            self._full.set()
        return True

    async def close(self) -> None:
        self._closing = True
        self._came.set()
        self._full.set()
        done, _ = await asyncio.wait((self._task,), timeout=_LAST)
        if not done:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.lost += len(self._held)

    async def _run(self) -> None:
        async with self._target.client(_TIMEOUT) as http:
            while True:
                await self._came.wait()
                if not self._closing and len(self._held) < self._batch:
                    await self._patience()
                batch = [self._held.popleft() for _ in range(min(len(self._held), self._batch))]
                if batch:
                    await self._deliver(http, batch)
                if not self._held:
                    if self._closing:
                        return
                    self._came.clear()
                if len(self._held) < self._batch and not self._closing:
                    self._full.clear()

    async def _patience(self) -> None:
        """Until the batch is full, or has waited long enough."""
        timer = self._clock.call_later(self._wait, self._full.set)
        try:
            await self._full.wait()
        finally:
            timer.cancel()

    async def _deliver(self, http: Any, batch: list[bytes]) -> None:
        items = b",".join(batch)
        body = b'{"kind":"EventList","apiVersion":"%b","metadata":{},"items":[%b]}' % (API_VERSION.encode(), items)
        pause = self._options.backoff
        for attempt in range(_TRIES):
            why = await self._target.post(http, body)
            if not why:
                return
            if attempt + 1 < _TRIES and not self._closing:
                await self._clock.sleep(pause)
                pause *= _FACTOR
        self.lost += len(batch)
        _log.error("%d audit events are lost: %s", len(batch), why)
