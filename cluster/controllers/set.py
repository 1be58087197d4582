"""All controllers together, on shared informers: what a kube-controller-manager is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from importlib import import_module

from cluster.client.interface import Client
from cluster.controllers.context import Context, Options, Runnable
from cluster.machinery.clock import Clock
from cluster.machinery.events import EventSink
from cluster.machinery.informer import Informers

log = logging.getLogger(__name__)
_RESTART_AFTER = 1.0

STARTS: dict[str, str] = {
    "namespace": "namespace:start",
    "serviceaccount": "serviceaccount:start",
    "root-ca": "rootca:start",
    "deployment": "deployment:start",
    "replicaset": "replicas:start",
    "replicationcontroller": "replicas:start_replication",
    "endpoints": "endpoints:start",
    "endpointslice": "endpointslice:start",
    "garbage": "garbage:start",
    "job": "job:start",
    "resourcequota": "quota:start",
    "csr-signing": "signing:start",
    "service-lb": "loadbalancer:start",
    "node-lifecycle": "node_lifecycle:start",
    "taint-eviction": "taint_eviction:start",
    "cronjob": "cronjob:start",
    "horizontal-pod-autoscaler": "autoscaler:start",
    "ttl-after-finished": "ttl:start",
    "disruption": "disruption:start",
    "podgc": "podgc:start",
    "clusterrole-aggregation": "clusterrole:start",
    "endpointslicemirroring": "endpointmirror:start",
    "serviceaccount-token": "tokens:start",
    "persistentvolume-binder": "volume:start",
    "volume-protection": "protection:start",
    "attributes-class-protection": "protection:start_classes",
    "statefulset": "statefulset:start",
    "daemonset": "daemonset:start",
}
"""Controller name -> module:function that makes it."""


def load(name: str) -> Callable[[Context], Runnable]:
    """The start function of a controller; KeyError for an unknown name."""
    module, _, function = STARTS[name].partition(":")
    found: Callable[[Context], Runnable] = getattr(import_module(f"cluster.controllers.{module}"), function)
    return found


def make_all(context: Context) -> list[Runnable]:
    names = [name for name in STARTS if not context.options.only or name in context.options.only]
    unknown = context.options.only - STARTS.keys()
    if unknown:
        raise KeyError(f"no such controller: {', '.join(sorted(unknown))}")
    return [load(name)(context) for name in names]


async def _keep(controller: Runnable, clock: Clock) -> None:
    """A controller that ends by a fault is started again; the others are not taken down with it."""
    while True:
        try:
            await controller.run()
            return
        except Exception:
            log.exception("%s ended; it is started again", type(controller).__name__)
        await clock.sleep(_RESTART_AFTER)


async def run_controllers(
    client: Client,
    clock: Clock,
    options: Options | None = None,
    *,
    informers: Informers | None = None,
    events: EventSink | None = None,
) -> None:
    """Run them until cancelled. Informers and the event sink may be shared with others in the process; whoever hands
    them in runs them."""
    async with asyncio.TaskGroup() as group:
        own_informers = informers is None
        informers = informers or Informers(client, clock)
        if events is None:
            events = EventSink(client, clock)
            group.create_task(events.run(), name="events")
        context = Context(client, clock, informers, events, options or Options())
        for controller in make_all(context):
            group.create_task(_keep(controller, clock), name=type(controller).__name__)
        if own_informers:
            group.create_task(informers.run(), name="informers")
