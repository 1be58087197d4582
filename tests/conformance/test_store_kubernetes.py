"""The back-end-neutral cases of Kubernetes' own storage tests (k8s.io/apiserver/pkg/storage/testing), by behaviour and
by name, over every store. Not mirrored: the two cases of time to live (events expire by a sweep here, see
test_expiry), and those that need a faulty codec, where a value that cannot be read is put into the store instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from storage_harness import Storage, config, names, pod, version

from cluster.apiserver.registry.read import InconsistentContinue
from cluster.machinery.clock import VirtualClock
from cluster.meta.errors import StatusError
from cluster.meta.types import Obj
from cluster.storage.etcd import EtcdStore
from cluster.storage.interface import Compacted, Key, KeyExists, Revision, Store
from cluster.storage.memory import MemoryStore
from cluster.storage.sqlite import SqliteStore
from cluster.testing.etcd import etcd, installed

needs_etcd = pytest.mark.skipif(not installed(), reason="no etcd on this machine (Debian: etcd-server)")


@pytest.fixture(params=["memory", "sqlite", pytest.param("etcd", marks=needs_etcd)])
async def s(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    async with AsyncExitStack() as held:
        store: Store
        if request.param == "etcd":
            store = await EtcdStore.open(await held.enter_async_context(etcd(tmp_path)))
        else:
            store = MemoryStore() if request.param == "memory" else await SqliteStore.open(tmp_path / "s.db")
        made = Storage(store)
        await made.start()
        yield made
        await made.stop()
        await store.close()


async def refused(doing: Any, code: int) -> StatusError:
    with pytest.raises(StatusError) as caught:
        await doing
    assert caught.value.code == code, caught.value.message
    return caught.value


# -- store_tests.go: creating, reading one, deleting --------------------------------------------------------------


async def test_create(s: Storage) -> None:
    before = await s.store.current_revision()
    made = await s.create(s.pods, pod("foo"))
    assert made["metadata"]["name"] == "foo"
    assert version(made) == before + 1
    record = await s.store.get(s.pods.store_key_of("ns/foo"))
    assert record is not None
    assert b"resourceVersion" not in record.value


async def test_create_with_key_exist(s: Storage) -> None:
    await s.create(s.pods, pod("foo"))
    with pytest.raises(KeyExists):
        await s.create(s.pods, pod("foo"))


async def test_get(s: Storage) -> None:
    first = await s.create(s.pods, pod("foo"))
    last = await s.create(s.pods, pod("later"))
    for asked in ("", "0", str(version(first)), str(version(last))):
        assert await s.get(s.pods, "foo", version=asked) == first
    assert (await refused(s.get(s.pods, "none"), 404)).reason == "NotFound"
    await s.remove(s.pods, first)
    await refused(s.get(s.pods, "foo"), 404)


async def test_unconditional_delete(s: Storage) -> None:
    await s.create(s.maps, config("foo", a="b"))
    gone = await s.delete("foo")
    assert gone["data"] == {"a": "b"}
    await refused(s.delete("foo"), 404)


async def test_conditional_delete(s: Storage) -> None:
    made = await s.create(s.maps, config("foo"))
    error = await refused(s.delete("foo", uid="another"), 409)
    assert "Precondition failed" in error.message or "the UID in the precondition" in error.message
    await refused(s.delete("foo", resource_version="1000000"), 409)
    await s.delete("foo", uid=made["metadata"]["uid"], resource_version=made["metadata"]["resourceVersion"])


async def test_delete_with_suggestion(s: Storage) -> None:
    """What the cache says is right: the object goes in one step."""
    await s.create(s.maps, config("foo"))
    assert (await s.delete("foo"))["metadata"]["name"] == "foo"
    assert await s.store.get(s.maps.store_key_of("ns/foo")) is None


async def behind(s: Storage, change: Any) -> None:
    """Write past the feed's back: what the cache says is old until the feed is told."""
    publish, s.server.feed._apply = s.server.feed._apply, lambda event: None  # type: ignore[method-assign]
    try:
        await change
        async with asyncio.timeout(5):
            while s.server.feed.revision < await s.store.current_revision():
                await asyncio.sleep(0.001)
    finally:
        s.server.feed._apply = publish  # type: ignore[method-assign]


