"""Where each value was written: file, line and column of every path of a values file. Computed only when asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """`line` and `column` count from 1; 0 where the source has none (a flag)."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


def places(data: bytes, file: str) -> dict[Path, Place]:
    """The place of each key and list item; of a file of several documents the last one wins. {} for broken YAML."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    out: dict[Path, Place] = {}
    try:
        for node in yaml.compose_all(data, Loader=loader):
            out.update(_walk(node, (), file))
    except yaml.YAMLError:
        return out
    return out


def _walk(node: Any, path: Path, file: str) -> Iterator[tuple[Path, Place]]:
    if node.id == "mapping":
        for key, value in node.value:
            mark = key.start_mark
            yield (*path, str(key.value)), Place(file, mark.line + 1, mark.column + 1)
            yield from _walk(value, (*path, str(key.value)), file)
    elif node.id == "sequence":
        for i, item in enumerate(node.value):
            yield (*path, i), Place(file, item.start_mark.line + 1, item.start_mark.column + 1)
            yield from _walk(item, (*path, i), file)


def duplicates(data: bytes, file: str) -> Iterator[tuple[Path, Place, Place]]:
    """(path, place of the first, place of the second) for every key that stands twice in one mapping."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for node in yaml.compose_all(data, Loader=loader):
            yield from _twice(node, (), file)
    except yaml.YAMLError:
        return


def _twice(node: Any, path: Path, file: str) -> Iterator[tuple[Path, Place, Place]]:
    if node.id == "sequence":
        for i, item in enumerate(node.value):
            yield from _twice(item, (*path, i), file)
    if node.id != "mapping":
        return
    seen: dict[str, Place] = {}
    for key, value in node.value:
        here = (*path, str(key.value))
        place = Place(file, key.start_mark.line + 1, key.start_mark.column + 1)
        if key.id == "scalar" and key.value != "<<":
            if key.value in seen:
                yield here, seen[key.value], place
            seen[key.value] = place
        yield from _twice(value, here, file)


def dotted(path: Path) -> str:
    """`web.ports[0].name`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
