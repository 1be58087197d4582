"""`-o table|json|yaml`: what Helm prints for programs, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyhelm.cli.command import Call
from pyhelm.cli.flags import Flag
from pyhelm.release.wire import json_text, yaml_text


def parse_format(word: str) -> str:
    if word not in ("table", "json", "yaml"):
        raise ValueError("invalid format type")
    return word


OUTPUT = Flag(
    name="output",
    short="o",
    help="prints the output in the specified format. Allowed values: table, json, yaml",
    parse=parse_format,
    default="table",
    kind="format",
)


def write(call: Call, data: Any, as_table: Callable[[], str], form: str | None = None) -> None:
    """Print `data` as asked; `as_table` makes the text of the table, newline included where wanted."""
    word = form or str(call["output"])
    if word == "json":
        call.stdout.write(json_text(data) + "\n")
    elif word == "yaml":
        call.stdout.write(yaml_text(data))
    else:
        call.stdout.write(as_table())
