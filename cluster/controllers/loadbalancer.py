"""Services of type LoadBalancer get their address from whoever can give one; without one they stay pending."""

from __future__ import annotations

from cluster.controllers.context import Context
from cluster.machinery.resources import SERVICES
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey

_RETRY = 5.0


class LoadBalancerController:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._services = context.informers.of(SERVICES)
        self.loop = context.controller("service-lb", self.reconcile, [self._services], workers=1)
        if context.options.load_balancer is not None:
            self._services.add_handler(self._changed)

    async def run(self) -> None:
        await self.loop.run()

    def _changed(self, old: Obj | None, new: Obj | None) -> None:
        for service in (old, new):
            if service is not None and service["spec"].get("type") == "LoadBalancer":
                self.loop.queue.add(key_of(service))

    async def reconcile(self, key: ObjectKey) -> float | None:
        service, give = self._services.get(key.name, key.namespace), self._context.options.load_balancer
        if service is None or give is None:
            return None
        wanted = await give(service) if service["spec"].get("type") == "LoadBalancer" else []
        if wanted is None:
            return _RETRY
        status = service.get("status") or {}
        balancer = {"ingress": wanted} if wanted else {}
        if status.get("loadBalancer") != balancer:
            changed = {**service, "status": {**status, "loadBalancer": balancer}}
            await self._context.client.update(SERVICES, changed, subresource="status")
        return None


def start(context: Context) -> LoadBalancerController:
    return LoadBalancerController(context)
