"""Reading and writing through the registry: what every kind has in common."""

from __future__ import annotations

import asyncio

import pytest

from cluster.apiserver.server import ApiServer
from cluster.meta import errors
from cluster.meta.errors import StatusError
from cluster.meta.objects import clone
from cluster.meta.types import GroupVersionResource, Obj

CONFIG_MAPS = GroupVersionResource("", "v1", "configmaps")
PODS = GroupVersionResource("", "v1", "pods")
SERVICES = GroupVersionResource("", "v1", "services")
NAMESPACES = GroupVersionResource("", "v1", "namespaces")
EVENTS_NEW = GroupVersionResource("events.k8s.io", "v1", "events")
EVENTS_OLD = GroupVersionResource("", "v1", "events")


def config_map(name: str, **data: str) -> Obj:
    return {"metadata": {"name": name}, "data": data}


async def test_a_write_is_read_at_once_and_gets_its_system_fields(server: ApiServer) -> None:
    client = server.client()
    made = await client.create(CONFIG_MAPS, config_map("a", x="1"), "default")
    meta = (await client.get(CONFIG_MAPS, "a", "default"))["metadata"]
    assert meta["uid"]
    assert meta["resourceVersion"] == made["metadata"]["resourceVersion"]
    assert meta["managedFields"][0]["manager"] == "kube-apiserver"


async def test_the_clients_object_is_not_touched(server: ApiServer) -> None:
    given = config_map("a", x="1")
    before = clone(given)
    await server.client().create(CONFIG_MAPS, given, "default")
    assert given == before


async def test_the_second_create_conflicts(server: ApiServer) -> None:
    await server.client().create(CONFIG_MAPS, config_map("a"), "default")
    with pytest.raises(StatusError) as caught:
        await server.client().create(CONFIG_MAPS, config_map("a"), "default")
    assert errors.is_already_exists(caught.value)


async def test_generated_names_differ(server: ApiServer) -> None:
    client = server.client()
    names = set()
    for _ in range(5):
        made = await client.create(CONFIG_MAPS, {"metadata": {"generateName": "a-"}}, "default")
        names.add(made["metadata"]["name"])
    assert len(names) == 5
    assert all(name.startswith("a-") and len(name) == 7 for name in names)


