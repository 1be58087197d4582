"""What a SQLite store still knows after SIGKILL at its fail points, life after life.

    python benchmarks/store_kills.py [--lives 500] [--seed 1]

Four clients create, update and delete; the process ends before or after a commit, in a compaction or before its commit,
after a number of passes that the seed decides; history is so short that it is compacted all the time. After each life
every key is as its last acknowledged write left it (or as the one under way would have), the revision has not gone
back, and the history that is kept, played on the oldest state, gives the newest. Ends with 1 when that does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from cluster.testing.store_lives import POINTS, Ledger, live, survey


async def run(lives: int, seed: int) -> None:
    """Raises AssertionError."""
    dice, ledger, ends, acknowledged = random.Random(seed), Ledger(), Counter[str](), 0
    with tempfile.TemporaryDirectory(prefix="store-kills-") as folder:
        path = Path(folder) / "s.db"
        for number in range(lives):
            point = dice.choice(POINTS)
            said = live(
                path, point, dice.randint(0, 4 if point.startswith("compaction") else 80), seed * 10_000 + number
            )
            acknowledged += sum(1 for _, _, revision in said if revision)
            ends[point] += 1
            ledger.hear(said)
            await survey(path, ledger)
            if (number + 1) % 50 == 0:
                print(f"{number + 1} lives, {acknowledged} writes", flush=True)
        size = sum(file.stat().st_size for file in path.parent.iterdir())
    print(
        f"{lives} kills ({', '.join(f'{n} {p}' for p, n in sorted(ends.items()))}), {acknowledged} acknowledged writes:"
    )
    print(f"none lost, none back, every history whole; {size >> 10} KiB of files at the end")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lives", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        asyncio.run(run(options.lives, options.seed))
    except AssertionError as broken:
        print(f"broken: {broken}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
