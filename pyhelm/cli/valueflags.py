"""Reading the user's values: files, URLs and standard input, and the chart's environment file below them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyhelm.cli.command import Call

if TYPE_CHECKING:
    from pyhelm.chart.model import Chart
    from pyhelm.values.sources import ValueFlags

_MAX_REMOTE = 16 * 1024 * 1024
"""Bytes a values file from elsewhere may have."""


def user_values(call: Call, load: Callable[[], Chart]) -> tuple[Chart, dict[str, Any]]:
    """The chart and all the user gave, in Helm's order, over the values of `--env`.

    A broken values file is told before a broken chart, as Helm does. Raises PyhelmError.
    """
    from pyhelm.values.sources import merge_sources

    given = merge_sources(value_flags(call), reader(call))
    chart = load()
    name = str(call.parsed.values.get("env") or "")
    return chart, with_environment(call, chart, name, given) if name else given


def with_environment(call: Call, chart: Chart, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """`given` over the chart's values-NAME.yaml; says which file was taken."""
    from pyhelm.chart.values_file import overlay
    from pyhelm.values.environments import environment_file
    from pyhelm.values.sources import parse_values_file

    file = environment_file(chart, name)
    call.err(f"environment {name}: values from {file.name} of chart {chart.name}")
    return overlay(parse_values_file(file.data, f"{chart.name}/{file.name}"), given)


def value_flags(call: Call) -> ValueFlags:
    from pyhelm.values.sources import ValueFlags

    return ValueFlags(
        files=call["values"],
        set_json=call["set-json"],
        set=call["set"],
        set_string=call["set-string"],
        set_file=call["set-file"],
        set_literal=call["set-literal"],
    )


def reader(call: Call) -> Callable[[str], bytes]:
    """Bytes of a path, of a URL, or of standard input for `-`."""

    def read(path: str) -> bytes:
        if path.strip() == "-":
            return call.stdin.read().encode()
        if "://" in path and not path.startswith("file://"):
            from pyhelm.repo.fetch import fetch

            return fetch(path, limit=_MAX_REMOTE).data
        return Path(path.removeprefix("file://")).read_bytes()

    return read
