"""What several commands read from their flags in the same way: chart, values, waiting, rendering."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyhelm.actions.options import DryRun, RenderOptions, Strategy, WaitOptions
from pyhelm.cli.command import Call
from pyhelm.cli.flags import UsageError, parse_bool
from pyhelm.cli.logging import logger
from pyhelm.errors import ReleaseError

if TYPE_CHECKING:
    from pyhelm.chart.model import Chart


def wait_options(call: Call) -> WaitOptions:
    word = str(call["wait"])
    if word in ("true", "false"):
        now = "watcher" if word == "true" else "hookOnly"
        logger(call)("WARN", f"--wait={word} is deprecated (boolean value) and can be replaced with --wait={now}", {})
        word = now
    jobs = "wait-for-jobs" in call.parsed.values and bool(call["wait-for-jobs"])
    return WaitOptions(strategy=Strategy(word), timeout=float(call["timeout"]), jobs=jobs)


def dry_run(call: Call, *, template: bool = False) -> DryRun:
    """`--dry-run` in all the forms it may take."""
    word = str(call["dry-run"])
    log = logger(call)
    if word == "unset":
        if not template:
            log("WARN", "--dry-run is deprecated and can be replaced with '--dry-run=client'", {})
        return DryRun.CLIENT
    if word in ("none", "client", "server"):
        if template and word == "none":
            raise UsageError('invalid dry-run value ("none"). Must be "server" or "client"')
        return DryRun(word)
    try:
        truth = parse_bool(word)
    except ValueError:
        known = '"server" or "client"' if template else '"none", "server", or "client"'
        raise UsageError(f'invalid dry-run value ("{word}"). Must be {known}') from None
    now = "client" if truth else "none"
    log("WARN", f"boolean '--dry-run={word}' flag is deprecated and can be replaced with '--dry-run={now}'", {})
    return DryRun(now)


def render_options(call: Call) -> RenderOptions:
    values = call.parsed.values
    return RenderOptions(
        kube_version=str(values.get("kube-version", "")),
        api_versions=tuple(values.get("api-versions", ())),
        include_crds=bool(values.get("include-crds", False)),
        sub_notes=bool(values.get("render-subchart-notes", False)),
        enable_dns=bool(values.get("enable-dns", False)),
        hide_secret=bool(values.get("hide-secret", False)),
        skip_schema_validation=bool(values.get("skip-schema-validation", False)),
    )


def name_and_chart(call: Call, words: list[str], default_name: str = "") -> tuple[str, str]:
    """(release name, chart) from the words and the flags that make names."""
    if len(words) > 2:
        raise UsageError(f"expected at most two arguments, unexpected arguments: {', '.join(words[2:])}")
    if len(words) == 2:
        if call["generate-name"]:
            raise UsageError("cannot set --generate-name and also specify a name")
        if call["name-template"]:
            raise UsageError("cannot set --name-template and also specify a name")
        return words[0], words[1]
    if call["name-template"]:
        from pyhelm.cli.gotemplate import render_name

        return render_name(str(call["name-template"])), words[0]
    if default_name:
        return default_name, words[0]
    if not call["generate-name"]:
        raise UsageError("must either provide a name or specify --generate-name")
    return generated_name(words[0]), words[0]


def generated_name(chart: str) -> str:
    """The chart's base name up to the first dot, and the time."""
    import time

    base = chart.rstrip("/").rpartition("/")[2]
    if base in (".", ""):
        base = "chart"
    return f"{base.partition('.')[0]}-{int(time.time())}"


def check_release_name(call: Call, name: str) -> None:
    """Refuse a bad name, in the log and as an error, as Helm does."""
    from pyhelm.release.model import check_name

    try:
        check_name(name)
    except ReleaseError as error:
        logger(call)("ERROR", "release name check failed", {"error": str(error)})
        raise ReleaseError(f"release name check failed: {error}") from error


def check_installable(call: Call, chart: Chart) -> None:
    """Refuse library charts; tell of deprecated ones."""
    if chart.metadata.get("apiVersion") == "v3":
        raise ReleaseError("invalid chart apiVersion")
    kind = str(chart.metadata.get("type") or "")
    if kind not in ("", "application"):
        raise ReleaseError(f"{kind} charts are not installable")
    if chart.metadata.get("deprecated"):
        logger(call)("WARN", "this chart is deprecated", {})
