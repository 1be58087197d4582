"""`version`: which Helm this behaves as, and which pyhelm it is."""

from __future__ import annotations

from pyhelm import __version__
from pyhelm.cli.command import Call, Command, no_args
from pyhelm.cli.flags import boolean, text

HELM_VERSION = "v4.1.4"
"""The release of Helm whose behaviour this is."""
KUBE_CLIENT_VERSION = "v1.35"


def run(call: Call) -> None:
    if call["template"]:
        from pyhelm.cli.gotemplate import render_text

        call.stdout.write(render_text(call["template"], _facts()))
    elif call["short"]:
        call.out(HELM_VERSION)
    else:
        inner = ", ".join(f'{key}:"{value}"' for key, value in _facts().items())
        call.out(f"version.BuildInfo{{{inner}}}")


def _facts() -> dict[str, str]:
    return {
        "Version": HELM_VERSION,
        "GitCommit": "",
        "GitTreeState": "clean",
        "GoVersion": "",
        "KubeClientVersion": KUBE_CLIENT_VERSION,
        "PyhelmVersion": __version__,
    }


COMMAND = Command(
    path="version",
    short="print the helm version information",
    flags=(boolean("short", "print the version number"), text("template", "template for version string format")),
    args=no_args,
    run=run,
)
