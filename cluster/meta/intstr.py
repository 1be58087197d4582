"""IntOrString: a port or a count that may be a name or a percentage."""

from __future__ import annotations

import math
import re

from cluster.meta.decimals import whole

_percent = re.compile(r"(-?\d+)%", re.ASCII).fullmatch


def scaled(value: int | str | None, total: int, round_up: bool) -> int:
    """The number meant by a count or a percentage of `total`. Raises ValueError for other strings."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value
    found = _percent(value)
    if found is None:
        raise ValueError(f'invalid value for IntOrString: invalid type: string is not a percentage ("{value}")')
    share = whole(found[1]) * total / 100
    return math.ceil(share) if round_up else math.floor(share)
