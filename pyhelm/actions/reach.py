"""Is there a server at all? Asked before anything else, so that the answer is one clear sentence."""

from __future__ import annotations

from pyhelm.actions.context import Context
from pyhelm.errors import KubeError


async def check_reachable(context: Context) -> None:
    """Raise KubeError where the server cannot be reached, in the words of install and template."""
    try:
        await reachable(context)
    except KubeError as error:
        text = f"cluster reachability check failed: {error}"
        context.reporter.log("ERROR", text, {})
        raise KubeError(text, code=error.code, reason=error.reason) from error


async def reachable(context: Context) -> None:
    """Raise KubeError where the server cannot be reached."""
    try:
        await context.discovery.version()
    except KubeError as error:
        raise KubeError(f"kubernetes cluster unreachable: {error}", code=error.code, reason=error.reason) from error
