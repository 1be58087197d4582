"""`upgrade`: a release moves to another chart or other values; with --install it may also begin to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyhelm.cli.chartflags import CHART_PATH, DEVEL, DRY_RUN, POST_RENDER, VALUES, WAIT
from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.flags import Flag, boolean, exclusive, number, pairs, text
from pyhelm.cli.output import OUTPUT
from pyhelm.errors import PyhelmError

if TYPE_CHECKING:
    from pyhelm.actions.options import DryRun, UpgradeOptions
    from pyhelm.release.model import Release

_FLAGS: tuple[Flag, ...] = (
    boolean("create-namespace", "if --install is set, create the release namespace if not present"),
    boolean("install", "if a release by this name doesn't already exist, run an install", "i"),
    DEVEL,
    boolean("hide-secret", "hide Kubernetes Secrets when also using the --dry-run flag"),
    boolean("force-replace", "force resource updates by replacement"),
    boolean("force", "deprecated", deprecated="use --force-replace instead", alias_of="force-replace"),
    boolean("force-conflicts", "if set server-side apply will force changes against conflicts"),
    text("server-side", 'must be "true", "false" or "auto"', default="auto"),
    boolean("no-hooks", "disable pre/post upgrade hooks"),
    boolean("disable-openapi-validation", "do not validate rendered templates against the Kubernetes OpenAPI Schema"),
    boolean("skip-crds", "if set, no CRDs will be installed when an upgrade is performed with install flag enabled"),
    boolean("reset-values", "when upgrading, reset the values to the ones built into the chart"),
    boolean("reuse-values", "when upgrading, reuse the last release's values and merge in any overrides"),
    boolean("reset-then-reuse-values", "reset the values to the ones of the chart, then apply the last release's"),
    boolean("rollback-on-failure", "if set, rollback the upgrade to previous success release upon failure"),
    boolean("atomic", "deprecated", deprecated="use --rollback-on-failure instead", alias_of="rollback-on-failure"),
    number("history-max", "limit the maximum number of revisions saved per release. Use 0 for no limit", 10),
    boolean("cleanup-on-fail", "allow deletion of new resources created in this upgrade when upgrade fails"),
    boolean("render-subchart-notes", "if set, render subchart notes along with the parent"),
    boolean("hide-notes", "if set, do not show notes in upgrade output"),
    boolean("skip-schema-validation", "if set, disables JSON schema validation"),
    pairs("labels", "labels that would be added to release metadata; unset a label using null", "l"),
    text("description", "add a custom description"),
    boolean("dependency-update", "update dependencies if they are missing before installing the chart"),
    boolean("enable-dns", "enable DNS lookups when rendering templates"),
    boolean("take-ownership", "ignore the check for helm annotations and take ownership of the existing resources"),
    *VALUES,
    *CHART_PATH,
    *WAIT,
    *POST_RENDER,
    DRY_RUN,
    OUTPUT,
)


def run(call: Call) -> None:
    from pyhelm.cli import requests
    from pyhelm.cli.install import failure, installed
    from pyhelm.cli.postrender import refuse_post_renderer
    from pyhelm.cli.releases import show_release

    exclusive(call.parsed, ("force-replace", "force-conflicts"))
    refuse_post_renderer(call)
    name, reference = call.words
    dry = requests.dry_run(call)
    if call["install"] and (replace := _absent(call, name)) is not None:
        if call["output"] == "table":
            call.out(f'Release "{name}" does not exist. Installing it now.')
        release = installed(call, name, reference, dry, replace=replace)
        show_release(call, release, hide_notes=call["hide-notes"])
        return
    try:
        release = _upgraded(call, name, reference, dry)
    except PyhelmError as error:
        raise failure("UPGRADE FAILED", error) from error
    if call["output"] == "table":
        call.out(f'Release "{name}" has been upgraded. Happy Helming!')
    show_release(call, release, hide_notes=call["hide-notes"])


def _absent(call: Call, name: str) -> bool | None:
    """None where the release is there; else whether an uninstalled one is to be replaced."""
    from pyhelm.actions.context import Context
    from pyhelm.cli.connect import run_connected
    from pyhelm.release.status import Status
    from pyhelm.storage.interface import ReleaseNotFound

    async def go(context: Context) -> bool | None:
        try:
            last = await context.releases.last(name)
        except ReleaseNotFound:
            return False
        return True if last.status is Status.UNINSTALLED else None

    return run_connected(call, go)


def _upgraded(call: Call, name: str, reference: str, dry: DryRun) -> Release:
    from pyhelm.actions.context import Context
    from pyhelm.actions.upgrade import upgrade
    from pyhelm.cli.charts import requested_chart
    from pyhelm.cli.connect import run_connected
    from pyhelm.cli.valueflags import user_values

    chart, values = user_values(call, lambda: requested_chart(call, reference))
    options = _options(call, dry)

    async def go(context: Context) -> Release:
        return await upgrade(context, name, chart, values, options)

    return run_connected(call, go)


def _options(call: Call, dry: DryRun) -> UpgradeOptions:
    from pyhelm.actions.options import UpgradeOptions
    from pyhelm.cli.flags import pairs_of
    from pyhelm.cli.requests import render_options, wait_options

    return UpgradeOptions(
        server_side=call["server-side"],
        force_conflicts=call["force-conflicts"],
        force_replace=call["force-replace"],
        no_hooks=call["no-hooks"],
        take_ownership=call["take-ownership"],
        validate=not call["disable-openapi-validation"],
        rollback_on_failure=call["rollback-on-failure"],
        cleanup_on_fail=call["cleanup-on-fail"],
        reset_values=call["reset-values"],
        reuse_values=call["reuse-values"],
        reset_then_reuse_values=call["reset-then-reuse-values"],
        description=call["description"],
        labels=pairs_of(call["labels"]),
        max_history=call["history-max"] if call.given("history-max") else call.settings.max_history,
        dry_run=dry,
        wait=wait_options(call),
        render=render_options(call),
    )


COMMAND = Command(
    path="upgrade", use="[RELEASE] [CHART]", short="upgrade a release", flags=_FLAGS, args=exact_args(2), run=run
)
