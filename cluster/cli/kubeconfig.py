"""Writing the cluster's context into a kubeconfig, and taking it out again, with everything else left as it was.

The file is replaced whole, under the lock file that kubectl uses, and only after the old text could be read: a file
that is no kubeconfig is refused with its place and never touched.
"""

from __future__ import annotations

import os
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.cli.places import Refused

_LOCK_PATIENCE = 5.0
_LISTS = (("clusters", "cluster"), ("contexts", "context"), ("users", "user"))


@dataclass(frozen=True, slots=True)
class Access:
    """What a client needs; certificates and keys are PEM files."""

    server: str
    ca: Path
    certificate: Path
    key: Path


def path_of(environ: Mapping[str, str]) -> Path:
    """The first file of $KUBECONFIG, else ~/.kube/config."""
    for part in (environ.get("KUBECONFIG") or "").split(os.pathsep):
        if part:
            return Path(part).absolute()
    return Path(environ.get("HOME") or str(Path.home())) / ".kube" / "config"


def check(path: Path) -> None:
    """Raises Refused when the file is there and cannot be added to."""
    _read(path)


def current(path: Path) -> str:
    """The current context; empty where there is none. Raises Refused for a file that cannot be read."""
    return str((_read(path) or {}).get("current-context") or "")


def text_of(name: str, access: Access) -> str:
    """A kubeconfig that holds this one context and nothing else."""
    return f"""apiVersion: v1
kind: Config
clusters:
- name: {name}
  cluster:
    certificate-authority-data: {_base64(access.ca)}
    server: {access.server}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {name}
users:
- name: {name}
  user:
    client-certificate-data: {_base64(access.certificate)}
    client-key-data: {_base64(access.key)}
current-context: {name}
"""


def add(path: Path, name: str, access: Access) -> str:
    """Write the context and make it current; answers the context that was current before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        held = _read(path)
        if not held:
            _replace(path, text_of(name, access))
            return ""
        before = str(held.get("current-context") or "")
        entries: dict[str, dict[str, Any]] = {
            "clusters": {"certificate-authority-data": _base64(access.ca), "server": access.server},
            "contexts": {"cluster": name, "user": name},
            "users": {
                "client-certificate-data": _base64(access.certificate),
                "client-key-data": _base64(access.key),
            },
        }
        for section, key in _LISTS:
            _put(held, section, key, name, entries[section])
        held["current-context"] = name
        _replace(path, _dump(held))
        return before if before != name else ""


def remove(path: Path, name: str, before: str) -> bool:
    """Take the context out; where it is current, `before` becomes so. False when it was not there."""
    if not path.exists():
        return False
    with _locked(path):
        held = _read(path)
        if not held:
            return False
        found = False
        for section, _ in _LISTS:
            entries = held.get(section) or []
            for place in [i for i, e in enumerate(entries) if _named(e, name)][::-1]:
                del entries[place]
                found = True
        if held.get("current-context") == name:
            known = {e.get("name") for e in held.get("contexts") or () if isinstance(e, dict)}
            held["current-context"] = before if before in known else ""
            found = True
        if found:
            _rewrite(path, held)
        return found


def points_to(path: Path, name: str, server: str) -> str:
    """For people: `current`, `present`, `absent`, `elsewhere` (another server under this name) or `unreadable`."""
    try:
        held = _read(path) or {}
    except Refused:
        return "unreadable"
    cluster = next((e for e in held.get("clusters") or () if _named(e, name)), None)
    if cluster is None:
        return "absent"
    if (cluster.get("cluster") or {}).get("server") != server:
        return "elsewhere"
    return "current" if held.get("current-context") == name else "present"


def _rewrite(path: Path, held: Any) -> None:
    """A file that holds nothing any more, and that had no comment, goes."""
    empty = not any(held.get(section) for section, _ in _LISTS)
    if empty and "#" not in path.read_text():
        path.unlink()
    else:
        _replace(path, _dump(held))


def _put(held: Any, section: str, key: str, name: str, value: dict[str, Any]) -> None:
    entries = held.get(section)
    if not entries:
        entries = held[section] = []
    for entry in entries:
        if _named(entry, name):
            entry[key] = {**(entry.get(key) or {}), **value} if section == "contexts" else value
            return
    entries.append({"name": name, key: value})


def _named(entry: Any, name: str) -> bool:
    return isinstance(entry, dict) and entry.get("name") == name


def _base64(path: Path) -> str:
    return b64encode(path.read_bytes()).decode()


# -- the file --------------------------------------------------------------------------------------------------


def _yaml() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1 << 20
    return yaml


def _read(path: Path) -> Any:
    """The document with its comments; None when there is no file or nothing in it. Raises Refused."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"cannot read the kubeconfig {path}: {getattr(error, 'strerror', None) or error}") from error
    if not text.strip():
        return None
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        held = _yaml().load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise Refused(f"{path}:{line}: the kubeconfig is not valid YAML: {error.problem}; repair it first") from error
    except YAMLError as error:
        raise Refused(f"{path}:1: the kubeconfig is not valid YAML; repair it first") from error
    if held is None:
        return None
    if not isinstance(held, dict):
        raise Refused(f"{path}:1: the kubeconfig is not a mapping; repair it first")
    places: Any = getattr(held, "lc", None)
    for section, _ in _LISTS:
        if held.get(section) is not None and not isinstance(held[section], list):
            line = places.key(section)[0] + 1
            raise Refused(f'{path}:{line}: "{section}" of the kubeconfig is not a list; repair it first')
    return held


def _dump(held: Any) -> str:
    from io import StringIO

    out = StringIO()
    _yaml().dump(held, out)
    return out.getvalue()


def _replace(path: Path, text: str) -> None:
    """Through links, with the file's mode kept (0600 for a new one)."""
    real = path.resolve()
    mode = real.stat().st_mode & 0o777 if real.exists() else 0o600
    part = real.with_name(f"{real.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        os.replace(part, real)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Refused(f"cannot write the kubeconfig {path}: {error.strerror}") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """kubectl's lock: a file beside it that exists while somebody writes."""
    lock = path.with_name(path.name + ".lock")
    until = time.monotonic() + _LOCK_PATIENCE
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL, 0o600))
            break
        except FileExistsError as error:
            if time.monotonic() > until:
                raise Refused(f"{lock} exists: another program is writing {path}; remove it if none is") from error
            time.sleep(0.02)
        except OSError as error:
            raise Refused(f"cannot write beside the kubeconfig {path}: {error.strerror}") from error
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
