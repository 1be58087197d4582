"""/metrics as a Prometheus server reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from apiserver_wire import Wire
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from cluster.apiserver.metrics.exposition import number

MAPS = "/api/v1/namespaces/default/configmaps"
_OF_A_REQUEST = {"component", "group", "resource", "scope", "subresource", "verb", "version"}


async def samples(wire: Wire, path: str = "/metrics") -> list[Sample]:
    reply = await wire.call("GET", path)
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    return [s for family in text_string_to_metric_families(reply.body.decode()) for s in family.samples]


def named(found: list[Sample], name: str, /, **labels: str) -> Iterator[Sample]:
    for sample in found:
        if sample.name == name and labels.items() <= sample.labels.items():
            yield sample


def value(found: list[Sample], name: str, /, **labels: str) -> float:
    return sum(sample.value for sample in named(found, name, **labels))


async def test_requests_are_counted_by_what_they_ask(wire: Wire) -> None:
    await wire.call("GET", MAPS)
    await wire.call("POST", MAPS, {"metadata": {"name": "a"}})
    await wire.call("POST", MAPS, {"metadata": {"name": "a"}})
    await wire.call("GET", f"{MAPS}/a")
    apply = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "b"}}
    where = f"{MAPS}/a?fieldManager=m&dryRun=All"
    await wire.call("PATCH", where, apply, content_type="application/apply-patch+yaml")
    found = await samples(wire)
    of_maps = {
        (s.labels["verb"], s.labels["scope"], s.labels["dry_run"], s.labels["code"]): s.value
        for s in named(found, "apiserver_request_total", resource="configmaps", component="apiserver", version="v1")
    }
    assert of_maps == {
        ("LIST", "namespace", "", "200"): 1,
        ("POST", "resource", "", "201"): 1,
        ("POST", "resource", "", "409"): 1,
        ("GET", "resource", "", "200"): 1,
        ("APPLY", "resource", "All", "200"): 1,
    }
    (total,) = named(found, "apiserver_request_total", resource="configmaps", verb="LIST")
    assert set(total.labels) == _OF_A_REQUEST | {"code", "dry_run"}
    (count,) = named(found, "apiserver_request_duration_seconds_count", resource="configmaps", verb="LIST")
    assert set(count.labels) == _OF_A_REQUEST | {"dry_run"}
    assert value(found, "apiserver_response_sizes_count", resource="configmaps", verb="LIST") == 1
    assert value(found, "apiserver_request_body_size_bytes_count", resource="configmaps", verb="create") == 2
    assert value(found, "etcd_requests_total", operation="create", resource="configmaps") >= 1


async def test_made_up_paths_and_refused_requests_make_no_series(wire: Wire) -> None:
    before = {tuple(sorted(s.labels.items())) for s in named(await samples(wire), "apiserver_request_total")}
    for path in ("/no/such/path", "/apis/no.such/v1/things", f"{MAPS}/a/nosuch"):
        await wire.call("GET", path)
    await wire.call("GET", MAPS, token="alice")
    after = {tuple(sorted(s.labels.items())) for s in named(await samples(wire), "apiserver_request_total")}
    assert {dict(labels)["subresource"] for labels in after - before} <= {"/metrics"}


async def test_watches_are_counted_while_they_last(wire: Wire) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.server.port)
    writer.write(f"GET {MAPS}?watch=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    label = {"resource": "configmaps", "verb": "WATCH", "scope": "namespace", "group": "", "version": "v1"}
    assert value(await samples(wire), "apiserver_longrunning_requests", **label) == 1
    writer.close()
    while value(found := await samples(wire), "apiserver_longrunning_requests", **label):
        await asyncio.sleep(0)
    assert value(found, "apiserver_request_total", verb="WATCH", resource="configmaps", code="200") == 1


async def test_objects_flow_control_and_the_process_are_shown(wire: Wire) -> None:
    found = await samples(wire)
    assert value(found, "apiserver_storage_objects", resource="namespaces") == 4
    assert value(found, "apiserver_resource_objects", resource="namespaces", group="") == 4
    assert value(found, "apiserver_resource_size_estimate_bytes", resource="namespaces") > 400
    assert value(found, "apiserver_current_inflight_requests") == 1
    assert value(found, "apiserver_flowcontrol_nominal_limit_seats", priority_level="workload-low") == 245
    executing = {"priority_level": "exempt", "flow_schema": "exempt"}
    assert value(found, "apiserver_flowcontrol_current_executing_requests", **executing) == 1
    (build,) = named(found, "kubernetes_build_info")
    assert (build.labels["major"], build.labels["minor"], build.labels["git_version"]) == ("1", "36", "v1.36.2")
    assert value(found, "kubernetes_feature_enabled", name="WatchList", stage="BETA") == 1
    assert value(found, "process_cpu_seconds_total") > 0
    assert value(found, "process_start_time_seconds") > 1e9


async def test_admission_is_timed_by_plugin_and_step(wire: Wire) -> None:
    await wire.call("POST", MAPS, {"metadata": {"name": "a"}})
    await wire.call("POST", "/api/v1/namespaces/no-such/configmaps", {"metadata": {"name": "a"}})
    found = await samples(wire)
    plugin, step = (f"apiserver_admission_{what}_admission_duration_seconds_count" for what in ("controller", "step"))
    lifecycle = {"name": "NamespaceLifecycle", "operation": "CREATE"}
    assert value(found, plugin, **lifecycle, rejected="true") == 1
    assert value(found, plugin, **lifecycle, rejected="false") >= 1
    assert value(found, step, operation="CREATE", type="admit", rejected="false") >= 1
    assert value(found, step, operation="CREATE", rejected="true") == 1


async def test_events_sent_to_watchers_are_counted(wire: Wire) -> None:
    await wire.call("POST", MAPS, {"metadata": {"name": "a"}})
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.server.port)
    writer.write(f"GET {MAPS}?watch=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n\r\n".encode())
    await reader.readuntil(b'"ADDED"')
    await wire.call("DELETE", f"{MAPS}/a")
    await reader.readuntil(b'"DELETED"')
    of_maps = {"group": "", "version": "v1", "resource": "configmaps"}
    assert value(await samples(wire), "apiserver_watch_events_total", **of_maps) == 2
    writer.close()


async def test_service_levels_are_shown_on_their_own(wire: Wire) -> None:
    await wire.call("GET", "/readyz")
    found = await samples(wire, "/metrics/slis")
    assert value(found, "kubernetes_healthcheck", name="ping", type="readyz") == 1
    assert value(found, "kubernetes_healthchecks_total", name="ping", type="readyz", status="success") == 1
    assert {s.name for s in found} <= {
        "kubernetes_healthcheck", "kubernetes_healthchecks_total", "process_start_time_seconds",
        "process_cpu_seconds_total", "process_max_fds", "process_open_fds", "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
    }  # fmt: skip


def test_numbers_are_written_as_go_writes_them() -> None:
    written = [number(v) for v in (0, 1, 600, 999999, 1e6, 292769792, 0.05, 2.5e-05, 1.79565999429e09, float("inf"))]
    assert written == [
        "0", "1", "600", "999999", "1e+06", "2.92769792e+08", "0.05", "2.5e-05", "1.79565999429e+09", "+Inf",
    ]  # fmt: skip
