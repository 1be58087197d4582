"""What an image means where there are no images: which programs of this machine stand for it.

Nothing is pulled. A container that names its command runs that command, found on the host's PATH; a few well-known
images also have a command of their own.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

_REFERENCE = re.compile(
    r"^(?P<name>[a-zA-Z0-9][a-zA-Z0-9.-]*(?::[0-9]+)?(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)+"
    r"|[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>[a-z0-9]+:[0-9a-fA-F]{32,}))?$"
)

_SHELL = ("sh",)
_PYTHON = ("python3",)
_ENTRYPOINTS: dict[str, tuple[str, ...]] = {
    "python": _PYTHON,
    "busybox": _SHELL,
    "alpine": _SHELL,
    "bash": ("bash",),
    "debian": ("bash",),
    "ubuntu": ("bash",),
    "pause": ("sleep", "infinity"),
}


@dataclass(frozen=True, slots=True)
class Image:
    """`short` is the last part of the name, by which well-known images are recognised."""

    name: str
    short: str
    tag: str

    @property
    def entrypoint(self) -> tuple[str, ...]:
        return _ENTRYPOINTS.get(self.short, ())

    @property
    def python(self) -> bool:
        return self.short == "python"


def parse(reference: str) -> Image | None:
    """None when it is no image reference."""
    found = _REFERENCE.match(reference)
    if found is None:
        return None
    name = found["name"]
    return Image(name, name.rpartition("/")[2], found["tag"] or "latest")


def search_path(image: Image, own: Path, host: str) -> str:
    """The PATH of a container: `own` holds the stand-ins for programs the host lacks, so it comes last."""
    interpreter = os.path.dirname(sys.executable)
    parts = [*host.split(os.pathsep), str(own)]
    if image.python:
        parts = [interpreter, str(own), *(p for p in parts if p not in (interpreter, str(own)))]
    return os.pathsep.join(p for p in parts if p)


def write_stand_ins(own: Path) -> None:
    """`python3` and `python` that start the interpreter of this program."""
    own.mkdir(parents=True, exist_ok=True)
    for name in ("python3", "python"):
        path = own / name
        text = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            path.chmod(0o755)
