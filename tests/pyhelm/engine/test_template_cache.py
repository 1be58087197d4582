"""Compiled templates on disk: found again, never half read, bounded; and what a warm run imports."""

from __future__ import annotations

import marshal
import subprocess
import sys
from pathlib import Path

import pytest
from rendering import chart_of, render, render_chart

from pyhelm.engine import cache
from pyhelm.errors import TemplateError

WARM = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from rendering import render
text = '{{{{ tpl "{{{{ .Release.Name }}}}" . }}}}{{{{ include "h" . | quote }}}}'
assert render(text, {{}}, '{{{{ define "h" }}}}H{{{{ end }}}}', cache=Path({folder!r})) == 'rel"H"'
print(" ".join(sorted(sys.modules)))
"""


def test_a_warm_run_imports_neither_parser_nor_jinja2(tmp_path: Path) -> None:
    here = str(Path(__file__).parent)
    script = WARM.format(here=here, folder=str(tmp_path))
    cold, warm = (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(2)
    )
    assert "jinja2" in cold
    forbidden = (
        "jinja2",
        "pyhelm.engine.gotpl",
        "pyhelm.engine.compiler",
        "pyhelm.engine.jinja",
        "asyncio",
        "inspect_",
    )
    assert [name for name in warm if name.startswith(forbidden)] == []


def test_a_changed_template_is_compiled_again(tmp_path: Path) -> None:
    assert render("a{{ 1 }}", cache=tmp_path) == "a1"
    assert render("b{{ 1 }}", cache=tmp_path) == "b1"
    assert render("a{{ 1 }}", cache=tmp_path) == "a1"
    assert len(list(tmp_path.glob("*.gotpl"))) == 2


@pytest.mark.parametrize("damage", [b"", b"nonsense", marshal.dumps(("other", 1)), marshal.dumps(5)])
def test_a_damaged_entry_counts_as_absent(tmp_path: Path, damage: bytes) -> None:
    render("a{{ 1 }}", cache=tmp_path)
    [entry] = tmp_path.glob("*.gotpl")
    entry.write_bytes(damage)
    assert render("a{{ 1 }}", cache=tmp_path) == "a1"
    assert cache.load(tmp_path, entry.stem) is not None


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert render("a{{ 1 }}", cache=blocked / "below") == "a1"


def test_the_oldest_entries_go_when_the_folder_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_MAX_BYTES", 3000)
    for number in range(5):
        cache.store(tmp_path, f"k{number}", b"x" * 1000)
    assert len(list(tmp_path.glob("*.gotpl"))) <= 3
    assert cache.load(tmp_path, "k4") == b"x" * 1000
    assert cache.load(tmp_path, "k0") is None


def test_failures_tell_the_same_place_from_the_cache(tmp_path: Path) -> None:
    texts = []
    for _ in range(2):
        with pytest.raises(TemplateError) as caught:
            render('{{ tpl "x{{ .a.b }}" . }}', cache=tmp_path)
        texts.append((str(caught.value), caught.value.helm))
        render("ok", cache=tmp_path)
    assert texts[0] == texts[1]


def test_jinja2_files_are_kept_as_well(tmp_path: Path) -> None:
    chart = chart_of({"a.yaml": "{{ Release.Name }}"}, engine="jinja2")
    assert (
        render_chart(chart, cache=tmp_path) == render_chart(chart, cache=tmp_path) == {"gold/templates/a.yaml": "rel"}
    )