async def direct(s: Storage, obj: Obj | None, name: str = "foo") -> None:
    from cluster.apiserver.registry.entry import encode

    key = s.maps.store_key_of(f"ns/{name}")
    held = await s.store.get(key)
    assert held is not None
    if obj is None:
        await s.store.delete_if(key, held.mod_revision)
    else:
        await s.store.update_if(key, encode(obj), held.mod_revision)


async def test_delete_with_suggestion_and_conflict(s: Storage) -> None:
    made = await s.create(s.maps, config("foo", a="old"))
    await behind(s, direct(s, {**made, "data": {"a": "new"}}))
    assert (await s.delete("foo"))["data"] == {"a": "new"}
    assert await s.store.get(s.maps.store_key_of("ns/foo")) is None


async def test_delete_with_conflict(s: Storage) -> None:
    """Somebody writes between the look and the deletion: it looks again."""
    made = await s.create(s.maps, config("foo"))
    delete_if, tried = s.store.delete_if, []

    async def late(key: Any, expected: Any) -> Any:
        tried.append(key)
        if len(tried) == 1:
            await direct(s, {**made, "data": {"a": "b"}})
        return await delete_if(key, expected)

    s.store.delete_if = late  # type: ignore[method-assign]
    assert (await s.delete("foo"))["data"] == {"a": "b"}
    assert len(tried) == 2
    assert await s.store.get(s.maps.store_key_of("ns/foo")) is None


async def test_delete_with_suggestion_of_deleted_object(s: Storage) -> None:
    await s.create(s.maps, config("foo"))
    await behind(s, direct(s, None))
    await refused(s.delete("foo"), 404)


async def test_validate_deletion_with_suggestion(s: Storage) -> None:
    """What is old fails the condition, what is there passes it."""
    made = await s.create(s.maps, config("foo"))
    await behind(s, direct(s, {**made, "data": {"a": "new"}}))
    now = await s.store.get(s.maps.store_key_of("ns/foo"))
    assert now is not None
    error = await refused(s.delete("foo", uid="another"), 409)
    assert error.reason == "Conflict"
    await s.delete("foo", uid=made["metadata"]["uid"])


async def test_validate_deletion_with_only_suggestion_valid(s: Storage) -> None:
    made = await s.create(s.maps, config("foo"))
    await behind(s, direct(s, {**made, "metadata": {**made["metadata"], "uid": "replaced"}}))
    await refused(s.delete("foo", uid=made["metadata"]["uid"]), 409)
    assert await s.store.get(s.maps.store_key_of("ns/foo")) is not None


async def test_preconditional_delete_with_only_suggestion_pass(s: Storage) -> None:
    made = await s.create(s.maps, config("foo"))
    await behind(s, direct(s, {**made, "data": {"a": "new"}}))
    await refused(s.delete("foo", resource_version=made["metadata"]["resourceVersion"]), 409)
    assert await s.store.get(s.maps.store_key_of("ns/foo")) is not None


# -- lists --------------------------------------------------------------------------------------------------------


async def some(s: Storage) -> list[Obj]:
    """As upstream's: two in one namespace, three in another, with different nodes."""
    wanted = [pod("bar", "first"), pod("foo", "first", "fake"), pod("a", "second"), pod("b", "second", "fake")]
    return [await s.create(s.pods, each) for each in [*wanted, pod("c", "second")]]


