"""Opening the store that a cluster's config.json names, with the etcd of its own where it has one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster.cli import storages
from cluster.cli.places import Place, Refused
from cluster.cli.settings import Settings, kept_in

if TYPE_CHECKING:
    from cluster.cli.private_etcd import PrivateEtcd
    from cluster.storage.etcd import EtcdStore
    from cluster.storage.interface import Store

_WATCH_ETCD = 0.5
_FOREIGN = b"k8s\x00"
"""How a kube-apiserver begins what it stores, unless told to store JSON."""


class Opened:
    """A store that is open, and what must be done when it is no longer needed."""

    def __init__(self, store: Store, etcd: PrivateEtcd | None = None) -> None:
        self.store = store
        self._etcd = etcd
        self._keeping = asyncio.create_task(self._keep(etcd), name="etcd") if etcd is not None else None

    async def close(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self.store.close()
        if self._etcd is not None:
            await asyncio.to_thread(self._etcd.leave)

    async def _keep(self, etcd: PrivateEtcd) -> None:
        """Start it again where it has ended; whoever wrote meanwhile was told that the store is unavailable."""
        while True:
            await asyncio.sleep(_WATCH_ETCD)
            if not etcd.alive():
                with suppress(Refused):
                    await asyncio.to_thread(etcd.ensure)


async def open_store(
    place: Place, config: Mapping[str, Any], *, fail_point: Callable[[str], None] | None = None
) -> Opened:
    """Raises Refused, StoreUnavailable."""
    kind = storages.kind_of(config)
    if kind == storages.MEMORY:
        from cluster.storage.memory import MemoryStore

        return Opened(MemoryStore())
    if kind == storages.SQLITE:
        from cluster.storage.memory import MOST_EVENTS
        from cluster.storage.sqlite import SqliteStore

        history = (config.get("trial") or {}).get("most_events", MOST_EVENTS)
        return Opened(await SqliteStore.open(place.database, fail_point=fail_point, most_events=history))
    directory = config.get("etcd_directory")
    if not directory:
        return Opened(await open_etcd(config["etcd_servers"], kept_in(config)))
    from cluster.cli.private_etcd import PrivateEtcd

    etcd = PrivateEtcd(Path(directory))
    await asyncio.to_thread(etcd.enter)
    try:
        return Opened(await open_etcd([etcd.url], {}), etcd)
    except BaseException:
        await asyncio.to_thread(etcd.leave)
        raise


async def open_etcd(urls: Sequence[str], settings: Settings, *, restoring: bool = False) -> EtcdStore:
    """Raises Refused, StoreUnavailable."""
    from cluster.storage.etcd import EtcdStore

    store = await EtcdStore.open(*urls, tls=_tls(urls, settings), restoring=restoring)
    for record in (await store.list_at("/registry/", limit=1)).records:
        if record.value.startswith(_FOREIGN):
            await store.close()
            raise Refused(f"the etcd at {urls[0]} holds another kube-apiserver's state ({record.key}); name another")
    return store


def _tls(urls: Sequence[str], settings: Settings) -> ssl.SSLContext | None:
    from cluster.cli.apiserver_flags import values_of

    values = values_of(settings)
    if not any(url.startswith("https://") for url in urls):
        return None
    authority, certificate, key = (values.get(f"etcd-{part}") for part in ("cafile", "certfile", "keyfile"))
    if (certificate is None) != (key is None):
        raise Refused("apiserver.etcd-certfile and apiserver.etcd-keyfile go together")
    try:
        context = ssl.create_default_context(cafile=str(authority) if authority else None)
        if certificate is not None:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise Refused(f"the TLS files for etcd cannot be used: {error}") from error
    return context
