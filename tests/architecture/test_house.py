"""The house keeps its shape: public names are sorted, every package says why it exists, the code map is true."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = sorted(
    p.parent for top in ("pyhelm", "cluster") for p in (ROOT / top).rglob("__init__.py") if "__pycache__" not in p.parts
)
MODULES = sorted(p for top in ("pyhelm", "cluster") for p in (ROOT / top).rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("top", ["pyhelm", "cluster"])
def test_public_face_is_explicit_and_sorted(top: str) -> None:
    module = __import__(top)
    assert list(module.__all__) == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def test_every_module_opens_with_why_it_exists() -> None:
    silent = [
        relative(path)
        for path in MODULES
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_names_say_what_a_thing_is() -> None:
    vague = re.compile(r"(^|_)(util|utils|helper|helpers|common|base|manager|misc)(_|$)")
    assert [relative(p) for p in MODULES if vague.search(p.stem)] == []


def test_code_map_names_every_package() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    missing = [
        relative(p) for p in PACKAGES if p.parent.name in ("pyhelm", "cluster") and f"`{relative(p)}/`" not in text
    ]
    assert missing == []


def test_code_map_names_only_what_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = re.findall(r"`((?:pyhelm|cluster)/[a-z_/]+/)`", text)
    assert [n for n in named if not (ROOT / n).is_dir()] == []
