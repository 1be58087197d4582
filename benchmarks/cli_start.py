"""How long the command line takes from exec to exit: `python benchmarks/cli_start.py [RUNS]`.

Each figure is the median and the best of RUNS whole processes (default 15), after one warm-up that fills the byte
code and template caches. Bounds: `version` 80 ms, `template charts/guestbook` 250 ms.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CASES = {
    "version": (["version"], 0.080),
    "template charts/guestbook": (["template", str(ROOT / "charts" / "guestbook")], 0.250),
    "template charts/guestbook, no schema check": (
        ["template", str(ROOT / "charts" / "guestbook"), "--skip-schema-validation"],
        0.250,
    ),
}


def seconds(argv: list[str], home: str) -> float:
    """Wall time of one process."""
    environ = {"PATH": os.environ["PATH"], "HOME": home, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "pyhelm", *argv], env=environ, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    missed = 0
    with tempfile.TemporaryDirectory(prefix="pyhelm-bench-") as home:
        for name, (argv, bound) in CASES.items():
            seconds(argv, home)
            taken = sorted(seconds(argv, home) for _ in range(runs))
            middle = statistics.median(taken)
            missed += middle > bound
            print(f"{name}: median {middle * 1000:.0f} ms, best {taken[0] * 1000:.0f} ms (bound {bound * 1000:.0f} ms)")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
