"""Tables as uitable lays them out: cells padded to the column's width, tab between, long cells cut."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

DEFAULT_WIDTH = 50


def table(rows: Sequence[Sequence[object]], max_width: int = DEFAULT_WIDTH) -> str:
    """Rows (the header is one) as text without a final newline; `max_width` 0 does not cut."""
    cells = [[_cut(str(cell), max_width) for cell in row] for row in rows]
    columns = max((len(row) for row in cells), default=0)
    widths = [max((_width(row[c]) for row in cells if c < len(row)), default=0) for c in range(columns)]
    return "\n".join(
        "\t".join(cell + " " * (widths[c] - _width(cell)) for c, cell in enumerate(row)) for row in cells
    )


def _cut(cell: str, max_width: int) -> str:
    if not max_width or _width(cell) <= max_width:
        return cell
    kept, width = "", 0
    for letter in cell:
        width += _letter_width(letter)
        if width > max_width - 3:
            break
        kept += letter
    return kept + "..."


def _width(text: str) -> int:
    return sum(_letter_width(letter) for letter in text)


def _letter_width(letter: str) -> int:
    """Terminal columns: wide East Asian letters take two, combining marks none."""
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1
