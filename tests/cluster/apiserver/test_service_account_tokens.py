"""Tokens of service accounts: asking for them, their claims, who recognises which, and those of Secrets."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from apiserver_wire import Wire
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cluster.apiserver.authn.jose import SigningKey, public_keys
from cluster.apiserver.authn.legacy_tokens import claims_of
from cluster.apiserver.authn.service_accounts import ServiceAccountTokens
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.storage.memory import MemoryStore

BASE = "/api/v1/namespaces/default"
ISSUER = "https://kubernetes.default.svc"
ME = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
SECONDS = 1_000_000


def pem(key: Any) -> bytes:
    found: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return found


EC_KEY, OTHER_KEY = pem(ec.generate_private_key(ec.SECP256R1())), pem(ec.generate_private_key(ec.SECP384R1()))


class Accounts(Wire):
    async def token(self, spec: dict[str, Any] | None = None, account: str = "app", **more: Any) -> dict[str, Any]:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec or {}, **more}
        found: dict[str, Any] = (await self.call("POST", f"{BASE}/serviceaccounts/{account}/token", body)).json()
        return found

    async def review(self, token: str, *audiences: str) -> dict[str, Any]:
        spec = {"token": token, "audiences": list(audiences)}
        reply = await self.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": spec})
        status: dict[str, Any] = reply.json()["status"]
        return status

    async def make(self, plural: str, name: str, **more: Any) -> dict[str, Any]:
        path = f"/api/v1/{plural}" if plural == "nodes" else f"{BASE}/{plural}"
        reply = await self.call("POST", path, {"metadata": {"name": name}, **more})
        assert reply.status == 201, reply.body
        made: dict[str, Any] = reply.json()
        return made


@pytest.fixture
async def accounts(tmp_path: Path) -> AsyncIterator[Accounts]:
    (tmp_path / "key").write_bytes(EC_KEY)
    options = ApiServerOptions(
        tokens={"admin": UserInfo("admin", "", ("system:masters",))},
        signing_key=tmp_path / "key",
        service_accounts=ServiceAccountTokens(keys=tuple(public_keys(OTHER_KEY)), longest=SECONDS),
    )
    server = ApiServer(MemoryStore(), options)
    await server.start()
    wire = Accounts(server)
    for name in ("default", "app"):
        await wire.make("serviceaccounts", name)
    yield wire
    wire.close()
    await server.stop()


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=="))
    return found


async def pod(accounts: Accounts, **spec: Any) -> dict[str, Any]:
    about = {"containers": [{"name": "c", "image": "i"}], "serviceAccountName": "app", **spec}
    return await accounts.make("pods", "p", spec=about)


BOUND = {"kind": "Pod", "apiVersion": "v1", "name": "p"}


async def test_a_request_is_answered_as_an_object_with_its_owner(accounts: Accounts) -> None:
    answer = await accounts.token()
    held = (await accounts.call("GET", f"{BASE}/serviceaccounts/app")).json()["metadata"]
    assert answer["metadata"]["uid"] == held["uid"]
    owner = answer["metadata"]["managedFields"][0]
    assert (owner["subresource"], owner["fieldsV1"]) == ("token", {"f:spec": {"f:expirationSeconds": {}}})
    assert answer["spec"] == {"audiences": [ISSUER], "expirationSeconds": 3600, "boundObjectRef": None}
    told = claims(answer["status"]["token"])
    assert told["kubernetes.io"] == {"namespace": "default", "serviceaccount": {"name": "app", "uid": held["uid"]}}
    assert told["exp"] - told["iat"] == 3600


@pytest.mark.parametrize(
    ("spec", "more", "code", "says"),
    [
        ({"expirationSeconds": 599}, {}, 422, "may not specify a duration less than 10 minutes"),
        ({"expirationSeconds": (1 << 32) + 1}, {}, 422, "may not specify a duration larger than 2^32 seconds"),
        (
            {},
            {"metadata": {"name": "x"}},
            422,
            'metadata.name: Invalid value: "x": must match the service account name',
        ),
        ({}, {"metadata": {"namespace": "x"}}, 400, "does not match the namespace sent on the request"),
        ({}, {"metadata": {"uid": "x"}}, 409, "the UID in the token request (x) does not match the UID of the service"),
        ({"boundObjectRef": {}}, {}, 400, "cannot bind token to object of type /, Kind="),
        ({"boundObjectRef": BOUND | {"apiVersion": "apps/v1"}}, {}, 400, "object of type apps/v1, Kind=Pod"),
        ({"boundObjectRef": BOUND | {"name": ""}}, {}, 400, "Name parameter required."),
        ({"boundObjectRef": BOUND | {"name": "q"}}, {}, 404, 'pods "q" not found'),
        ({"boundObjectRef": BOUND | {"uid": "x"}}, {}, 409, 'on Pod "p": the UID in the bound object reference (x)'),
    ],
)
async def test_what_cannot_be_asked(
    accounts: Accounts, spec: dict[str, Any], more: dict[str, Any], code: int, says: str
) -> None:
    await pod(accounts)
    answer = await accounts.token(spec, **more)
    assert answer["code"] == code
    assert says in answer["message"]


async def test_a_pod_gets_tokens_of_its_own_account_alone_and_its_node_is_told(accounts: Accounts) -> None:
    node = await accounts.make("nodes", "n")
    made = await pod(accounts, nodeName="n")
    refused = await accounts.token({"boundObjectRef": BOUND}, "default")
    assert "to pod running with different serviceaccount name." in refused["message"]
    told = claims((await accounts.token({"boundObjectRef": BOUND}))["status"]["token"])["kubernetes.io"]
    assert told["pod"] == {"name": "p", "uid": made["metadata"]["uid"]}
    assert told["node"] == {"name": "n", "uid": node["metadata"]["uid"]}


async def test_a_pods_token_of_an_hour_lives_a_year_and_says_when_to_warn(accounts: Accounts) -> None:
    await pod(accounts)
    long = claims((await accounts.token({"boundObjectRef": BOUND, "expirationSeconds": 3607}))["status"]["token"])
    assert long["exp"] - long["iat"] == 365 * 24 * 3600
    assert long["kubernetes.io"]["warnafter"] - long["iat"] == 3607
    other = {"boundObjectRef": BOUND, "expirationSeconds": 3607, "audiences": ["x"]}
    assert "warnafter" not in claims((await accounts.token(other))["status"]["token"])["kubernetes.io"]


async def test_more_than_the_longest_is_shortened_with_a_warning(accounts: Accounts) -> None:
    body = {"spec": {"expirationSeconds": SECONDS + 1}}
    reply = await accounts.call("POST", f"{BASE}/serviceaccounts/app/token", body)
    assert reply.json()["spec"]["expirationSeconds"] == SECONDS
    assert "shortened to 1000000 seconds" in reply.headers["warning"]


async def test_a_review_tells_the_audiences_a_token_is_good_for(accounts: Accounts) -> None:
    token = (await accounts.token({"audiences": ["a", "b"]}))["status"]["token"]
    assert (await accounts.review(token, "b", "c"))["audiences"] == ["b"]
    wrong = 'token audiences ["a" "b"] is invalid for the target audiences ["c"]'
    assert await accounts.review(token, "c") == {"user": {}, "error": f"[invalid bearer token, {wrong}]"}
    assert (await accounts.call("POST", ME, {}, token)).status == 401
    mine = (await accounts.token())["status"]["token"]
    assert (await accounts.review(mine))["audiences"] == [ISSUER]
    assert (await accounts.review("admin", ISSUER))["user"]["username"] == "admin"
    assert await accounts.review("admin", "x") == {"user": {}, "error": "invalid bearer token"}


def signed(accounts: Accounts, key: bytes = EC_KEY, **changes: Any) -> str:
    account = accounts.server.feed.get(_resource("serviceaccounts"), "default", "app")
    assert account is not None
    now = int(accounts.server.clock.now())
    about = {"namespace": "default", "serviceaccount": {"name": "app", "uid": account["metadata"]["uid"]}}
    held = {"iss": ISSUER, "aud": [ISSUER], "exp": now + 600, "iat": now, "nbf": now, "kubernetes.io": about}
    for name, value in changes.items():
        if name in ("exp", "nbf", "iat"):
            held[name] = now + value
        elif name in ("pod", "secret", "node", "serviceaccount"):
            about[name] = value
        else:
            held[name] = value
    return SigningKey(key).sign(held)


def _resource(plural: str) -> Any:
    from cluster.meta.types import GroupResource

    return GroupResource("", plural)


GONE = "service account token has been invalidated"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, ""),
        ({"exp": -30}, ""),
        ({"nbf": 30}, ""),
        ({"aud": ISSUER}, ""),
        ({"aud": None}, ""),
        ({"exp": -90}, "service account token has expired"),
        ({"nbf": 90}, "service account token is not valid yet"),
        ({"iat": 90}, "service account token is issued in the future"),
        ({"aud": ["x"]}, f'token audiences ["x"] is invalid for the target audiences ["{ISSUER}"]'),
        ({"pod": {"name": "q", "uid": "u"}}, GONE),
        ({"secret": {"name": "q", "uid": "u"}}, GONE),
        ({"node": {"name": "q", "uid": "u"}}, GONE),
        ({"serviceaccount": {"name": "q", "uid": "u"}}, 'serviceaccounts "q" not found'),
        ({"kubernetes.io": "x"}, "service account token claims could not be validated"),
        ({"iss": "https://other"}, None),
    ],
)
async def test_why_a_token_is_not_recognised(accounts: Accounts, changes: dict[str, Any], says: str | None) -> None:
    status = await accounts.review(signed(accounts, **changes))
    if says == "":
        assert status["user"]["username"] == "system:serviceaccount:default:app"
        return
    assert status["error"] == (f"[invalid bearer token, {says}]" if says else "invalid bearer token")


async def test_several_keys_verify_and_are_published(accounts: Accounts) -> None:
    assert (await accounts.review(signed(accounts, OTHER_KEY)))["authenticated"] is True
    stranger = pem(rsa.generate_private_key(65537, 2048))
    assert "invalid signature, no keys found" in (await accounts.review(signed(accounts, stranger)))["error"]
    token = signed(accounts)
    assert (await accounts.review(token[:-8] + "AAAAAAAA"))["error"].endswith("error in cryptographic primitive]")
    keys = await accounts.call("GET", "/openid/v1/jwks", accept="application/jwk-set+json")
    assert [key["alg"] for key in keys.json()["keys"]] == ["ES256", "ES384"]
    assert keys.headers["content-type"] == "application/jwk-set+json"
    assert (await accounts.call("GET", "/openid/v1/jwks", accept="application/json")).status == 406
    document = (await accounts.call("GET", "/.well-known/openid-configuration")).json()
    assert document["issuer"] == ISSUER
    assert document["id_token_signing_alg_values_supported"] == ["ES256", "ES384"]


async def secret(accounts: Accounts, **labels: str) -> str:
    account = (await accounts.call("GET", f"{BASE}/serviceaccounts/app")).json()
    about = {"metadata": {"name": "s", "namespace": "default"}}
    token = SigningKey(EC_KEY).sign(claims_of(account, about))
    notes = {
        "kubernetes.io/service-account.name": "app",
        "kubernetes.io/service-account.uid": account["metadata"]["uid"],
    }
    body = {
        "metadata": {"name": "s", "annotations": notes, "labels": labels},
        "type": "kubernetes.io/service-account-token",
        "data": {"token": base64.b64encode(token.encode()).decode()},
    }
    assert (await accounts.call("POST", f"{BASE}/secrets", body)).status == 201
    return token


async def test_the_token_of_a_secret_is_good_while_the_secret_holds_it(accounts: Accounts) -> None:
    token = await secret(accounts)
    assert (await accounts.call("POST", ME, {}, token)).json()["status"]["userInfo"]["username"].endswith(":app")
    labels = (await accounts.call("GET", f"{BASE}/secrets/s")).json()["metadata"]["labels"]
    assert list(labels) == ["kubernetes.io/legacy-token-last-used"]
    await accounts.call("DELETE", f"{BASE}/secrets/s")
    assert (await accounts.review(token))["error"] == "[invalid bearer token, Token has been invalidated]"


async def test_a_secrets_token_that_is_marked_invalid_is_refused(accounts: Accounts) -> None:
    token = await secret(accounts, **{"kubernetes.io/legacy-token-invalid-since": "2020-01-01"})
    assert "has been marked invalid. Use tokens from the TokenRequest API" in (await accounts.review(token))["error"]


async def test_a_node_asks_for_tokens_of_its_pods_and_their_audiences(accounts: Accounts) -> None:
    await accounts.make("nodes", "n")
    source = {"serviceAccountToken": {"path": "t", "audience": "vault"}}
    made = await pod(accounts, nodeName="n", volumes=[{"name": "v", "projected": {"sources": [source]}}])
    bound = BOUND | {"uid": made["metadata"]["uid"]}

    async def ask(**spec: Any) -> str:
        me = {"impersonate_user": "system:node:n", "impersonate_group": "system:nodes"}
        reply = await accounts.call("POST", f"{BASE}/serviceaccounts/app/token", {"spec": spec}, **me)
        return str(reply.json().get("message", ""))

    assert await ask(boundObjectRef=bound, audiences=["vault"]) == await ask(boundObjectRef=bound) == ""
    assert "node requested token not bound to a pod" in await ask()
    assert "a pod binding without a uid" in await ask(boundObjectRef=BOUND)
    assert "the UID in the bound object reference (x) does not match" in await ask(boundObjectRef=BOUND | {"uid": "x"})
    assert "node may only request 0 or 1 audiences" in await ask(boundObjectRef=bound, audiences=["vault", "x"])
    lacking = 'audience "x" not found in pod spec volume, system:node:n is not authorized to request tokens for this'
    assert lacking in await ask(boundObjectRef=bound, audiences=["x"])
