"""Answers that kubectl shows as they are: scale as a table, faults of patches, finalizers of definitions."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.kinds.metadata import validate_metadata
from cluster.kinds.registry import KindRegistry
from cluster.meta.patch.strategic import left_of
from cluster.meta.structure import ANY
from cluster.meta.types import GroupVersionKind
from cluster.storage.memory import MemoryStore


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    server = ApiServer(MemoryStore(), ApiServerOptions(tokens={"a": UserInfo("a", groups=("system:masters",))}))
    await server.start()
    async with httpx.AsyncClient(base_url=server.url, headers={"Authorization": "Bearer a"}) as client:
        yield client
    await server.stop()


async def test_scale_is_printed_with_columns_of_its_own(http: httpx.AsyncClient) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 3, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    path = "/apis/apps/v1/namespaces/default/deployments"
    assert (await http.post(path, json={"metadata": {"name": "d"}, "spec": spec})).status_code == 201
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io"
    shown = (await http.get(f"{path}/d/scale", headers={"Accept": accept})).json()
    assert [column["name"] for column in shown["columnDefinitions"]] == ["Name", "Desired", "Available", "Age"]
    assert shown["rows"][0]["cells"][:3] == ["d", 3, 0]


def test_what_was_carried_out_leaves_the_patch() -> None:
    patch = {"a": 1, "$setElementOrder/list": ["x"], "list": ["x"]}
    assert left_of({"list": ["x"]}, patch, ANY) == {"a": 1}
    assert "list" in patch


@pytest.mark.parametrize(
    ("kind", "faults"),
    [(("apiextensions.k8s.io", "v1", "CustomResourceDefinition"), 0), (("", "v1", "ConfigMap"), 1)],
)
def test_bare_finalizers_are_known_to_built_in_kinds_only(kind: tuple[str, str, str], faults: int) -> None:
    found = KindRegistry.builtin().by_gvk(GroupVersionKind(*kind))
    assert found is not None
    namespace = {"namespace": "n"} if found.namespaced else {}
    meta = {"name": "a.example.com", "finalizers": ["cleanup.example.com"], **namespace}
    assert len(validate_metadata({"metadata": meta}, found)) == faults
