"""One cluster for all conformance tests, run in a thread of its own and spoken to over HTTP; a namespace per test."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from conformance_api import Api, unique
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.assembly.cluster import Cluster, ClusterOptions
from cluster.storage.memory import MemoryStore

ROOT_CA = "-----BEGIN CERTIFICATE-----\nMIIBszCCARygAwIBAgIE\n-----END CERTIFICATE-----\n"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "conforms(name): carries out the conformance test of that name")


def _signing_key(folder: Path) -> Path:
    path = folder / "sa.key"
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return path


class _Thread:
    """The cluster's event loop, apart from the tests, which wait for answers."""

    def __init__(self, root: Path) -> None:
        self.url, self._root = "", root
        self._ready, self._fault = threading.Event(), ""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="cluster")
        self._thread.start()
        assert self._ready.wait(30) and self.url, f"the cluster did not start: {self._fault}"  # noqa: PT018

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        admin = UserInfo("admin", groups=("system:masters", "system:authenticated"))
        server = ApiServerOptions(tokens={"admin": admin}, signing_key=_signing_key(self._root), advertise="192.0.2.10")
        options = ClusterOptions(
            root=self._root, runtime="simulated", nodes=2, node_name="node",
            service_cidr="10.96.0.0/16", server=server, root_ca=ROOT_CA, proxy=False,
        )  # fmt: skip
        self._store = MemoryStore()
        cluster = Cluster(self._store, options)
        try:
            await cluster.start()
            self.url = cluster.server.url
        except BaseException as error:
            self._fault = repr(error)
            raise
        finally:
            self._ready.set()
        await self._end.wait()
        await cluster.stop()

    def compact(self) -> None:
        """Forget all history, as the server does of itself after some minutes."""

        async def forget() -> None:
            await self._store.compact(await self._store.current_revision())

        asyncio.run_coroutine_threadsafe(forget(), self._loop).result(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Thread]:
    thread = _Thread(tmp_path_factory.mktemp("conformance"))
    yield thread
    thread.stop()


@pytest.fixture(scope="session")
def cluster_url(cluster: _Thread) -> str:
    return cluster.url


@pytest.fixture
def compact(cluster: _Thread) -> Callable[[], None]:
    return cluster.compact


@pytest.fixture(scope="session")
def kubeconfig(cluster_url: str, http: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> str:
    """For kubectl, which keeps tokens back from a server without TLS: whoever says nothing of himself may do all."""
    rbac = "rbac.authorization.k8s.io"
    role = {"apiGroup": rbac, "kind": "ClusterRole", "name": "cluster-admin"}
    subjects = [{"apiGroup": rbac, "kind": "Group", "name": "system:unauthenticated"}]
    binding = {"metadata": {"name": "e2e-anyone"}, "roleRef": role, "subjects": subjects}
    assert http.post(f"/apis/{rbac}/v1/clusterrolebindings", json=binding).status_code == 201
    path = tmp_path_factory.mktemp("kubeconfig") / "config"
    context = {"cluster": "c", "user": "u"}
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "x", "preferences": {},
        "clusters": [{"name": "c", "cluster": {"server": cluster_url}}],
        "users": [{"name": "u", "user": {"token": "admin"}}],
        "contexts": [{"name": "x", "context": context}],
    }  # fmt: skip
    path.write_text(json.dumps(config))
    return str(path)


@pytest.fixture(scope="session")
def http(cluster_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=cluster_url, headers={"Authorization": "Bearer admin"}, timeout=20) as client:
        yield client


@pytest.fixture
def api(http: httpx.Client) -> Iterator[Api]:
    name = unique("e2e")
    whole = Api(http)
    whole.post("/api/v1/namespaces", {"metadata": {"name": name}}, 201)
    mine = Api(http, name)
    yield mine
    http.delete(f"/api/v1/namespaces/{name}")
