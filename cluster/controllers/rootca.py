"""Every active namespace has the ConfigMap kube-root-ca.crt, which pods verify the API server with."""

from __future__ import annotations

from cluster.controllers.context import Context
from cluster.controllers.serviceaccount import namespace_active, tolerable
from cluster.machinery.resources import CONFIG_MAPS, NAMESPACES
from cluster.meta.errors import StatusError
from cluster.meta.objects import clone
from cluster.meta.types import Obj, ObjectKey

NAME = "kube-root-ca.crt"
_KEY = "kubernetes.io/description"
_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


def plan(root_ca: str, found: Obj | None) -> Obj | None:
    """The ConfigMap to write, or None when it is right. It is new when `found` is None."""
    data = {"ca.crt": root_ca}
    if found is None:
        meta = {"name": NAME, "annotations": {_KEY: _DESCRIPTION}}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
    described = (found["metadata"].get("annotations") or {}).get(_KEY)
    if found.get("data") == data and described:
        return None
    out = clone(found) | {"data": data}
    out["metadata"]["annotations"] = {_KEY: _DESCRIPTION}
    return out


class RootCAController:
    def __init__(self, context: Context) -> None:
        self._client, self._root_ca = context.client, context.options.root_ca
        self._namespaces = context.informers.of(NAMESPACES)
        self._maps = context.informers.of(CONFIG_MAPS)
        self.loop = context.controller("root-ca", self.reconcile, [self._namespaces, self._maps], workers=1)
        self._namespaces.add_handler(self._namespace_changed)
        self._maps.add_handler(self._map_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _namespace_changed(self, _old: Obj | None, new: Obj | None) -> None:
        if new is not None:
            self.loop.queue.add(ObjectKey("", new["metadata"]["name"]))

    def _map_changed(self, old: Obj | None, new: Obj | None) -> None:
        changed = new or old
        if changed is not None and changed["metadata"]["name"] == NAME:
            self.loop.queue.add(ObjectKey("", changed["metadata"]["namespace"]))

    async def reconcile(self, key: ObjectKey) -> float | None:
        if not namespace_active(self._namespaces.get(key.name)):
            return None
        found = self._maps.get(NAME, key.name)
        wanted = plan(self._root_ca, found)
        if wanted is None:
            return None
        try:
            if found is None:
                await self._client.create(CONFIG_MAPS, wanted, key.name)
            else:
                await self._client.update(CONFIG_MAPS, wanted)
        except StatusError as error:
            if not tolerable(error):
                raise
        return None


def start(context: Context) -> RootCAController:
    return RootCAController(context)
