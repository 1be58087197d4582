"""Running a command in a container for a client far away: the channel protocol over a WebSocket.

Every message begins with its channel: 0 standard input, 1 output, 2 errors, 3 the final Status, 4 the terminal's
size; in v5 a message on 255 closes the channel it names. v4 has no such end, so input ends with the connection.
Older dialects are made to look like these by cluster.kubelet.channels.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import signal
import struct
import termios
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from cluster.kubelet.runtimes.interface import ExecResult, RuntimeFault
from cluster.kubelet.runtimes.process import ProcessRuntime


class Messages(Protocol):
    """Whole messages to and from the client, such as a WebSocket's."""

    async def receive(self) -> bytes | None:
        """None when the client is gone."""
        ...

    async def send(self, data: bytes) -> None: ...

    def close(self) -> None: ...


SPOKEN_SPDY = ("v4.channel.k8s.io",)
_IN, _OUT, _ERR, _STATUS, _SIZE, _CLOSE = 0, 1, 2, 3, 4, 255
_BLOCK = 32 * 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool

    @property
    def streams(self) -> set[str]:
        """The streams a SPDY client opens for it."""
        asked = {"stdin": self.stdin, "stdout": self.stdout, "stderr": self.stderr and not self.tty}
        return {"error", *(name for name, on in asked.items() if on), *(("resize",) if self.tty else ())}


async def run(
    socket: Messages, runtime: ProcessRuntime, container_id: str, command: tuple[str, ...], wanted: Wanted
) -> None:
    """Until the command has ended or the client is gone (then the command is killed)."""
    master, slave = pty.openpty() if wanted.tty else (None, None)
    try:
        process = await runtime.spawn(container_id, command, stdin=wanted.stdin, terminal=slave)
    except (RuntimeFault, OSError) as fault:
        await _tell(socket, failure(f"command could not be started: {fault}"))
        if master is not None:
            os.close(master)
        return
    finally:
        if slave is not None:
            os.close(slave)
    write = _terminal_writer(master) if master is not None else _pipe_writer(process)
    listening = asyncio.ensure_future(_listen(socket, write, master))
    pumping = asyncio.ensure_future(_pump(socket, process, wanted, master))
    ending = asyncio.ensure_future(process.wait())
    try:
        await asyncio.wait({listening, ending}, return_when=asyncio.FIRST_COMPLETED)
        if not ending.done() and not listening.result():
            return
        code = await ending
        with suppress(TimeoutError):
            async with asyncio.timeout(2.0):
                await pumping
        await _tell(socket, exited(code if code >= 0 else 128 - code))
    finally:
        listening.cancel()
        pumping.cancel()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        await asyncio.gather(listening, pumping, ending, return_exceptions=True)
        if master is not None:
            os.close(master)


async def answer(socket: Messages, result: ExecResult) -> None:
    """The whole outcome at once, for runtimes that have no streams."""
    for channel, data in ((_OUT, result.stdout), (_ERR, result.stderr)):
        if data:
            await socket.send(bytes((channel,)) + data)
    await _tell(socket, exited(result.exit_code))


async def attach(
    socket: Messages, runtime: ProcessRuntime, container_id: str, wanted: Wanted, *, stdin_once: bool
) -> None:
    """What the container says from now on, until it ends or the client goes; it lives on without the client.
    `stdin_once` closes its input with the client's."""
    said: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue()
    try:
        attachment = runtime.attach(container_id, said.put_nowait)
    except RuntimeFault as fault:
        await _tell(socket, failure(str(fault)))
        return

    async def write(data: bytes | None) -> None:
        if wanted.stdin and (data is not None or stdin_once):
            attachment.write(data)

    listening = asyncio.ensure_future(_listen(socket, write, None))
    relaying = asyncio.ensure_future(_relay(socket, said, wanted))
    try:
        await asyncio.wait({listening, relaying}, return_when=asyncio.FIRST_COMPLETED)
        if relaying.done():
            await _tell(socket, exited(0))
        else:
            await write(None)
    finally:
        attachment.detach()
        listening.cancel()
        relaying.cancel()
        await asyncio.gather(listening, relaying, return_exceptions=True)


async def _relay(socket: Messages, said: asyncio.Queue[tuple[int, bytes] | None], wanted: Wanted) -> None:
    shown = {_OUT: wanted.stdout, _ERR: wanted.stderr}
    while (item := await said.get()) is not None:
        stream, data = item
        if shown[stream]:
            await socket.send(bytes((stream,)) + data)


async def _tell(socket: Messages, status: dict[str, object]) -> None:
    with suppress(ConnectionError):
        await socket.send(bytes((_STATUS,)) + json.dumps(status).encode())
        socket.close()


def exited(code: int) -> dict[str, object]:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    causes = [{"reason": "ExitCode", "message": str(code)}]
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": causes},
    }


def failure(message: str) -> dict[str, object]:
    return {"metadata": {}, "status": "Failure", "message": message, "reason": "InternalError", "code": 500}


Write = Callable[[bytes | None], Awaitable[None]]
"""Data for the command's input; None ends it."""


def _pipe_writer(process: asyncio.subprocess.Process) -> Write:
    async def write(data: bytes | None) -> None:
        if process.stdin is None or process.stdin.is_closing():
            return
        if data is None:
            process.stdin.close()
            return
        process.stdin.write(data)
        with suppress(ConnectionError):
            await process.stdin.drain()

    return write


def _terminal_writer(master: int) -> Write:
    async def write(data: bytes | None) -> None:
        with suppress(OSError):
            await asyncio.to_thread(os.write, master, b"\x04" if data is None else data)

    return write


async def _listen(socket: Messages, write: Write, master: int | None) -> bool:
    """Take in what the client sends; False when the client is gone."""
    while (message := await socket.receive()) is not None:
        if not message:
            continue
        channel, data = message[0], message[1:]
        if channel == _IN and data:
            await write(data)
        elif channel == _CLOSE and data[:1] == b"\0":
            await write(None)
        elif channel == _SIZE and master is not None:
            _resize(master, data)
    return False


def _resize(master: int, data: bytes) -> None:
    with suppress(ValueError, OSError, KeyError, struct.error):
        size = json.loads(data)
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", size["Height"], size["Width"], 0, 0))


async def _pump(socket: Messages, process: asyncio.subprocess.Process, wanted: Wanted, master: int | None) -> None:
    if master is not None:
        await _pump_terminal(socket, master)
        return
    async with asyncio.TaskGroup() as group:
        for stream, channel, shown in ((process.stdout, _OUT, wanted.stdout), (process.stderr, _ERR, wanted.stderr)):
            if stream is not None:
                group.create_task(_pump_stream(socket, stream, channel, shown=shown))


async def _pump_stream(socket: Messages, stream: asyncio.StreamReader, channel: int, *, shown: bool) -> None:
    while data := await stream.read(_BLOCK):
        if shown:
            await socket.send(bytes((channel,)) + data)


async def _pump_terminal(socket: Messages, master: int) -> None:
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    os.set_blocking(master, False)
    loop.add_reader(master, arrived.set)
    try:
        while True:
            await arrived.wait()
            arrived.clear()
            try:
                data = os.read(master, _BLOCK)
            except BlockingIOError:
                continue
            except OSError:
                # Linux says so when the last process has let go of the terminal.
                return
            if not data:
                return
            await socket.send(bytes((_OUT,)) + data)
    finally:
        loop.remove_reader(master)
