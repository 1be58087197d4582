"""Tokens of OpenID Connect issuers: whom they name, what makes them wrong, and how keys are found and change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from apiserver_wire import Wire
from token_issuer import Issuer, fresh_key

from cluster.apiserver.authn.claims import ClaimMapping, Rule, Source
from cluster.apiserver.authn.configuration import read
from cluster.apiserver.authn.interface import InvalidCredential
from cluster.apiserver.authn.oidc import JwtIssuer, OidcTokens
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.cli.apiserver_flags import parse_given
from cluster.cli.apiserver_options import options_of
from cluster.cli.places import Refused
from cluster.machinery.clock import VirtualClock
from cluster.storage.memory import MemoryStore

HERE = ("here",)
PLAIN = ClaimMapping(username=Source(claim="sub"))
ME = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
Make = Callable[..., OidcTokens]


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[Issuer]:
    made = Issuer(tmp_path)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def believing(issuer: Issuer, clock: VirtualClock) -> AsyncIterator[Make]:
    made: list[OidcTokens] = []

    def make(mapping: ClaimMapping = PLAIN, **more: Any) -> OidcTokens:
        about = {"url": issuer.url, "audiences": ("us",), "authority": issuer.authority, **more}
        made.append(OidcTokens(JwtIssuer(mapping=mapping, **about), HERE, clock))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def found(tokens: OidcTokens) -> OidcTokens:
    async with asyncio.timeout(10):
        while not tokens.keys.found:
            await asyncio.sleep(0.001)
    return tokens


async def user(tokens: OidcTokens, token: str) -> UserInfo:
    await found(tokens)
    recognised = await tokens.authenticate_token(token, HERE)
    assert recognised is not None
    return recognised.user


async def test_a_token_of_the_issuer_names_its_user(issuer: Issuer, clock: VirtualClock, believing: Make) -> None:
    tokens = believing()
    assert await user(tokens, issuer.token(clock.now(), jti="7")) == UserInfo(
        "jane", extra=(("authentication.kubernetes.io/credential-id", ("JTI=7",)),)
    )
    assert await tokens.authenticate_token(issuer.token(clock.now(), iss="https://other"), HERE) is None
    assert await tokens.authenticate_token("no.token", HERE) is None
    assert await tokens.authenticate_token(issuer.token(clock.now()), ("there",)) is None


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"exp": 1}, r"oidc: verify token: oidc: token is expired \(Token Expiry: 1970-01-01 00:00:01"),
        ({"exp": None}, "token is expired"),
        ({"nbf": 1_000_000_301}, r"current time 2001-09-09 01:46:40 \+0000 UTC before the nbf \(not before\) time: 20"),
        ({"exp": "soon"}, 'failed to unmarshal claims: json: cannot unmarshal string "soon" into Go value of'),
        ({"exp": True}, "cannot unmarshal bool into Go value of type json.Number"),
        ({"iat": [1]}, "cannot unmarshal array into Go value of type json.Number"),
        ({"aud": "them"}, r'oidc: expected audience "us" got \["them"\]'),
        ({"aud": None}, r'oidc: expected audience "us" got \[\]'),
        ({"aud": 3}, r"cannot unmarshal number into Go value of type \[\]string"),
        ({"aud": ["us", 1]}, "cannot unmarshal number into .1 of type string"),
        ({"exp": {}}, "cannot unmarshal object into Go value of type json.Number"),
        ({"exp": -5}, "Token Expiry: 1969-12-31 23:59:55"),
        ({"sub": None}, 'oidc: parse username claims "sub": claim not present'),
        ({"sub": 3}, "cannot unmarshal number into Go struct field idToken.sub of type string"),
    ],
)
async def test_what_makes_a_token_wrong(
    issuer: Issuer, clock: VirtualClock, believing: Make, claims: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidCredential, match=says):
        await user(believing(), issuer.token(clock.now(), **claims))


async def test_only_accepted_algorithms_and_keys_of_the_issuer_count(
    issuer: Issuer, clock: VirtualClock, believing: Make
) -> None:
    with pytest.raises(InvalidCredential, match=r'unsupported algorithm, expected \["RS256"\] got "ES256"'):
        await user(believing(algorithms=("RS256",)), issuer.token(clock.now()))
    issuer.key = fresh_key()
    with pytest.raises(InvalidCredential, match="failed to verify id token signature"):
        await user(believing(), issuer.token(clock.now()))


async def test_a_new_key_is_fetched_when_a_token_is_signed_with_it(
    issuer: Issuer, clock: VirtualClock, believing: Make
) -> None:
    tokens = believing()
    for _ in range(3):
        await user(tokens, issuer.token(clock.now()))
    assert issuer.asked.count("/keys") == 1
    issuer.key = fresh_key()
    issuer.keys.append(issuer.key)
    with pytest.raises(InvalidCredential):
        await user(tokens, issuer.token(clock.now()))
    await clock.advance(1)
    await user(tokens, issuer.token(clock.now()))
    assert issuer.asked.count("/keys") == 2


async def test_an_issuer_that_is_down_is_looked_for_until_it_is_there(
    issuer: Issuer, clock: VirtualClock, believing: Make
) -> None:
    issuer.down = True
    tokens = believing()
    while not clock.next_timer():
        await asyncio.sleep(0.001)
    with pytest.raises(InvalidCredential, match="oidc: authenticator not initialized"):
        await tokens.authenticate_token(issuer.token(clock.now()), HERE)
    issuer.down = False
    await clock.advance(10)
    assert (await user(tokens, issuer.token(clock.now()))).name == "jane"


async def test_an_issuer_of_another_name_is_not_believed(
    issuer: Issuer, clock: VirtualClock, believing: Make, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.name = "https://other"
    tokens = believing()
    while not clock.next_timer():
        await asyncio.sleep(0.001)
    assert not tokens.keys.found
    assert "issuer did not match the issuer returned by provider" in caplog.text


async def test_the_discovery_document_may_lie_elsewhere(issuer: Issuer, clock: VirtualClock, believing: Make) -> None:
    issuer.name = "https://accounts.example.com"
    tokens = believing(url=issuer.name, discovery=f"{issuer.url}/x/openid-configuration")
    assert (await user(tokens, issuer.token(clock.now(), iss=issuer.name))).name == "jane"


async def test_claims_with_prefixes(issuer: Issuer, clock: VirtualClock, believing: Make) -> None:
    mapping = ClaimMapping(
        username=Source(claim="email", prefix="oidc:"), groups=Source(claim="roles", prefix="oidc:"),
        uid=Source(claim="id"), claim_rules=(Rule(claim="hd", value="example.com"),),
    )  # fmt: skip
    tokens = believing(mapping)
    about = {"email": "j@e.com", "hd": "example.com", "id": "7"}
    now = clock.now()
    both = await user(tokens, issuer.token(now, roles=["a", "b"], email_verified=True, **about))
    assert both == UserInfo("oidc:j@e.com", "7", ("oidc:a", "oidc:b"))
    assert (await user(tokens, issuer.token(now, roles="a", **about))).groups == ("oidc:a",)
    assert (await user(tokens, issuer.token(now, **about))).groups == ()
    for claims, says in (
        (about | {"email_verified": False}, "oidc: email not verified"),
        (about | {"hd": "other.com"}, "required claim hd value does not match. Got = other.com, want = example.com"),
        (about | {"hd": None}, "required claim hd not present in ID token"),
        (about | {"_claim_names": {"roles": "src"}}, "distributed claims: claim roles is, and these are not served"),
    ):
        with pytest.raises(InvalidCredential, match=says):
            await user(tokens, issuer.token(now, **claims))


async def test_expressions_make_the_user_and_rules_judge_him(
    issuer: Issuer, clock: VirtualClock, believing: Make
) -> None:
    mapping = ClaimMapping(
        username=Source(expression="claims.sub + ':' + claims.nested.team"),
        groups=Source(expression="claims.roles.split(',')"),
        uid=Source(expression="claims.foo__dot__bar"),
        extra=(("e.io/admin", "has(claims.admin) && claims.admin ? 'true' : ''"), ("e.io/all", "claims.list")),
        claim_rules=(Rule(expression="claims.exp - claims.iat <= 600", message="too long"),),
        user_rules=(Rule(expression="!user.username.startsWith('system:')", message="reserved"),),
    )
    tokens = believing(mapping)
    about = {"nested": {"team": "t"}, "roles": "a,b", "foo.bar": "7", "list": ["x", "", "y"]}
    made = await user(tokens, issuer.token(clock.now(), **about))
    assert made == UserInfo("jane:t", "7", ("a", "b"), (("e.io/all", ("x", "y")),))
    admin = await user(tokens, issuer.token(clock.now(), admin=True, **about))
    assert admin.extra[0] == ("e.io/admin", ("true",))
    for claims, says in (
        (about | {"iat": 0}, r"validation expression 'claims.exp - claims.iat <= 600' failed: too long"),
        (about | {"sub": "system:x"}, "error evaluating user info validation rule: .* failed: reserved"),
        (about | {"roles": 3}, "oidc: error evaluating group claim expression: "),
        ({}, "oidc: error evaluating username claim expression: "),
    ):
        with pytest.raises(InvalidCredential, match=says):
            await user(tokens, issuer.token(clock.now(), **claims))


async def test_a_request_with_such_a_token_is_its_users_and_a_review_says_so(issuer: Issuer) -> None:
    about = JwtIssuer(url=issuer.url, audiences=("us",), mapping=PLAIN, authority=issuer.authority)
    options = ApiServerOptions(
        tokens={"admin": UserInfo("admin", "", ("system:masters",))}, jwt=(about,),
        anonymous_paths=frozenset({"/healthz"}),
    )  # fmt: skip
    server = ApiServer(MemoryStore(), options)
    await server.start()
    wire = Wire(server)
    token = issuer.token(server.clock.now())
    async with asyncio.timeout(10):
        while (reply := await wire.call("POST", ME, {}, token)).status == 401:
            await asyncio.sleep(0.01)
    assert reply.json()["status"]["userInfo"]["username"] == "jane"
    spec = {"token": issuer.token(server.clock.now(), aud="them")}
    review = (await wire.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": spec})).json()["status"]
    wrong = 'oidc: verify token: oidc: expected audience "us" got ["them"]'
    assert review == {"user": {}, "error": f"[invalid bearer token, {wrong}]"}
    assert (await wire.call("GET", "/healthz", token=None)).status == 200
    assert (await wire.call("GET", "/version", token=None)).status == 401
    wire.close()
    await server.stop()


def configuration(*issuers: dict[str, Any], **more: Any) -> dict[str, Any]:
    about = {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}
    return about | {"jwt": list(issuers)} | more


def one(**changes: Any) -> dict[str, Any]:
    """A good issuer, but for the changes: of its issuer, its mappings, or its rules."""
    about = {"url": "https://e.com", "audiences": ["us"]}
    mappings = {"username": {"claim": "sub", "prefix": ""}}
    for name, value in changes.items():
        if name not in ("claimValidationRules", "userValidationRules"):
            (mappings if name in ("username", "groups", "uid", "extra") else about)[name] = value
    rules = {name: value for name, value in changes.items() if name.endswith("Rules")}
    return {"issuer": about, "claimMappings": mappings, **rules}


def test_a_configuration_becomes_issuers() -> None:
    conditions = [{"path": "/livez"}]
    found = read(configuration(one(), anonymous={"enabled": True, "conditions": conditions}))
    assert [issuer.url for issuer in found.issuers] == ["https://e.com"]
    assert (found.anonymous, found.paths) == (True, frozenset({"/livez"}))
    assert read(configuration(one())).anonymous is None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (configuration(one(url="")), r"jwt\[0\].issuer.url: Required value"),
        (configuration(one(url="http://e.com")), "URL scheme must be https"),
        (configuration(one(url="https://me")), r"URL must not overlap with disallowed issuers: \[https://me\]"),
        (configuration(one(url="https://u:p@e.com/?q#f")), "must not contain a username or password"),
        (configuration(one(), one()), r'jwt\[1\].issuer.url: Duplicate value: "https://e.com"'),
        (configuration(one(discoveryURL="https://e.com/")), "discoveryURL must be different from URL"),
        (configuration(one(audiences=[])), "audiences: Required value: at least one"),
        (configuration(one(audiences=["a", "b"])), "audienceMatchPolicy must be MatchAny for multiple audiences"),
        (configuration(one(certificateAuthority="x")), 'certificateAuthority: Invalid value: "<omitted>"'),
        (configuration(one(egressSelectorType="cluster")), "egress selectors are not served"),
        (configuration(one(username={})), "username: Required value: claim or expression is required"),
        (configuration(one(username={"claim": "sub"})), "prefix is required when claim is set"),
        (configuration(one(username={"claim": "sub", "expression": "claims.sub"})), "can't both be set"),
        (
            configuration(one(username={"expression": "claims.sub +"})),
            "username.expression: Invalid value: .*compilation",
        ),
        (configuration(one(username={"expression": "claims.email"})), "claims.email_verified must be used in"),
        (configuration(one(uid={"claim": "a", "expression": "b"})), "uid: Invalid value"),
        (configuration(one(extra=[{"key": "foo", "valueExpression": "'a'"}])), "must be a domain-prefixed path"),
        (configuration(one(extra=[{"key": "a.k8s.io/x", "valueExpression": "'a'"}])), "reserved for Kubernetes use"),
        (configuration(one(extra=[{"key": "e.io/x"}])), "valueExpression: Required value"),
        (configuration(one(claimValidationRules=[{}])), "claim or expression is required"),
        (configuration(one(claimValidationRules=[{"expression": "claims.a"}])), "must evaluate to bool but got"),
        (configuration(one(userValidationRules=[{"expression": "user.nope == 'a'"}])), "compilation failed"),
        (configuration(anonymous={"enabled": False, "conditions": [{"path": "/"}]}), "enabled should be set to true"),
        (configuration(bogus=1), "bogus: unknown field"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused_with_its_field(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read(given, ("https://me",))


def test_flags_become_an_issuer(tmp_path: Path) -> None:
    words = ["apiserver.oidc-issuer-url=https://e.com", "apiserver.oidc-client-id=us"]
    more = ["apiserver.oidc-groups-claim=g", "apiserver.oidc-required-claim=a=b", "apiserver.oidc-required-claim=c=d"]
    (made,) = options_of(parse_given([*words, *more]))["jwt"]
    assert (made.url, made.audiences, made.algorithms) == ("https://e.com", ("us",), ("RS256",))
    assert made.mapping.username == Source(claim="sub", prefix="https://e.com#")
    assert made.mapping.claim_rules == (Rule(claim="a", value="b"), Rule(claim="c", value="d"))
    (bare,) = options_of(parse_given([*words, "apiserver.oidc-username-prefix=-"]))["jwt"]
    assert bare.mapping.username.prefix == ""
    with pytest.raises(Refused, match=r"apiserver\.oidc-issuer-url needs apiserver\.oidc-client-id too"):
        options_of(parse_given(words[:1]))
    config = tmp_path / "authn.yaml"
    config.write_text(json.dumps(configuration(one(), anonymous={"enabled": False})))
    word = f"apiserver.authentication-config={config}"
    assert options_of(parse_given([word]))["anonymous"] is False
    with pytest.raises(Refused, match="exclude each other"):
        options_of(parse_given([word, *words]))
    with pytest.raises(Refused, match="'none' is no signing algorithm"):
        parse_given(["apiserver.oidc-signing-algs=none"])
