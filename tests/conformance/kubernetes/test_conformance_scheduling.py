"""[sig-scheduling]: limit ranges and priority classes."""

from __future__ import annotations

from typing import Any

from conformance_api import FORBIDDEN, INVALID, JSON_PATCH, MERGE, STRATEGIC, Api, conforms, expect, pod, unique

Obj = dict[str, Any]


def _limits(name: str, **limit: Obj) -> Obj:
    return {
        "metadata": {"name": name, "labels": {"e2e-limit": name}},
        "spec": {"limits": [{"type": "Container", **limit}]},
    }


def _box(**resources: Obj) -> list[Obj]:
    return [{"name": "c", "image": "registry.k8s.io/pause:3.10", "resources": resources}]


@conforms(
    "[sig-scheduling] LimitRange should create a LimitRange with defaults and ensure pod has those defaults applied."
)
def test_limit_range_defaults(api: Api) -> None:
    amount = {"cpu": "100m", "memory": "200Mi"}, {"cpu": "500m", "memory": "500Mi"}
    default = {"cpu": "500m", "memory": "500Mi"}
    range_ = _limits(
        "lr", min={"cpu": "50m", "memory": "100Mi"}, max=amount[1], default=default, defaultRequest=amount[0]
    )
    with api.watch(api.core("limitranges")) as events:
        api.post(api.core("limitranges"), range_, 201)
        expect(events, "ADDED")
        assert api.get(api.core("limitranges", "lr"))["spec"]["limits"][0]["defaultRequest"] == amount[0]
        none = api.post(api.core("pods"), pod("none"), 201)["spec"]["containers"][0]["resources"]
        assert none == {"requests": amount[0], "limits": default}
        part = api.post(
            api.core("pods"), pod("part", containers=_box(requests={"cpu": "300m"}, limits={"cpu": "300m"})), 201
        )
        assert part["spec"]["containers"][0]["resources"] == {
            "requests": {"cpu": "300m", "memory": "200Mi"}, "limits": {"cpu": "300m", "memory": "500Mi"},
        }  # fmt: skip
        low, high = {"cpu": "10m", "memory": "10Mi"}, {"cpu": "600m", "memory": "600Mi"}
        api.post(api.core("pods"), pod("low", containers=_box(requests=low, limits=default)), FORBIDDEN)
        api.post(api.core("pods"), pod("high", containers=_box(requests=amount[0], limits=high)), FORBIDDEN)

        def lower(obj: Obj) -> None:
            obj["spec"]["limits"][0]["min"] = {"cpu": "9m", "memory": "9Mi"}

        api.change(api.core("limitranges", "lr"), lower)
        api.post(api.core("pods"), pod("low", containers=_box(requests=low, limits=default)), 201)
        api.post(api.core("pods"), pod("high", containers=_box(requests=amount[0], limits=high)), FORBIDDEN)
        api.delete(api.core("limitranges", "lr"))
        expect(events, "DELETED")
    api.post(api.core("pods"), pod("high", containers=_box(requests=amount[0], limits=high)), 201)


@conforms("[sig-scheduling] LimitRange should list, patch and delete a LimitRange by collection")
def test_limit_range_collection(api: Api) -> None:
    name = unique("e2e-limitrange")
    label = {"labelSelector": f"e2e-limit={name}"}
    range_ = _limits(
        name, min={"cpu": "50m"}, max={"cpu": "500m"}, default={"cpu": "500m"}, defaultRequest={"cpu": "100m"}
    )
    api.post(api.core("limitranges"), range_, 201)
    other = unique("other")
    api.post("/api/v1/namespaces", {"metadata": {"name": other}})
    api.post(f"/api/v1/namespaces/{other}/limitranges", range_, 201)
    assert len(api.items("/api/v1/limitranges", **label)) == 2
    limits = {**range_["spec"]["limits"][0], "defaultRequest": {"cpu": "150m"}}
    change = {"metadata": {"labels": {name: "patched"}}, "spec": {"limits": [limits]}}
    seen = api.patch(api.core("limitranges", name), change, mime=STRATEGIC)
    assert seen["metadata"]["labels"][name] == "patched"
    assert seen["spec"]["limits"][0]["defaultRequest"] == {"cpu": "150m"}
    api.delete(api.core("limitranges"), labelSelector=f"{name}=patched")
    assert not api.items(api.core("limitranges"))
    left = api.items("/api/v1/limitranges", **label)
    assert [one["metadata"]["namespace"] for one in left] == [other]
    api.delete(f"/api/v1/namespaces/{other}")


@conforms(
    "[sig-scheduling] SchedulerPreemption [Serial] PriorityClass endpoints verify PriorityClass endpoints can be operated with different HTTP methods"  # noqa: E501
)
def test_priority_class_methods(api: Api) -> None:
    where = "/apis/scheduling.k8s.io/v1/priorityclasses"
    names = [unique("p"), unique("p")]
    for value, name in enumerate(names, 1):
        api.post(where, {"metadata": {"name": name}, "value": value}, 201)
    listed = {one["metadata"]["name"]: one["value"] for one in api.items(where)}
    assert listed[names[0]] == 1
    assert listed[names[1]] == 2
    for name in names:
        path = f"{where}/{name}"
        for mime, body in (
            (JSON_PATCH, [{"op": "replace", "path": "/value", "value": 9}]),
            (MERGE, {"value": 9}),
            (STRATEGIC, {"value": 9}),
        ):
            fault = api.patch(path, body, INVALID, mime=mime)
            assert fault["details"]["causes"][0]["field"] == "value"
        api.put(path, {**api.get(path), "value": 10}, INVALID)
        seen = api.patch(path, {"description": "patched"})
        assert seen["description"] == "patched"
        assert api.put(path, {**seen, "description": "updated"})["description"] == "updated"
    for name in names:
        api.delete(f"{where}/{name}")
        api.gone(f"{where}/{name}")
