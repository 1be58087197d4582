"""One suite over every release driver: memory, and Secrets and ConfigMaps of a small fake server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from pyhelm.errors import ReleaseError
from pyhelm.kube.client import KubeClient
from pyhelm.kube.kubeconfig import Access
from pyhelm.release.model import Info, Release
from pyhelm.release.status import Status
from pyhelm.storage.drivers import open_driver
from pyhelm.storage.interface import NoDeployedReleases, ReleaseExists, ReleaseNotFound
from pyhelm.storage.labels import check_user_labels
from pyhelm.storage.releases import Releases
from pyhelm.storage.selector import matches


class FakeServer:
    """Objects by path; enough of an API server for records."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        body = json.loads(request.content) if request.content else {}
        if request.method == "POST":
            path = f"{path}/{body['metadata']['name']}"
            if path in self.objects:
                return self._status(409, "AlreadyExists")
            self.objects[path] = body
            return httpx.Response(201, json=body)
        if request.method == "GET" and path.rsplit("/", 1)[-1] in ("secrets", "configmaps"):
            selector = request.url.params.get("labelSelector", "")
            items = [o for o in self.objects.values() if matches(selector, o["metadata"]["labels"])]
            return httpx.Response(200, json={"items": items, "metadata": {}})
        if path not in self.objects:
            return self._status(404, "NotFound")
        if request.method == "PUT":
            self.objects[path] = body
        found = self.objects[path]
        if request.method == "DELETE":
            del self.objects[path]
        return httpx.Response(200, json=found)

    def _status(self, code: int, reason: str) -> httpx.Response:
        return httpx.Response(code, json={"kind": "Status", "reason": reason, "message": reason, "code": code})


@pytest.fixture(params=["memory", "secret", "configmap"])
async def releases(request: pytest.FixtureRequest) -> AsyncIterator[Releases]:
    transport = httpx.MockTransport(FakeServer())
    async with KubeClient(Access(server="http://fake"), transport=transport) as kube:
        yield Releases(open_driver(request.param, kube, "ns", lambda: 1_700_000_000.0))


def revision(version: int, status: Status = Status.SUPERSEDED, name: str = "web") -> Release:
    chart = {"metadata": {"name": "c", "version": "1"}, "templates": [], "files": []}
    return Release(name, "ns", version, Info(status=status), chart, {"a": 1.0}, labels={"team": "x"})


async def test_what_is_stored_is_read_back(releases: Releases) -> None:
    await releases.create(revision(1, Status.DEPLOYED))
    found = await releases.get("web", 1)
    assert (found.config, found.labels, found.status) == ({"a": 1.0}, {"team": "x"}, Status.DEPLOYED)


async def test_a_revision_is_made_once(releases: Releases) -> None:
    await releases.create(revision(1))
    with pytest.raises(ReleaseExists):
        await releases.create(revision(1))


async def test_what_is_not_there_is_not_found(releases: Releases) -> None:
    with pytest.raises(ReleaseNotFound):
        await releases.get("web", 1)
    with pytest.raises(ReleaseNotFound):
        await releases.last("web")
    with pytest.raises(ReleaseNotFound):
        await releases.update(revision(1))
    with pytest.raises(ReleaseNotFound):
        await releases.delete("web", 1)


async def test_history_is_by_number_and_of_one_name(releases: Releases) -> None:
    for version in (10, 2, 9):
        await releases.create(revision(version))
    await releases.create(revision(1, name="other"))
    assert [r.version for r in await releases.history("web")] == [2, 9, 10]
    assert (await releases.last("web")).version == 10
    assert len(await releases.every()) == 4
    assert len(await releases.every("name=other,team in (x,y)")) == 1


async def test_the_deployed_revision_is_found_by_its_state(releases: Releases) -> None:
    await releases.create(revision(1, Status.DEPLOYED))
    await releases.create(revision(2, Status.FAILED))
    assert (await releases.deployed("web")).version == 1
    changed = revision(1, Status.SUPERSEDED)
    await releases.update(changed)
    with pytest.raises(NoDeployedReleases, match='"web" has no deployed releases'):
        await releases.deployed("web")


async def test_old_revisions_go_but_never_the_deployed_one(releases: Releases) -> None:
    await releases.create(revision(1, Status.DEPLOYED))
    for version in (2, 3, 4):
        await releases.create(revision(version, Status.FAILED))
    await releases.create(revision(5), max_history=3)
    assert [r.version for r in await releases.history("web")] == [1, 4, 5]


def test_the_sql_driver_is_refused_by_name() -> None:
    with pytest.raises(ReleaseError, match=r"sql .* not supported"):
        open_driver("sql", KubeClient(Access(server="http://fake")), "ns", lambda: 0.0)


def test_helms_own_labels_are_reserved() -> None:
    with pytest.raises(ReleaseError, match="system reserved label"):
        check_user_labels({"owner": "me"})


@pytest.mark.parametrize(
    ("selector", "answer"),
    [("a=1", True), ("a!=1", False), ("a in (1,2),b", True), ("!c", True), ("a notin (1)", False), ("", True)],
)
def test_selectors(selector: str, answer: bool) -> None:
    assert matches(selector, {"a": "1", "b": "2"}) is answer
