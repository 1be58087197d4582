"""A cluster's command line in a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


class Home:
    def __init__(self, path: Path) -> None:
        self.path = path
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("KUBE", "XDG_"))}
        self.env = {**kept, "HOME": str(path), "KUBECONFIG": str(path / "kubeconfig"), "PYTHONPATH": str(ROOT)}

    def run(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "cluster", *words], env=self.env, capture_output=True, text=True, timeout=90
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def status(self, code: int = 0) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.run("status", "-o", "json", code=code))
        return found
