"""Log lines on stderr in Go's structured text form: `level=WARN msg="…" key=value`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyhelm.actions.context import Log
from pyhelm.cli.command import Call


def logger(call: Call) -> Log:
    """A log that writes to the call's stderr; DEBUG lines only under --debug."""

    def log(level: str, message: str, attributes: Mapping[str, Any]) -> None:
        if level != "DEBUG" or call.settings.debug:
            call.err(line(level, message, attributes))

    return log


def line(level: str, message: str, attributes: Mapping[str, Any]) -> str:
    """One line, quoted as Go's slog does."""
    pairs = {"level": level, "msg": message, **attributes}
    return " ".join(f"{key}={quoted(value)}" for key, value in pairs.items())


def quoted(value: Any) -> str:
    """Bare where nothing needs quoting, else as a Go string."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if text and not any(letter in ' "=' or not letter.isprintable() for letter in text):
        return text
    from pyhelm.formats.quoting import quote

    return quote(text)
