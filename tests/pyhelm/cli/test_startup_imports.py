"""What a short command imports is kept short: each module here costs every user on every call."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
ALWAYS = {
    "pyhelm", "pyhelm.cli", "pyhelm.cli.command", "pyhelm.cli.flags", "pyhelm.cli.main", "pyhelm.cli.settings",
    "pyhelm.cli.version", "pyhelm.errors", "pyhelm.patterns", "pyhelm.records",
}  # fmt: skip
HEAVY = {
    "argparse", "asyncio", "attr", "concurrent.futures", "cryptography", "csv", "dataclasses", "datetime", "decimal",
    "email", "gzip", "hashlib", "http", "httpx", "inspect", "jinja2", "json.tool", "jsonschema", "logging", "random",
    "requests", "shutil", "socket", "ssl", "subprocess", "tarfile", "tempfile", "threading", "uuid", "yaml",
}  # fmt: skip
"""What neither `version` nor rendering a chart rendered before may need."""
CHECKS = {
    "pyhelm.engine.compiler", "pyhelm.engine.failure", "pyhelm.engine.lines", "pyhelm.actions.explain",
    "pyhelm.actions.review", "pyhelm.cli.failures", "pyhelm.cli.reports", "pyhelm.values.origins",
    "pyhelm.values.review", "pyhelm.values.schema",
}  # fmt: skip
"""What is wanted only when something is asked for or has gone wrong."""
_CHART = {
    "Chart.yaml": 'apiVersion: v2\nname: c\nversion: 1.0.0\nkubeVersion: ">=1.20"\n',
    "values.yaml": "a: {b: [1, x]}\n",
    "templates/map.yaml": (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n"
        'data: {{ merge (fromYaml "c: 1") .Values.a | toYaml | nindent 2 }}\n'
        'more: {{ .Values.a | toJson | quote }}\nless: {{ printf "%s-%d" "x" 1 | trunc 5 }}\n'
    ),
}


def imported(home: Path, *words: str) -> set[str]:
    """The modules a command line imports, beside those of a bare interpreter."""
    code = (
        "import sys; bare = set(sys.modules); from pyhelm.cli.main import main; "
        f"assert main({list(words)!r}, stdout=sys.stderr) == 0; print(*sorted(set(sys.modules) - bare))"
    )
    # -S: what the site's own start-up files import is not ours.
    command = [sys.executable, "-S", "-c", code]
    paths = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(paths)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_version_imports_the_command_line_alone(tmp_path: Path) -> None:
    found = imported(tmp_path, "version")
    assert {name for name in found if name.startswith(("pyhelm", "cluster"))} == ALWAYS
    assert not found & HEAVY
    assert len(found) < 60


def test_a_chart_rendered_before_needs_neither_parsers_nor_compilers(tmp_path: Path) -> None:
    for name, text in _CHART.items():
        path = tmp_path / "chart" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    first = imported(tmp_path, "template", "rel", str(tmp_path / "chart"))
    again = imported(tmp_path, "template", "rel", str(tmp_path / "chart"))
    assert {"yaml", "jinja2"} <= first
    assert not again & (HEAVY | CHECKS)
    assert not [name for name in again if name.startswith(("pyhelm.engine.gotpl", "pyhelm.repo.fetch", "cluster"))]
    assert len([name for name in again if name.startswith("pyhelm")]) < 85