async def test_list(s: Storage) -> None:
    made = await some(s)
    revision = version(made[-1])
    whole = await s.list(s.pods)
    assert (names(whole), whole.revision, whole.continue_token) == (["bar", "foo", "a", "b", "c"], revision, "")
    for asked in ("", "0", str(revision)):
        assert names(await s.list(s.pods, "second", resource_version=asked)) == ["a", "b", "c"]
        page = await s.list(s.pods, "second", resource_version=asked, limit=1)
        # The watch cache is not asked for less than all.
        assert names(page) == (["a", "b", "c"] if asked == "0" else ["a"])
        assert page.remaining == (None if asked == "0" else 2)
    fields = await s.list(s.pods, "second", field_selector="spec.nodeName=fake")
    assert names(fields) == ["b"]
    assert names(await s.list(s.pods, "second", field_selector="spec.nodeName!=fake", limit=1)) == ["a"]
    limited = await s.list(s.pods, "second", field_selector="spec.nodeName!=fake", limit=1)
    assert limited.continue_token
    assert limited.remaining is None, "with a selector nobody counts"
    assert names(await s.list(s.pods, "none")) == []
    assert (await s.list(s.pods, "none")).revision == revision
    error = await refused(s.list(s.pods, resource_version=str(revision + 1000)), 504)
    assert "Too large resource version" in error.message


async def test_consistent_list(s: Storage) -> None:
    """Without a version the list has every write there was, and its revision is the store's."""
    await s.create(s.pods, pod("foo"))
    for _ in range(5):
        now = await s.increase()
        assert (await s.list(s.pods)).revision == now
    await s.create(s.pods, pod("bar"))
    assert names(await s.list(s.pods)) == ["bar", "foo"]


async def test_get_list_non_recursive(s: Storage) -> None:
    made = await some(s)
    await s.increase()
    for asked in ("", "0", str(version(made[1]))):
        page = await s.list(s.pods, "first", field_selector="metadata.name=foo", resource_version=asked)
        assert names(page) == ["foo"]
    exact = await s.list(s.pods, "first", resource_version=str(version(made[1])), match="Exact")
    assert names(exact) == ["bar", "foo"]
    before = await s.list(s.pods, "first", resource_version=str(version(made[0])), match="Exact")
    assert names(before) == ["bar"]
    assert names(await s.list(s.pods, "first", field_selector="metadata.name=none")) == []


async def test_get_list_recursive_prefix(s: Storage) -> None:
    """A namespace whose name begins like another's is another one."""
    for namespace in ("ns", "ns1", "ns-1", "n"):
        await s.create(s.pods, pod("foo", namespace))
    for namespace in ("ns", "ns1", "ns-1", "n"):
        assert [e.key for e in (await s.list(s.pods, namespace)).entries] == [f"{namespace}/foo"]
        page = await s.list(s.pods, namespace, resource_version=str(s.server.feed.revision), match="Exact")
        assert [e.key for e in page.entries] == [f"{namespace}/foo"]


async def test_list_continuation(s: Storage) -> None:
    await some(s)
    first = await s.list(s.pods, limit=1)
    assert (names(first), first.remaining) == (["bar"], 4)
    await s.create(s.pods, pod("zzz", "second"))
    second = await s.list(s.pods, limit=1, continue_token=first.continue_token)
    assert (names(second), second.remaining, second.revision) == (["foo"], 3, first.revision)
    rest = await s.list(s.pods, continue_token=second.continue_token)
    assert (names(rest), rest.continue_token, rest.remaining) == (["a", "b", "c"], "", None)


async def test_list_pagination_rare_object(s: Storage) -> None:
    for number in range(120):
        await s.create(s.pods, pod(f"pod-{number:03}", node="rare" if number == 119 else ""))
    page = await s.list(s.pods, limit=1, field_selector="spec.nodeName=rare")
    assert (names(page), page.continue_token) == (["pod-119"], "")


async def test_list_continuation_with_filter(s: Storage) -> None:
    for name, node in (("a", "1"), ("b", "2"), ("c", "1"), ("d", "1")):
        await s.create(s.pods, pod(name, node=node))
    first = await s.list(s.pods, limit=2, field_selector="spec.nodeName=1")
    assert (names(first), first.remaining) == (["a", "c"], None)
    rest = await s.list(s.pods, limit=2, field_selector="spec.nodeName=1", continue_token=first.continue_token)
    assert (names(rest), rest.continue_token) == (["d"], "")


