"""`cluster start`: make what is missing, run the daemon, wait until it is ready, write the context.

Nothing half-done is left behind: what can be checked is checked before anything is made, and a start that fails
removes what it made.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.cli import joining, kubeconfig, ladder, places, storages
from cluster.cli.kubeconfig import Access
from cluster.cli.places import Place, Refused
from cluster.cli.settings import Settings, kept_in, merged
from cluster.cli.storages import Wish

DEFAULT_VERSION = "1.36.2"
_DEFAULT_PORT = 6443


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOptions:
    """`port` 0: the one it had, else 6443 or a free one. Empty texts: what it had, else the default."""

    port: int = 0
    runtime: str = ""
    version: str = ""
    nodes: int = 0
    timeout: float = 60.0
    context: bool = True
    """Whether to write the context into the user's kubeconfig."""
    join: str = ""
    """The cluster, or its state directory, whose store and keys a new one shares."""
    storage: Wish = field(default_factory=Wish)
    apiserver: Settings = field(default_factory=dict)
    """Settings of the API server to change; the others stay as they were."""


@dataclass(frozen=True, slots=True)
class Started:
    """`fresh` is False when the cluster was running already."""

    fresh: bool
    server: str
    kubeconfig: Path
    runtime: str
    why: str


def start(place: Place, options: StartOptions, environ: Mapping[str, str]) -> Started:
    """Raises Refused."""
    with places.exclusively(place):
        target = kubeconfig.path_of(environ)
        if places.running(place):
            return _already(place, options, target)
        if options.context:
            kubeconfig.check(target)
        _check(_settings(place, options))
        storages.settled(place, places.read_json(place.config), options.storage)
        first = joining.find(options.join, environ) if options.join else None
        if first is not None:
            joining.check(first, place)
        made = _Made(place)
        try:
            return _start(place, options, target, made, first)
        except BaseException:
            made.undo()
            raise


def _already(place: Place, options: StartOptions, target: Path) -> Started:
    config = places.read_json(place.config)
    server = server_of(place)
    if options.port and options.port != config.get("port"):
        raise Refused(
            f"cluster {place.name} runs already, on port {config.get('port')}; stop it first to change the port"
        )
    if options.runtime and options.runtime != config.get("runtime"):
        raise Refused(
            f"cluster {place.name} runs already, with the {config.get('runtime')} runtime; stop it first to change that"
        )
    if storages.changes(place, config, options.storage):
        raise Refused(f"cluster {place.name} runs already; stop it first to change the addresses of its etcd")
    if _settings(place, options) != kept_in(config):
        names = ", ".join(f"apiserver.{name}" for name in options.apiserver)
        raise Refused(f"cluster {place.name} runs already, with other settings; stop it first to change {names}")
    if options.context and kubeconfig.points_to(target, place.name, server) in ("absent", "elsewhere"):
        _write_context(place, target)
    return Started(False, server, target, str(config.get("runtime")), str(config.get("why")))


def _settings(place: Place, options: StartOptions) -> dict[str, list[str]]:
    """What the API server is to run with: what is given, else what it had."""
    return merged(kept_in(places.read_json(place.config)), options.apiserver)


def _check(settings: Settings) -> None:
    if settings:
        from cluster.cli.apiserver_options import options_of

        options_of(settings)


def server_of(place: Place) -> str:
    return f"https://127.0.0.1:{places.read_json(place.config).get('port')}"


