"""What YAML texts mean, remembered between commands, so that a chart read before needs no parser.

One file for each name (a chart's path), which holds for every text, by its digest, what was made of it. Only what
was read without an error is remembered, and only what the last command met: the file grows no further than the
chart. Results are plain data and come back as new objects. The folder belongs to the user and is as trusted as the
program itself; whatever does not read as expected counts as forgotten. Files are replaced whole; the folder is kept
below a number of bytes by removing what was written longest ago.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["YamlMemory"]

_MAGIC = "pyhelm-yaml-1"
_SUFFIX = ".yaml-memory"
_MAX_BYTES = 64 * 1024 * 1024
_MAX_NEW = 32 * 1024 * 1024
"""Bytes of text one command adds."""
_READERS = (
    "yaml_memory.py", "yaml_parse.py", "yaml_read.py", "yaml_resolve.py", "../chart/metadata.py",
    "../chart/values_file.py", "../manifest/head.py", "../engine/functions/encoding.py", "../values/schema.py",
    "../values/patterns.py", "../values/formats.py",
)  # fmt: skip


class YamlMemory:
    """The texts of one chart. Not for two threads at once."""

    def __init__(self, folder: str, name: str) -> None:
        self.folder = folder
        self.path = f"{folder}/{_digest(b'', name.encode('utf-8', 'surrogateescape')).hex()}{_SUFFIX}"
        self._known: dict[bytes, bytes] | None = None
        self._kept: dict[bytes, bytes] = {}
        self._parsed = 0

    def recall(self, kind: str, text: bytes, parse: Callable[[], Any]) -> Any:
        """What `parse` makes of `text`, remembered or made now. `kind` names the parser; its errors pass through."""
        if self._known is None:
            self._known = self._load()
        key = _digest(kind.encode(), text)
        found = self._known.get(key)
        if found is not None:
            self._kept[key] = found
            return marshal.loads(found)
        value = parse()
        self._parsed += len(text)
        if self._parsed < _MAX_NEW:
            try:
                self._kept[key] = marshal.dumps(value)
            except ValueError:
                pass
        return value

    def save(self) -> None:
        """Keep what this command read. A folder that cannot be written is no error."""
        if not self._parsed:
            return
        temporary = f"{self.path}.{os.getpid()}.{os.urandom(4).hex()}"
        try:
            os.makedirs(self.folder, exist_ok=True)
            data = marshal.dumps((_version(), self._kept))
            _evict(self.folder, len(data))
            with open(temporary, "wb") as file:
                file.write(data)
            os.replace(temporary, self.path)
        except OSError:
            try:
                os.unlink(temporary)
            except OSError:
                pass

    def _load(self) -> dict[bytes, bytes]:
        try:
            with open(self.path, "rb") as file:
                version, known = marshal.loads(file.read())
        except (OSError, ValueError, EOFError, TypeError):
            return {}
        return known if version == _version() and isinstance(known, dict) else {}


def _digest(kind: bytes, text: bytes) -> bytes:
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    return bytes(blake2b(text, digest_size=20, person=kind[:16]).digest())


def _version() -> str:
    """Changes with the interpreter and with every file that decides what a text means."""
    here = os.path.dirname(__file__)
    parts = [_MAGIC, str(sys.hexversion)]
    for name in _READERS:
        try:
            found = os.stat(os.path.join(here, name))
            parts.append(f"{found.st_mtime_ns}:{found.st_size}")
        except OSError:
            parts.append(name)
    return " ".join(parts)


def _evict(folder: str, incoming: int) -> None:
    entries = []
    with os.scandir(folder) as found:
        for entry in found:
            if _SUFFIX in entry.name:
                status = entry.stat()
                entries.append((status.st_mtime, status.st_size, entry.path))
    total = incoming + sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total <= _MAX_BYTES:
            return
        try:
            os.unlink(path)
        except OSError:
            pass
        total -= size
