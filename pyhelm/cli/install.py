"""`install`: a chart becomes a release in a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyhelm.cli.chartflags import DRY_RUN
from pyhelm.cli.command import Call, Command, min_args
from pyhelm.cli.flags import boolean, exclusive
from pyhelm.cli.installflags import INSTALL
from pyhelm.cli.output import OUTPUT
from pyhelm.errors import PyhelmError

if TYPE_CHECKING:
    from pyhelm.actions.options import DryRun, InstallOptions
    from pyhelm.chart.model import Chart
    from pyhelm.release.model import Release

_FLAGS = (
    *INSTALL,
    boolean("hide-secret", "hide Kubernetes Secrets when also using the --dry-run flag"),
    DRY_RUN,
    OUTPUT,
)


def run(call: Call) -> None:
    from pyhelm.cli import requests
    from pyhelm.cli.postrender import refuse_post_renderer
    from pyhelm.cli.releases import show_release

    exclusive(call.parsed, ("force-replace", "force-conflicts"))
    refuse_post_renderer(call)
    dry = requests.dry_run(call)
    try:
        name, reference = requests.name_and_chart(call, call.words)
        release = installed(call, name, reference, dry)
    except PyhelmError as error:
        raise failure("INSTALLATION FAILED", error) from error
    show_release(call, release, hide_notes=call["hide-notes"])


def failure(words: str, error: PyhelmError) -> PyhelmError:
    """The error of an action under the words of its command."""
    from pyhelm.errors import TemplateError

    said = error.helm if isinstance(error, TemplateError) else str(error)
    return PyhelmError(f"{words}: {said}")


def installed(call: Call, name: str, reference: str, dry: DryRun, *, replace: bool = False) -> Release:
    """Do it, or a dry run of it. Raises PyhelmError."""
    from pyhelm.actions.options import DryRun
    from pyhelm.cli.charts import requested_chart
    from pyhelm.cli.valueflags import user_values

    chart, values = user_values(call, lambda: requested_chart(call, reference))
    options = install_options(call, dry, replace=replace)
    if dry is DryRun.CLIENT:
        return _offline(call, name, chart, values, options)
    from pyhelm.actions.context import Context
    from pyhelm.actions.install import install
    from pyhelm.cli.connect import run_connected

    async def go(context: Context) -> Release:
        return await install(context, name, chart, values, options)

    return run_connected(call, go)


def install_options(call: Call, dry: DryRun, *, replace: bool) -> InstallOptions:
    from pyhelm.actions.options import InstallOptions
    from pyhelm.cli.flags import pairs_of
    from pyhelm.cli.requests import render_options, wait_options

    values = call.parsed.values
    return InstallOptions(
        create_namespace=call["create-namespace"],
        replace=replace or bool(values.get("replace")),
        server_side=str(call["server-side"]).lower() != "false",
        force_conflicts=call["force-conflicts"],
        force_replace=call["force-replace"],
        no_hooks=call["no-hooks"],
        skip_crds=call["skip-crds"],
        take_ownership=call["take-ownership"],
        validate=not call["disable-openapi-validation"],
        rollback_on_failure=call["rollback-on-failure"],
        description=call["description"],
        labels=pairs_of(call["labels"]),
        dry_run=dry,
        wait=wait_options(call),
        render=render_options(call),
    )


def _offline(call: Call, name: str, chart: Chart, values: dict[str, Any], options: InstallOptions) -> Release:
    """A client dry run: rendered with what is known offline, and nothing asked of a server."""
    from pyhelm.actions.offline import offline_release
    from pyhelm.cli.logging import logger
    from pyhelm.cli.requests import check_release_name

    check_release_name(call, name)
    cache = call.settings.cache_home / "pyhelm" / "templates"
    return offline_release(name, call.settings.namespace_or_default, chart, values, options, logger(call), cache)


COMMAND = Command(
    path="install", use="[NAME] [CHART]", short="install a chart", flags=_FLAGS, args=min_args(1), run=run
)