async def test_list_inconsistent_continuation(s: Storage) -> None:
    made = await some(s)
    first = await s.list(s.pods, limit=1)
    await s.replace(s.pods, {**made[4], "spec": {"nodeName": "moved"}})
    await s.store.compact(await s.increase())
    error = await refused(s.list(s.pods, limit=1, continue_token=first.continue_token), 410)
    assert isinstance(error, InconsistentContinue)
    token = error.status()["metadata"]["continue"]
    second = await s.list(s.pods, limit=1, continue_token=token)
    assert names(second) == ["foo"]
    assert second.revision > first.revision
    rest = await s.list(s.pods, continue_token=second.continue_token)
    assert names(rest) == ["a", "b", "c"]
    assert rest.revision == second.revision
    assert rest.entries[-1].obj["spec"]["nodeName"] == "moved"


async def test_list_resource_version_match(s: Storage) -> None:
    made = await s.create(s.pods, pod("foo"))
    await s.replace(s.pods, {**made, "spec": {"nodeName": "later"}})
    old = str(version(made))
    exact = await s.list(s.pods, resource_version=old, match="Exact")
    assert exact.revision == int(old)
    assert exact.entries[0].obj["spec"]["nodeName"] == ""
    newer = await s.list(s.pods, resource_version=old, match="NotOlderThan")
    assert newer.entries[0].obj["spec"]["nodeName"] == "later"
    await s.store.compact(await s.increase())
    error = await refused(s.list(s.pods, resource_version=old, match="Exact"), 410)
    assert error.reason == "Expired"


async def test_list_paging(s: Storage) -> None:
    for number in range(25):
        await s.create(s.pods, pod(f"pod-{number:02}"))
    found: list[str] = []
    token = ""
    while True:
        page = await s.list(s.pods, limit=4, continue_token=token)
        found += names(page)
        assert page.remaining == (25 - len(found) or None)
        token = page.continue_token
        if not token:
            break
    assert found == [f"pod-{number:02}" for number in range(25)]


async def test_namespace_scoped_list(s: Storage) -> None:
    await some(s)
    for namespace, fields, wanted in (
        ("first", "", ["bar", "foo"]),
        ("second", "metadata.name=b", ["b"]),
        ("second", "spec.nodeName=fake", ["b"]),
        ("", "metadata.namespace=first", ["bar", "foo"]),
        ("", "spec.nodeName=fake", ["foo", "b"]),
        ("", "metadata.name=a,metadata.namespace=second", ["a"]),
        ("first", "metadata.name=a", []),
    ):
        assert names(await s.list(s.pods, namespace, field_selector=fields)) == wanted, (namespace, fields)


async def test_compact_revision(s: Storage) -> None:
    first = await s.increase()
    second = await s.increase()
    await s.store.compact(second)
    with pytest.raises(Compacted):
        await s.store.list_at("/registry/", revision=first)
    await s.store.list_at("/registry/", revision=second)
    await s.store.compact(first)
    with pytest.raises(Compacted):
        await s.store.list_at("/registry/", revision=first)


async def test_key_schema(s: Storage) -> None:
    await s.create(s.pods, pod("foo"))
    await s.create(s.nodes, {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "n"}})
    keys = [record.key for record in (await s.store.list_at("/registry/")).records]
    assert keys == ["/registry/nodes/n", "/registry/pods/ns/foo"]


async def test_stats(s: Storage) -> None:
    assert len(s.pods.cache.entries) == 0
    made = await s.create(s.pods, pod("foo"))
    assert (len(s.pods.cache.entries), s.pods.cache.bytes > 0) == (1, True)
    await s.remove(s.pods, made)
    assert (len(s.pods.cache.entries), s.pods.cache.bytes) == (0, 0)


# -- guaranteed updates -------------------------------------------------------------------------------------------


