"""Where a cluster keeps its things: one directory, and one line that finds it again when it is elsewhere."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class Refused(Exception):
    """What the user asked for cannot be done; the text says what and what to do. Printed after `Error: `."""


def clusters_directory(environ: Mapping[str, str]) -> Path:
    data = environ.get("XDG_DATA_HOME") or os.path.join(environ.get("HOME") or str(Path.home()), ".local", "share")
    return Path(data) / "pyhelm" / "clusters"


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one cluster."""

    name: str
    state: Path
    pointer: Path
    """Exists when the state was put elsewhere with --state; holds its path."""

    @property
    def config(self) -> Path:
        return self.state / "config.json"

    @property
    def daemon(self) -> Path:
        return self.state / "daemon.json"

    @property
    def lock(self) -> Path:
        return self.state / "daemon.lock"

    @property
    def log(self) -> Path:
        return self.state / "cluster.log"

    @property
    def database(self) -> Path:
        return self.state / "cluster.db"

    @property
    def etcd(self) -> Path:
        """The directory of an etcd of its own."""
        return self.state / "etcd"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's own copy."""
        return self.state / "kubeconfig"

    @property
    def node(self) -> Path:
        return self.state / "node"

    @property
    def merged(self) -> Path:
        """Remembers which kubeconfig the context was written into, and its current-context before."""
        return self.state / "merged.json"

    def exists(self) -> bool:
        return self.config.is_file()


def find(name: str, state: str, environ: Mapping[str, str]) -> Place:
    """The place of a cluster, whether it exists or not. Raises Refused for a name that cannot be one."""
    if not name or not all(c.isalnum() or c in "-_." for c in name) or name.startswith("."):
        raise Refused(f'"{name}" cannot be a cluster\'s name: use letters, digits and dashes')
    folder = clusters_directory(environ)
    pointer = folder / f"{name}.location"
    if state:
        return Place(name, Path(state).absolute(), pointer)
    try:
        return Place(name, Path(pointer.read_text().strip()), pointer)
    except OSError:
        return Place(name, folder / name, pointer)


def every(environ: Mapping[str, str]) -> Iterator[Place]:
    """All clusters of this user, by name."""
    folder = clusters_directory(environ)
    try:
        names = {p.name for p in folder.iterdir() if p.is_dir()} | {p.stem for p in folder.glob("*.location")}
    except OSError:
        return
    for name in sorted(names):
        place = find(name, "", environ)
        if place.exists():
            yield place


def read_json(path: Path) -> dict[str, Any]:
    """Empty when the file is not there or is not JSON."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(value, indent=2) + "\n")
    part.chmod(0o600)
    os.replace(part, path)


def hold(path: Path, *, wait: bool = False) -> int | None:
    """Take a lock file; answers its descriptor, None when another process has it. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def exclusively(place: Place) -> Iterator[None]:
    """One start, stop or delete of a cluster at a time. The lock lies beside the default places of all clusters."""
    place.pointer.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = place.pointer.with_suffix(".lock")
    descriptor = hold(path, wait=True)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        if descriptor is not None:
            os.close(descriptor)


def running(place: Place) -> bool:
    """Whether the cluster's process lives: it holds its lock as long as it does, so no pid has to be believed."""
    if not place.lock.exists():
        return False
    try:
        descriptor = hold(place.lock)
    except OSError:
        return False
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
