"""What the conformance tests stand on: a marker with the upstream name of a test, a plain JSON client, and the
steps that the suite repeats for every kind of object. It knows HTTP and JSON, nothing of the server's inside.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
import pytest

Obj = dict[str, Any]
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
BAD, FORBIDDEN, MISSING, NOT_ACCEPTABLE, CONFLICT, GONE, INVALID = 400, 403, 404, 406, 409, 410, 422
_number = itertools.count(1)


def conforms(name: str) -> Callable[[F], F]:
    """Says which test of the conformance suite the function carries out: its full name less the last word, which is
    [Conformance] everywhere."""
    return pytest.mark.conforms(f"{name} [Conformance]")


def eventually(look: Callable[[], T], good: Callable[[T], bool] = bool, seconds: float = 10.0) -> T:
    until = time.monotonic() + seconds
    while True:
        seen = look()
        if good(seen):
            return seen
        assert time.monotonic() < until, f"never came about; last seen: {seen}"
        time.sleep(0.02)


def unique(stem: str) -> str:
    return f"{stem}-{next(_number)}"


@dataclass(frozen=True, slots=True)
class Api:
    """Requests as the administrator; `ns` is a namespace made for one test."""

    http: httpx.Client
    ns: str = ""
    kubeconfig: str = ""

    def raw(self, method: str, path: str, body: Any = None, *, mime: str = "", **params: Any) -> httpx.Response:
        headers = {"Content-Type": mime or "application/json"} if body is not None else {}
        content = body if body is None or isinstance(body, str) else json.dumps(body)
        return self.http.request(method, path, content=content, headers=headers, params=params)

    def call(self, method: str, path: str, body: Any = None, status: int = 0, mime: str = "", **params: Any) -> Obj:
        """The answer's body; any 2xx is good unless `status` says which one is expected."""
        response = self.raw(method, path, body, mime=mime, **params)
        good = response.status_code == status if status else response.is_success
        assert good, f"{method} {path}: {response.status_code} {response.text}"
        found: Obj = response.json()
        return found

    def get(self, path: str, status: int = 0, **params: Any) -> Obj:
        return self.call("GET", path, None, status, **params)

    def items(self, path: str, **params: Any) -> list[Obj]:
        return list(self.get(path, **params)["items"] or [])

    def post(self, path: str, body: Any, status: int = 0, **params: Any) -> Obj:
        return self.call("POST", path, body, status, **params)

    def put(self, path: str, body: Any, status: int = 0, **params: Any) -> Obj:
        return self.call("PUT", path, body, status, **params)

    def patch(self, path: str, body: Any, status: int = 0, *, mime: str = MERGE, **params: Any) -> Obj:
        return self.call("PATCH", path, body, status, mime, **params)

    def delete(self, path: str, body: Any = None, status: int = 0, **params: Any) -> Obj:
        return self.call("DELETE", path, body, status, **params)

    def gone(self, path: str) -> None:
        eventually(lambda: self.raw("GET", path), lambda r: r.status_code == MISSING)

    def change(self, path: str, alter: Callable[[Obj], None]) -> Obj:
        """Read, alter and put until nobody else has written between."""
        while True:
            obj = self.get(path)
            alter(obj)
            response = self.raw("PUT", path, obj)
            if response.status_code != CONFLICT:
                assert response.is_success, response.text
                found: Obj = response.json()
                return found

    def core(self, resource: str, name: str = "") -> str:
        return f"/api/v1/namespaces/{self.ns}/{resource}" + (f"/{name}" if name else "")

    def group(self, group_version: str, resource: str, name: str = "") -> str:
        return f"/apis/{group_version}/namespaces/{self.ns}/{resource}" + (f"/{name}" if name else "")

    @contextmanager
    def watch(self, path: str, **params: Any) -> Iterator[Iterator[tuple[str, Obj]]]:
        """Pairs of type and object; waiting longer than five seconds for one is an error."""
        with self.http.stream("GET", path, params={"watch": "1", **params}, timeout=5) as response:
            assert response.status_code == 200, response.read()
            yield _events(response)


def _events(response: httpx.Response) -> Iterator[tuple[str, Obj]]:
    for line in response.iter_lines():
        event = json.loads(line)
        yield event["type"], event["object"]


def expect(events: Iterator[tuple[str, Obj]], kind: str, good: Callable[[Obj], bool] = lambda o: True) -> Obj:
    """The next event of that type and shape; others may come before it."""
    for found, obj in events:
        if found == kind and good(obj):
            return obj
    raise AssertionError(f"the watch ended without {kind}")


def discovered(api: Api, group_version: str, resource: str) -> Obj:
    """The resource's entry, found from the list of groups downwards."""
    group, _, version = group_version.rpartition("/")
    if not group:
        assert version in api.get("/api")["versions"]
        base = f"/api/{version}"
    else:
        groups = {one["name"]: one for one in api.get("/apis")["groups"]}
        assert group_version in {v["groupVersion"] for v in groups[group]["versions"]}
        assert group_version in {v["groupVersion"] for v in api.get(f"/apis/{group}")["versions"]}
        base = f"/apis/{group_version}"
    entries = {one["name"]: one for one in api.get(base)["resources"]}
    assert resource in entries, f"{base} does not show {resource}"
    return dict(entries[resource])


