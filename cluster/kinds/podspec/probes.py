"""Validation of probes and lifecycle hooks and the handlers they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.meta import names
from cluster.meta.field import Path, forbidden, invalid, required

Handler = dict[str, Any]


def port_or_name(path: str, value: int | str | None) -> Faults:
    """A port number or the name of one."""
    if isinstance(value, str):
        return checks.by_rule(path, value, names.port_name)
    return checks.port(path, value or 0)


def _exec(path: Path, action: Handler) -> Faults:
    return [] if action.get("command") else [required(path / "command")]


def _http(path: Path, action: Handler) -> Faults:
    faults: Faults = [] if action.get("path") else [required(path / "path")]
    faults += port_or_name(path / "port", action.get("port"))
    faults += checks.one_of(path / "scheme", action.get("scheme", ""), ("HTTP", "HTTPS"))
    for header in action.get("httpHeaders") or ():
        faults += checks.by_rule(path / "httpHeaders", header.get("name") or "", names.http_header_name)
    return faults


def _tcp(path: Path, action: Handler) -> Faults:
    return port_or_name(path / "port", action.get("port"))


def _grpc(path: Path, action: Handler) -> Faults:
    return checks.port(path / "port", action.get("port") or 0)


def _sleep(grace: int | None) -> Callable[[Path, Handler], Faults]:
    def check(path: Path, action: Handler) -> Faults:
        seconds = action.get("seconds") or 0
        if 0 <= seconds <= (30 if grace is None else grace):
            return []
        return [
            invalid(
                path,
                seconds,
                f"must be non-negative and less than terminationGracePeriodSeconds ({30 if grace is None else grace})",
            )
        ]

    return check


_PROBE_HANDLERS: dict[str, Callable[[Path, Handler], Faults]] = {
    "exec": _exec,
    "httpGet": _http,
    "tcpSocket": _tcp,
    "grpc": _grpc,
}


def _handler(path: Path, handler: Handler, kinds: dict[str, Callable[[Path, Handler], Faults]]) -> Faults:
    """Exactly one of the handlers, and that one sound."""
    faults: Faults = []
    found = 0
    for name, check in kinds.items():
        if handler.get(name) is None:
            continue
        found += 1
        if found > 1:
            faults.append(forbidden(path / name, "may not specify more than 1 handler type"))
        else:
            faults += check(path / name, handler[name])
    if not found:
        faults.append(required(path, "must specify a handler type"))
    return faults


def _probe(path: Path, probe: dict[str, Any]) -> Faults:
    faults = _handler(path, probe, _PROBE_HANDLERS)
    for name in (
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
    ):
        faults += checks.nonnegative(path / name, probe.get(name))
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        faults.append(invalid(path / "terminationGracePeriodSeconds", grace, "must be greater than 0"))
    return faults


def liveness(path: Path, probe: dict[str, Any] | None) -> Faults:
    """A liveness or startup probe: one success is success."""
    if probe is None:
        return []
    faults = _probe(path, probe)
    if (successes := probe.get("successThreshold")) != 1:
        faults.append(invalid(path / "successThreshold", successes or 0, "must be 1"))
    return faults


def readiness(path: Path, probe: dict[str, Any] | None) -> Faults:
    if probe is None:
        return []
    faults = _probe(path, probe)
    if (grace := probe.get("terminationGracePeriodSeconds")) is not None:
        faults.append(invalid(path / "terminationGracePeriodSeconds", grace, "must not be set for readinessProbes"))
    return faults


def lifecycle(
    path: Path, hooks: dict[str, Any] | None, grace: int | None, system: dict[str, Any] | None = None
) -> Faults:
    """postStart, preStop and stopSignal; `grace` is the pod's termination grace period in seconds, `system` its os."""
    kinds = {"exec": _exec, "httpGet": _http, "tcpSocket": _tcp, "sleep": _sleep(grace)}
    faults: Faults = []
    for name in ("postStart", "preStop"):
        if (hooks or {}).get(name) is not None:
            faults += _handler(path / name, (hooks or {})[name], kinds)
    if (signal := (hooks or {}).get("stopSignal")) is not None:
        faults += _stop_signal(path / "stopSignal", signal, system)
    return faults


_NAMED_SIGNALS = (
    "SIGABRT SIGALRM SIGBUS SIGCHLD SIGCLD SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGIOT SIGKILL SIGPIPE SIGPOLL "
    "SIGPROF SIGPWR SIGQUIT SIGSEGV SIGSTKFLT SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1 "
    "SIGUSR2 SIGVTALRM SIGWINCH SIGXCPU SIGXFSZ"
)
LINUX_SIGNALS = sorted(
    [
        *_NAMED_SIGNALS.split(),
        "SIGRTMIN",
        "SIGRTMAX",
        *(f"SIGRTMIN+{number}" for number in range(1, 16)),
        *(f"SIGRTMAX-{number}" for number in range(1, 15)),
    ]
)
WINDOWS_SIGNALS = ["SIGKILL", "SIGTERM"]


def _stop_signal(path: Path, signal: str, system: dict[str, Any] | None) -> Faults:
    if system is None:
        return [forbidden(path, "may not be set for containers with empty `spec.os.name`")]
    known = {"windows": WINDOWS_SIGNALS, "linux": LINUX_SIGNALS}.get(system.get("name") or "")
    return [] if known is None else checks.one_of(path, signal, known)
