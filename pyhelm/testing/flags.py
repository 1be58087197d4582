"""Vectors of values: a chart in memory, flags as they stand on a command line, and what the charts then see."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pyhelm.chart.checks import check_dependencies, check_installable
from pyhelm.chart.load import from_files
from pyhelm.chart.model import Chart, ChartFile
from pyhelm.errors import PyhelmError, ValuesError
from pyhelm.formats.gotypes import GoInt
from pyhelm.values.render import effective_values
from pyhelm.values.sources import ValueFlags, merge_sources

__all__ = ["check_values", "user_values"]

Vector = dict[str, Any]

_KINDS = ("set", "set-string", "set-json", "set-file", "set-literal")


def _parsed(arguments: Sequence[str], files: dict[str, str]) -> tuple[dict[str, Any], bool]:
    """The user's values, and whether schemas are to be checked."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for kind in _KINDS:
        parser.add_argument(f"--{kind}", action="append", default=[])
    parser.add_argument("--skip-schema-validation", action="store_true")
    given = parser.parse_args(list(arguments))
    flags = ValueFlags(
        files=tuple(name for name in files if re.fullmatch(r"f\d+\.yaml", name)),
        set=given.set,
        set_string=given.set_string,
        set_json=given.set_json,
        set_file=given.set_file,
        set_literal=given.set_literal,
    )
    return merge_sources(flags, lambda path: _read(files, path)), not given.skip_schema_validation


def _read(files: dict[str, str], path: str) -> bytes:
    if path not in files:
        raise FileNotFoundError(2, "No such file or directory", path)
    return files[path].encode()


def user_values(chart: Chart, flags: argparse.Namespace) -> dict[str, Any]:
    """The chart's values under `--set`, `--set-string` and `--set-json`."""
    given = merge_sources(ValueFlags(set=flags.set, set_string=flags.set_string, set_json=flags.set_json), _no_file)
    return effective_values(chart, given)[1]


def _no_file(path: str) -> bytes:
    raise ValuesError(f"{path}: files are not read here")


def _files(vector: Vector, folder: str, defaults: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield f"{folder}Chart.yaml", json.dumps({**defaults, **vector.get("chart", {})}, ensure_ascii=False)
    text = vector.get("values_yaml", vector.get("chart_values_yaml"))
    values = vector.get("values", vector.get("chart_values"))
    if text is not None:
        yield f"{folder}values.yaml", text
    elif values is not None:
        yield f"{folder}values.yaml", json.dumps(values, ensure_ascii=False)
    schema = vector.get("schema")
    if schema is not None:
        yield f"{folder}values.schema.json", schema if isinstance(schema, str) else json.dumps(schema)
    for name, sub in (vector.get("subcharts") or {}).items():
        yield from _files(sub, f"{folder}charts/{name}/", {"apiVersion": "v2", "name": name, "version": "0.1.0"})


def _chart(vector: Vector) -> Chart:
    root = {"apiVersion": "v2", "name": "gold", "version": "1.2.3", "appVersion": "4.5.6"}
    return from_files([ChartFile(name, text.encode()) for name, text in _files(vector, "", root)])


def _scopes(chart: Chart, values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if not chart.is_library:
        yield chart.full_path, values
    for child in chart.dependencies:
        own = values.get(child.name)
        yield from _scopes(child, own if isinstance(own, dict) else {})


def _types(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _types(item, f"{path}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _types(item, f"{path}/{index}")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        kind = "int" if isinstance(value, GoInt) else "int64" if isinstance(value, int) else "float64"
        yield path, kind


def _summary(value: Any) -> Any:
    if isinstance(value, list) and len(value) > 1000:
        return {"len": len(value), "last": value[-1], "nulls": value.count(None)}
    if isinstance(value, dict):
        return {key: _summary(item) for key, item in value.items()}
    return value


def _loose(text: str) -> list[str]:
    """Lines in any order, names inside a line in any order."""
    lines = text.split("\n")
    return sorted(re.sub(r"'[^']*'", "''", line) + " ".join(sorted(re.findall(r"'[^']*'", line))) for line in lines)


def check_values(vector: Vector) -> str:
    """Empty when the values come out as recorded, else what differs."""
    texts = {f"f{index}.yaml": text for index, text in enumerate(vector.get("files") or [])}
    files = {**texts, **(vector.get("setfiles") or {})}
    try:
        given, check = _parsed(vector.get("set") or [], files)
        loaded = _chart(vector)
        check_installable(loaded)
        check_dependencies(loaded)
        chart, values = effective_values(loaded, given, check_schema=check)
    except PyhelmError as error:
        return _check_error(vector, str(error).rstrip("\n"))
    if "error" in vector:
        return f"expected error {vector['error']!r}, got values"
    if "effective_summary" in vector:
        found = _summary(values)
        return "" if found == vector["effective_summary"] else f"got {found!r}"
    scopes = dict(_scopes(chart, values))
    if scopes != vector["effective"]:
        return f"expected {vector['effective']!r}, got {scopes!r}"
    types = {path: dict(_types(scope)) for path, scope in scopes.items()}
    wanted = vector.get("number_types", {})
    wrong = {path: found for path, found in types.items() if found != wanted.get(path, {})}
    return f"expected types {wanted!r}, got {wrong!r}" if wrong else ""


def _check_error(vector: Vector, found: str) -> str:
    if "error" not in vector:
        return f"fails: {found}"
    expected = vector["error"]
    if "interface conversion:" in expected or "runtime error:" in expected:
        return ""
    same = _loose(expected) == _loose(found) if vector.get("error_any_order") else expected == found
    return "" if same else f"expected error {expected!r}, got {found!r}"