def setting(**data: str) -> Any:
    async def transform(obj: Obj) -> Obj:
        return {**obj, "data": {**(obj.get("data") or {}), **data}}

    return transform


async def test_guaranteed_update(s: Storage) -> None:
    await refused(s.update("none", setting(a="b")), 404)
    made = await s.create(s.maps, config("foo"))
    changed = await s.update("foo", setting(a="b"))
    assert version(changed) > version(made)
    assert changed["data"] == {"a": "b"}
    same = await s.update("foo", setting(a="b"))
    assert version(same) == version(changed), "what changes nothing is not written"

    async def other_uid(obj: Obj) -> Obj:
        raise StatusError(409, "Conflict", "precondition")

    await refused(s.update("foo", other_uid), 409)


async def test_guaranteed_update_checks_stored_data(s: Storage) -> None:
    """What would be the same as the cache's old state is written when the store has another."""
    made = await s.create(s.maps, config("foo", a="old"))
    await s.update("foo", setting(a="new"))
    again = await s.update("foo", setting(a="old"))
    assert version(again) > version(made)
    record = await s.store.get(s.maps.store_key_of("ns/foo"))
    assert record is not None
    assert b'"a":"old"' in record.value


async def test_guaranteed_update_with_conflict(s: Storage) -> None:
    """Of two that began with the same state the slower one begins again with the faster one's."""
    await s.create(s.maps, config("foo"))
    first_has_begun, second_has_written = asyncio.Event(), asyncio.Event()
    seen: list[dict[str, str]] = []

    async def slow(obj: Obj) -> Obj:
        seen.append(obj.get("data") or {})
        first_has_begun.set()
        await second_has_written.wait()
        return {**obj, "data": {**(obj.get("data") or {}), "slow": "1"}}

    slower = asyncio.ensure_future(s.update("foo", slow))
    await first_has_begun.wait()
    await s.update("foo", setting(fast="1"))
    second_has_written.set()
    assert (await slower)["data"] == {"fast": "1", "slow": "1"}
    assert seen == [{}, {"fast": "1"}]


async def test_guaranteed_update_with_suggestion_and_conflict(s: Storage) -> None:
    made = await s.create(s.maps, config("foo", a="old"))
    await behind(s, direct(s, {**made, "data": {"a": "new"}}))
    seen: list[str] = []

    async def transform(obj: Obj) -> Obj:
        seen.append(obj["data"]["a"])
        return {**obj, "data": {"a": obj["data"]["a"] + "er"}}

    assert (await s.update("foo", transform))["data"] == {"a": "newer"}
    assert seen[-1] == "new"
    # A writer that may not begin again is refused.
    await behind(s, direct(s, {**made, "data": {"a": "newest"}}))
    await refused(s.update("foo", transform, retry=False), 409)


# -- values that cannot be read -----------------------------------------------------------------------------------


async def test_transformation_failure(s: Storage) -> None:
    await s.create(s.pods, pod("good"))
    broken = Key("/registry/pods/ns/broken")
    await s.server.feed.reached(await s.store.create(broken, b"no object"))
    error = await refused(s.list(s.pods), 500)
    assert "/registry/pods/ns/broken" in error.message
    await refused(s.get(s.pods, "broken"), 500)
    assert (await s.get(s.pods, "good"))["metadata"]["name"] == "good"


async def test_watch_error(s: Storage) -> None:
    """A watch ends when what it would have to tell cannot be read."""
    await s.create(s.pods, pod("good"))
    watching = s.watch(s.pods, version=str(s.server.feed.revision))
    taking = asyncio.ensure_future(watching.take(1))
    await asyncio.sleep(0)
    await s.server.feed.reached(await s.store.create(Key("/registry/pods/ns/broken"), b"no object"))
    with pytest.raises(StopAsyncIteration):
        async with asyncio.timeout(5):
            await taking


