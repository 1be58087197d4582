"""The audit log: what is kept of each request, when, and where it goes."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from apiserver_wire import Wire
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.apiserver.audit import AuditOptions, LogOptions, Policy, WebhookOptions
from cluster.apiserver.audit.file import Log, RotatingFile
from cluster.apiserver.audit.options import Mode
from cluster.apiserver.audit.record import sources_of, without_managed_fields
from cluster.apiserver.audit.webhook import Webhook
from cluster.apiserver.http.messages import Request
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import Query, UserInfo, parse_info
from cluster.apiserver.server import ApiServer
from cluster.machinery.clock import RealClock, VirtualClock
from cluster.meta.types import Obj
from cluster.storage.memory import MemoryStore

HEAD = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy"}
SECRETS = "/api/v1/namespaces/default/secrets"
MAPS = "/api/v1/namespaces/default/configmaps"
EVERYTHING: Obj = {**HEAD, "rules": [{"level": "RequestResponse"}]}
TOKENS = {"admin": UserInfo("admin", "", ("system:masters",)), "alice": UserInfo("alice")}


def policy(*rules: Obj, **fields: Any) -> Obj:
    return {**HEAD, "rules": list(rules), **fields}


@asynccontextmanager
async def audited(path: Path, rules: Obj, mode: Mode = Mode.BLOCKING) -> AsyncIterator[Wire]:
    store = MemoryStore()
    options = AuditOptions(policy=rules, log=LogOptions(path=path, mode=mode))
    server = ApiServer(store, ApiServerOptions(tokens=TOKENS, audit=options))
    await server.start()
    wire = Wire(server)
    try:
        yield wire
    finally:
        wire.close()
        await server.stop()
        await store.close()


def events_in(path: Path) -> list[Obj]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def logged(
    path: Path, rules: Obj, calls: list[tuple[str, str, Any]], mode: Mode = Mode.BLOCKING, **headers: str
) -> list[Obj]:
    async with audited(path, rules, mode) as wire:
        for method, where, body in calls:
            await wire.call(method, where, body, **headers)
    return events_in(path)


# Policies.


async def test_the_first_rule_that_fits_decides_how_much_is_kept(tmp_path: Path) -> None:
    rules = policy(
        {"level": "None", "nonResourceURLs": ["/healthz*"]},
        {"level": "Metadata", "resources": [{"group": "", "resources": ["secrets"]}]},
        {"level": "RequestResponse", "verbs": ["create"]},
        omitStages=["RequestReceived"],
    )
    calls = [
        ("GET", "/healthz", None),
        ("POST", SECRETS, {"metadata": {"name": "s"}, "stringData": {"a": "hidden"}}),
        ("POST", MAPS, {"metadata": {"name": "m"}, "data": {"a": "shown"}}),
        ("GET", MAPS, None),
    ]
    events = await logged(tmp_path / "audit.log", rules, calls)
    assert [(e["level"], e["objectRef"]["resource"]) for e in events] == [
        ("Metadata", "secrets"),
        ("RequestResponse", "configmaps"),
    ]
    assert "hidden" not in json.dumps(events[0])
    assert events[1]["requestObject"]["data"] == events[1]["responseObject"]["data"] == {"a": "shown"}
    assert events[1]["user"]["username"] == "admin"
    assert events[1]["responseStatus"] == {"metadata": {}, "code": 201}


@pytest.mark.parametrize(
    ("rule", "method", "path", "fits"),
    [
        ({"users": ["alice"]}, "GET", MAPS, True),
        ({"users": ["bob"]}, "GET", MAPS, False),
        ({"userGroups": ["g"]}, "GET", MAPS, True),
        ({"verbs": ["list"]}, "GET", MAPS, True),
        ({"verbs": ["get"]}, "GET", MAPS, False),
        ({"namespaces": ["default"]}, "GET", MAPS, True),
        ({"namespaces": [""]}, "GET", "/api/v1/nodes", True),
        ({"namespaces": ["default"]}, "GET", "/version", False),
        ({"nonResourceURLs": ["/version"]}, "GET", "/version", True),
        ({"nonResourceURLs": ["/metrics*"]}, "GET", "/metrics/slis", True),
        ({"nonResourceURLs": ["*"]}, "GET", MAPS, False),
        ({"resources": [{"group": "*"}]}, "GET", MAPS, True),
        ({"resources": [{"group": "", "resources": ["pods"]}]}, "GET", "/api/v1/namespaces/a/pods/b/log", False),
        ({"resources": [{"group": "", "resources": ["pods/*"]}]}, "GET", "/api/v1/namespaces/a/pods/b/log", True),
        ({"resources": [{"group": "", "resources": ["pods/*"]}]}, "GET", "/api/v1/namespaces/a/pods/b", True),
        ({"resources": [{"group": "", "resources": ["*/log"]}]}, "GET", "/api/v1/namespaces/a/pods/b/log", True),
        ({"resources": [{"group": "", "resources": ["configmaps"], "resourceNames": ["x"]}]}, "GET", f"{MAPS}/x", True),
        ({"resources": [{"group": "", "resources": ["configmaps"], "resourceNames": ["x"]}]}, "GET", MAPS, False),
        ({"resources": [{"group": "apps", "resources": ["*"]}]}, "GET", MAPS, False),
    ],
)
def test_a_rule_fits_whom_and_what_it_names(rule: Obj, method: str, path: str, fits: bool) -> None:
    info = parse_info(Request(method, path, "", {}), Query(""))
    found = Policy(policy({"level": "Metadata", **rule})).verdict(UserInfo("alice", "", ("g",)), info)
    assert bool(found.level) is fits


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"kind": "Policy"}, "apiVersion, kind: the audit policy must be an audit.k8s.io/v1 Policy"),
        ({**HEAD, "rules": []}, "rules: there must be at least one"),
        (policy({"level": "All"}), "rules[0].level: 'All' is none of None, Metadata, Request, RequestResponse"),
        (policy({}), "rules[0].level: must be given"),
        (policy({"level": "None", "omitStages": ["Late"]}), "rules[0].omitStages: 'Late' is none of RequestReceived, "
         "ResponseStarted, ResponseComplete, Panic"),
        (policy({"level": "None", "nonResourceURLs": ["x"]}),
         "rules[0].nonResourceURLs[0]: 'x' must begin with a slash"),
        (policy({"level": "None", "resources": [{"group": "", "resourceNames": ["x"]}]}),
         "rules[0].resources[0].resourceNames: needs at least one of resources"),
        (policy({"level": "None", "nonResourceURLs": ["/x"], "namespaces": ["y"]}),
         "rules[0].nonResourceURLs: a rule cannot be for both resources and other URLs"),
        (policy({"level": "None", "usres": []}), "rules[0].usres: there is no such field"),
    ],
)  # fmt: skip
def test_a_policy_that_says_nothing_is_refused_with_its_field(bad: Obj, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        Policy(bad)
    assert str(caught.value) == said


# Events.


async def test_an_event_says_who_did_what_and_how_it_went(tmp_path: Path) -> None:
    sent = {"metadata": {"name": "m"}, "data": {"a": "<&>"}}
    agent = {"user_agent": "curl/8", "audit_id": "mine", "x_forwarded_for": "1.2.3.4, 5.6.7.8"}
    events = await logged(tmp_path / "a", EVERYTHING, [("POST", MAPS, sent)], **agent)
    received, complete = events
    assert received["stage"] == "RequestReceived"
    assert received["stageTimestamp"] == received["requestReceivedTimestamp"]
    assert "responseStatus" not in received
    for stamp in ("requestReceivedTimestamp", "stageTimestamp"):
        complete.pop(stamp)
    answered = complete.pop("responseObject")
    assert complete == {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": "mine",
        "stage": "ResponseComplete",
        "requestURI": MAPS,
        "verb": "create",
        "user": {"username": "admin", "groups": ["system:masters", "system:authenticated"]},
        "sourceIPs": ["1.2.3.4", "5.6.7.8", "127.0.0.1"],
        "userAgent": "curl/8",
        "objectRef": {"resource": "configmaps", "namespace": "default", "name": "m", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 201},
        "requestObject": {"kind": "ConfigMap", "apiVersion": "v1", **sent},
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
    }
    assert answered["metadata"]["uid"]
    assert "\\u003c\\u0026\\u003e" in (tmp_path / "a").read_text()


async def test_refusals_are_told_with_their_status_and_why(tmp_path: Path) -> None:
    async with audited(tmp_path / "a", EVERYTHING) as wire:
        await wire.call("GET", MAPS, token="alice")
        await wire.call("DELETE", f"{MAPS}/x")
        await wire.call("GET", MAPS, token="wrong")
    events = [e for e in events_in(tmp_path / "a") if e["stage"] != "RequestReceived"]
    forbidden, missing, unknown = events
    assert forbidden["annotations"]["authorization.k8s.io/decision"] == "forbid"
    assert forbidden["responseStatus"]["reason"] == "Forbidden"
    assert missing["responseStatus"]["code"] == 404
    assert missing["responseObject"]["kind"] == "Status"
    # Nobody knows who that was, so it is told once.
    assert (unknown["stage"], unknown["user"], unknown["responseStatus"]["code"]) == ("ResponseStarted", {}, 401)


async def test_impersonation_tells_both(tmp_path: Path) -> None:
    events = await logged(tmp_path / "a", EVERYTHING, [("GET", MAPS, None)], impersonate_user="bob")
    assert events[1]["user"]["username"] == "admin"
    assert events[1]["impersonatedUser"] == {"username": "bob", "groups": ["system:authenticated"]}


async def test_patches_deletions_and_other_codecs_are_kept_as_json(tmp_path: Path) -> None:
    async with audited(tmp_path / "a", EVERYTHING) as wire:
        await wire.call("POST", MAPS, {"metadata": {"name": "m"}})
        patch = {"data": {"x": "y"}}
        spread = json.dumps(patch, indent=1).encode()
        await wire.call("PATCH", f"{MAPS}/m", spread, content_type="application/merge-patch+json")
        await wire.call("GET", f"{MAPS}/m", accept="application/vnd.kubernetes.protobuf")
        await wire.call("GET", f"{MAPS}/m", accept="application/yaml")
        await wire.call("DELETE", f"{MAPS}/m", {"propagationPolicy": "Background"})
    _, patched, proto, yaml, deleted = (e for e in events_in(tmp_path / "a") if e["stage"] == "ResponseComplete")
    assert patched["requestObject"] == patch
    assert proto["responseObject"] == yaml["responseObject"] == patched["responseObject"]
    options = {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/__internal", "propagationPolicy": "Background"}
    assert deleted["requestObject"] == options
    assert deleted["responseStatus"]["status"] == "Success"
    assert "code" not in deleted["responseObject"]


async def test_a_watch_is_told_when_it_begins_and_when_it_ends(tmp_path: Path) -> None:
    events = await logged(tmp_path / "a", EVERYTHING, [("GET", f"{MAPS}?watch=1&timeoutSeconds=1", None)])
    assert [e["stage"] for e in events] == ["RequestReceived", "ResponseStarted", "ResponseComplete"]
    assert all("responseObject" not in e for e in events)


async def test_a_failure_of_the_server_is_told_as_panic(tmp_path: Path) -> None:
    async with audited(tmp_path / "a", EVERYTHING) as wire:

        async def broken(_: Any) -> Any:
            raise RuntimeError("bad day")

        wire.server.router.paths["/broken"] = broken
        assert (await wire.call("GET", "/broken")).status == 500
    panic = events_in(tmp_path / "a")[-1]
    assert panic["stage"] == "Panic"
    status = {"metadata": {}, "status": "Failure", "message": "APIServer panic'd: bad day", "reason": "InternalError"}
    assert panic["responseStatus"] == {**status, "code": 500}


async def test_managed_fields_are_left_out_where_the_policy_says_so(tmp_path: Path) -> None:
    rules = policy(
        {"level": "RequestResponse", "verbs": ["create"], "omitManagedFields": False},
        {"level": "RequestResponse"},
        omitManagedFields=True,
        omitStages=["RequestReceived"],
    )
    calls = [("POST", MAPS, {"metadata": {"name": "m"}, "data": {"a": "b"}}), ("GET", MAPS, None)]
    made, listed = await logged(tmp_path / "a", rules, calls)
    assert "managedFields" in made["responseObject"]["metadata"]
    assert all("managedFields" not in item["metadata"] for item in listed["responseObject"]["items"])
    table = {"rows": [{"cells": [], "object": {"metadata": {"managedFields": []}}}, {"cells": []}]}
    assert without_managed_fields(table)["rows"][0]["object"] == {"metadata": {}}


def test_a_client_is_told_by_the_proxies_on_its_way_once() -> None:
    assert sources_of({"x-forwarded-for": "1.1.1.1, nonsense", "x-real-ip": "2.2.2.2"}, "127.0.0.1") == [
        "1.1.1.1", "2.2.2.2", "127.0.0.1",
    ]  # fmt: skip
    assert sources_of({"x-forwarded-for": "127.0.0.1"}, "127.0.0.1") == ["127.0.0.1"]


async def test_pod_security_notes_what_it_enforced_and_what_it_would_have_found(tmp_path: Path) -> None:
    labels = {"pod-security.kubernetes.io/audit": "restricted", "pod-security.kubernetes.io/enforce": "baseline"}
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    calls = [
        ("POST", "/api/v1/namespaces", {"metadata": {"name": "n", "labels": labels}}),
        ("POST", "/api/v1/namespaces/n/serviceaccounts", {"metadata": {"name": "default"}}),
        ("POST", "/api/v1/namespaces/n/pods", pod),
    ]
    notes = (await logged(tmp_path / "a", EVERYTHING, calls))[-1]["annotations"]
    assert notes["pod-security.kubernetes.io/enforce-policy"] == "baseline:latest"
    assert notes["pod-security.kubernetes.io/audit-violations"].startswith(
        'would violate PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "c" must set '
    )


async def test_policies_note_their_annotations_and_failures(tmp_path: Path) -> None:
    api = "/apis/admissionregistration.k8s.io/v1"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    spec = {
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": "false", "message": "no"}],
        "auditAnnotations": [{"key": "seen", "valueExpression": "'name ' + object.metadata.name"}],
    }
    binding = {"policyName": "p", "validationActions": ["Audit"]}
    calls = [
        ("POST", f"{api}/validatingadmissionpolicies", {"metadata": {"name": "p"}, "spec": spec}),
        ("POST", f"{api}/validatingadmissionpolicybindings", {"metadata": {"name": "b"}, "spec": binding}),
        ("POST", MAPS, {"metadata": {"name": "m"}}),
    ]
    last = (await logged(tmp_path / "a", EVERYTHING, calls))[-1]
    assert last["responseStatus"]["code"] == 201
    assert last["annotations"]["p/seen"] == "name m"
    assert json.loads(last["annotations"]["validation.policy.admission.k8s.io/validation_failure"]) == [
        {"message": "no", "policy": "p", "binding": "b", "expressionIndex": 0, "validationActions": ["Audit"]}
    ]


VERBS = {
    "create": ("POST", MAPS, {"metadata": {"generateName": "m-"}}, {}),
    "again": ("POST", MAPS, {"metadata": {"name": "same"}}, {}),
    "bad": ("POST", MAPS, b"{", {}),
    "replace": ("PUT", f"{MAPS}/same", {"metadata": {"name": "same"}, "data": {"a": "b"}}, {}),
    "patch": ("PATCH", f"{MAPS}/same", {"data": {"c": "d"}}, {"content_type": "application/merge-patch+json"}),
    "unknown patch": ("PATCH", f"{MAPS}/same", {}, {}),
    "delete": ("DELETE", f"{MAPS}/same", None, {}),
    "all": ("DELETE", MAPS, None, {}),
    "nothing": ("POST", "/apis/no.such/v1/things", {}, {}),
    "dry": ("POST", f"{MAPS}?dryRun=All", {"metadata": {"name": "dry"}}, {}),
    "forbidden": ("POST", MAPS, {"metadata": {"name": "x"}}, {"token": "alice"}),
    "review": ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, {}),
}  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(sorted(VERBS)), min_size=1, max_size=12))
def test_every_mutating_request_is_told_complete_exactly_once(
    tmp_path_factory: pytest.TempPathFactory, calls: list[str]
) -> None:
    path = tmp_path_factory.mktemp("audit") / "a"

    async def run() -> Counter[str]:
        ids: Counter[str] = Counter()
        async with audited(path, EVERYTHING) as wire:
            for call in calls:
                method, where, body, more = VERBS[call]
                reply = await wire.call(method, where, body, **more)
                ids[reply.headers["audit-id"]] += 1
        return ids

    sent = asyncio.run(run())
    told = Counter(e["auditID"] for e in events_in(path) if e["stage"] == "ResponseComplete")
    assert told == sent


async def test_a_client_that_goes_away_is_told_too(tmp_path: Path) -> None:
    async with audited(tmp_path / "a", EVERYTHING) as wire:
        entered = asyncio.Event()

        async def slow(_: Any) -> Any:
            entered.set()
            await asyncio.Event().wait()

        wire.server.router.paths["/slow"] = slow
        _, writer = await asyncio.open_connection("127.0.0.1", wire.server.port)
        writer.write(b"GET /slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\n\r\n")
        await entered.wait()
        writer.close()
        async with asyncio.timeout(5):
            while len(events_in(tmp_path / "a")) < 2:
                await asyncio.sleep(0)
    status = events_in(tmp_path / "a")[-1]["responseStatus"]
    assert status == {"metadata": {}, "status": "Success", "message": "Connection closed early", "code": 200}


# Back ends.


def rotating(path: Path, clock: VirtualClock, **fields: Any) -> RotatingFile:
    return RotatingFile(LogOptions(path=path, **{"most_bytes": 10, **fields}), clock)


async def test_files_are_put_aside_at_their_size_and_forgotten_by_number(tmp_path: Path) -> None:
    clock = VirtualClock(1_795_660_330.0)
    log = rotating(tmp_path / "audit.log", clock, most_backups=2)
    for number in range(5):
        log.write(b"line %d..\n" % number)
        await clock.advance(1)
    log.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "audit-2026-11-26T02-32-13.000.log",
        "audit-2026-11-26T02-32-14.000.log",
        "audit.log",
    ]
    assert (tmp_path / "audit.log").read_text() == "line 4..\n"
    assert (tmp_path / "audit.log").stat().st_mode & 0o777 == 0o600


async def test_files_are_forgotten_by_age_and_packed(tmp_path: Path) -> None:
    clock = VirtualClock(1_795_660_330.0)
    log = rotating(tmp_path / "audit.log", clock, most_days=1, compress=True)
    log.write(b"first....\n")
    log.write(b"second...\n")
    assert [p.name for p in log.backups()] == ["audit-2026-11-26T02-32-10.000.log.gz"]
    await clock.advance(3 * 86400)
    log.write(b"third....\n")
    log.close()
    assert [p.name for p in log.backups()] == ["audit-2026-11-29T02-32-10.000.log.gz"]


async def test_a_strict_log_that_cannot_be_written_refuses_requests(tmp_path: Path) -> None:
    async with audited(tmp_path / "a", EVERYTHING, Mode.BLOCKING_STRICT) as wire:
        trail = wire.server.audit
        assert trail is not None
        log = trail._backends[0]
        assert isinstance(log, Log)
        log._file._file.close()
        reply = await wire.call("GET", MAPS)
        assert reply.status == 500
        assert reply.json()["message"] == "Internal error occurred: failed to store audit event"
        log._file._open()
        assert (await wire.call("GET", MAPS)).status == 200


async def test_batches_are_written_behind_the_requests_backs(tmp_path: Path) -> None:
    clock = VirtualClock()
    log = Log(LogOptions(path=tmp_path / "a", mode=Mode.BATCH), clock)
    assert log.take({"n": 1})
    assert log.take({"n": 2})
    assert (tmp_path / "a").read_text() == ""
    await clock.advance(1)
    assert (tmp_path / "a").read_text() == '{"n":1}\n{"n":2}\n'
    log.take({"n": 3})
    await log.close()
    assert (tmp_path / "a").read_text().endswith('{"n":3}\n')


async def test_the_legacy_format_is_a_line_of_text(tmp_path: Path) -> None:
    store = MemoryStore()
    log = LogOptions(path=tmp_path / "a", legacy=True)
    server = ApiServer(store, ApiServerOptions(tokens=TOKENS, audit=AuditOptions(policy=EVERYTHING, log=log)))
    await server.start()
    wire = Wire(server)
    await wire.call("GET", MAPS, user_agent="me", audit_id="id")
    wire.close()
    await server.stop()
    await store.close()
    _, line = (tmp_path / "a").read_text().splitlines()
    assert line.partition(" ")[2] == (
        'AUDIT: id="id" stage="ResponseComplete" ip="127.0.0.1" method="list" user="admin" '
        'groups="\\"system:masters\\",\\"system:authenticated\\"" as="<self>" asgroups="<lookup>" user-agent="me" '
        f'namespace="default" uri="{MAPS}" response="200"'
    )


class Receiver:
    """A server that takes posted events, or refuses them `refusing` times first."""

    def __init__(self, refusing: int = 0) -> None:
        self.refusing = refusing
        self.batches: list[list[Obj]] = []
        self.tokens: list[str] = []
        self.got = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head.decode().split("\r\n"))}
            body = await reader.readexactly(int(fields["content-length"]))
            self.refusing -= 1
            if self.refusing < 0:
                found = json.loads(body)
                assert (found["kind"], found["apiVersion"]) == ("EventList", "audit.k8s.io/v1")
                self.batches.append(found["items"])
                self.tokens.append(fields.get("authorization", ""))
                self.got.set()
            code = b"200 OK" if self.refusing < 0 else b"500 No"
            writer.write(b"HTTP/1.1 " + code + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            writer.close()
            return


def with_receiver(
    test: Callable[[Path, Receiver], Coroutine[Any, Any, None]],
) -> Callable[[Path], Coroutine[Any, Any, None]]:
    async def run(tmp_path: Path) -> None:
        receiver = Receiver()
        server = await asyncio.start_server(receiver, "127.0.0.1", 0)
        config = tmp_path / "kubeconfig"
        config.write_text(
            json.dumps(
                {
                    "current-context": "c",
                    "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                    "clusters": [
                        {
                            "name": "k",
                            "cluster": {"server": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/events"},
                        }
                    ],
                    "users": [{"name": "u", "user": {"token": "secret"}}],
                }
            )
        )
        async with server:
            await test(config, receiver)

    run.__name__ = test.__name__
    return run


async def _batched(config: Path, receiver: Receiver) -> None:
    options = WebhookOptions(kubeconfig=config, largest_batch=3, longest_wait=0.01, backoff=0.001)
    hook = Webhook(options, RealClock())
    receiver.refusing = 2
    for number in range(4):
        assert hook.take({"n": number})
    await hook.close()
    assert receiver.batches == [[{"n": 0}, {"n": 1}, {"n": 2}], [{"n": 3}]]
    assert set(receiver.tokens) == {"Bearer secret"}
    assert hook.lost == 0


test_a_webhook_gets_batches_and_is_asked_again_when_it_fails = with_receiver(_batched)


async def _waited(config: Path, receiver: Receiver) -> None:
    hook = Webhook(WebhookOptions(kubeconfig=config, longest_wait=0.01), RealClock())
    hook.take({"n": 1})
    async with asyncio.timeout(5):
        await receiver.got.wait()
    await hook.close()
    assert receiver.batches == [[{"n": 1}]]


test_a_batch_goes_out_when_its_oldest_event_has_waited_long_enough = with_receiver(_waited)


async def _lost(config: Path, receiver: Receiver) -> None:
    hook = Webhook(WebhookOptions(kubeconfig=config, buffer=2), RealClock())
    assert [hook.take({"n": n}) for n in range(3)] == [True, True, False]
    assert hook.lost == 1
    await hook.close()


test_what_does_not_fit_into_the_buffer_is_counted_as_lost = with_receiver(_lost)


def test_a_kubeconfig_that_leads_nowhere_is_refused_with_its_field(tmp_path: Path) -> None:
    from cluster.apiserver.webhook_config import Target

    config = tmp_path / "kubeconfig"
    config.write_text("contexts: [{name: a, context: {cluster: b}}]\n")
    with pytest.raises(ValueError, match=r"kubeconfig: clusters: there is none called 'b'"):
        Target.read(config)
