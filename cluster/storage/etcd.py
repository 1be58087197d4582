"""A store that is etcd's: several API servers may share it, and it may live on other machines.

It speaks the JSON form of etcd's v3 API (its gRPC gateway), so nothing but an HTTP client is needed. A write is one
transaction: compare the key's revision, then write, else read why not. An empty etcd is at revision 1 and an empty
store at 0, so a revision here is etcd's less one; and more by what the key `OFFSET` says, after a restored snapshot.

Several members may be named. A read that does not reach one is asked of the next; a write is not, since nobody knows
whether it was done.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from typing import Any, cast
from weakref import WeakValueDictionary

import orjson

from cluster.storage.etcd_wire import NotSent, Wire
from cluster.storage.interface import (
    Compacted,
    Event,
    EventType,
    FutureRevision,
    Key,
    KeyExists,
    KeyMissing,
    Page,
    Record,
    Revision,
    RevisionMismatch,
    StoreUnavailable,
)

OFFSET, RESTORING = Key("/pyhelm/offset"), Key("/pyhelm/restoring")
_RETRY_FIRST, _RETRY_LONGEST = 0.05, 2.0


class EtcdStore:
    """See cluster.storage.interface.Store. Made by `open`. `Compacted.oldest` is a lower bound: etcd does not tell."""

    shared = True

    def __init__(self, members: Sequence[Wire]) -> None:
        self._members = list(members)
        self._closed = False
        self._offset = -1
        """What is added to etcd's revisions."""
        self._wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    @classmethod
    async def open(cls, *urls: str, tls: ssl.SSLContext | None = None, restoring: bool = False) -> EtcdStore:
        """`urls` as Wire has them; `tls` knows the authority of https members and the client's certificate. Raises
        StoreUnavailable when none of them answers, or when a restore has been begun and not finished."""
        store = cls([Wire(url, tls) for url in urls])
        try:
            await store._prepare(restoring=restoring)
        except StoreUnavailable:
            await store.close()
            raise
        return store

    async def _prepare(self, *, restoring: bool) -> None:
        asked = await self._call("kv/range", key=_coded("/pyhelm/"), range_end=_end("/pyhelm/"))
        found = {b64decode(kv["key"]).decode(): b64decode(kv.get("value", "")) for kv in asked.get("kvs", ())}
        if RESTORING in found and not restoring:
            raise StoreUnavailable("a snapshot was being restored and that was not finished; restore it again")
        self._offset = int(found.get(OFFSET, b"0")) - 1

    async def get(self, key: Key) -> Record | None:
        found = await self._call("kv/range", key=_coded(key))
        return next((self._record(kv) for kv in found.get("kvs", ())), None)

    async def list_at(
        self, prefix: str, *, revision: Revision | None = None, after: Key | None = None, limit: int = 0
    ) -> Page:
        start = prefix if after is None or after < prefix else after + "\0"
        asked = {"revision": str(self._counted(revision))} if revision is not None else {}
        found = await self._call(
            "kv/range", refused=revision, key=_coded(start), range_end=_end(prefix), limit=str(limit), **asked
        )
        records = tuple(self._record(kv) for kv in found.get("kvs", ()))
        cut = revision if revision is not None else self._revision(found)
        return Page(records, cut, int(found.get("count", 0)) - len(records))

    async def create(self, key: Key, value: bytes) -> Revision:
        done = await self._write(key, 0, {"request_put": {"key": _coded(key), "value": _text(value)}})
        if done is None or isinstance(done, Record):
            raise KeyExists(key)
        return done

    async def update_if(self, key: Key, value: bytes, expected: Revision) -> Revision:
        put = {"request_put": {"key": _coded(key), "value": _text(value)}}
        return self._judged(key, await self._write(key, self._expected(expected), put))

    async def delete_if(self, key: Key, expected: Revision) -> Revision:
        delete = {"request_delete_range": {"key": _coded(key)}}
        return self._judged(key, await self._write(key, self._expected(expected), delete))

    async def watch_from(self, prefix: str, revision: Revision) -> AsyncIterator[list[Event]]:
        delay = _RETRY_FIRST
        while not self._closed:
            member = self._members[0]
            try:
                async with aclosing(cast(Any, self._watch(member, prefix, revision))) as batches:
                    async for events in batches:
                        revision, delay = events[-1].record.mod_revision, _RETRY_FIRST
                        yield events
            except OSError:
                # Resumed from the last change seen, so nothing is lost or doubled.
                self._pass_over(member)
            await asyncio.wait((self._wake,), timeout=delay)
            delay = min(delay * 2, _RETRY_LONGEST)

    async def compact(self, revision: Revision) -> None:
        target = min(revision, await self.current_revision())
        with suppress(Compacted):
            await self._call("kv/compaction", refused=target, revision=str(self._counted(target)))

    async def current_revision(self) -> Revision:
        return self._revision(await self._call("kv/range", key=_coded("/"), count_only=True))

    async def close(self) -> None:
        self._closed = True
        if not self._wake.done():
            self._wake.set_result(None)
        for member in self._members:
            member.close()

    # Calls.

    async def _write(self, key: Key, expected: int, write: dict[str, Any]) -> Revision | Record | None:
        """The revision of the write; where `expected` (etcd's, 0: absent) does not hold, what is there instead. Writes
        of one key from here keep their order."""
        lock = self._order.get(key)
        if lock is None:
            lock = self._order[key] = asyncio.Lock()
        compare = {"key": _coded(key), "target": "MOD", "result": "EQUAL", "mod_revision": str(expected)}
        async with lock:
            found = await self._call(
                "kv/txn",
                compare=[compare],
                success=[write],
                failure=[{"request_range": {"key": _coded(key)}}],
            )
        if found.get("succeeded"):
            return self._revision(found)
        kvs = found["responses"][0]["response_range"].get("kvs", ())
        return next((self._record(kv) for kv in kvs), None)

    @staticmethod
    def _judged(key: Key, done: Revision | Record | None) -> Revision:
        if done is None:
            raise KeyMissing(key)
        if isinstance(done, Record):
            raise RevisionMismatch(done)
        return done

    async def _call(self, path: str, *, refused: Revision | None = None, **body: Any) -> dict[str, Any]:
        """One call; `refused` is the revision that a refusal would speak of."""
        status, answer = await self._post(path, orjson.dumps(body))
        try:
            found: dict[str, Any] = orjson.loads(answer)
        except ValueError as error:
            raise StoreUnavailable(f"etcd: {error}") from error
        if status == 200:
            return found
        why = str(found.get("message") or found.get("error") or status)
        if "compacted" in why:
            raise Compacted(Revision((refused or 0) + 1))
        if "future revision" in why:
            raise FutureRevision(why)
        raise StoreUnavailable(f"etcd: {why}")

    async def _post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """The answer of the first member that gives one."""
        left = len(self._members)
        while True:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            member = self._members[0]
            try:
                return await member.post(b"/v3/" + path.encode(), body)
            except OSError as error:
                left -= 1
                self._pass_over(member)
                if left <= 0 or not (isinstance(error, NotSent) or path == "kv/range"):
                    raise StoreUnavailable(f"etcd: {error}") from error

    def _pass_over(self, member: Wire) -> None:
        """Begin with the next one from now on."""
        if self._members[0] is member:
            self._members.append(self._members.pop(0))

    async def _watch(self, member: Wire, prefix: str, revision: Revision) -> AsyncIterator[list[Event]]:
        """One watch stream, until it breaks or the store closes."""
        # It begins at the revision itself, whose change is passed over: so etcd refuses just what is forgotten.
        start = str(self._counted(revision))
        asked = {"key": _coded(prefix), "range_end": _end(prefix), "start_revision": start, "prev_kv": True}
        lines = cast(Any, member.lines(b"/v3/watch", orjson.dumps({"create_request": asked})))
        async with aclosing(lines):
            async for line in lines:
                found = orjson.loads(line).get("result") or {}
                if "compact_revision" in found:
                    raise Compacted(self._shifted(found["compact_revision"]))
                if found.get("created") and self._revision(found) < revision:
                    # What was seen is ahead of what there is: somebody has put an older state in its place.
                    raise Compacted(self._revision(found))
                if found.get("canceled") or not found:
                    return
                events = [self._event(e) for e in found.get("events", ()) if self._at(e["kv"]) > revision]
                if events:
                    yield events

    # Revisions.

    def _shifted(self, counted: Any) -> Revision:
        """Ours, of etcd's."""
        return Revision(int(counted) + self._offset)

    def _counted(self, revision: Revision) -> int:
        """etcd's, of ours. Raises Compacted for one of before a restore."""
        if revision <= self._offset:
            raise Compacted(Revision(self._offset + 1))
        return revision - self._offset

    def _expected(self, revision: Revision) -> int:
        """For a comparison: no key has etcd's revision 1, and 0 would mean that there is none."""
        return max(revision - self._offset, 1)

    def _revision(self, found: dict[str, Any]) -> Revision:
        return self._shifted(found["header"]["revision"])

    def _at(self, kv: dict[str, Any]) -> Revision:
        return self._shifted(kv["mod_revision"])

    def _record(self, kv: dict[str, Any]) -> Record:
        key = Key(b64decode(kv["key"]).decode())
        return Record(key, b64decode(kv.get("value", "")), self._at(kv), self._shifted(kv["create_revision"]))

    def _event(self, raw: dict[str, Any]) -> Event:
        kv = raw["kv"]
        previous = self._record(raw["prev_kv"]) if "prev_kv" in raw else None
        if raw.get("type") != "DELETE":
            return Event(EventType.PUT, self._record(kv), previous)
        if previous is None:
            raise Compacted(self._at(kv))
        gone = Record(previous.key, previous.value, self._at(kv), previous.create_revision)
        return Event(EventType.DELETE, gone, previous)

    # For etcd_restore.

    async def put(self, key: Key, value: bytes) -> None:
        """Whatever is there. Raises StoreUnavailable."""
        await self._call("kv/put", key=_coded(key), value=_text(value))

    async def remove_all(self, prefix: str) -> None:
        """Raises StoreUnavailable."""
        await self._call("kv/deleterange", key=_coded(prefix), range_end=_end(prefix))

    async def counted(self) -> int:
        """etcd's own revision. Raises StoreUnavailable."""
        return int((await self._call("kv/range", key=_coded("/"), count_only=True))["header"]["revision"])

    async def finish_restore(self, offset_key: Key, offset: int) -> None:
        """Take the mark away and shift revisions, together. Raises StoreUnavailable."""
        put = {"request_put": {"key": _coded(offset_key), "value": _text(str(offset).encode())}}
        gone = {"request_delete_range": {"key": _coded(RESTORING)}}
        await self._call("kv/txn", success=[put, gone])
        self._offset = offset - 1

    async def forget_history(self) -> None:
        """Raises StoreUnavailable."""
        await self._call("kv/compaction", revision=str(await self.counted()))


def _coded(key: str) -> str:
    return _text(key.encode())


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _end(prefix: str) -> str:
    """The first key after all that begin with `prefix`."""
    data = prefix.encode()
    return _text(data[:-1] + bytes((data[-1] + 1,)))
