"""[sig-instrumentation]: events of both groups."""

from __future__ import annotations

from typing import Any

from conformance_api import JSON_PATCH, MISSING, STRATEGIC, Api, conforms, eventually, expect

Obj = dict[str, Any]
EVENTS = "events.k8s.io/v1"


def _new_event(api: Api, name: str, labels: Obj | None = None) -> Obj:
    return {
        "metadata": {"name": name, "labels": labels or {}}, "eventTime": "2026-01-01T00:00:00.000001Z",
        "note": "This is a test event", "reason": "Test", "action": "Do", "type": "Normal",
        "regarding": {"namespace": api.ns}, "reportingController": "test-controller",
        "reportingInstance": "test-node",
    }  # fmt: skip


def _core_event(api: Api, name: str, labels: Obj) -> Obj:
    return {
        "metadata": {"name": name, "labels": labels}, "message": "This is a test event", "reason": "Test",
        "type": "Normal", "count": 1, "involvedObject": {"namespace": api.ns},
    }  # fmt: skip


@conforms("[sig-instrumentation] Events API should ensure that an event can be fetched, patched, deleted, and listed")
def test_events_of_the_group(api: Api) -> None:
    where = api.group(EVENTS, "events")
    api.post(where, _new_event(api, "event-test"), 201)
    for path in (where, f"/apis/{EVENTS}/events"):
        found = api.items(path, fieldSelector="reportingController=test-controller")
        assert [one["metadata"]["name"] for one in found if one["metadata"]["namespace"] == api.ns] == ["event-test"]
    read = api.get(f"{where}/event-test")
    series = {"series": {"count": 2, "lastObservedTime": "2026-01-01T00:01:00.000000Z"}}
    patched = api.patch(f"{where}/event-test", series, mime=STRATEGIC)
    assert patched["series"]["count"] == 2
    assert patched["metadata"]["uid"] == read["metadata"]["uid"]

    def third(event: Obj) -> None:
        event["series"] = {"count": 100, "lastObservedTime": "2026-01-01T00:02:00.000000Z"}

    assert api.change(f"{where}/event-test", third)["series"]["count"] == 100
    api.delete(f"{where}/event-test")
    api.get(f"{where}/event-test", MISSING)
    assert not [one for one in api.items(where) if one["metadata"]["name"] == "event-test"]


@conforms("[sig-instrumentation] Events API should delete a collection of events")
def test_collection_of_the_group(api: Api) -> None:
    where = api.group(EVENTS, "events")
    for number in (1, 2, 3):
        api.post(where, _new_event(api, f"test-event-{number}", {"testevent-set": "true"}), 201)
    assert len(api.items(where, labelSelector="testevent-set=true")) == 3
    api.delete(where, labelSelector="testevent-set=true")
    eventually(lambda: api.items(where, labelSelector="testevent-set=true"), lambda items: not items)


@conforms("[sig-instrumentation] Events should delete a collection of events")
def test_collection_of_core(api: Api) -> None:
    where = api.core("events")
    for number in (1, 2, 3):
        api.post(where, _core_event(api, f"test-event-{number}", {"testevent-set": "true"}), 201)
    assert len(api.items(where, labelSelector="testevent-set=true")) == 3
    api.delete(where, labelSelector="testevent-set=true")
    assert not api.items(where, labelSelector="testevent-set=true")


@conforms("[sig-instrumentation] Events should manage the lifecycle of an event")
def test_core_lifecycle(api: Api) -> None:
    where, label = api.core("events"), {"labelSelector": "testevent-constant=true"}
    with api.watch(where, **label) as events:
        api.post(where, _core_event(api, "event-test", {"testevent-constant": "true"}), 201)
        expect(events, "ADDED")
        found = api.items("/api/v1/events", **label)
        assert [one["metadata"]["name"] for one in found] == ["event-test"]
        body = {"message": "This is a test event - patched"}
        api.patch(f"{where}/event-test", body, mime=STRATEGIC)
        expect(events, "MODIFIED", lambda o: bool(o["message"].endswith("patched")))
        assert api.get(f"{where}/event-test")["message"].endswith("patched")
        source = [
            {"op": "add", "path": "/series", "value": {"count": 2, "lastObservedTime": "2026-01-01T00:00:00.000000Z"}}
        ]
        assert api.patch(f"{where}/event-test", source, mime=JSON_PATCH)["series"]["count"] == 2
        api.delete(f"{where}/event-test")
        expect(events, "DELETED")
    assert not api.items("/api/v1/events", **label)
