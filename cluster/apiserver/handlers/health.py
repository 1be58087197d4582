"""/healthz, /livez and /readyz: one list of checks each, singly, verbosely, with exclusions."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable

from cluster.apiserver.http.messages import Response
from cluster.apiserver.request import Context

Check = Callable[[], str]
"""Empty when all is well, else what is wrong (never shown to the client, only logged)."""
_log = logging.getLogger(__name__)
_TEXT = "text/plain; charset=utf-8"


class Health:
    """`name` is healthz, livez or readyz."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.checks: dict[str, Check] = {}
        self.results: Counter[tuple[str, str]] = Counter()
        """How often each check was found in which state, success or error."""

    async def __call__(self, ctx: Context) -> Response:
        rest = ctx.request.path.strip("/").partition("/")[2]
        if rest:
            return self._single(rest)
        excluded = set(ctx.query.all("exclude"))
        lines, failed = [], False
        for name, check in self.checks.items():
            if name in excluded:
                lines.append(f"[+]{name} excluded: ok")
            elif why := check():
                failed = True
                self.results[name, "error"] += 1
                _log.info("%s: %s failed: %s", self.name, name, why)
                lines.append(f"[-]{name} failed: reason withheld")
            else:
                self.results[name, "success"] += 1
                lines.append(f"[+]{name} ok")
        lines += self._unmatched(excluded)
        if failed:
            return _plain(500, "\n".join([*lines, f"{self.name} check failed", ""]))
        if not ctx.query.has("verbose"):
            return _plain(200, "ok")
        return _plain(200, "\n".join([*lines, f"{self.name} check passed", ""]))

    def _unmatched(self, excluded: set[str]) -> list[str]:
        unknown = sorted(excluded - set(self.checks))
        if not unknown:
            return []
        shown = ",".join(f'"{name}"' for name in unknown)
        return [f"warn: some health checks cannot be excluded: no matches for {shown}"]

    def _single(self, name: str) -> Response:
        check = self.checks.get(name)
        if check is None:
            return _plain(404, "404 page not found\n")
        failure = check()
        return _plain(500, f"internal server error: {failure}\n") if failure else _plain(200, "ok")


def _plain(status: int, text: str) -> Response:
    return Response(status, text.encode(), _TEXT, [("X-Content-Type-Options", "nosniff")])
