"""Each test of a command has a home, which is gone with all its clusters afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_home import Home


@pytest.fixture
def home() -> Iterator[Home]:
    path = Path(tempfile.mkdtemp(prefix="cluster-life-"))
    made = Home(path)
    try:
        yield made
    finally:
        made.run("delete")
        shutil.rmtree(path)
