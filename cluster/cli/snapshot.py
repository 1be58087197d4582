"""`cluster snapshot save | restore | status`: the whole state in one file, and back; in etcdctl's words.

A cluster that runs is asked for its state at one revision; of one that is stopped the store is opened. A restore
needs every server of the cluster stopped, and puts revisions so far ahead that whoever watched the old state is told
to begin anew. It must not know what the file looks like (cluster.storage.snapshot).
"""

from __future__ import annotations

import asyncio
import json
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

from cluster.cli import opening, places, storages
from cluster.cli.places import Place, Refused
from cluster.cli.private_etcd import PrivateEtcd
from cluster.cli.settings import Settings, kept_in
from cluster.cli.storages import Wish
from cluster.storage import snapshot
from cluster.storage.interface import Revision, StoreUnavailable
from cluster.storage.snapshot import Snapshot, SnapshotError

PATH = "/pyhelm/snapshot"
_ROOT = "/registry/"
_PATIENCE = 120.0


def save(place: Place, path: Path) -> Snapshot:
    """Raises Refused."""
    if not place.exists():
        raise Refused(f"there is no cluster {place.name}")
    try:
        blocks = _asked(place) if places.running(place) else asyncio.run(_opened(place))
        return snapshot.write(path.absolute(), blocks)
    except SnapshotError as error:
        raise Refused(f"the snapshot did not arrive whole: {error}") from error
    except (OSError, HTTPException, StoreUnavailable) as error:
        raise Refused(f"cannot save {path}: {error}") from error


def _asked(place: Place) -> Iterator[bytes]:
    from cluster.cli.asking import Asker

    yield from Asker(place, int(places.read_json(place.daemon).get("port") or 0), _PATIENCE).blocks(PATH)


async def _opened(place: Place) -> list[bytes]:
    opened = await opening.open_store(place, places.read_json(place.config))
    try:
        page = await opened.store.list_at(_ROOT)
    finally:
        await opened.close()
    return list(snapshot.encoded(page, storages.about(place.name, places.read_json(place.config))))


def read(path: Path) -> Snapshot:
    """Raises Refused."""
    try:
        return snapshot.read(path)
    except SnapshotError as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from error


def restore(place: Place, path: Path, wish: Wish, bump: int, environ: Mapping[str, str]) -> Snapshot:
    """Into a cluster that is stopped, or that is not there yet. Raises Refused, and then nothing has changed."""
    found = read(path)
    with places.exclusively(place):
        if places.running(place):
            raise Refused(f"cluster {place.name} runs; stop it first")
        config = places.read_json(place.config)
        fresh = not place.exists()
        kept = storages.settled(place, config, wish)
        if kept["storage"] == storages.MEMORY:
            raise Refused("a cluster that keeps its state in memory has none when it is stopped; restore into another")
        _check_unused(place, kept, environ)
        merged = _merged(place, config | kept, found)
        place.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            _put(place, merged, found, Revision(found.revision + bump))
        except BaseException as error:
            if fresh:
                _forget(place)
            if isinstance(error, (StoreUnavailable, OSError)):
                raise Refused(f"cannot restore {path}: {error}") from error
            raise
        places.write_json(place.config, merged)
        if fresh and place.state != place.pointer.with_suffix(""):
            place.pointer.write_text(f"{place.state}\n")
    return found


def _check_unused(place: Place, kept: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """The state is not taken from under another server."""
    for other in places.every(environ):
        config = places.read_json(other.config)
        shares = any(kept.get(part) and kept[part] == config.get(part) for part in ("etcd_servers", "etcd_directory"))
        if other.state != place.state and shares and places.running(other):
            raise Refused(f"cluster {other.name} runs on the same store; stop it first")


def _merged(place: Place, config: Mapping[str, Any], found: Snapshot) -> dict[str, Any]:
    told = found.about
    taken = {"service_range": told["service_range"], "node_name": told["node_name"]}
    if not place.exists():
        taken["version"] = told["version"]
    return {**config, **taken, "identity": config.get("identity") or uuid.uuid4().hex}


def _put(place: Place, config: Mapping[str, Any], found: Snapshot, revision: Revision) -> None:
    if storages.kind_of(config) == storages.SQLITE:
        from cluster.storage.sqlite_restore import restore as replace

        replace(place.database, found.records, revision)
    elif config.get("etcd_servers"):
        asyncio.run(_into_etcd(config["etcd_servers"], kept_in(config), found, revision))
    else:
        _into_private_etcd(Path(config["etcd_directory"]), found, revision)


def _into_private_etcd(directory: Path, found: Snapshot, revision: Revision) -> None:
    """Filled in a directory of its own, whose data then takes the place of the old."""
    etcd = PrivateEtcd(directory)
    etcd.end_unused()
    if etcd.alive():
        raise Refused(f"the etcd in {directory} is in use; stop every cluster that joined this one first")
    beside = directory / "restoring"
    shutil.rmtree(beside, ignore_errors=True)
    new = PrivateEtcd(beside)
    try:
        new.enter()
        try:
            asyncio.run(_into_etcd([new.url], {}, found, revision))
        finally:
            new.leave()
        etcd.take_data_of(new)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


async def _into_etcd(urls: list[str], settings: Settings, found: Snapshot, revision: Revision) -> None:
    from cluster.storage.etcd_restore import restore as replace

    store = await opening.open_etcd(urls, settings, restoring=True)
    try:
        await replace(store, _ROOT, found.records, revision)
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from group
    finally:
        await store.close()


def _forget(place: Place) -> None:
    for path in place.state.glob(f"{place.database.name}*"):
        path.unlink(missing_ok=True)
    shutil.rmtree(place.etcd, ignore_errors=True)
    with suppress(OSError):
        place.state.rmdir()


# For people.


def table(path: Path, found: Snapshot, form: str) -> str:
    """`simple`, `table` or `json`, as etcdctl has them."""
    cells = {
        "hash": found.digest[:8],
        "revision": found.revision,
        "totalKey": len(found.records),
        "totalSize": path.stat().st_size,
    }
    if form == "json":
        return json.dumps(cells)
    shown = [*(str(value) for value in list(cells.values())[:3]), _size(path.stat().st_size)]
    if form == "simple":
        return ", ".join(shown)
    heads = ("HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE")
    widths = [max(len(a), len(b)) + 2 for a, b in zip(heads, shown)]
    rule = "+" + "+".join("-" * width for width in widths) + "+"
    rows = ("|" + "|".join(text.center(width) for text, width in zip(row, widths)) + "|" for row in (heads, shown))
    head, row = rows
    return "\n".join((rule, head, rule, row, rule))


def _size(count: float) -> str:
    units = ["B", "kB", "MB", "GB"]
    while count >= 1000 and len(units) > 1:
        count /= 1000
        units.pop(0)
    return f"{count:.1f} {units[0]}" if count < 10 and units[0] != "B" else f"{count:.0f} {units[0]}"
