"""The HTTP client: paths, errors and watches, over an in-memory transport."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from cluster.client.http import HttpClient, path_of
from cluster.machinery.resources import DEPLOYMENTS, PODS
from cluster.meta.errors import StatusError, is_not_found, not_found


def client(answer: Callable[[httpx.Request], httpx.Response]) -> HttpClient:
    return HttpClient("http://server", transport=httpx.MockTransport(answer))


def test_paths_follow_groups_namespaces_and_subresources() -> None:
    assert path_of(PODS, "ns", "p", "binding") == "/api/v1/namespaces/ns/pods/p/binding"
    assert path_of(DEPLOYMENTS, "") == "/apis/apps/v1/deployments"


async def test_a_failure_status_is_raised_as_status_error() -> None:
    status = not_found(PODS.group_resource, "p").status()
    async with client(lambda _: httpx.Response(404, json=status)) as api:
        with pytest.raises(StatusError) as caught:
            await api.get(PODS, "p", "ns")
    assert is_not_found(caught.value)
    assert caught.value.message == 'pods "p" not found'


async def test_list_brings_items_version_and_continue() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert dict(request.url.params) == {"labelSelector": "a=b", "limit": "2", "continue": "t"}
        body = {"metadata": {"resourceVersion": "7", "continue": "next"}, "items": [{"metadata": {"name": "p"}}]}
        return httpx.Response(200, json=body)

    async with client(answer) as api:
        page = await api.list(PODS, "ns", label_selector="a=b", limit=2, continue_token="t")
    assert (page.resource_version, page.continue_token, len(page.items)) == ("7", "next", 1)


async def test_watch_yields_events_and_raises_an_error_frame() -> None:
    gone = StatusError(410, "Expired", "too old").status()
    frames = [{"type": "ADDED", "object": {"metadata": {"name": "p"}}}, {"type": "ERROR", "object": gone}]
    text = "".join(json.dumps(frame) + "\n" for frame in frames)
    async with client(lambda _: httpx.Response(200, text=text)) as api:
        events = api.watch(PODS, resource_version="5")
        seen = [(await anext(events)).type]
        with pytest.raises(StatusError) as caught:
            await anext(events)
    assert seen == ["ADDED"]
    assert caught.value.code == 410


async def test_delete_sends_options() -> None:
    sent = {}

    def answer(request: httpx.Request) -> httpx.Response:
        sent.update(json.loads(request.content))
        return httpx.Response(200, json={})

    async with client(answer) as api:
        await api.delete(PODS, "p", "ns", grace_period=0, propagation="Foreground", uid="u")
    assert sent["gracePeriodSeconds"] == 0
    assert sent["propagationPolicy"] == "Foreground"
    assert sent["preconditions"] == {"uid": "u"}


async def test_an_unreachable_server_is_a_connection_error() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with client(answer) as api:
        with pytest.raises(ConnectionError):
            await api.get(PODS, "p", "ns")
