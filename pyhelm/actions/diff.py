"""Diff: the manifest a release has against the one an upgrade would give it. Changes nothing."""

from __future__ import annotations

from typing import Any

from pyhelm.actions.capabilities import server_capabilities
from pyhelm.actions.context import Context
from pyhelm.actions.options import UpgradeOptions
from pyhelm.actions.reach import reachable
from pyhelm.actions.render import Rendering, live_lookup, prepare, render
from pyhelm.actions.reuse import reused_values
from pyhelm.chart.model import Chart
from pyhelm.engine.interface import ReleaseInfo
from pyhelm.manifest.diff import Change, diff_manifests
from pyhelm.release.model import Release
from pyhelm.storage.interface import ReleaseNotFound


async def diff_upgrade(
    context: Context, name: str, chart: Chart, given: dict[str, Any], options: UpgradeOptions, lines: int = 3
) -> list[Change]:
    """Changes an upgrade (or an install, where there is no release yet) would make. Raises PyhelmError."""
    await reachable(context)
    try:
        last: Release | None = await context.releases.last(name)
    except ReleaseNotFound:
        last = None
    values = reused_values(chart, last, given, options) if last else given
    rendered = render(
        Rendering(
            chart=prepare(chart, values),
            values=values,
            release=ReleaseInfo(
                name=name,
                namespace=context.namespace,
                revision=last.version + 1 if last else 1,
                is_install=last is None,
                is_upgrade=last is not None,
            ),
            capabilities=await server_capabilities(context.discovery),
            options=options.render,
            lookup=await live_lookup(context),
            cache=context.cache,
            log=context.reporter.log,
        )
    )
    return diff_manifests(last.manifest if last else "", rendered.manifest, context.namespace, lines)