async def test_watch_error_is_blocking_further_events(s: Storage) -> None:
    watching = s.watch(s.pods, version=str(s.server.feed.revision))
    taking = asyncio.ensure_future(watching.take(2))
    await asyncio.sleep(0)
    await s.store.create(Key("/registry/pods/ns/broken"), b"no object")
    await s.create(s.pods, pod("later"))
    with pytest.raises(StopAsyncIteration):
        await taking


async def test_watch_with_unsafe_delete(s: Storage) -> None:
    """When the value is taken out of the store, lists and watches work again."""
    broken = Key("/registry/pods/ns/broken")
    revision = await s.store.create(broken, b"no object")
    await s.server.feed.reached(revision)
    await s.server.feed.reached(await s.store.delete_if(broken, revision))
    assert names(await s.list(s.pods)) == []
    watching = s.watch(s.pods, version=str(s.server.feed.revision))
    taking = asyncio.ensure_future(watching.take(1))
    await asyncio.sleep(0)
    await s.create(s.pods, pod("good"))
    assert [type for type, _ in await taking] == ["ADDED"]
    await watching.close()


# -- watcher_tests.go ---------------------------------------------------------------------------------------------


async def kinds_of(watching: Any, count: int) -> list[tuple[str, str]]:
    return [(type, obj["metadata"]["name"]) for type, obj in await watching.take(count)]


async def begun(s: Storage, **options: Any) -> Any:
    """A watch of pods from now that is under way."""
    watching = s.watch(s.pods, options.pop("namespace", ""), str(s.server.feed.revision), **options)
    assert await watching.quiet()
    return watching


async def test_watch(s: Storage) -> None:
    """As an object comes into a selector, changes in it and leaves it."""
    everything = s.watch(s.pods, version=str(await s.increase()))
    selected = s.watch(s.pods, version=str(s.server.feed.revision), field_selector="spec.nodeName=bar")
    coming = [asyncio.ensure_future(kinds_of(everything, 4)), asyncio.ensure_future(kinds_of(selected, 3))]
    await asyncio.sleep(0)
    made = await s.create(s.pods, pod("foo"))
    await s.replace(s.pods, {**made, "spec": {"nodeName": "bar"}})
    await s.replace(s.pods, {**made, "spec": {"nodeName": "bar", "hostname": "x"}})
    await s.replace(s.pods, {**made, "spec": {"nodeName": ""}})
    assert await asyncio.gather(*coming) == [
        [("ADDED", "foo"), ("MODIFIED", "foo"), ("MODIFIED", "foo"), ("MODIFIED", "foo")],
        [("ADDED", "foo"), ("MODIFIED", "foo"), ("DELETED", "foo")],
    ]
    await everything.close()
    await selected.close()


async def test_watch_from_zero(s: Storage) -> None:
    made = await s.create(s.pods, pod("foo"))
    watching = s.watch(s.pods, version="0")
    assert await kinds_of(watching, 1) == [("ADDED", "foo")]
    await s.replace(s.pods, {**made, "spec": {"nodeName": "x"}})
    assert await kinds_of(watching, 1) == [("MODIFIED", "foo")]
    await watching.close()
    # Whatever was compacted: from zero it begins with what there is.
    await s.store.compact(await s.increase())
    watching = s.watch(s.pods, version="0")
    assert await kinds_of(watching, 1) == [("ADDED", "foo")]
    await watching.close()


async def test_delete_trigger_watch(s: Storage) -> None:
    made = await s.create(s.pods, pod("foo"))
    watching = s.watch(s.pods, version=str(version(made)))
    coming = asyncio.ensure_future(kinds_of(watching, 1))
    await asyncio.sleep(0)
    await s.remove(s.pods, made)
    assert await coming == [("DELETED", "foo")]
    await watching.close()


async def test_watch_from_non_zero(s: Storage) -> None:
    made = await s.create(s.pods, pod("foo"))
    await s.replace(s.pods, {**made, "spec": {"nodeName": "x"}})
    watching = s.watch(s.pods, version=str(version(made)))
    (event,) = await watching.take(1)
    assert (event[0], event[1]["spec"]["nodeName"]) == ("MODIFIED", "x")
    await watching.close()


