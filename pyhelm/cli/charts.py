"""From what the user wrote to a loaded chart: a path, a repository's chart, a URL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyhelm.cli.command import Call
from pyhelm.cli.logging import logger

if TYPE_CHECKING:
    from pyhelm.chart.model import Chart
    from pyhelm.formats.yaml_memory import YamlMemory
    from pyhelm.repo.fetch import Access
    from pyhelm.repo.locate import ChartRequest, Places


def places(call: Call) -> Places:
    """Where repositories are listed and cached."""
    from pyhelm.repo.locate import Places

    settings = call.settings
    return Places(
        config=settings.repository_config,
        cache=settings.repository_cache,
        content=settings.content_cache,
        registry=settings.registry_config,
    )


def chart_request(call: Call) -> ChartRequest:
    """The flags that say where a chart comes from."""
    from pyhelm.repo.locate import ChartRequest

    values = call.parsed.values
    version = str(values.get("version") or "")
    if not version and values.get("devel"):
        version = ">0.0.0-0"
    return ChartRequest(
        version=version,
        repo=str(values.get("repo") or ""),
        verify=bool(values.get("verify")),
        keyring=keyring_of(call),
        access=access_of(call),
    )


def keyring_of(call: Call) -> str:
    """The keyring to verify with, "" where nothing is to be verified."""
    values = call.parsed.values
    if values.get("keyring") or not values.get("verify"):
        return str(values.get("keyring") or "")
    from pyhelm.chart.provenance import default_keyring

    return default_keyring(call.environ)


def access_of(call: Call) -> Access:
    """Credentials and TLS wishes for downloads."""
    from pyhelm.repo.fetch import Access

    values = call.parsed.values
    return Access(
        username=str(values.get("username") or ""),
        password=str(values.get("password") or ""),
        cert_file=str(values.get("cert-file") or ""),
        key_file=str(values.get("key-file") or ""),
        ca_file=str(values.get("ca-file") or ""),
        insecure=bool(values.get("insecure-skip-tls-verify")),
        plain_http=bool(values.get("plain-http")),
        pass_credentials=bool(values.get("pass-credentials")),
    )


def locate(call: Call, reference: str) -> str:
    """Path of the chart on this machine; downloads it where it is a repository's. Raises RepoError, ChartError."""
    from pyhelm.repo.local import local_chart

    found = local_chart(reference, str(call.parsed.values.get("repo") or ""))
    if found is not None:
        if call.parsed.values.get("verify"):
            from pyhelm.chart.provenance import verify_chart

            verify_chart(found, f"{found}.prov", keyring_of(call))
        return found
    from pyhelm.repo.locate import download_to_cache

    return download_to_cache(reference, chart_request(call), places(call), logger(call))


def load(call: Call, path: str, memory: YamlMemory | None = None) -> Chart:
    """The chart at a path; what is merely odd is told on stderr."""
    from pyhelm.chart.load import load_chart

    return load_chart(path, lambda text: logger(call)("WARN", text, {}), memory)


def chart_memory(call: Call, reference: str) -> YamlMemory:
    """What earlier commands read of this chart."""
    from pyhelm.formats.yaml_memory import YamlMemory

    return YamlMemory(f"{call.settings.cache_home}/pyhelm/parsed", os.path.abspath(reference))


def requested_chart(call: Call, reference: str, memory: YamlMemory | None = None) -> Chart:
    """Locate and load; check what every installing command checks. Raises PyhelmError."""
    from pyhelm.cli.requests import check_installable

    path = locate(call, reference)
    chart = load(call, path, memory)
    check_installable(call, chart)
    return with_dependencies(call, chart, path)


def with_dependencies(call: Call, chart: Chart, path: str) -> Chart:
    """Refuse a chart whose declared dependencies are not there, or fetch them with --dependency-update."""
    wanted = chart.metadata.get("dependencies") or []
    if not wanted:
        return chart
    from pyhelm.chart.checks import missing_dependencies
    from pyhelm.errors import ChartError

    missing = missing_dependencies(chart)
    if not missing:
        return chart
    if call.parsed.values.get("dependency-update"):
        from pyhelm.actions.dependencies import update_dependencies

        update_dependencies(path, places(call), call.out, logger(call))
        return load(call, path)
    raise ChartError(
        "an error occurred while checking for chart dependencies. You may need to run "
        f"`helm dependency build` to fetch missing dependencies: found in Chart.yaml, but missing in "
        f"charts/ directory: {', '.join(missing)}"
    )
