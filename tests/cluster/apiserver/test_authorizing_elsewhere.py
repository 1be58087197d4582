"""Authorizers in the order a user gives: modes, webhooks with conditions, and what happens when nobody answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from apiserver_wire import Wire
from review_server import ReviewServer

from cluster.apiserver.authz.configuration import Mode, of_names, read
from cluster.apiserver.authz.webhook import AccessWebhook
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.apiserver.webhook_config import Target
from cluster.cli.apiserver_flags import parse_given
from cluster.cli.apiserver_options import options_of
from cluster.cli.places import Refused
from cluster.storage.memory import MemoryStore

PODS = "/api/v1/namespaces/default/pods"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
TOKENS = {
    "admin": UserInfo("admin", "", ("system:masters",)),
    "alice": UserInfo("alice", "a1", ("devs",), (("e.io/k", ("v",)),)),
}


@asynccontextmanager
async def served(*modes: Mode) -> AsyncIterator[Wire]:
    server = ApiServer(MemoryStore(), ApiServerOptions(tokens=TOKENS, authorization=modes))
    await server.start()
    wire = Wire(server)
    yield wire
    wire.close()
    await server.stop()


@pytest.fixture
async def outside() -> AsyncIterator[ReviewServer]:
    made = ReviewServer(lambda review: {"allowed": False})
    await made.start()
    yield made
    await made.stop()


def webhook(outside: ReviewServer, folder: Path, **more: Any) -> Mode:
    target = Target.read(outside.kubeconfig(folder))
    return Mode("Webhook", AccessWebhook(**{"target": target, "version": "v1", "timeout": 5.0, **more}))


async def test_always_allow_and_always_deny() -> None:
    async with served(Mode("AlwaysAllow")) as wire:
        assert (await wire.call("GET", PODS, token="alice")).status == 200
    async with served(Mode("AlwaysDeny")) as wire:
        refused = await wire.call("GET", PODS, token="alice")
        assert refused.json()["message"].endswith('in the namespace "default": Everything is forbidden.')
        assert (await wire.call("GET", PODS)).status == 200


async def test_roles_give_nothing_where_rbac_is_no_mode() -> None:
    async with served(Mode("Node"), Mode("AlwaysDeny")) as wire:
        body = {"spec": {"user": "x", "groups": ["system:authenticated"]}}
        body["spec"]["nonResourceAttributes"] = {"path": "/version", "verb": "get"}  # type: ignore[assignment]
        status = (await wire.call("POST", REVIEWS, body)).json()["status"]
        assert status == {"allowed": False, "reason": "Everything is forbidden."}


async def test_a_webhook_is_asked_what_the_request_asks_and_its_answer_is_kept(
    outside: ReviewServer, tmp_path: Path
) -> None:
    outside.judge = lambda review: {"allowed": True, "reason": "because"}
    async with served(Mode("RBAC"), webhook(outside, tmp_path)) as wire:
        query = "?labelSelector=a%3Db&fieldSelector=spec.nodeName%3Dn"
        for _ in range(2):
            assert (await wire.call("GET", PODS + query, token="alice")).status == 200
        (asked,) = outside.asked
        field = {"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n"]}]}
        label = {"requirements": [{"key": "a", "operator": "In", "values": ["b"]}]}
        assert asked["apiVersion"] == "authorization.k8s.io/v1"
        assert asked["spec"] == {
            "resourceAttributes": {
                "namespace": "default", "verb": "list", "version": "v1", "resource": "pods",
                "fieldSelector": field, "labelSelector": label,
            },
            "user": "alice", "groups": ["devs", "system:authenticated"], "extra": {"e.io/k": ["v"]}, "uid": "a1",
        }  # fmt: skip
        asked_by = {"user": "bob", "resourceAttributes": {"verb": "get", "resource": "pods"}}
        status = (await wire.call("POST", REVIEWS, {"spec": asked_by})).json()["status"]
        assert status == {"allowed": True, "reason": "because"}


async def test_a_webhooks_denial_ends_the_question_and_an_open_answer_does_not(
    outside: ReviewServer, tmp_path: Path
) -> None:
    outside.judge = lambda review: {"allowed": False, "denied": "nodes" in str(review), "reason": "no"}
    async with served(webhook(outside, tmp_path), Mode("AlwaysAllow")) as wire:
        assert (await wire.call("GET", PODS, token="alice")).status == 200
        denied = await wire.call("GET", "/api/v1/nodes", token="alice")
        assert denied.json()["message"].endswith("at the cluster scope: no")
        about = {"user": "bob", "resourceAttributes": {"verb": "get", "resource": "nodes"}}
        status = (await wire.call("POST", REVIEWS, {"spec": about})).json()["status"]
        assert status == {"allowed": False, "denied": True, "reason": "no"}


async def test_v1beta1_calls_groups_group(outside: ReviewServer, tmp_path: Path) -> None:
    async with served(webhook(outside, tmp_path, version="v1beta1")) as wire:
        await wire.call("GET", PODS, token="alice")
    assert outside.asked[0]["apiVersion"] == "authorization.k8s.io/v1beta1"
    assert outside.asked[0]["spec"]["group"] == ["devs", "system:authenticated"]


@pytest.mark.parametrize(("deny", "code"), [(False, 200), (True, 500)])
async def test_a_webhook_that_fails_is_passed_over_or_ends_the_question(
    outside: ReviewServer, tmp_path: Path, deny: bool, code: int
) -> None:
    outside.judge = lambda review: 404
    async with served(webhook(outside, tmp_path, deny_on_failure=deny), Mode("AlwaysAllow")) as wire:
        reply = await wire.call("GET", PODS, token="alice")
        assert reply.status == code
        if code == 500:
            assert reply.body.startswith(b'Internal Server Error: "/api/v1/namespaces/default/pods": http://127.0.0.1:')


async def test_conditions_choose_the_questions(outside: ReviewServer, tmp_path: Path) -> None:
    conditions = ("has(request.resourceAttributes)", "request.resourceAttributes.namespace == 'default'")
    outside.judge = lambda review: {"allowed": True}
    async with served(webhook(outside, tmp_path, conditions=conditions)) as wire:
        assert (await wire.call("GET", PODS, token="alice")).status == 200
        assert (await wire.call("GET", "/api/v1/nodes", token="alice")).status == 403
        assert (await wire.call("GET", "/metrics", token="alice")).status == 403
        assert len(outside.asked) == 1


async def test_expressions_of_policies_ask_webhooks_too(outside: ReviewServer, tmp_path: Path) -> None:
    outside.judge = lambda review: {"allowed": "secrets" in str(review) or "configmaps" in str(review)}
    async with served(Mode("RBAC"), webhook(outside, tmp_path)) as wire:
        group = "/apis/admissionregistration.k8s.io/v1"
        rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]
        text = "authorizer.group('').resource('%s').check('get').allowed()"
        both = f"{text % 'secrets'} && {text % 'nodes'} == (object.metadata.name == 'bad')"
        policy = {"matchConstraints": {"resourceRules": rules}, "validations": [{"expression": both}]}
        await wire.call("POST", f"{group}/validatingadmissionpolicies", {"metadata": {"name": "p"}, "spec": policy})
        bound = {"metadata": {"name": "b"}, "spec": {"policyName": "p", "validationActions": ["Deny"]}}
        await wire.call("POST", f"{group}/validatingadmissionpolicybindings", bound)
        path = "/api/v1/namespaces/default/configmaps"
        assert (await wire.call("POST", path, {"metadata": {"name": "good"}}, "alice")).status == 201
        assert (await wire.call("POST", path, {"metadata": {"name": "bad"}}, "alice")).status == 422


def configuration(*authorizers: dict[str, Any]) -> dict[str, Any]:
    about = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration"}
    return about | {"authorizers": list(authorizers)}


def hook(folder: Path, **changes: Any) -> dict[str, Any]:
    (folder / "kubeconfig").write_text(json.dumps({
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c"}}], "current-context": "c",
    }))  # fmt: skip
    about = {
        "timeout": "3s", "authorizedTTL": "1m", "unauthorizedTTL": "10s", "subjectAccessReviewVersion": "v1",
        "matchConditionSubjectAccessReviewVersion": "v1", "failurePolicy": "Deny",
        "connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": str(folder / "kubeconfig")},
        "matchConditions": [{"expression": "request.user != 'x'"}],
    }  # fmt: skip
    return {
        "type": "Webhook",
        "name": "hook",
        "webhook": {k: v for k, v in {**about, **changes}.items() if v is not None},
    }


def test_a_configuration_becomes_authorizers_in_order(tmp_path: Path) -> None:
    node, rbac, other = read(
        configuration({"type": "Node", "name": "node"}, {"type": "RBAC", "name": "rbac"}, hook(tmp_path))
    )
    assert (node, rbac) == (Mode("Node"), Mode("RBAC"))
    assert other.webhook is not None
    assert (other.webhook.timeout, other.webhook.allowed_kept, other.webhook.refused_kept) == (3.0, 60.0, 10.0)
    assert other.webhook.deny_on_failure


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"timeout": None}, r"authorizers\[0\].timeout: Required value"),
        ({"timeout": "31s"}, "must be > 0s and <= 30s"),
        (
            {"failurePolicy": "Maybe"},
            'failurePolicy: Unsupported value: "Maybe": supported values: "NoOpinion", "Deny"',
        ),
        ({"subjectAccessReviewVersion": None}, "subjectAccessReviewVersion: Required value"),
        ({"matchConditionSubjectAccessReviewVersion": None}, "required if match conditions are specified"),
        ({"connectionInfo": {"type": "InClusterConfig"}}, 'connectionInfo.type: Unsupported value: "InClusterConfig"'),
        ({"connectionInfo": {"type": "KubeConfigFile", "kubeConfigFile": "x"}}, "must be an absolute path"),
        ({"matchConditions": [{"expression": "request.nope"}]}, "compilation failed"),
        ({"matchConditions": [{"expression": "request.user"}]}, "must evaluate to bool but got string"),
        ({"bogus": 1}, r"authorizers\[0\].webhook.bogus: unknown field"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused_with_its_field(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read(configuration(hook(tmp_path, **change)))


@pytest.mark.parametrize(
    ("authorizers", "says"),
    [
        ([], "authorizers: Required value: at least one authorization mode must be defined"),
        ([{"type": "ABAC", "name": "a"}], 'Unsupported value: "ABAC"'),
        ([{"type": "RBAC", "name": "a"}, {"type": "RBAC", "name": "b"}], 'type: Duplicate value: "RBAC"'),
        ([{"type": "RBAC", "name": "a"}, {"type": "Node", "name": "a"}], 'name: Duplicate value: "a"'),
        ([{"type": "RBAC", "name": "A_"}], "authorizer name is invalid"),
        ([{"type": "Webhook", "name": "a"}], "webhook: Required value: required when type=Webhook"),
        ([{"type": "RBAC", "name": "a", "webhook": {}}], "may only be specified when type=Webhook"),
    ],
)
def test_authorizers_that_cannot_be_are_refused(authorizers: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read(configuration(*authorizers))


@pytest.mark.parametrize(
    ("modes", "says"),
    [
        (["ABAC"], "ABAC is not served"),
        (["Roles"], "'Roles' is no authorization mode"),
        (["RBAC", "RBAC"], "RBAC is given twice"),
        (["Webhook"], "belong together"),
    ],
)
def test_modes_that_cannot_be_are_refused(modes: list[str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        of_names(modes, None)


def test_flags_become_authorizers(outside_config: Path) -> None:
    words = [
        f"apiserver.authorization-webhook-config-file={outside_config}",
        "apiserver.authorization-mode=RBAC,Webhook",
    ]
    modes = options_of(parse_given(words))["authorization"]
    assert [mode.type for mode in modes] == ["RBAC", "Webhook"]
    with pytest.raises(Refused, match="authorization-mode: the mode Webhook and authorization-webhook-config-file"):
        options_of(parse_given(words[:1]))
    config = outside_config.with_name("authz.yaml")
    config.write_text(json.dumps(configuration({"type": "Node", "name": "n"})))
    given = parse_given([f"apiserver.authorization-config={config}"])
    assert options_of(given) == {"authorization": (Mode("Node"),)}
    with pytest.raises(Refused, match="exclude each other"):
        options_of(given | parse_given(words[1:]))


@pytest.fixture
def outside_config(tmp_path: Path) -> Path:
    hook(tmp_path)
    return tmp_path / "kubeconfig"