async def test_delayed_watch_delivery(s: Storage) -> None:
    """A watcher that takes nothing for a while loses nothing."""
    watching = s.watch(s.pods, version=str(await s.increase()))
    started = asyncio.ensure_future(watching.take(1))
    await asyncio.sleep(0)
    for number in range(150):
        await s.create(s.pods, pod(f"foo-{number:03}"))
    found = [*await started, *await watching.take(149)]
    assert [obj["metadata"]["name"] for _, obj in found] == [f"foo-{number:03}" for number in range(150)]
    await watching.close()


async def test_watch_context_cancel(s: Storage) -> None:
    """A watch that was given up leaves no watcher behind."""
    watching = s.watch(s.pods, version="0")
    taking = asyncio.ensure_future(watching.take(1))
    await asyncio.sleep(0.01)
    assert s.pods.cache.watchers == 1
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    await watching.close()
    assert s.pods.cache.watchers == 0


async def test_watcher_timeout(s: Storage) -> None:
    """One that takes nothing does not keep the others waiting."""
    slow = s.watch(s.pods, version="0")
    held = asyncio.ensure_future(slow.take(1))
    quick = s.watch(s.pods, version="0")
    for number in range(100):
        made = asyncio.ensure_future(quick.take(1))
        await asyncio.sleep(0)
        await s.create(s.pods, pod(f"foo-{number:03}"))
        assert [obj["metadata"]["name"] for _, obj in await made] == [f"foo-{number:03}"]
    await held
    await slow.close()
    await quick.close()


async def test_watch_delete_event_object_have_latest_rv(s: Storage) -> None:
    made = await s.create(s.pods, pod("foo"))
    watching = s.watch(s.pods, version=str(version(made)))
    coming = asyncio.ensure_future(watching.take(1))
    await asyncio.sleep(0)
    revision = await s.remove(s.pods, made)
    ((_, gone),) = await coming
    assert version(gone) == revision > version(made)
    assert gone["metadata"]["uid"] == made["metadata"]["uid"]
    await watching.close()


async def test_watch_initialization_signal(s: Storage) -> None:
    """What there is comes before anything that happens."""
    await s.create(s.pods, pod("foo"))
    watching = s.watch(s.pods, version="")
    assert await kinds_of(watching, 1) == [("ADDED", "foo")]
    assert await watching.quiet()
    await watching.close()


async def test_cluster_scoped_watch(s: Storage) -> None:
    def node(name: str, **labels: str) -> Obj:
        return {"kind": "Node", "apiVersion": "v1", "metadata": {"name": name, "labels": labels}, "spec": {}}

    one = s.watch(s.nodes, version=str(await s.increase()), field_selector="metadata.name=t1")
    coloured = s.watch(s.nodes, version=str(s.server.feed.revision), label_selector="colour=red")
    coming = [asyncio.ensure_future(kinds_of(one, 2)), asyncio.ensure_future(kinds_of(coloured, 2))]
    await asyncio.sleep(0)
    first = await s.create(s.nodes, node("t1", colour="red"))
    await s.create(s.nodes, node("t2", colour="blue"))
    await s.remove(s.nodes, first)
    assert await asyncio.gather(*coming) == [[("ADDED", "t1"), ("DELETED", "t1")]] * 2
    await one.close()
    await coloured.close()


