"""How two structures differ, as the API server shows it in the message of a refused update."""

from __future__ import annotations

import json
from difflib import unified_diff
from typing import Any


def difference(old: Any, new: Any) -> str:
    """A unified diff of both as indented JSON, without file names; begins with a line end."""
    before, after = (json.dumps(value, indent=1, ensure_ascii=False).split("\n") for value in (old, new))
    lines = list(unified_diff(before, after, n=3, lineterm=""))[2:]
    return "\n" + "".join(f"{line}\n" for line in lines)
