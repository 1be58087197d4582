"""Tokens that a webhook knows: whose they are, for which audiences, and how long an answer is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from apiserver_wire import Wire
from review_server import ReviewServer

from cluster.apiserver.authn.interface import InvalidCredential, Recognised
from cluster.apiserver.authn.webhook import TokenWebhook, WebhookTokens
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.apiserver.webhook_config import Target
from cluster.cli.apiserver_flags import parse_given
from cluster.cli.apiserver_options import options_of
from cluster.cli.places import Refused
from cluster.machinery.clock import VirtualClock
from cluster.storage.memory import MemoryStore

ME = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
HERE = ("here",)


def bob(review: dict[str, Any]) -> dict[str, Any]:
    if review["spec"]["token"] != "bobs":
        return {"authenticated": False, "error": "never heard of it"}
    user = {"username": "bob", "uid": "7", "groups": ["devs"], "extra": {"k": ["v"]}}
    return {"authenticated": True, "user": user}


@pytest.fixture
async def outside() -> AsyncIterator[ReviewServer]:
    made = ReviewServer(bob)
    await made.start()
    yield made
    await made.stop()


@asynccontextmanager
async def tokens(outside: ReviewServer, folder: Path, clock: VirtualClock) -> AsyncIterator[WebhookTokens]:
    options = TokenWebhook(target=Target.read(outside.kubeconfig(folder)), version="v1", kept=60.0)
    made = WebhookTokens(options, HERE, clock)
    yield made
    await made.close()


async def test_a_request_with_a_token_of_elsewhere_is_its_users(outside: ReviewServer, tmp_path: Path) -> None:
    webhook = TokenWebhook(target=Target.read(outside.kubeconfig(tmp_path)))
    server = ApiServer(MemoryStore(), ApiServerOptions(tokens={"admin": UserInfo("admin")}, token_webhook=webhook))
    await server.start()
    wire = Wire(server)
    found = (await wire.call("POST", ME, {}, "bobs")).json()["status"]["userInfo"]
    assert found == {
        "username": "bob", "uid": "7", "groups": ["devs", "system:authenticated"], "extra": {"k": ["v"]}
    }  # fmt: skip
    assert (await wire.call("POST", ME, {}, "eves")).status == 401
    assert (await wire.call("POST", ME, {}, "admin")).status == 201
    assert [(r["apiVersion"], r["spec"]["token"]) for r in outside.asked] == [
        ("authentication.k8s.io/v1beta1", "bobs"), ("authentication.k8s.io/v1beta1", "eves")
    ]  # fmt: skip
    wire.close()
    await server.stop()


async def test_answers_are_kept_for_their_time(outside: ReviewServer, tmp_path: Path) -> None:
    clock = VirtualClock()
    async with tokens(outside, tmp_path, clock) as known:
        for _ in range(2):
            assert (await known.authenticate_token("bobs", HERE)) is not None
            with pytest.raises(InvalidCredential, match="never heard of it"):
                await known.authenticate_token("eves", HERE)
        assert len(outside.asked) == 2
        await clock.advance(61)
        await known.authenticate_token("bobs", HERE)
        assert len(outside.asked) == 3


async def test_a_token_is_good_for_the_audiences_its_review_names_or_for_this_server(
    outside: ReviewServer, tmp_path: Path
) -> None:
    async with tokens(outside, tmp_path, VirtualClock()) as known:
        assert await known.authenticate_token("bobs", ("there",)) is None
        found = await known.authenticate_token("bobs", ("there", "here"))
        assert isinstance(found, Recognised)
        assert found.audiences == HERE
        outside.judge = lambda review: bob(review) | {"audiences": ["there"]}
        again = await known.authenticate_token("bobs", ("there",))
        assert again is None, "the answer of a moment ago still counts"
        assert outside.asked[0]["spec"]["audiences"] == ["there"]


@pytest.mark.parametrize("code", [404, 503])
async def test_a_webhook_that_does_not_answer_lets_nobody_in(outside: ReviewServer, tmp_path: Path, code: int) -> None:
    outside.judge = lambda review: code
    async with tokens(outside, tmp_path, VirtualClock()) as known:
        with pytest.raises(InvalidCredential, match=f"answered {code}"):
            await known.authenticate_token("bobs", HERE)


def test_flags_become_a_webhook(outside_config: Path) -> None:
    word = f"apiserver.authentication-token-webhook-config-file={outside_config}"
    webhook = options_of(parse_given([word, "apiserver.authentication-token-webhook-cache-ttl=30s"]))["token_webhook"]
    assert (webhook.kept, webhook.version) == (30.0, "v1beta1")
    with pytest.raises(Refused, match=r"needs apiserver\.authentication-token-webhook-config-file too"):
        options_of(parse_given(["apiserver.authentication-token-webhook-version=v1"]))


@pytest.fixture
def outside_config(tmp_path: Path) -> Path:
    return ReviewServer(bob).kubeconfig(tmp_path)
