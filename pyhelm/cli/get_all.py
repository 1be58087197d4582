"""`get all`: everything recorded of a release, or what a template makes of it."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.flags import text
from pyhelm.cli.getting import REVISION, wanted_release


def run(call: Call) -> None:
    from pyhelm.cli.releases import status_block

    release = wanted_release(call)
    if call["template"]:
        from pyhelm.cli.gotemplate import render_text

        call.stdout.write(render_text(call["template"], {"Release": _go_release(release)}))
        return
    call.stdout.write(status_block(release, debug=True, metadata=True))


def _go_release(release: object) -> dict[str, object]:
    """A release under the names Go's template finds its fields by."""
    from pyhelm.release.model import Release

    assert isinstance(release, Release)
    info, chart = release.info, release.metadata
    return {
        "Name": release.name,
        "Namespace": release.namespace,
        "Version": release.version,
        "Manifest": release.manifest,
        "Config": release.config,
        "Labels": release.labels,
        "Info": {"Status": info.status.value, "Description": info.description, "Notes": info.notes},
        "Chart": {"Metadata": {key[:1].upper() + key[1:]: value for key, value in chart.items()}},
        "Hooks": [{"Name": h.name, "Kind": h.kind, "Path": h.path, "Manifest": h.manifest} for h in release.hooks],
    }


COMMAND = Command(
    path="get all",
    use="RELEASE_NAME",
    short="download all information for a named release",
    flags=(REVISION, text("template", "go template for formatting the output, eg: {{.Release.Name}}")),
    args=exact_args(1),
    run=run,
)
