"""Putting a state into an etcd that no API server uses.

etcd cannot be told revisions, so what it counts from now on is shifted (see `etcd.OFFSET`): the store goes on after
the snapshot's revision, and whoever remembers an older one is told that it is no longer kept. It is not one
transaction: a mark stands there as long as it is under way, and a store with a mark is not opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator

from cluster.storage.etcd import OFFSET, RESTORING, EtcdStore
from cluster.storage.interface import Record, Revision

_AT_ONCE = 64


async def restore(store: EtcdStore, prefix: str, records: Iterable[Record], revision: Revision) -> None:
    """Everything below `prefix` becomes these records, and the store is at `revision` or later. Raises
    StoreUnavailable; then it has to be done again. `store` was opened with `restoring`, and is of no use afterwards."""
    await store.put(RESTORING, b"restoring")
    await store.remove_all(prefix)
    todo = iter(records)
    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(_write(store, todo))
    counted = await store.counted()
    await store.finish_restore(OFFSET, max(revision - counted, 0))
    await store.forget_history()


async def _write(store: EtcdStore, todo: Iterator[Record]) -> None:
    """One key a revision, as everywhere else."""
    for record in todo:
        await store.put(record.key, record.value)
