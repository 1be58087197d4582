"""`package`: charts become archives."""

from __future__ import annotations

from pyhelm.cli.chartflags import ACCESS
from pyhelm.cli.command import Call, Command, any_args
from pyhelm.cli.flags import UsageError, boolean, text
from pyhelm.errors import ChartError

_FLAGS = (
    boolean("sign", "use a PGP private key to sign this package"),
    text("key", "name of the key to use when signing. Used if --sign is true"),
    text("keyring", "location of a public keyring"),
    text("passphrase-file", "location of a file which contains the passphrase for the signing key"),
    text("version", "set the version on the chart to this semver version"),
    text("app-version", "set the appVersion on the chart to this version"),
    text("destination", "location to write the chart.", "d", default="."),
    boolean("dependency-update", 'update dependencies from "Chart.yaml" to dir "charts/" before packaging', "u"),
    *ACCESS,
)


def run(call: Call) -> None:
    if not call.words:
        raise UsageError("need at least one argument, the path to the chart")
    if call["sign"]:
        _refuse_signing(call)
    for path in call.words:
        call.out(f"Successfully packaged chart and saved it to: {packaged(call, path)}")


def packaged(call: Call, path: str) -> str:
    """Path of the archive made of the chart at `path`. Raises ChartError."""
    import os

    from pyhelm.chart.package import package_chart
    from pyhelm.cli.charts import load, places
    from pyhelm.cli.logging import logger

    if not os.path.exists(path):
        raise ChartError(f"stat {path}: no such file or directory")
    if not os.path.isdir(path):
        chart_yaml = os.path.join(os.path.abspath(path), "Chart.yaml")
        raise ChartError(f"unable to detect chart at {chart_yaml}: open {chart_yaml}: not a directory")
    if call["dependency-update"]:
        from pyhelm.actions.dependencies import update_dependencies

        update_dependencies(path, places(call), call.out, logger(call))
    chart = load(call, os.path.abspath(path))
    return package_chart(chart, call["destination"], version=call["version"], app_version=call["app-version"])


def _refuse_signing(call: Call) -> None:
    if not call["key"]:
        raise UsageError("--key is required for signing a package")
    if not call["keyring"]:
        raise UsageError("--keyring is required for signing a package")
    raise ChartError("--sign is not supported: pyhelm makes no OpenPGP signatures; sign the package with gpg")


COMMAND = Command(
    path="package",
    use="[CHART_PATH] [...]",
    short="package a chart directory into a chart archive",
    flags=_FLAGS,
    args=any_args,
    run=run,
)
