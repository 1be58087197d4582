"""A client dry run: the release an install would make, without any server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyhelm.actions.context import Log, utc_now
from pyhelm.actions.options import InstallOptions
from pyhelm.actions.render import Rendering, prepare, render
from pyhelm.chart.model import Chart
from pyhelm.engine.capabilities import capabilities
from pyhelm.engine.interface import ReleaseInfo
from pyhelm.release.model import Info, Release, chart_record
from pyhelm.release.status import Status
from pyhelm.release.times import format_time


def offline_release(
    name: str,
    namespace: str,
    chart: Chart,
    values: dict[str, Any],
    options: InstallOptions,
    log: Log,
    cache: Path | None,
) -> Release:
    """Render as for revision 1. Raises PyhelmError."""
    settled = prepare(chart, values)
    facts = capabilities(options.render.kube_version, options.render.api_versions)
    rendered = render(
        Rendering(
            chart=settled,
            values=values,
            release=ReleaseInfo(name=name, namespace=namespace),
            capabilities=facts,
            options=options.render,
            cache=cache,
            log=log,
        )
    )
    now = format_time(utc_now())
    return Release(
        name=name,
        namespace=namespace,
        info=Info(now, now, "", "Dry run complete", Status.PENDING_INSTALL, rendered.notes),
        chart=chart_record(settled),
        config=values,
        manifest=rendered.manifest,
        hooks=rendered.hooks,
        labels=dict(options.labels),
        apply_method="ssa" if options.server_side else "csa",
    )
