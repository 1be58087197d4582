"""Go's regular expressions, which are RE2: compiled once, refused in Go's words. They end in time whatever they are."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

__all__ = ["RegexpError", "compile_regexp"]


class RegexpError(ValueError):
    """An expression Go refuses; the text is `error parsing regexp: …`."""


_WORDS = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "no argument for repetition operator": "missing argument to repetition operator",
    "bad repetition operator": "invalid nested repetition operator",
    "invalid repetition size": "invalid repeat count",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
    "trailing \\ at end of expression": "trailing backslash at end of expression",
    "trailing \\": "trailing backslash at end of expression",
    "pattern too large - compile failed": "expression too large",
}


@lru_cache(maxsize=512)
def compile_regexp(pattern: str | bytes) -> Any:
    """The compiled expression, for texts of the pattern's own type. Raises RegexpError."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise RegexpError(_go_words(error.args[0] if error.args else "")) from None


def _go_words(message: str | bytes) -> str:
    text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
    code, _, argument = text.partition(": ")
    return f"error parsing regexp: {_WORDS.get(code, code)}: `{argument}`"
