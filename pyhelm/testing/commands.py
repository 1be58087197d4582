"""Vectors of commands: a command line run in an empty folder over given files, and what it prints and leaves behind."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import shlex
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from pyhelm.cli.main import main

__all__ = ["run_command"]

Vector = dict[str, Any]

_HOMES = {"HELM_CONFIG_HOME": "config", "HELM_CACHE_HOME": "cache", "HELM_DATA_HOME": "data"}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_DEPLOYED = re.compile(r"(?<=LAST DEPLOYED: ).*")
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Vectors compare what the command prints, not what the server does."""


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _archive(members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in members.items():
            data = text.encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


class _Words:
    """The place holders of a vector and what stands for them in this run."""

    def __init__(self, folder: Path, host: str, served: dict[str, bytes]) -> None:
        self.pairs = [("@REPO@", f"http://{host}"), ("@REPOHOST@", host), ("@DIR@", str(folder))]
        self.digests = {f"@SHA256:{name}@": hashlib.sha256(data).hexdigest() for name, data in served.items()}

    def filled(self, text: str) -> str:
        for word, value in [*self.digests.items(), *self.pairs]:
            text = text.replace(word, value)
        return text

    def blanked(self, text: str, vector: Vector) -> str:
        for word, value in self.pairs:
            text = text.replace(value, word)
        if vector.get("scrub_time"):
            text = _DEPLOYED.sub("@TIME@", _TIME.sub("@TIME@", text))
        if vector.get("scrub_digest"):
            return _DIGEST.sub("@SHA256@", text)
        for word, value in self.digests.items():
            text = text.replace(value, word)
        return text


def _lay_out(vector: Vector, folder: Path, served: Path, words: _Words, archives: dict[str, bytes]) -> None:
    for name in vector.get("dirs", []):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, text in vector["chart_files"].items():
        _write(folder / name, words.filled(text).encode())
    for name, content in vector.get("files_b64", {}).items():
        _write(folder / name, base64.b64decode(content))
    for name, members in vector.get("archives", {}).items():
        _write(folder / name, _archive(members))
    for name, text in (vector.get("served") or {}).items():
        _write(served / name, words.filled(text).encode())
    for name, data in archives.items():
        _write(served / name, data)


def _listing(folder: Path) -> set[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name for name in found if not name.startswith(".home/")}


def _members(path: Path) -> list[str]:
    with tarfile.open(path) as archive:
        return archive.getnames()


def run_command(vector: Vector) -> str:
    """Empty when the command does as recorded, else the first difference."""
    with tempfile.TemporaryDirectory() as made, tempfile.TemporaryDirectory() as served:
        folder = Path(made).resolve()
        archives = {name: _archive(members) for name, members in (vector.get("served_archives") or {}).items()}
        serving = _server(Path(served)) if "served" in vector else nullcontext("127.0.0.1:9")
        with serving as host, _inside(folder):
            words = _Words(folder, host, archives)
            _lay_out(vector, folder, Path(served), words, archives)
            return _checked(vector, folder, words)


def _checked(vector: Vector, folder: Path, words: _Words) -> str:
    environ = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder / ".home"),
        **{k: str(folder / ".home" / v) for k, v in _HOMES.items()},
    }
    for line in vector.get("setup") or []:
        arguments = line if isinstance(line, list) else shlex.split(line)
        main([words.filled(word) for word in arguments], io.StringIO(), io.StringIO(), io.StringIO(), environ)
    before = _listing(folder)
    out, err = io.StringIO(), io.StringIO()
    code = main([words.filled(word) for word in vector["argv"]], out, err, io.StringIO(), environ)
    found = {"exit": code, "stdout": words.blanked(out.getvalue(), vector), "stderr": _stderr(err, words, vector)}
    for key, value in found.items():
        if value != vector[key]:
            return f"{key}: expected {vector[key]!r}, got {value!r}"
    return _left_behind(vector, folder, before, words)


def _stderr(stream: io.StringIO, words: _Words, vector: Vector) -> str:
    lines = words.blanked(stream.getvalue(), vector).splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("level=DEBUG"))


def _left_behind(vector: Vector, folder: Path, before: set[str], words: _Words) -> str:
    if "new_files" in vector:
        new = sorted(_listing(folder) - before)
        if new != vector["new_files"]:
            return f"new files: expected {vector['new_files']!r}, got {new!r}"
    for name, expected in vector.get("tar_members", {}).items():
        members = _members(folder / name)
        if members != expected:
            return f"{name}: expected {expected!r}, got {members!r}"
    for name, text in vector.get("contents", {}).items():
        path = folder / name
        found = words.blanked(path.read_text(), vector) if path.exists() else None
        if found != text:
            return f"{name}: expected {text!r}, got {found!r}"
    for name, digest in vector.get("sha256", {}).items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            return f"{name}: other contents than recorded"
    return ""
