"""Every active namespace has a ServiceAccount `default`."""

from __future__ import annotations

from cluster.controllers.context import Context
from cluster.machinery.resources import NAMESPACES, SERVICE_ACCOUNTS
from cluster.meta.errors import StatusError, is_already_exists, is_not_found
from cluster.meta.types import Obj, ObjectKey

NAME = "default"


def namespace_active(namespace: Obj | None) -> bool:
    return namespace is not None and (namespace.get("status") or {}).get("phase", "Active") == "Active"


def tolerable(error: StatusError) -> bool:
    """It is there already, or the namespace is going or gone."""
    causes = (error.details or {}).get("causes") or ()
    return (
        is_already_exists(error)
        or is_not_found(error)
        or any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
    )


def plan(namespace: Obj | None, account: Obj | None) -> Obj | None:
    """The account to create, if any."""
    if not namespace_active(namespace) or account is not None:
        return None
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME}}


class ServiceAccountController:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._namespaces = context.informers.of(NAMESPACES)
        self._accounts = context.informers.of(SERVICE_ACCOUNTS)
        self.loop = context.controller("serviceaccount", self.reconcile, [self._namespaces, self._accounts], workers=1)
        self._namespaces.add_handler(self._namespace_changed)
        self._accounts.add_handler(self._account_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _namespace_changed(self, _old: Obj | None, new: Obj | None) -> None:
        if new is not None:
            self.loop.queue.add(ObjectKey("", new["metadata"]["name"]))

    def _account_changed(self, old: Obj | None, new: Obj | None) -> None:
        if new is None and old is not None and old["metadata"]["name"] == NAME:
            self.loop.queue.add(ObjectKey("", old["metadata"]["namespace"]))

    async def reconcile(self, key: ObjectKey) -> float | None:
        account = plan(self._namespaces.get(key.name), self._accounts.get(NAME, key.name))
        if account is None:
            return None
        try:
            await self._client.create(SERVICE_ACCOUNTS, account, key.name)
        except StatusError as error:
            if not tolerable(error):
                raise
        return None


def start(context: Context) -> ServiceAccountController:
    return ServiceAccountController(context)
