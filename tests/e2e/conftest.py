"""One bundled cluster for the end-to-end tests, in its own process, with its own state and kubeconfig."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from land import Land, new_land


@pytest.fixture
def land() -> Iterator[Land]:
    """An empty home; whatever cluster was started in it is deleted at the end."""
    made = new_land()
    try:
        yield made
    finally:
        made.pyhelm("cluster", "delete", timeout=60)
        shutil.rmtree(made.home, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Land]:
    """A running bundled cluster with the process runtime."""
    made = new_land()
    try:
        made.ok("cluster", "start", "--runtime", "process")
        yield made
    finally:
        made.pyhelm("cluster", "delete", timeout=60)
        shutil.rmtree(made.home, ignore_errors=True)


@pytest.fixture(scope="session")
def kubectl(cluster: Land) -> Land:
    """The cluster, where kubectl is on this machine."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl on this machine")
    return cluster
