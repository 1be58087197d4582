"""What a start imports is what it costs: the lists are kept short here, by name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
VERSION = {
    "pyhelm", "pyhelm.cli", "pyhelm.cli.command", "pyhelm.cli.flags", "pyhelm.cli.main", "pyhelm.cli.settings",
    "pyhelm.cli.version", "pyhelm.errors", "pyhelm.patterns", "pyhelm.records",
}  # fmt: skip
NEVER_WARM = {
    "asyncio", "cryptography", "dataclasses", "httpx", "inspect", "jinja2", "jsonschema", "requests", "ruamel", "yaml",
    "pyhelm.engine.compiler", "pyhelm.engine.failure", "pyhelm.engine.gotpl.parser", "pyhelm.engine.lines",
    "pyhelm.actions.explain", "pyhelm.actions.review", "pyhelm.cli.failures", "pyhelm.cli.reports",
    "pyhelm.values.origins", "pyhelm.values.review", "pyhelm.values.schema",
}  # fmt: skip


def imported(home: Path, *argv: str) -> set[str]:
    """What a command imports in an interpreter of its own."""
    code = (
        "import io, json, sys\nbefore = set(sys.modules)\nfrom pyhelm.cli.main import main\n"
        f"code = main({list(argv)!r}, io.StringIO(), io.StringIO(), program='pyhelm')\n"
        "print(json.dumps([code, sorted(set(sys.modules) - before)]))"
    )
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    status, names = json.loads(done.stdout)
    assert status == 0
    return set(names)


def test_version_imports_the_command_line_and_no_more(tmp_path: Path) -> None:
    found = imported(tmp_path, "version")
    assert {name for name in found if name.startswith("pyhelm")} <= VERSION
    assert len(found) <= len(VERSION) + 10, sorted(found)


def test_a_warm_template_needs_neither_parsers_nor_the_checks(tmp_path: Path) -> None:
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 1.0.0\n")
    (chart / "values.yaml").write_text("a: 1\n")
    (chart / "templates" / "x.yaml").write_text("kind: A\na: {{ .Values.a | quote }}\n")
    imported(tmp_path, "template", str(chart))
    found = imported(tmp_path, "template", str(chart))
    assert not {name for name in found if name in NEVER_WARM or name.partition(".")[0] in NEVER_WARM}
    assert len(found) <= 95, sorted(found)
