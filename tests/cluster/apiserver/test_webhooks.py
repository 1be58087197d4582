"""Webhooks: asked over HTTPS, they change writes, refuse them, or fail."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from apiserver_hooks import GROUP, Hooks

from cluster.apiserver.server import ApiServer
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersionResource

MAPS = GroupVersionResource("", "v1", "configmaps")


async def configure(server: ApiServer, configuration: dict[str, Any]) -> None:
    plural = configuration["kind"].lower() + "s"
    await server.client().create(GroupVersionResource(GROUP, "v1", plural), configuration)


async def make(server: ApiServer, **data: str) -> dict[str, Any]:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": data}
    return dict(await server.client().create(MAPS, body, "default"))


async def test_a_mutating_webhook_changes_what_is_stored(server: ApiServer, hooks: Hooks) -> None:
    patch = json.dumps([{"op": "add", "path": "/data/added", "value": "yes"}]).encode()
    answer = {"allowed": True, "patchType": "JSONPatch", "patch": base64.b64encode(patch).decode()}
    hooks.answer = lambda request: answer
    await configure(server, hooks.configuration("MutatingWebhookConfiguration"))
    assert (await make(server, x="1"))["data"] == {"x": "1", "added": "yes"}
    assert hooks.seen[0]["operation"] == "CREATE"
    assert hooks.seen[0]["object"]["data"] == {"x": "1"}


async def test_a_validating_webhook_refuses_in_its_own_words(server: ApiServer, hooks: Hooks) -> None:
    hooks.answer = lambda request: {"allowed": False, "status": {"message": "not today", "code": 418}}
    await configure(server, hooks.configuration("ValidatingWebhookConfiguration"))
    with pytest.raises(StatusError) as caught:
        await make(server)
    assert caught.value.code == 418
    assert caught.value.message == 'admission webhook "hook.example.com" denied the request: not today'


async def test_conditions_and_selectors_keep_writes_from_a_webhook(server: ApiServer, hooks: Hooks) -> None:
    condition = [{"name": "n", "expression": "object.metadata.name == 'other'"}]
    await configure(server, hooks.configuration("ValidatingWebhookConfiguration", matchConditions=condition))
    await make(server)
    assert hooks.seen == []


@pytest.mark.parametrize("policy", ["Fail", "Ignore"])
async def test_a_webhook_that_cannot_be_reached(server: ApiServer, hooks: Hooks, policy: str) -> None:
    config = {"url": "https://127.0.0.1:1/", "caBundle": hooks.bundle}
    await configure(
        server, hooks.configuration("ValidatingWebhookConfiguration", clientConfig=config, failurePolicy=policy)
    )
    if policy == "Ignore":
        await make(server)
        return
    with pytest.raises(StatusError) as caught:
        await make(server)
    assert caught.value.code == 500
    assert caught.value.message == (
        'Internal error occurred: failed calling webhook "hook.example.com": failed to call webhook: '
        'Post "https://127.0.0.1:1/?timeout=5s": dial tcp 127.0.0.1:1: connect: connection refused'
    )
