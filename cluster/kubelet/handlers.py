"""Asking a container something: by a command in it, by HTTP, by a TCP connection; for probes and lifecycle hooks.

Answers and error texts are those of the kubelet, since they end up in events that people search for.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluster.kubelet.runtimes.interface import Runtime, RuntimeFault

_BODY_LIMIT = 10 * 1024
_AGENT = "kube-probe/1.36"


@dataclass(frozen=True, slots=True)
class Target:
    """The container that is asked."""

    runtime: Runtime
    container_id: str
    container: Mapping[str, Any]
    ip: str


@dataclass(frozen=True, slots=True)
class Answer:
    ok: bool
    text: str = ""


async def ask(handler: Mapping[str, Any], target: Target, timeout: float) -> Answer:
    """One of exec, httpGet, tcpSocket, sleep; anything else is refused by name."""
    if (spec := handler.get("exec")) is not None:
        return await _exec(spec, target, timeout)
    if (spec := handler.get("sleep")) is not None:
        await asyncio.sleep(spec.get("seconds") or 0)
        return Answer(True)
    if (spec := handler.get("httpGet")) is not None:
        return await _bounded(_http(spec, target), timeout) if target.runtime.reachable else Answer(True)
    if (spec := handler.get("tcpSocket")) is not None:
        return await _bounded(_tcp(spec, target), timeout) if target.runtime.reachable else Answer(True)
    known = ("grpc",)
    asked = next((k for k in known if handler.get(k) is not None), "of an unknown kind")
    return Answer(False, f"probes by {asked} are not supported by this node")


async def _exec(spec: Mapping[str, Any], target: Target, timeout: float) -> Answer:
    command = tuple(spec.get("command") or ())
    try:
        done = await target.runtime.exec(target.container_id, command, timeout)
    except TimeoutError:
        return Answer(False, f'command timed out: "{" ".join(command)}" timed out after {timeout:g}s')
    except RuntimeFault as fault:
        return Answer(False, fault.message)
    return Answer(done.exit_code == 0, (done.stdout + done.stderr)[:_BODY_LIMIT].decode("utf-8", "replace"))


async def _bounded(asking: Any, timeout: float) -> Answer:
    try:
        async with asyncio.timeout(timeout):
            answer: Answer = await asking
    except TimeoutError:
        return Answer(False, "context deadline exceeded (Client.Timeout exceeded while awaiting headers)")
    return answer


def port_number(port: int | str, container: Mapping[str, Any]) -> int:
    """A number, or the container's port of that name. Raises ValueError."""
    if isinstance(port, int) or str(port).isdigit():
        return int(port)
    for each in container.get("ports") or ():
        if each.get("name") == port:
            return int(each["containerPort"])
    raise ValueError(f"couldn't find port: {port}")


async def _tcp(spec: Mapping[str, Any], target: Target) -> Answer:
    try:
        host, port = spec.get("host") or target.ip, port_number(spec["port"], target.container)
        _, writer = await asyncio.open_connection(host, port)
    except ValueError as fault:
        return Answer(False, str(fault))
    except OSError as error:
        return Answer(False, f"dial tcp {host}:{port}: connect: {_reason(error)}")
    writer.close()
    return Answer(True)


async def _http(spec: Mapping[str, Any], target: Target) -> Answer:
    try:
        host, port = spec.get("host") or target.ip, port_number(spec["port"], target.container)
    except ValueError as fault:
        return Answer(False, str(fault))
    scheme = (spec.get("scheme") or "HTTP").lower()
    path = spec.get("path") or "/"
    url = f"{scheme}://{host}:{port}{path if path.startswith('/') else '/' + path}"
    try:
        status, body = await _fetch(scheme, host, port, path, spec.get("httpHeaders") or ())
    except OSError as error:
        return Answer(False, f'Get "{url}": dial tcp {host}:{port}: connect: {_reason(error)}')
    except (ValueError, EOFError):
        return Answer(False, f'Get "{url}": EOF')
    if 200 <= status < 400:
        return Answer(True, body)
    return Answer(False, f"HTTP probe failed with statuscode: {status}")


async def _fetch(scheme: str, host: str, port: int, path: str, headers: Any) -> tuple[int, str]:
    """Status code and the beginning of the body."""
    reader, writer = await asyncio.open_connection(host, port, ssl=_unverified() if scheme == "https" else None)
    try:
        given = {h["name"]: h["value"] for h in headers}
        lower = {name.lower() for name in given}
        lines = [f"GET {path if path.startswith('/') else '/' + path} HTTP/1.1"]
        defaults = {"Host": f"{host}:{port}", "User-Agent": _AGENT, "Accept": "*/*", "Connection": "close"}
        lines += [
            f"{k}: {v}" for k, v in {**{k: v for k, v in defaults.items() if k.lower() not in lower}, **given}.items()
        ]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"))
        first = await reader.readline()
        code = int(first.split()[1]) if len(first.split()) > 1 else _no_answer()
        rest = await reader.read(_BODY_LIMIT)
        return code, rest.partition(b"\r\n\r\n")[2].decode("utf-8", "replace")
    finally:
        writer.close()


def _no_answer() -> int:
    raise EOFError


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return (error.strerror or str(error)).lower()
