"""A volume attributes class in deletion stays for as long as a volume or a claim names it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fake_api import FakeApi

from cluster.controllers.context import Options
from cluster.controllers.protection import CLASS_FINALIZER, class_names
from cluster.controllers.set import run_controllers
from cluster.machinery.clock import VirtualClock
from cluster.machinery.resources import ATTRIBUTES_CLASSES, VOLUMES
from cluster.meta.types import Obj

ONLY = Options(only=frozenset({"attributes-class-protection"}))


@asynccontextmanager
async def running() -> AsyncIterator[tuple[FakeApi, VirtualClock]]:
    clock = VirtualClock()
    api = FakeApi(clock)
    task = asyncio.create_task(run_controllers(api, clock, ONLY))
    try:
        yield api, clock
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _class(*finalizers: str) -> Obj:
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass"}
    return {**kind, "metadata": {"name": "gold", "finalizers": [*finalizers]}}


def _volume(class_name: str) -> Obj:
    spec = {"volumeAttributesClassName": class_name}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}, "spec": spec}


async def test_a_class_that_nobody_names_goes() -> None:
    async with running() as (api, clock):
        await api.create(ATTRIBUTES_CLASSES, _class(CLASS_FINALIZER))
        await api.delete(ATTRIBUTES_CLASSES, "gold")
        await clock.advance(1)
        assert not api.objects[ATTRIBUTES_CLASSES]


async def test_a_class_goes_when_the_last_volume_that_names_it_has_gone() -> None:
    async with running() as (api, clock):
        await api.create(ATTRIBUTES_CLASSES, _class(CLASS_FINALIZER))
        await api.create(VOLUMES, _volume("gold"))
        await clock.advance(1)
        await api.delete(ATTRIBUTES_CLASSES, "gold")
        await clock.advance(1)
        assert api.objects[ATTRIBUTES_CLASSES]
        await api.delete(VOLUMES, "v")
        await clock.advance(1)
        assert not api.objects[ATTRIBUTES_CLASSES]


async def test_a_finalizer_that_was_taken_off_is_put_back() -> None:
    async with running() as (api, clock):
        await api.create(ATTRIBUTES_CLASSES, _class("example.com/mine"))
        await clock.advance(1)
        found = api.objects[ATTRIBUTES_CLASSES][("", "gold")]["metadata"]["finalizers"]
        assert found == ["example.com/mine", CLASS_FINALIZER]


def test_a_claim_names_the_class_it_has_had_and_is_to_have() -> None:
    status = {"currentVolumeAttributesClassName": "b", "modifyVolumeStatus": {"targetVolumeAttributesClassName": "c"}}
    assert class_names({"spec": {"volumeAttributesClassName": "a"}, "status": status}) == {"a", "b", "c"}
    assert class_names({"spec": {}}) == set()
