"""One SQLite file through many lives, each ended by SIGKILL at a named point, with creates, updates and deletes."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.testing.store_lives import POINTS, Ledger, live, survey


@pytest.mark.parametrize("point", POINTS)
async def test_every_life_finds_what_the_last_one_acknowledged(tmp_path: Path, point: str) -> None:
    path, ledger = tmp_path / "s.db", Ledger()
    for life in range(5):
        after = 7 * life + 3 if point.endswith("-commit") and "compaction" not in point else life
        ledger.hear(live(path, point, after, life))
        await survey(path, ledger)
