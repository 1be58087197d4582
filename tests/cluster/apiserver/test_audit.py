"""The audit log: what is kept of each request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from apiserver_wire import Wire

from cluster.apiserver.audit import AuditOptions, Policy, RotatingFile
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer, ApiServerOptions
from cluster.meta.types import Obj
from cluster.storage.memory import MemoryStore

HEAD = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy"}


def policy(*rules: Obj, **fields: Any) -> Obj:
    return {**HEAD, "rules": list(rules), **fields}


async def logged(path: Path, rules: Obj, calls: list[tuple[str, str, Any]]) -> list[Obj]:
    store = MemoryStore()
    tokens = {"admin": UserInfo("admin", "", ("system:masters",))}
    server = ApiServer(store, ApiServerOptions(tokens=tokens, audit=AuditOptions(path=path, policy=rules)))
    await server.start()
    wire = Wire(server)
    for method, where, body in calls:
        await wire.call(method, where, body)
    wire.close()
    await server.stop()
    await store.close()
    return [json.loads(line) for line in path.read_text().splitlines()]


SECRETS = "/api/v1/namespaces/default/secrets"
MAPS = "/api/v1/namespaces/default/configmaps"


async def test_the_first_rule_that_fits_decides_how_much_is_kept(tmp_path: Path) -> None:
    rules = policy(
        {"level": "None", "nonResourceURLs": ["/healthz*"]},
        {"level": "Metadata", "resources": [{"group": "", "resources": ["secrets"]}]},
        {"level": "RequestResponse", "verbs": ["create"]},
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
    assert events[1]["responseStatus"]["code"] == 201


def test_files_are_put_aside_at_their_size(tmp_path: Path) -> None:
    log = RotatingFile(tmp_path / "a", 10, 2)
    for number in range(5):
        log.write(b"line %d..\n" % number)
    log.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "a.1", "a.2"]
    assert [(tmp_path / n).read_text() for n in ("a", "a.1", "a.2")] == ["line 4..\n", "line 3..\n", "line 2..\n"]


@pytest.mark.parametrize("bad", [{"kind": "Policy"}, {**HEAD, "rules": []}, policy({"level": "All"})])
def test_a_policy_that_says_nothing_is_refused(bad: Obj) -> None:
    with pytest.raises(ValueError, match=r"policy|level"):
        Policy(bad)