class _Made:
    """What this start made, to be taken back when it fails."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._fresh = not place.exists()
        self._made_folder = not place.state.exists()
        self.process: subprocess.Popen[bytes] | None = None

    def undo(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if not self._fresh or not self._place.state.is_dir():
            return
        remove_state(self._place)
        self._place.pointer.unlink(missing_ok=True)
        if not self._made_folder:
            self._place.state.mkdir(exist_ok=True)


def remove_state(place: Place) -> None:
    """Everything a cluster keeps, and its directory when nothing else is in it."""
    for path in (place.pki, place.node, place.etcd):
        shutil.rmtree(path, ignore_errors=True)
    files = (place.config, place.daemon, place.lock, place.log, place.kubeconfig, place.merged)
    for file in (*files, *place.state.glob(f"{place.database.name}*")):
        file.unlink(missing_ok=True)
    try:
        place.state.rmdir()
    except OSError:
        # Something that is not ours is in it.
        return


def _start(place: Place, options: StartOptions, target: Path, made: _Made, first: Place | None) -> Started:
    _make_directory(place)
    if first is not None and not place.exists():
        joining.copy_keys(first, place)
        places.write_json(place.config, joining.entries(first))
    config = _config(place, options)
    places.write_json(place.config, config)
    if place.state != places.Place(place.name, place.pointer.with_suffix(""), place.pointer).state:
        place.pointer.write_text(f"{place.state}\n")
    report, process = _spawn(place)
    made.process = process
    _make_keys(place)
    _go(process)
    told = _await_report(report, process, options.timeout)
    if "error" in told:
        raise Refused(f"cluster {place.name} did not start: {told['error']}")
    access = _access(place)
    if options.context:
        _write_context(place, target)
    return Started(True, access.server, target, config["runtime"], config["why"])


def _make_directory(place: Place) -> None:
    if place.state.exists() and not place.state.is_dir():
        raise Refused(f"the state directory {place.state} is a file; give another with --state")
    try:
        place.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = place.state / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise Refused(
            f"cannot write the state directory {place.state}: {error.strerror}; give another with --state"
        ) from error


def _config(place: Place, options: StartOptions) -> dict[str, Any]:
    config = places.read_json(place.config)
    choice = ladder.choose(options.runtime or config.get("asked_runtime", ""))
    port = options.port or config.get("port") or 0
    if options.port:
        if _taken(options.port):
            raise Refused(f"port {options.port} of 127.0.0.1 is used by another program; choose another with --port")
    elif not port or _taken(port):
        port = 0 if _taken(_DEFAULT_PORT) else _DEFAULT_PORT
    return (
        config
        | {
            "version": options.version.removeprefix("v") or config.get("version") or DEFAULT_VERSION,
            "asked_runtime": options.runtime or config.get("asked_runtime", ""),
            "runtime": choice.runtime,
            "why": choice.why,
            "identity": config.get("identity") or uuid.uuid4().hex,
            "nodes": options.nodes or config.get("nodes") or 1,
            "port": port,
            "extra_config": {"apiserver": _settings(place, options)},
        }
        | storages.settled(place, config, options.storage)
    )


def _taken(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _spawn(place: Place) -> tuple[int, subprocess.Popen[bytes]]:
    """The daemon, which now imports its parts and waits for `go`."""
    reading, writing = os.pipe()
    root = str(Path(__file__).resolve().parents[2])
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in (root, os.environ.get("PYTHONPATH")) if p)}
    with place.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cluster.cli.daemon", place.name, str(place.state), str(writing)],
            stdin=subprocess.PIPE, stdout=log, stderr=log, pass_fds=(writing,), start_new_session=True, cwd="/",
            env=environ,
        )  # fmt: skip
    os.close(writing)
    return reading, process


def _make_keys(place: Place) -> None:
    from cluster.cli.pki import Keys, make
    from cluster.cli.ranges import RANGES, first_service_address

    keys = Keys(place.pki)
    if not keys.complete():
        # Which range it gets is only known once it runs; the certificate is good for all.
        make(keys, place.name, [first_service_address(number) for number in range(RANGES)])


def _go(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(b"go\n")
        process.stdin.close()
    except BrokenPipeError:
        return


def _await_report(report: int, process: subprocess.Popen[bytes], timeout: float) -> dict[str, Any]:
    until = time.monotonic() + timeout
    data = b""
    try:
        while not data.endswith(b"\n"):
            ready, _, _ = select.select([report], [], [], max(until - time.monotonic(), 0))
            if not ready:
                return {"error": f"it was not ready after {timeout:g} s; see `pyhelm cluster logs`"}
            block = os.read(report, 65536)
            if not block:
                return {"error": f"its process ended with code {process.wait()}"}
            data += block
    finally:
        os.close(report)
    found = json.loads(data)
    return found if isinstance(found, dict) else {"error": "its process said nothing intelligible"}


def _access(place: Place) -> Access:
    from cluster.cli.pki import Keys

    keys = Keys(place.pki)
    access = Access(server_of(place), keys.ca, keys.admin, keys.admin_key)
    place.kubeconfig.write_text(kubeconfig.text_of(place.name, access))
    place.kubeconfig.chmod(0o600)
    return access


def _write_context(place: Place, target: Path) -> None:
    before = kubeconfig.add(target, place.name, _access(place))
    known = places.read_json(place.merged)
    if known.get("path") == str(target) and not before:
        before = known.get("before") or ""
    places.write_json(place.merged, {"path": str(target), "before": before})
