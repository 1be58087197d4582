"""Regular expressions that are compiled when they are first used.

Compiling one takes longer than many a command has for all of them, and most commands meet few of the patterns of the
modules they import.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

__all__ = ["lazy"]


class _Lazy:
    """Stands for a pattern; its methods are those of the compiled one from the first use on."""

    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern, self.flags = pattern, flags

    def __getattr__(self, name: str) -> object:
        found: object = getattr(re.compile(self.pattern, self.flags), name)
        setattr(self, name, found)
        return found


if TYPE_CHECKING:
    lazy = re.compile
else:

    def lazy(pattern: str, flags: int = 0) -> _Lazy:
        """As `re.compile`; a pattern that is wrong is found when it is used."""
        return _Lazy(pattern, int(flags))
