"""/statusz and /flagz: how long the server runs, and with which settings; for people, in no fixed format."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cluster.apiserver.http.messages import Response
from cluster.apiserver.options import ISSUER
from cluster.apiserver.request import Context

if TYPE_CHECKING:
    from cluster.apiserver.options import ApiServerOptions

_WARNING = (
    "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is "
    "for debugging purposes only."
)
_PATHS = ("/flagz", "/healthz", "/livez", "/metrics", "/readyz", "/statusz", "/version")
_TEXT = "text/plain; charset=utf-8"


class Statusz:
    """`info` is what /version says; `started` the time of the start by the clock that `now` reads."""

    def __init__(self, info: Mapping[str, Any], started: float, now: Callable[[], float]) -> None:
        self._info = info
        self._started = started
        self._now = now

    async def __call__(self, _: Context) -> Response:
        info, up = self._info, int(self._now() - self._started)
        hours, minutes, seconds = up // 3600, up // 60 % 60, up % 60
        lines = [
            "",
            "apiserver statusz",
            _WARNING,
            "",
            f"Started= {time.strftime('%a %b %d %H:%M:%S UTC %Y', time.gmtime(self._started))}",
            f"Up= {hours} hr {minutes:02d} min {seconds:02d} sec",
            f"Go version= {info['goVersion']}",
            f"Binary version= {str(info['gitVersion']).removeprefix('v')}",
            f"Emulation version= {info['emulationMajor']}.{info['emulationMinor']}",
            f"Paths= {' '.join(_PATHS)}",
            "",
        ]
        return Response(200, "\n".join(lines).encode(), _TEXT)


class Flagz:
    def __init__(self, options: ApiServerOptions) -> None:
        self._options = options

    async def __call__(self, _: Context) -> Response:
        rows = [f"{name} {value}" for name, value in sorted(flags(self._options).items())]
        return Response(200, "\n".join(("", "apiserver flagz", _WARNING, *rows, "")).encode(), _TEXT)


def flags(options: ApiServerOptions) -> dict[str, str]:
    """The settings in effect, by kube-apiserver's names."""
    issuers = options.service_accounts.issuers if options.service_accounts else (ISSUER,)
    values: dict[str, Any] = {
        "advertise-address": options.advertise or options.address,
        "anonymous-auth": options.anonymous,
        "bind-address": options.address,
        "client-ca-file": options.client_ca,
        "enable-priority-and-fairness": options.priority_and_fairness,
        "max-mutating-requests-inflight": options.mutating_requests_inflight,
        "max-requests-inflight": options.requests_inflight,
        "min-request-timeout": int(options.min_request_timeout),
        "request-timeout": _duration(options.request_timeout),
        "secure-port": options.port,
        "service-account-issuer": f"[{' '.join(issuers)}]",
        "service-account-signing-key-file": options.signing_key,
        "service-cluster-ip-range": options.service_cidr,
        "service-node-port-range": "-".join(str(port) for port in options.node_ports),
        "shutdown-delay-duration": _duration(options.shutdown_delay),
        "tls-cert-file": options.tls_certificate,
        "tls-private-key-file": options.tls_key,
        "token-auth-file": options.token_file,
    }
    return {name: _shown(value) for name, value in values.items()}


def _duration(seconds: float) -> str:
    from cluster.meta.times import format_duration

    return format_duration(int(seconds * 1e9))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
