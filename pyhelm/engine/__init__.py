"""The chart engine: two template dialects, one library of functions, one runtime, one cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyhelm.engine.engine import Engine

__all__ = ["Engine"]


def __getattr__(name: str) -> Any:
    """`Engine`, imported when it is asked for: many modules below this package are wanted without it."""
    if name == "Engine":
        from pyhelm.engine.engine import Engine

        return Engine
    raise AttributeError(name)
