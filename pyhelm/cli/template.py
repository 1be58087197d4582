"""`template`: what an install would send, as text. Needs no cluster unless asked to look at one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyhelm.cli.chartflags import parse_dry_run
from pyhelm.cli.command import Call, Command, min_args
from pyhelm.cli.flags import Flag, array, boolean, exclusive, strings, text
from pyhelm.cli.installflags import INSTALL

if TYPE_CHECKING:
    from pyhelm.actions.options import RenderOptions
    from pyhelm.actions.template import TemplateOptions
    from pyhelm.chart.model import Chart
    from pyhelm.engine.interface import Capabilities, Lookup

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
)


def run(call: Call) -> None:
    from pyhelm.actions.options import DryRun
    from pyhelm.cli import requests
    from pyhelm.cli.charts import requested_chart
    from pyhelm.cli.postrender import refuse_post_renderer
    from pyhelm.cli.valueflags import user_values
    from pyhelm.engine.capabilities import capabilities

    exclusive(call.parsed, ("validate", "dry-run"))
    refuse_post_renderer(call)
    offline = capabilities(call["kube-version"], call["api-versions"])
    dry = DryRun.SERVER if call["validate"] else requests.dry_run(call, template=True)
    name, reference = requests.name_and_chart(call, call.words, "release-name")
    chart, values = user_values(call, lambda: requested_chart(call, reference))
    with rendering_errors(call):
        if dry is DryRun.SERVER:
            call.stdout.write(_server_side(call, chart, values, name))
        else:
            call.stdout.write(_rendered(call, chart, values, name, offline, None))


@contextmanager
def rendering_errors(call: Call) -> Iterator[None]:
    """What was rendered is shown under --debug; else the error says that it can be."""
    from pyhelm.actions.render import IncompatibleKubernetes, RenderFailed
    from pyhelm.errors import PyhelmError, TemplateError

    try:
        yield
    except (IncompatibleKubernetes, RenderFailed, TemplateError) as error:
        if call.settings.debug:
            call.out(getattr(error, "manifest", "").strip())
            raise
        said = error.helm if isinstance(error, TemplateError) else str(error)
        raise PyhelmError(f"{said}\n\nUse --debug flag to render out invalid YAML") from error


def _rendered(
    call: Call, chart: Chart, values: dict[str, Any], name: str, capabilities: Capabilities, lookup: Lookup | None
) -> str:
    from pyhelm.actions.template import TemplateHooks, template
    from pyhelm.cli.logging import logger
    from pyhelm.cli.requests import check_release_name, render_options

    check_release_name(call, name)
    log = logger(call)
    hooks = TemplateHooks(
        log=log,
        warn=lambda text: log("WARN", text, {}),
        wrote=call.out,
        lookup=lookup,
        cache=call.settings.cache_home / "pyhelm" / "templates",
    )
    return template(chart, values, _options(call, name, render_options(call)), capabilities, hooks)


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
