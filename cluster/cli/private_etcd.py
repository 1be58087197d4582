"""An etcd of a cluster's own: the program found on PATH, reached over a socket in a directory only its owner can enter.

It belongs to all API servers that use the directory. Each holds a shared lock on `users` while it runs; whoever finds
nobody else there when it leaves ends etcd. etcd itself holds the lock `lock` for as long as it lives, because it was
born with the open file: so neither a pid nor a port has to be believed, and what outlived a killed server is found
again and used. It must not know what is kept in etcd.
"""

from __future__ import annotations

import fcntl
import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from cluster.cli import places
from cluster.cli.places import Refused

PROGRAM = "etcd"
_SOCKET = "client:1"
"""etcd wants a port in the name of a socket."""
_BEFORE = "data.before"
_LONGEST_PATH = 100
_PATIENCE = 30.0
_QUOTA = 4 << 30


def installed() -> bool:
    return shutil.which(PROGRAM) is not None


def check_installed() -> None:
    """Raises Refused."""
    if not installed():
        raise Refused(
            "--storage etcd needs the program etcd, which is not on PATH: install it (Debian, Ubuntu: apt-get install "
            "etcd-server), name a running one with --etcd-servers, or leave --storage away"
        )


class PrivateEtcd:
    """`directory` holds its data, sockets, locks and log."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._membership: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._way = ""

    @property
    def url(self) -> str:
        """For EtcdStore.open. The path of a socket may not be long; then it is reached through its directory."""
        if not self._way:
            self._way = str(self.directory)
            if len(os.fsencode(self._way)) > _LONGEST_PATH - len(_SOCKET) and Path("/proc/self/fd").is_dir():
                opened = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                self._way = f"/proc/self/fd/{opened}"
        return f"unix://{self._way}/{_SOCKET}"

    def enter(self) -> None:
        """Become one of its users, and start it where it does not run. Raises Refused."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._membership = os.open(self.directory / "users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._membership, fcntl.LOCK_SH)
        try:
            self.ensure()
        except BaseException:
            self.leave()
            raise

    def ensure(self) -> None:
        """Start it where it does not run, and wait until it answers. Raises Refused."""
        starting = places.hold(self.directory / "starting", wait=True)
        try:
            if not self.alive():
                self._spawn()
            self._await_answer()
        finally:
            if starting is not None:
                os.close(starting)

    def leave(self) -> None:
        """Stop using it; the last one ends it."""
        if self._membership is not None:
            os.close(self._membership)
            self._membership = None
        self.end_unused()

    def end_unused(self) -> None:
        """End it when no API server uses it."""
        if not self.directory.is_dir():
            return
        alone = places.hold(self.directory / "users")
        if alone is None:
            return
        try:
            self._end()
        finally:
            os.close(alone)

    def take_data_of(self, other: PrivateEtcd) -> None:
        """The other's data become this one's; both must have ended."""
        data, before = self.directory / "data", self.directory / _BEFORE
        shutil.rmtree(before, ignore_errors=True)
        if data.exists():
            data.rename(before)
        (other.directory / "data").rename(data)
        shutil.rmtree(before, ignore_errors=True)

    def alive(self) -> bool:
        if self._process is not None:
            self._process.poll()
        if not self.directory.is_dir():
            return False
        held = places.hold(self.directory / "lock")
        if held is None:
            return True
        os.close(held)
        return False

    def _spawn(self) -> None:
        check_installed()
        lock = places.hold(self.directory / "lock")
        if lock is None:
            return
        os.set_inheritable(lock, True)
        if (self.directory / _BEFORE).exists() and not (self.directory / "data").exists():
            # A restore ended between its two steps: what was there is there again.
            (self.directory / _BEFORE).rename(self.directory / "data")
        for name in (_SOCKET, "peer:1"):
            (self.directory / name).unlink(missing_ok=True)
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    PROGRAM, "--name", "default", "--data-dir", "data", "--logger", "zap", "--log-level", "warn",
                    "--listen-client-urls", f"unix://{_SOCKET}", "--advertise-client-urls", "http://localhost:1",
                    "--listen-peer-urls", "unix://peer:1", "--initial-advertise-peer-urls", "http://localhost:1",
                    "--initial-cluster", "default=http://localhost:1",
                    # Alone, it need not wait for anybody before it leads.
                    "--heartbeat-interval", "20", "--election-timeout", "200",
                    "--snapshot-count", "10000", "--quota-backend-bytes", str(_QUOTA),
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(lock,), start_new_session=True,
                cwd=self.directory, umask=0o077,
            )  # fmt: skip
        os.close(lock)
        (self.directory / "pid").write_text(str(self._process.pid))

    def _await_answer(self) -> None:
        until = time.monotonic() + _PATIENCE
        while not self._healthy():
            if not self.alive():
                raise Refused(f"etcd ended while starting; see {self.directory / 'log'}")
            if time.monotonic() > until:
                raise Refused(f"etcd does not answer after {_PATIENCE:g} s; see {self.directory / 'log'}")
            time.sleep(0.01)

    def _healthy(self) -> bool:
        connection = _UnixConnection(self.url.removeprefix("unix://"))
        try:
            connection.request("GET", "/health")
            return b'"true"' in connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _end(self) -> None:
        until = time.monotonic() + _PATIENCE
        sent = 0
        while self.alive():
            # The lock is held, so this pid is etcd's and nobody else's.
            pid = int((self.directory / "pid").read_text() or 0)
            late = time.monotonic() > until
            if sent < 1 + late:
                os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
                sent += 1
            time.sleep(0.01)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("etcd", timeout=5.0)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
