"""`template`: what an install would send, as text. Needs no cluster unless asked to look at one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyhelm.cli.chartflags import parse_dry_run
from pyhelm.cli.command import Call, Command, min_args
from pyhelm.cli.flags import Flag, UsageError, array, boolean, exclusive, strings, text
from pyhelm.cli.installflags import INSTALL
from pyhelm.cli.reviewflags import (
    REVIEW,
    STRICT,
    failure,
    given_values,
    recorded_lookup,
    replaces_output,
    review_options,
    tell,
)
from pyhelm.errors import PyhelmError

if TYPE_CHECKING:
    from pyhelm.actions.options import RenderOptions
    from pyhelm.actions.template import TemplateHooks, TemplateOptions
    from pyhelm.chart.model import Chart
    from pyhelm.engine.interface import Capabilities, Lookup
    from pyhelm.formats.yaml_memory import YamlMemory

_FLAGS = (
    *INSTALL,
    array("show-only", "only show manifests rendered from the given templates", "s"),
    text("output-dir", "writes the executed templates to files in output-dir instead of stdout"),
    boolean("validate", "deprecated", deprecated="use '--dry-run=server' instead"),
    boolean("include-crds", "include CRDs in the templated output"),
    boolean("skip-tests", "skip tests from templated output"),
    boolean("is-upgrade", "set .Release.IsUpgrade instead of .Release.IsInstall"),
    text("kube-version", "Kubernetes version used for Capabilities.KubeVersion"),
    strings("api-versions", "Kubernetes api versions used for Capabilities.APIVersions", "a"),
    boolean("release-name", "use release name in the output-dir path."),
    Flag(
        name="dry-run",
        help='simulates the operation either client-side or server-side. Must be either: "client" or "server"',
        parse=parse_dry_run,
        default="client",
        bare="unset",
    ),
    *REVIEW,
    STRICT,
)


def run(call: Call) -> int:
    from pyhelm.actions.options import DryRun
    from pyhelm.cli import requests
    from pyhelm.cli.charts import chart_memory, requested_chart
    from pyhelm.cli.postrender import refuse_post_renderer
    from pyhelm.cli.valueflags import user_values
    from pyhelm.engine.capabilities import capabilities

    exclusive(call.parsed, ("validate", "dry-run"))
    refuse_post_renderer(call)
    offline = capabilities(call["kube-version"], call["api-versions"])
    dry = DryRun.SERVER if call["validate"] else requests.dry_run(call, template=True)
    name, reference = requests.name_and_chart(call, call.words, "release-name")
    checked = review_options(call) is not None
    if checked and dry is DryRun.SERVER:
        raise UsageError("checks are made without a server: leave out --dry-run=server")
    memory = chart_memory(call, reference)
    try:
        chart, values = user_values(call, lambda: requested_chart(call, reference, memory))
        with rendering_errors(call):
            if checked:
                return _reviewed(call, chart, values, name, offline)
            if dry is DryRun.SERVER:
                call.stdout.write(_server_side(call, chart, values, name))
            else:
                call.stdout.write(_rendered(call, chart, values, name, offline, recorded_lookup(call), memory))
    except PyhelmError as error:
        if call["report"]:
            tell(call, [failure(call, error, reference)])
        raise
    return 0


def _reviewed(call: Call, chart: Chart, values: dict[str, Any], name: str, capabilities: Capabilities) -> int:
    """Render, print and check."""
    from pyhelm.actions.render import render
    from pyhelm.actions.review import ReviewOptions, review
    from pyhelm.actions.template import rendering_of, shown
    from pyhelm.cli.requests import check_release_name, render_options

    check_release_name(call, name)
    options, hooks = _options(call, name, render_options(call)), _hooks(call, recorded_lookup(call))
    rendering = rendering_of(chart, values, options, capabilities, hooks)
    rendered = render(rendering)
    text = shown(rendered, options, hooks)
    if not replaces_output(call):
        call.stdout.write(text)
    checks = review_options(call, chart.path) or ReviewOptions()
    return tell(call, review(rendering, rendered, given_values(call), checks))


@contextmanager
def rendering_errors(call: Call) -> Iterator[None]:
    """What was rendered is shown under --debug; else the error says that it can be."""
    from pyhelm.actions.render import IncompatibleKubernetes, RenderFailed
    from pyhelm.errors import TemplateError

    try:
        yield
    except (IncompatibleKubernetes, RenderFailed, TemplateError) as error:
        if call.settings.debug:
            call.out(getattr(error, "manifest", "").strip())
            raise
        said = error.helm if isinstance(error, TemplateError) else str(error)
        raise PyhelmError(f"{said}\n\nUse --debug flag to render out invalid YAML") from error


def _rendered(
    call: Call,
    chart: Chart,
    values: dict[str, Any],
    name: str,
    capabilities: Capabilities,
    lookup: Lookup | None,
    memory: YamlMemory | None = None,
) -> str:
    from pyhelm.actions.template import template
    from pyhelm.cli.requests import check_release_name, render_options

    check_release_name(call, name)
    options = _options(call, name, render_options(call))
    return template(chart, values, options, capabilities, _hooks(call, lookup, memory))


def _hooks(call: Call, lookup: Lookup | None, memory: YamlMemory | None = None) -> TemplateHooks:
    from pyhelm.actions.template import TemplateHooks
    from pyhelm.cli.logging import logger

    log = logger(call)
    return TemplateHooks(
        log=log,
        warn=lambda text: log("WARN", text, {}),
        wrote=call.err if replaces_output(call) else call.out,
        lookup=lookup,
        cache=call.settings.cache_home / "pyhelm" / "templates",
        memory=memory,
    )


def _options(call: Call, name: str, render: RenderOptions) -> TemplateOptions:
    from pyhelm.actions.template import TemplateOptions

    return TemplateOptions(
        name=name,
        namespace=call.settings.namespace_or_default,
        is_upgrade=call["is-upgrade"],
        no_hooks=call["no-hooks"],
        skip_tests=call["skip-tests"],
        show_only=call["show-only"],
        output_dir=Path(call["output-dir"]) if call["output-dir"] else None,
        use_release_name=call["release-name"],
        render=render,
    )


def _server_side(call: Call, chart: Chart, values: dict[str, Any], name: str) -> str:
    """Render with what a server says of itself; the server is asked, never started for this."""
    from pyhelm.actions.build import build
    from pyhelm.actions.capabilities import server_capabilities
    from pyhelm.actions.context import Context
    from pyhelm.actions.reach import check_reachable
    from pyhelm.actions.render import live_lookup
    from pyhelm.cli.connect import run_connected

    async def go(context: Context) -> str:
        await check_reachable(context)
        capabilities = await server_capabilities(context.discovery)
        text = _rendered(call, chart, values, name, capabilities, await live_lookup(context))
        if not call["output-dir"]:
            await build(context, text, context.namespace, check=not call["disable-openapi-validation"])
        return text

    return run_connected(call, go, start=False)


COMMAND = Command(
    path="template", use="[NAME] [CHART]", short="locally render templates", flags=_FLAGS, args=min_args(1), run=run
)
