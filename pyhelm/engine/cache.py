"""Compiled templates on disk: one file per set of templates, read at once, replaced whole.

A file holds marshalled code objects, so it is as trusted as the folder it lies in, which belongs to the user. Its
name is a digest of the templates, of the engine that compiled them and of the interpreter; whatever does not read
as expected counts as absent. Writers put a finished file in place by renaming, so that readers and other writers
never see half of one. The folder is kept below a number of bytes by removing what was not used for longest.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["digest", "load", "store"]

_MAGIC = "pyhelm-templates-1"
_MAX_BYTES = 128 * 1024 * 1024
_SUFFIX = ".gotpl"

_COMPILERS = (
    "compiler.py", "gotpl/lexer.py", "gotpl/parser.py", "gotpl/lower.py", "gotpl/emit.py", "functions/catalog.py",
    "jinja/environment.py", "jinja/units.py",
)  # fmt: skip

_version: bytes | None = None


def _engine_version() -> bytes:
    """Changes with the interpreter and with every file that decides what code comes out."""
    global _version
    if _version is None:
        here = os.path.dirname(__file__)
        parts = [_MAGIC, sys.implementation.cache_tag or "", str(sys.hexversion)]
        for name in _COMPILERS:
            try:
                found = os.stat(os.path.join(here, name))
                parts.append(f"{name}:{found.st_mtime_ns}:{found.st_size}")
            except OSError:
                parts.append(name)
        _version = "\0".join(parts).encode()
    return _version


def digest(parts: Iterable[bytes]) -> str:
    """A name for a set of texts, in their order."""
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    state = blake2b(_engine_version(), digest_size=20)
    for part in parts:
        state.update(b"%d:" % len(part))
        state.update(part)
    return str(state.hexdigest())


def load(folder: Path | str, key: str) -> Any:
    """What was stored under `key`; None when it is not there or not readable."""
    path = f"{folder}/{key}{_SUFFIX}"
    try:
        with open(path, "rb") as file:
            data = file.read()
        magic, value = marshal.loads(data)
    except (OSError, ValueError, EOFError, TypeError):
        return None
    if magic != _MAGIC:
        return None
    return value


def store(folder: Path | str, key: str, value: Any) -> None:
    """Keep `value` under `key`. A folder that cannot be written is no error: there is only no cache then."""
    temporary = f"{folder}/.{key}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        os.makedirs(folder, exist_ok=True)
        data = marshal.dumps((_MAGIC, value))
        _evict(str(folder), len(data))
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, f"{folder}/{key}{_SUFFIX}")
    except (OSError, ValueError):
        try:
            os.unlink(temporary)
        except OSError:
            pass


def _evict(folder: str, incoming: int) -> None:
    entries = []
    with os.scandir(folder) as found:
        for entry in found:
            if entry.name.endswith(_SUFFIX):
                status = entry.stat()
                entries.append((max(status.st_atime, status.st_mtime), status.st_size, entry.path))
    total = sum(size for _, size, _ in entries) + incoming
    for _, size, path in sorted(entries):
        if total <= _MAX_BYTES:
            break
        try:
            os.unlink(path)
        except OSError:
            pass
        total -= size