async def test_namespace_scoped_watch(s: Storage) -> None:
    cases = [
        ("t1", "", "", ["t1/a", "t1/b"]),
        ("t1", "metadata.name=b", "", ["t1/b"]),
        ("t1", "spec.nodeName=n1", "", ["t1/b"]),
        ("", "spec.nodeName=n1", "", ["t1/b", "t2/c"]),
        ("", "metadata.namespace=t2", "", ["t2/c"]),
        ("", "metadata.name=c", "", ["t2/c"]),
        ("", "", "kind=x", ["t1/a"]),
        ("t2", "", "kind=x", []),
    ]
    start = str(await s.increase())
    watches = [s.watch(s.pods, ns, start, field_selector=f, label_selector=sel) for ns, f, sel, _ in cases]
    coming = [asyncio.ensure_future(w.take(len(case[3]))) for w, case in zip(watches, cases, strict=True)]
    await asyncio.sleep(0)
    for each in (pod("a", "t1", kind="x"), pod("b", "t1", "n1"), pod("c", "t2", "n1")):
        await s.create(s.pods, each)
    for got, (*_, wanted) in zip(await asyncio.gather(*coming), cases, strict=True):
        assert [f"{o['metadata']['namespace']}/{o['metadata']['name']}" for _, o in got] == wanted
    for watch in watches:
        await watch.close()


async def test_watch_dispatch_bookmark_events(s: Storage) -> None:
    """A watcher to whom nothing happens hears how far the others have come."""
    clock = s.server.services.clock = VirtualClock()
    await s.create(s.pods, pod("foo"))
    watching = s.watch(s.pods, version=str(s.server.feed.revision), bookmarks=True)
    taking = asyncio.ensure_future(watching.take(1))
    await asyncio.sleep(0.01)
    now = await s.increase()
    await clock.advance(61)
    ((type, obj),) = await taking
    assert (type, version(obj), set(obj["metadata"])) == ("BOOKMARK", now, {"resourceVersion"})
    await watching.close()


async def test_optional_watch_bookmarks_with_correct_resource_version(s: Storage) -> None:
    """A bookmark never promises what has not been told: nothing comes later with a lesser version."""
    clock = s.server.services.clock = VirtualClock()
    watching = s.watch(s.pods, version=str(await s.increase()), bookmarks=True)
    seen: list[tuple[str, int]] = []

    async def follow() -> None:
        while True:
            seen.extend((type, version(obj)) for type, obj in await watching.take(1))

    following = asyncio.ensure_future(follow())
    for number in range(20):
        await s.create(s.pods, pod(f"foo-{number}"))
        await clock.advance(61)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert "BOOKMARK" in {type for type, _ in seen}
    newest = 0
    for type, revision in seen:
        assert revision > newest or (type == "BOOKMARK" and revision >= newest)
        newest = revision
    await watching.close()


async def test_send_initial_events_backward_compatibility(s: Storage) -> None:
    """From no version: first what there is, then what happens."""
    await some(s)
    watching = s.watch(s.pods, version="")
    assert [type for type, _ in await watching.take(5)] == ["ADDED"] * 5
    await watching.close()


async def test_watch_semantics(s: Storage) -> None:
    made = await some(s)
    last = version(made[-1])
    for asked, wanted in (("", 5), ("0", 5), (str(version(made[1])), 3), (str(last), 0)):
        watching = s.watch(s.pods, version=asked)
        assert len(await watching.take(wanted)) == wanted
        assert await watching.quiet(), asked
        await watching.close()


async def test_watch_list_match_single(s: Storage) -> None:
    """A list and the watch from its version tell together what there is."""
    await some(s)
    listed = await s.list(s.pods, "first", field_selector="metadata.name=foo")
    watching = s.watch(s.pods, "first", str(listed.revision), field_selector="metadata.name=foo")
    coming = asyncio.ensure_future(kinds_of(watching, 1))
    await asyncio.sleep(0)
    await s.create(s.pods, pod("other", "first"))
    await s.replace(s.pods, pod("foo", "first", "moved"))
    assert names(listed) == ["foo"]
    assert await coming == [("MODIFIED", "foo")]
    await watching.close()


async def test_a_watch_from_what_was_forgotten_is_told_so(s: Storage) -> None:
    """As upstream's watch from a compacted version: 410, not silence and not a gap."""
    await s.increase()
    s.pods.cache.floor = await s.increase()
    watching = s.watch(s.pods, version=str(Revision(s.pods.cache.floor - 1)))
    await refused(watching.take(1), 410)
