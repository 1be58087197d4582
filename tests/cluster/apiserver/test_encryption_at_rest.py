"""Encryption at rest through the API: nothing plain on the disk, keys in rotation, and keys that are missing."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from apiserver_wire import Wire

from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.storage.encryption.configuration import Encryption
from cluster.storage.interface import Key, Store
from cluster.storage.memory import MemoryStore
from cluster.storage.sqlite import SqliteStore

ADMIN = UserInfo("admin", "", ("system:masters",))
SECRETS = "/api/v1/namespaces/default/secrets"
NEEDLE = "a-needle-in-a-haystack"
STORED = Key("/registry/secrets/default/s")


def key(name: str, byte: bytes) -> dict[str, str]:
    return {"name": name, "secret": b64encode(byte * 32).decode()}


def encryption(*providers: dict[str, Any]) -> Encryption:
    entry = {"resources": ["secrets"], "providers": list(providers)}
    about = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}
    return Encryption.read(about | {"resources": [entry]})


OLD, NEW = {"aescbc": {"keys": [key("old", b"o")]}}, {"aesgcm": {"keys": [key("new", b"n")]}}
WRONG = {"aesgcm": {"keys": [key("new", b"w")]}}


def secret(text: str = NEEDLE, name: str = "s") -> dict[str, Any]:
    return {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": name}, "stringData": {"password": text}}


@asynccontextmanager
async def served(store: Store, *providers: dict[str, Any]) -> AsyncIterator[Wire]:
    chosen = encryption(*providers) if providers else None
    server = ApiServer(store, ApiServerOptions(tokens={"admin": ADMIN}, encryption=chosen))
    await server.start()
    wire = Wire(server)
    yield wire
    wire.close()
    await server.stop()


async def raw(store: Store) -> bytes:
    record = await store.get(STORED)
    assert record is not None
    return record.value


async def test_no_file_of_the_store_holds_a_plain_secret(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "cluster.db")
    base64 = b64encode(NEEDLE.encode())

    def holding(needle: bytes) -> list[str]:
        return [path.name for path in tmp_path.iterdir() if needle in path.read_bytes()]

    async with served(store, OLD) as wire:
        assert (await wire.call("POST", SECRETS, secret())).status == 201
        await wire.call("PUT", f"{SECRETS}/s", secret("another " + NEEDLE))
        await wire.call("PATCH", f"{SECRETS}/s", secret(), content_type="application/merge-patch+json")
        about = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c"}, "data": {"x": "in-the-open"}}
        await wire.call("POST", "/api/v1/namespaces/default/configmaps", about)
        assert [*tmp_path.glob("cluster.db-wal")]
        assert holding(base64) == holding(NEEDLE.encode()) == []
        assert holding(b"in-the-open") != []
        read = (await wire.call("GET", f"{SECRETS}/s")).json()
        assert read["data"]["password"].encode() == base64
    await store.close()
    assert holding(base64) == holding(NEEDLE.encode()) == []


async def test_lists_and_watches_tell_the_plain_object() -> None:
    store = MemoryStore()
    async with served(store, NEW) as wire:
        await wire.call("POST", SECRETS, secret())
        listed = (await wire.call("GET", SECRETS)).json()["items"]
        assert [item["data"] for item in listed] == [{"password": b64encode(NEEDLE.encode()).decode()}]
        watched = await wire.call("GET", f"{SECRETS}?watch=1&timeoutSeconds=1")
        assert b64encode(NEEDLE.encode()) in watched.body
        assert (await raw(store)).startswith(b"k8s:enc:aesgcm:v1:new:")


async def test_a_key_is_rotated_by_writing_every_object_again() -> None:
    store = MemoryStore()
    async with served(store, OLD) as wire:
        await wire.call("POST", SECRETS, secret())
    async with served(store, NEW, OLD) as wire:
        held = (await wire.call("GET", f"{SECRETS}/s")).json()
        assert (await raw(store)).startswith(b"k8s:enc:aescbc:v1:old:")
        written = (await wire.call("PUT", f"{SECRETS}/s", held)).json()
        assert (await raw(store)).startswith(b"k8s:enc:aesgcm:v1:new:")
        assert written["metadata"]["resourceVersion"] != held["metadata"]["resourceVersion"]
        again = (await wire.call("PUT", f"{SECRETS}/s", written)).json()
        assert again == written
    async with served(store, NEW) as wire:
        assert (await wire.call("GET", f"{SECRETS}/s")).json() == written


async def test_encryption_is_taken_back_by_writing_with_identity_first() -> None:
    store = MemoryStore()
    async with served(store, NEW) as wire:
        await wire.call("POST", SECRETS, secret())
    async with served(store, {"identity": {}}, NEW) as wire:
        held = (await wire.call("GET", f"{SECRETS}/s")).json()
        await wire.call("PUT", f"{SECRETS}/s", held)
    async with served(store) as wire:
        assert (await wire.call("GET", f"{SECRETS}/s")).json()["data"] == held["data"]


@pytest.mark.parametrize(
    ("providers", "why"),
    [
        ([WRONG, {"identity": {}}], "cipher: message authentication failed"),
        ([OLD], "no matching prefix found"),
        ([], "identity transformer tried to read encrypted data"),
    ],
)
async def test_what_no_key_opens_is_an_internal_error_and_not_ready(providers: list[dict[str, Any]], why: str) -> None:
    store = MemoryStore()
    async with served(store, NEW) as wire:
        await wire.call("POST", SECRETS, secret())
    async with served(store, *providers) as wire:
        got = await wire.call("GET", f"{SECRETS}/s")
        assert got.status == 500
        assert got.json()["message"] == f"Internal error occurred: {why}"
        for method, body in (("PUT", secret()), ("DELETE", None)):
            assert (await wire.call(method, f"{SECRETS}/s", body)).json() == got.json()
        whole = f'unable to transform key "/registry/secrets/default/s": {why}'
        for method in ("GET", "DELETE"):
            listed = (await wire.call(method, SECRETS)).json()
            assert (listed["code"], listed["message"]) == (500, f"Internal error occurred: {whole}")
        for query in ("resourceVersion=0", "watch=1"):
            cached = (await wire.call("GET", f"{SECRETS}?{query}")).json()
            text = f"storage is (re)initializing: failed to list *core.Secret: {whole}"
            assert (cached["code"], cached["message"]) == (429, text)
        assert (await wire.call("POST", SECRETS, secret())).status == 409
        assert (await wire.call("POST", SECRETS, secret(name="t"))).status == 201
        assert (await wire.call("GET", f"{SECRETS}/t")).status == 200
        assert (await wire.call("GET", "/api/v1/namespaces/kube-system/secrets")).status == 200
        ready = await wire.call("GET", "/readyz")
        assert ready.status == 500
        assert b"[-]informer-sync failed: reason withheld" in ready.body
        assert (await wire.call("GET", "/livez")).status == 200


async def test_a_value_that_another_server_makes_unreadable_ends_watches_until_it_is_gone() -> None:
    store = MemoryStore()
    async with served(store, OLD) as wire:
        made = (await wire.call("POST", SECRETS, secret())).json()["metadata"]
        watching = Wire(wire.server)
        watch = asyncio.create_task(watching.call("GET", f"{SECRETS}?watch=1&timeoutSeconds=60"))
        cache = wire.server.registry(next(k for k in wire.server.kinds if k.kind == "Secret")).cache
        while not cache.watchers:
            await asyncio.sleep(0)
        sealed = encryption(NEW).transformer("secrets").to_store(b"{}", b"")
        revision = await store.update_if(STORED, sealed, int(made["resourceVersion"]))  # type: ignore[arg-type]
        await wire.server.feed.reached(revision)
        assert (await watch).status == 200
        assert (await wire.call("GET", SECRETS)).status == 500
        await wire.server.feed.reached(await store.delete_if(STORED, revision))
        assert (await wire.call("GET", SECRETS)).json()["items"] == []
        assert (await wire.call("GET", f"{SECRETS}/s")).status == 404
        assert (await wire.call("GET", "/readyz")).status == 200
        watching.close()
