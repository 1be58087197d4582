"""Post-renderers are plugins of Helm, which pyhelm does not run: a name that is given is refused as unknown."""

from __future__ import annotations

from pyhelm.cli.command import Call
from pyhelm.cli.flags import UsageError


def refuse_post_renderer(call: Call) -> None:
    """Raise UsageError where a post-renderer is asked for."""
    name = str(call.parsed.values.get("post-renderer") or "")
    if name:
        raise UsageError(
            f'invalid argument "{name}" for "--post-renderer" flag: '
            f"plugin: {{Name:{name} Type:postrenderer/v1}} not found"
        )