@dataclass
class Operations:
    """Every operation of one kind: `run` takes an object through them. `update` is a change made by PUT, `status`
    a merge patch of the status and `conditions` where a status of conditions is changed by PUT."""

    api: Api
    group_version: str
    resource: str
    make: Callable[[], Obj]
    namespaced: bool = False
    status: Obj = field(default_factory=dict)
    status_body: Callable[[Obj], None] | None = None
    label: str = "special-label"

    @property
    def base(self) -> str:
        prefix = "/apis/" if "/" in self.group_version else "/api/"
        middle = f"namespaces/{self.api.ns}/" if self.namespaced else ""
        return f"{prefix}{self.group_version}/{middle}{self.resource}"

    @property
    def everywhere(self) -> str:
        prefix = "/apis/" if "/" in self.group_version else "/api/"
        return f"{prefix}{self.group_version}/{self.resource}"

    def new(self, mark: str) -> Obj:
        obj = self.make()
        obj.setdefault("apiVersion", self.group_version)
        meta = obj.setdefault("metadata", {})
        meta.setdefault("labels", {})[self.label] = mark
        if not meta.get("name"):
            meta["generateName"] = meta.get("generateName") or f"e2e-{self.resource[:12]}-"
        return obj

    def run(self) -> None:
        mark = unique("run")
        selector = {"labelSelector": f"{self.label}={mark}"}
        entry = discovered(self.api, self.group_version, self.resource)
        assert entry["namespaced"] is self.namespaced
        assert {"create", "deletecollection", "watch"} <= set(entry["verbs"])
        made = [self.api.post(self.base, self.new(mark), 201) for _ in range(3)]
        name, path = made[0]["metadata"]["name"], f"{self.base}/{made[0]['metadata']['name']}"
        assert self.api.get(path)["metadata"]["uid"] == made[0]["metadata"]["uid"]
        for where in {self.base, self.everywhere}:
            assert len(self.api.items(where, **selector)) == 3
        version = self.api.get(self.base, **selector)["metadata"]["resourceVersion"]
        with self.api.watch(self.everywhere, resourceVersion=version, **selector) as events:
            self._patch_and_put(path, events)
            self._status(path)
            self.api.delete(path)
            expect(events, "DELETED", lambda o: o["metadata"]["name"] == name)
        self.api.gone(path)
        assert len(self.api.items(self.base, **selector)) == 2
        self.api.delete(self.base, None, 200, **selector)
        eventually(lambda: self.api.items(self.base, **selector), lambda items: not items)

    def _patch_and_put(self, path: str, events: Iterator[tuple[str, Obj]]) -> None:
        patched = self.api.patch(path, {"metadata": {"annotations": {"patched": "true"}}})
        assert patched["metadata"]["annotations"]["patched"] == "true"
        expect(events, "MODIFIED", lambda o: o["metadata"]["annotations"].get("patched") == "true")

        def mark(obj: Obj) -> None:
            obj["metadata"]["annotations"]["updated"] = "true"

        updated = self.api.change(path, mark)
        assert updated["metadata"]["annotations"]["updated"] == "true"
        assert updated["metadata"]["resourceVersion"] != patched["metadata"]["resourceVersion"]
        expect(events, "MODIFIED", lambda o: o["metadata"]["annotations"].get("updated") == "true")

    def _status(self, path: str) -> None:
        """The status and annotations can be written through /status; what was asked for is then there."""
        if self.status:
            body = {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": self.status}
            patched = self.api.patch(f"{path}/status", body)
            assert patched["metadata"]["annotations"]["patchedstatus"] == "true"
            _includes(patched["status"], self.status)
            assert self.api.get(f"{path}/status")["metadata"]["uid"] == patched["metadata"]["uid"]
        if self.status_body is not None:
            obj = self.api.get(path)
            self.status_body(obj)
            updated = self.api.put(f"{path}/status", obj)
            _includes(updated["status"], obj["status"])


def _includes(found: Any, wanted: Any) -> None:
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            assert key in found, f"{key} is not in {found}"
            _includes(found[key], value)
    else:
        assert found == wanted


def condition(kind: str, reason: str = "E2E", **more: Any) -> Obj:
    base = {"type": kind, "status": "True", "reason": reason, "message": "Set from an e2e test"}
    return {**base, "lastTransitionTime": "2026-01-01T00:00:00Z", **more}


def pod(name: str, **spec: Any) -> Obj:
    containers = spec.pop("containers", None) or [{"name": "pause", "image": "registry.k8s.io/pause:3.10"}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers, **spec}}


def config_map(name: str, labels: Obj | None = None, **data: str) -> Obj:
    meta = {"name": name, "labels": labels or {}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
