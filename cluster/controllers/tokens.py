"""Secrets of type kubernetes.io/service-account-token: filled with a token, gone with their account."""

from __future__ import annotations

import base64

from cluster.controllers.context import Context
from cluster.machinery.resources import SECRETS, SERVICE_ACCOUNTS
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.objects import clone
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey

TYPE = "kubernetes.io/service-account-token"
NAME, UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"


def account_of(secret: Obj) -> str:
    return str((secret["metadata"].get("annotations") or {}).get(NAME, "")) if secret.get("type") == TYPE else ""


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class TokenController:
    def __init__(self, context: Context) -> None:
        self._client, self._options = context.client, context.options
        self._secrets, self._accounts = context.informers.of(SECRETS), context.informers.of(SERVICE_ACCOUNTS)
        watched = [self._secrets, self._accounts]
        self.loop = context.controller("serviceaccount-token", self.reconcile, watched, workers=1)
        self._secrets.add_handler(self._secret_changed)
        self._accounts.add_handler(self._account_changed)

    async def run(self) -> None:
        await self.loop.run()

    def _secret_changed(self, _old: Obj | None, new: Obj | None) -> None:
        if new is not None and account_of(new):
            self.loop.queue.add(key_of(new))

    def _account_changed(self, old: Obj | None, new: Obj | None) -> None:
        account = new or old
        assert account is not None
        for secret in self._secrets.list(account["metadata"]["namespace"]):
            if account_of(secret) == account["metadata"]["name"]:
                self.loop.queue.add(key_of(secret))

    async def reconcile(self, key: ObjectKey) -> float | None:
        secret = self._secrets.get(key.name, key.namespace)
        if secret is None or not account_of(secret):
            return None
        account = await self._account(account_of(secret), key.namespace)
        uid = (secret["metadata"].get("annotations") or {}).get(UID)
        if account is None or uid not in {None, account["metadata"]["uid"]}:
            await self._drop(secret)
        else:
            await self._fill(secret, account)
        return None

    async def _account(self, name: str, namespace: str) -> Obj | None:
        try:
            return await self._client.get(SERVICE_ACCOUNTS, name, namespace)
        except StatusError as error:
            if is_not_found(error):
                return None
            raise

    async def _drop(self, secret: Obj) -> None:
        meta = secret["metadata"]
        try:
            await self._client.delete(SECRETS, meta["name"], meta["namespace"], uid=meta["uid"])
        except StatusError as error:
            if not is_not_found(error):
                raise

    async def _fill(self, secret: Obj, account: Obj) -> None:
        own = clone(secret)
        data = dict(own.get("data") or {})
        data["namespace"] = _encoded(secret["metadata"]["namespace"])
        if self._options.root_ca:
            data["ca.crt"] = _encoded(self._options.root_ca)
        if "token" not in data and self._options.service_account_token is not None:
            data["token"] = _encoded(await self._options.service_account_token(account, secret))
        own["data"] = data
        own["metadata"]["annotations"] = {**own["metadata"]["annotations"], UID: account["metadata"]["uid"]}
        if own != secret:
            await self._client.update(SECRETS, own)


def start(context: Context) -> TokenController:
    return TokenController(context)
