"""Regular expressions as Go has them: RE2's, which take linear time, with faults in Go's words."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

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
"""What RE2 says, and what Go says."""


class PatternError(ValueError):
    """Not a regular expression; the text is Go's."""


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Any:
    """A pattern with the methods of `re`'s. Raises PatternError."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise PatternError(f"error parsing regexp: {_told(error)}") from None


def _told(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    what, _, shown = text.partition(": ")
    return f"{_WORDS.get(what, what)}: `{shown}`"
