"""A bundled cluster killed with SIGKILL under load, a few times; `benchmarks/kill_cycles.py` does it for long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

KILL_CYCLES = Path(__file__).resolve().parents[2] / "benchmarks" / "kill_cycles.py"


@pytest.mark.slow
def test_every_acknowledged_write_survives_a_kill() -> None:
    done = subprocess.run(
        [sys.executable, str(KILL_CYCLES), "--cycles", "8", "--clients", "12", "--seed", "7"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 kills" in done.stdout
