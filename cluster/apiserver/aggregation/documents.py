"""The OpenAPI of the servers behind this one: which v3 documents they have, and their part of the v2 document.

The v3 documents themselves are fetched from them by whoever wants one; only of servers that have none is the v2
document told as v3, from here. Looked at again every minute; after failures more and more seldom.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from cluster.apiserver.aggregation import swagger
from cluster.apiserver.aggregation.asking import NotTold, ask_on, read
from cluster.apiserver.aggregation.proxy import Document, Proxy
from cluster.apiserver.aggregation.registrations import Registration, Registrations
from cluster.apiserver.request import UserInfo
from cluster.machinery.clock import Clock
from cluster.machinery.workqueue import WorkQueue

ASKING = UserInfo("system:aggregator")
_PATIENCE = 60.0
_EVERY, _LONGEST = 60.0, 3600.0


@dataclass(slots=True)
class _Known:
    """Of one APIService. `index` are the v3 documents by path; `v3` is told from here where it has none."""

    index: Mapping[str, Any]
    v2: Mapping[str, Any]
    v2_etag: str = ""
    v3: bytes = b""


class RemoteDocuments:
    """`run` must be a task for as long as the server lives; `changed` is called when a document may have changed."""

    def __init__(self, registrations: Registrations, proxy: Proxy, clock: Clock, changed: Callable[[], None]) -> None:
        self._registrations = registrations
        self._proxy = proxy
        self._queue: WorkQueue[str] = WorkQueue(clock, base=_EVERY, cap=_LONGEST)
        self._changed = changed
        self._known: dict[str, _Known] = {}

    # What is told.

    def index(self) -> dict[str, Any]:
        """The v3 documents of others by path. Of a group version only its own server may tell."""
        out: dict[str, Any] = {}
        for name, known in self._known.items():
            registration = self._registrations.named(name)
            for path, item in known.index.items():
                owner = self._registrations.of_path(f"/{path}")
                if owner is None or owner is registration:
                    out.setdefault(path, item)
        return out

    def owner(self, path: str) -> Registration | None:
        """Whom to ask for a v3 document; None where no other server has it."""
        found = self._registrations.of_path(f"/{path}")
        if found is not None:
            return found
        name = next((name for name, known in self._known.items() if path in known.index), "")
        return self._registrations.named(name)

    def told_here(self, registration: Registration) -> bytes:
        """The v3 document of a server that has none; empty where it must be asked itself."""
        known = self._known.get(registration.name)
        return known.v3 if known is not None else b""

    def v2_parts(self) -> list[Mapping[str, Any]]:
        """What others add to the v2 document, in the order of their names."""
        return [self._known[name].v2 for name in sorted(self._known) if self._known[name].v2]

    def v2_mark(self) -> str:
        """Differs whenever `v2_parts` does."""
        return "".join(f"{name} {self._known[name].v2_etag}\n" for name in sorted(self._known))

    # Learning it.

    async def run(self) -> None:
        self._registrations.listeners.append(self._happened)
        for registration in self._registrations.remote.values():
            self._happened(registration.name)
        await ask_on(self._queue, self._sync, "OpenAPI")

    def _happened(self, name: str) -> None:
        """An APIService has changed: what was not known may be told now, and what is gone is not told any more."""
        registration = self._registrations.named(name)
        if registration is None:
            if self._known.pop(name, None) is not None:
                self._changed()
        elif registration.available and name not in self._known:
            self._queue.add(name)

    async def _sync(self, name: str) -> None:
        registration = self._registrations.named(name)
        if registration is None:
            return
        if not registration.available:
            raise NotTold(f"{name} is not available")
        known = self._known.get(name)
        try:
            found = await self._learnt(registration, known)
        finally:
            # The server may have gone while it was asked.
            gone = self._registrations.named(name) is None
        if not gone and found != known:
            self._known[name] = found
            self._changed()
        self._queue.add_after(name, _EVERY)

    async def _learnt(self, registration: Registration, known: _Known | None) -> _Known:
        index = await self._index(registration)
        etag = known.v2_etag if known is not None else ""
        answer = await self._ask(registration, "/openapi/v2", "application/json", etag)
        if answer.status == 304 and known is not None:
            return _Known(index if index is not None else known.index, known.v2, known.v2_etag, known.v3)
        if answer.status != 200:
            if index is None:
                raise NotTold(f"/openapi/v2 was answered with {answer.status}")
            return _Known(index, {})
        document = read(answer)
        part = swagger.cut(document, f"{registration.path}/")
        mark = answer.etag or hashlib.sha256(answer.body).hexdigest()
        if index is not None:
            return _Known(index, part, mark)
        body = orjson.dumps(swagger.as_v3(part, document.get("info") or {}))
        path = registration.path.removeprefix("/")
        digest = hashlib.sha256(body).hexdigest().upper()
        told = {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}}
        return _Known(told, part, mark, body)

    async def _index(self, registration: Registration) -> Mapping[str, Any] | None:
        """None of a server that knows no v3."""
        answer = await self._ask(registration, "/openapi/v3")
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise NotTold(f"/openapi/v3 was answered with {answer.status}")
        paths = read(answer).get("paths")
        return paths if isinstance(paths, dict) else {}

    async def _ask(self, registration: Registration, path: str, accept: str = "", etag: str = "") -> Document:
        return await self._proxy.ask(registration, path, ASKING, accept=accept, etag=etag, seconds=_PATIENCE)
