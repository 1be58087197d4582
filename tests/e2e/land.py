"""A home of its own for the commands of an end-to-end test."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Land:
    """A home of its own for commands: HOME, state and kubeconfig below one folder, nothing of the user's."""

    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def kubeconfig(self) -> Path:
        return self.home / "kubeconfig"

    def env(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HELM_", "KUBE", "XDG_"))}
        return {
            **kept,
            "HOME": str(self.home),
            "KUBECONFIG": str(self.kubeconfig),
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
            **self.environ,
        }

    def run(self, *argv: str, stdin: str | None = None, timeout: float = 60) -> Result:
        done = subprocess.run(
            argv, env=self.env(), cwd=self.home, input=stdin, capture_output=True, text=True, timeout=timeout
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def pyhelm(self, *argv: str, stdin: str | None = None, timeout: float = 90) -> Result:
        return self.run(sys.executable, "-m", "pyhelm", *argv, stdin=stdin, timeout=timeout)

    def ok(self, *argv: str, stdin: str | None = None, timeout: float = 90) -> str:
        """Run pyhelm, insist that it succeeds, answer what it printed."""
        done = self.pyhelm(*argv, stdin=stdin, timeout=timeout)
        assert done.code == 0, f"pyhelm {' '.join(argv)}: exit {done.code}\n{done.out}\n{done.err}"
        return done.out

    def kubectl(self, *argv: str, stdin: str | None = None, timeout: float = 60, code: int = 0) -> str:
        """Run kubectl, insist on its exit code, answer what it printed (with stderr where it failed)."""
        done = self.run("kubectl", *argv, stdin=stdin, timeout=timeout)
        assert done.code == code, f"kubectl {' '.join(argv)}: exit {done.code}\n{done.out}\n{done.err}"
        return done.out if code == 0 else done.out + done.err


def new_land() -> Land:
    return Land(Path(tempfile.mkdtemp(prefix="pyhelm-e2e-")))


def fetch(url: str, data: bytes | None = None, timeout: float = 5) -> str:
    """GET (or POST) past any proxy; raises OSError as urllib does."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, data=data, timeout=timeout) as answer:
        text: str = answer.read().decode()
        return text
