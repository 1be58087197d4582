"""pytest fixtures for charts and controllers: `pytest -p cluster.testing.plugin`.

`bundled_cluster` is a running cluster with the simulated runtime, one a test.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from cluster.assembly.cluster import Cluster
from cluster.testing.cluster import running_cluster


@pytest_asyncio.fixture
async def bundled_cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with running_cluster(tmp_path / "cluster") as cluster:
        yield cluster
