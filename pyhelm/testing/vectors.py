"""Evaluates recorded vectors: `python -m pyhelm.testing.vectors FILE.jsonl… [--group NAME] [--show]`.

A vector is one JSON line: an input (a template with its values, values with their flags, or a command line over some
files) and what Helm makes of it. Three kinds are told apart by their keys. An output counts when every byte is equal,
an error when its last line is equal in Helm's wording; for messages that come from the Go runtime it is enough that
both fail. Failing ids are printed, and `N passed, N failed` last. Chart authors may record vectors of their own.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyhelm.chart.ignore import Rules
from pyhelm.chart.limits import BOM
from pyhelm.chart.load import from_files
from pyhelm.chart.model import Chart, ChartFile
from pyhelm.engine.capabilities import capabilities
from pyhelm.engine.engine import Engine
from pyhelm.engine.interface import EngineOptions, ReleaseInfo
from pyhelm.errors import PyhelmError, TemplateError

__all__ = ["evaluate", "main"]

Vector = dict[str, Any]

_RUNTIME = ("runtime error:", "reflect:", "reflect.", "interface conversion:")
_JSON_WORDS = (
    ("in string literal", "in string"),
    ("in numeric literal", "unexpected end of JSON input"),
)
_CHART_YAML = 'apiVersion: v2\nname: gold\nversion: 1.2.3\nappVersion: "4.5.6"\n'


@contextmanager
def _environment(wanted: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    time.tzset()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        time.tzset()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


# functions


def _chart_of(vector: Vector) -> Chart:
    files = {"Chart.yaml": vector.get("chart_yaml", _CHART_YAML).encode()}
    text = vector.get("values_yaml")
    as_json = json.dumps(vector.get("values", {}), ensure_ascii=False)
    files["values.yaml"] = (as_json if text is None else text).encode()
    for name, content in vector.get("files", {}).items():
        files[name] = content.encode()
    for name, content in vector.get("files_b64", {}).items():
        files[name] = base64.b64decode(content)
    if "helpers" in vector:
        files["templates/_helpers.tpl"] = vector["helpers"].encode()
    files["templates/vector.yaml"] = vector["template"].encode()
    rules = Rules.parse(files.get(".helmignore", b"").decode())
    kept = {name: data for name, data in files.items() if not _ignored(rules, name)}
    return from_files([ChartFile(name, data.removeprefix(BOM)) for name, data in kept.items()])


def _ignored(rules: Rules, name: str) -> bool:
    """As the loader of folders decides: a file goes with the first folder above it that goes."""
    parts = name.split("/")
    folders = ("/".join(parts[:count]) for count in range(1, len(parts)))
    return any(rules.ignore(folder, True) for folder in folders) or rules.ignore(name, False)


def _flags(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--kube-version", default="")
    parser.add_argument("-a", "--api-versions", action="append", default=[])
    parser.add_argument("--is-upgrade", action="store_true")
    for name in ("set", "set-string", "set-json"):
        parser.add_argument(f"--{name}", action="append", default=[])
    return parser.parse_args(list(arguments))


def _values(chart: Chart, flags: argparse.Namespace) -> dict[str, Any]:
    if not (flags.set or flags.set_string or flags.set_json):
        return chart.values
    from pyhelm.testing.flags import user_values

    return user_values(chart, flags)


def _render(vector: Vector) -> bytes:
    chart = _chart_of(vector)
    flags = _flags(vector.get("args", []))
    release = ReleaseInfo(name="rel", namespace="ns", is_install=not flags.is_upgrade, is_upgrade=flags.is_upgrade)
    extra = [version for text in flags.api_versions for version in text.split(",")]
    facts = capabilities(flags.kube_version, extra)
    rendered = Engine(EngineOptions()).render(chart, _values(chart, flags), release, facts)
    return _encoded(rendered["gold/templates/vector.yaml"])


def _last_line(text: str) -> str:
    lines = text.strip().split("\n")
    return lines[-1].strip()


def _same_error(expected: str, found: str) -> bool:
    """Whether the innermost cause is the same; Go's releases differ in some words of JSON errors."""
    if any(word in expected for word in _RUNTIME):
        return True
    for long, short in _JSON_WORDS:
        expected, found = expected.replace(long, short), found.replace(long, short)
    return expected == found


def _function(vector: Vector) -> str:
    """Empty when the vector passes, else what is wrong."""
    try:
        with _environment({"TZ": "UTC", **vector.get("env", {})}):
            output = _render(vector)
    except PyhelmError as error:
        text = (error.helm if isinstance(error, TemplateError) else str(error)).replace("gold/templates/", "")
        if "error_last" not in vector:
            return f"fails: {text}"
        if "error" not in vector:
            return ""
        same = _same_error(vector["error_last"], _last_line(text))
        return "" if same else f"expected error {vector['error_last']!r}, got {_last_line(text)!r}"
    if "error_last" in vector:
        return f"expected error {vector['error_last']!r}, got {output!r}"
    if "matches" in vector:
        found = re.fullmatch(vector["matches"], output.decode("utf-8", "replace"), re.S)
        return "" if found else f"{output!r} does not match {vector['matches']!r}"
    expected = base64.b64decode(vector["output_b64"]) if "output_b64" in vector else vector["output"].encode()
    return "" if output == expected else f"expected {expected!r}, got {output!r}"


# commands and values


def _command(vector: Vector) -> str:
    from pyhelm.testing.commands import run_command

    return run_command(vector)


def _effective(vector: Vector) -> str:
    from pyhelm.testing.flags import check_values

    return check_values(vector)


def evaluator(vector: Vector) -> Callable[[Vector], str]:
    """Which kind of vector it is."""
    if "template" in vector:
        return _function
    return _command if "argv" in vector else _effective


def evaluate(vector: Vector) -> str:
    """Empty when the vector passes, else one line on what is wrong; an unexpected exception is a failure too."""
    try:
        return evaluator(vector)(vector)
    except (Exception, SystemExit) as error:
        return f"{type(error).__name__}: {error}"


def _lines(paths: Sequence[Path]) -> Iterator[Vector]:
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.strip():
                    yield json.loads(line)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pyhelm.testing.vectors", description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.jsonl")
    parser.add_argument("--group", action="append", help="only vectors of this group (repeatable)")
    parser.add_argument("--id", action="append", help="only vectors whose id starts so (repeatable)")
    parser.add_argument("--show", action="store_true", help="print what was expected and what came")
    parser.add_argument("--groups", action="store_true", help="print counts by group before the total")
    options = parser.parse_args(arguments)
    passed: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for vector in _lines(options.files):
        if options.group and vector["group"] not in options.group:
            continue
        if options.id and not vector["id"].startswith(tuple(options.id)):
            continue
        fault = evaluate(vector)
        (failed if fault else passed)[vector["group"]] += 1
        if fault:
            print(f"{vector['id']}: {fault}" if options.show else vector["id"])
    if options.groups:
        for group in sorted(passed | failed):
            print(f"{group}: {passed[group]} passed, {failed[group]} failed")
    print(f"{passed.total()} passed, {failed.total()} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