async def test_stale_update_is_refused_and_no_op_is_not_written(server: ApiServer) -> None:
    client = server.client()
    first = await client.create(CONFIG_MAPS, config_map("a", x="1"), "default")
    same = await client.update(CONFIG_MAPS, first)
    assert same["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    changed = clone(first)
    changed["data"]["x"] = "2"
    await client.update(CONFIG_MAPS, changed)
    with pytest.raises(StatusError) as caught:
        await client.update(CONFIG_MAPS, changed)
    assert errors.is_conflict(caught.value)


async def test_patches_of_rivals_all_arrive(server: ApiServer) -> None:
    client = server.client()
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    await asyncio.gather(*(client.patch(CONFIG_MAPS, "a", "default", {"data": {f"k{i}": "v"}}) for i in range(10)))
    assert len((await client.get(CONFIG_MAPS, "a", "default"))["data"]) == 10


async def test_finalizers_hold_a_deleted_object_until_they_go(server: ApiServer) -> None:
    client = server.client()
    await client.create(CONFIG_MAPS, {"metadata": {"name": "a", "finalizers": ["x.y/z"]}}, "default")
    marked = await client.delete(CONFIG_MAPS, "a", "default")
    assert marked["metadata"]["deletionTimestamp"]
    await client.patch(CONFIG_MAPS, "a", "default", {"metadata": {"finalizers": None}})
    with pytest.raises(StatusError) as caught:
        await client.get(CONFIG_MAPS, "a", "default")
    assert errors.is_not_found(caught.value)


async def test_delete_preconditions(server: ApiServer) -> None:
    client = server.client()
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    with pytest.raises(StatusError, match="UID in the precondition"):
        await client.delete(CONFIG_MAPS, "a", "default", uid="other")


async def test_foreground_deletion_leaves_its_finalizer(server: ApiServer) -> None:
    client = server.client()
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    marked = await client.delete(CONFIG_MAPS, "a", "default", propagation="Foreground")
    assert marked["metadata"]["finalizers"] == ["foregroundDeletion"]


async def test_pages_are_one_consistent_cut(server: ApiServer) -> None:
    client = server.client()
    for i in range(5):
        await client.create(CONFIG_MAPS, config_map(f"c{i}"), "default")
    first = await client.list(CONFIG_MAPS, "default", limit=2)
    await client.delete(CONFIG_MAPS, "c3", "default")
    names, token = [o["metadata"]["name"] for o in first.items], first.continue_token
    while token:
        page = await client.list(CONFIG_MAPS, "default", limit=2, continue_token=token)
        names += [o["metadata"]["name"] for o in page.items]
        assert page.resource_version == first.resource_version
        token = page.continue_token
    assert names == ["c0", "c1", "c2", "c3", "c4"]


async def test_watch_sees_each_change_once_in_order(server: ApiServer) -> None:
    client = server.client()
    start = (await client.list(CONFIG_MAPS, "default")).resource_version
    await client.create(CONFIG_MAPS, config_map("a", x="1"), "default")
    seen = []

    async def follow() -> None:
        async for event in client.watch(CONFIG_MAPS, "default", resource_version=start):
            seen.append((event.type, event.object.get("data")))
            if event.type == "DELETED":
                return

    follower = asyncio.create_task(follow())
    await asyncio.sleep(0)
    await client.patch(CONFIG_MAPS, "a", "default", {"data": {"x": "2"}})
    await client.delete(CONFIG_MAPS, "a", "default")
    await asyncio.wait_for(follower, 5)
    assert seen == [("ADDED", {"x": "1"}), ("MODIFIED", {"x": "2"}), ("DELETED", {"x": "2"})]


async def test_leaving_the_selector_is_a_deletion(server: ApiServer) -> None:
    client = server.client()
    start = (await client.list(CONFIG_MAPS, "default")).resource_version
    await client.create(CONFIG_MAPS, {"metadata": {"name": "a", "labels": {"in": "yes"}}}, "default")
    await client.patch(CONFIG_MAPS, "a", "default", {"metadata": {"labels": {"in": "no"}}})
    stream = client.watch(CONFIG_MAPS, "default", resource_version=start, label_selector="in=yes")
    types = [(await anext(stream)).type, (await anext(stream)).type]  # type: ignore[arg-type]
    await stream.aclose()  # type: ignore[attr-defined]
    assert types == ["ADDED", "DELETED"]


async def test_both_event_groups_show_one_store(server: ApiServer) -> None:
    client = server.client()
    event = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"},
        "reason": "Because",
        "message": "text",
        "type": "Normal",
    }
    await client.create(EVENTS_OLD, event, "default")
    assert (await client.get(EVENTS_NEW, "e", "default"))["note"] == "text"


async def test_cluster_addresses_are_given_kept_and_released(server: ApiServer) -> None:
    client = server.client()
    made = await client.create(SERVICES, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}, "default")
    address = made["spec"]["clusterIP"]
    assert address.startswith("10.96.")
    taken = {"metadata": {"name": "t"}, "spec": {"clusterIP": address, "ports": [{"port": 80}]}}
    with pytest.raises(StatusError, match="already allocated"):
        await client.create(SERVICES, taken, "default")
    await client.delete(SERVICES, "s", "default")
    assert (await client.create(SERVICES, taken, "default"))["spec"]["clusterIP"] == address


async def test_node_ports_out_of_range_are_refused(server: ApiServer) -> None:
    service = {"metadata": {"name": "s"}, "spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 35010}]}}
    with pytest.raises(StatusError, match="provided port is not in the valid range"):
        await server.client().create(SERVICES, service, "default")


async def test_the_four_namespaces_and_the_service_exist(server: ApiServer) -> None:
    names = [o["metadata"]["name"] for o in (await server.client().list(NAMESPACES)).items]
    assert names == ["default", "kube-node-lease", "kube-public", "kube-system"]
    service = await server.client().get(SERVICES, "kubernetes", "default")
    assert service["spec"]["clusterIP"] == "10.96.0.1"


async def test_nothing_is_made_in_a_missing_namespace(server: ApiServer) -> None:
    with pytest.raises(StatusError, match='namespaces "nowhere" not found'):
        await server.client().create(CONFIG_MAPS, config_map("a"), "nowhere")


async def test_binding_puts_a_pod_on_its_node_once(server: ApiServer) -> None:
    client = server.client()
    accounts = GroupVersionResource("", "v1", "serviceaccounts")
    await client.create(accounts, {"metadata": {"name": "default"}}, "default")
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    await client.create(PODS, pod, "default")
    binding = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}}
    await client.create(PODS, binding, "default", subresource="binding", name="p")
    assert (await client.get(PODS, "p", "default"))["spec"]["nodeName"] == "n1"
    with pytest.raises(StatusError, match="already assigned"):
        await client.create(PODS, binding, "default", subresource="binding", name="p")
