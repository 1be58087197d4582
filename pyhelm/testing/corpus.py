"""Compares charts with recorded output: `python -m pyhelm.testing.corpus CHARTS GOLDEN [--values-dir DIR]`.

GOLDEN/<repo>/<chart>.yaml is what `helm template rel ./<chart>` printed for CHARTS/<repo>/<chart>; a golden named
`<chart>@<x>.yaml` was made with the values file DIR/<repo>/<chart>@<x>.yaml. Every byte counts. So that it can,
functions that depend on chance or the clock were replaced when the goldens were made, and are replaced alike here.
Charts that differ are printed, with the first line that does, and `N passed, N failed` last.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyhelm.chart.load import load_chart
from pyhelm.engine.capabilities import capabilities
from pyhelm.engine.engine import Engine
from pyhelm.engine.interface import EngineOptions, ReleaseInfo
from pyhelm.errors import PyhelmError, TemplateError
from pyhelm.manifest.documents import arrange, manifest_text, sourced
from pyhelm.testing.replaced import REPLACED

__all__ = ["main", "template_output"]


def template_output(chart_path: Path, values_file: Path | None, cache: Path | None) -> str:
    """What `template rel CHART` prints, with the replaced functions. Raises PyhelmError."""
    from pyhelm.values.render import effective_values

    given: dict[str, Any] = {}
    if values_file is not None:
        from pyhelm.formats.yaml_read import load_map

        given = load_map(values_file.read_bytes())
    chart, values = effective_values(load_chart(str(chart_path)), given)
    options = EngineOptions(cache=cache, replace=REPLACED)
    files = Engine(options).render(chart, values, ReleaseInfo(name="rel"), capabilities())
    found = arrange({name: text for name, text in files.items() if not name.endswith("NOTES.txt")})
    manifest = manifest_text(found.documents).strip()
    return manifest + "\n" + "".join(sourced(hook.path, hook.manifest) for hook in found.hooks)


def _difference(expected: str, found: str) -> str:
    ours, theirs = found.split("\n"), expected.split("\n")
    for number, (mine, recorded) in enumerate(zip(ours, theirs), 1):
        if mine != recorded:
            return f"line {number}: expected {recorded!r}, got {mine!r}"
    return f"{len(theirs)} lines expected, got {len(ours)}"


def _compare(golden: Path, charts: Path, values_dir: Path | None, cache: Path | None) -> str:
    """Empty when the chart renders as recorded, else what differs."""
    repo, name = golden.parent.name, golden.stem
    chart, _, variant = name.partition("@")
    values_file = values_dir / repo / golden.name if variant and values_dir else None
    try:
        found = template_output(charts / repo / chart, values_file, cache)
    except PyhelmError as error:
        return error.helm if isinstance(error, TemplateError) else str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    expected = golden.read_bytes().decode()
    return "" if found == expected else _difference(expected, found)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pyhelm.testing.corpus", description=__doc__.split("\n")[0])
    parser.add_argument("charts", type=Path, metavar="CHARTS")
    parser.add_argument("golden", type=Path, metavar="GOLDEN")
    parser.add_argument("--values-dir", type=Path, metavar="DIR")
    parser.add_argument("--cache", type=Path, help="folder for compiled templates")
    parser.add_argument("--only", action="append", help="only charts of this name (repeatable)")
    parser.add_argument("--times", action="store_true", help="print CPU milliseconds for each chart")
    options = parser.parse_args(arguments)
    passed = failed = 0
    for golden in sorted(options.golden.glob("*/*.yaml")):
        if options.only and golden.stem not in options.only:
            continue
        start = time.process_time()
        fault = _compare(golden, options.charts, options.values_dir, options.cache)
        if options.times:
            print(f"{golden.parent.name}/{golden.stem}: {(time.process_time() - start) * 1000:.0f} ms")
        passed, failed = passed + (not fault), failed + bool(fault)
        if fault:
            print(f"{golden.parent.name}/{golden.stem}: {fault}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
