"""`pull`: packages from repositories, URLs and registries into a folder."""

from __future__ import annotations

from pathlib import Path

from pyhelm.cli.chartflags import CHART_PATH, DEVEL
from pyhelm.cli.command import Call, Command, min_args
from pyhelm.cli.flags import boolean, text

_FLAGS = (
    DEVEL,
    boolean("untar", "if set to true, will untar the chart after downloading it"),
    text("untardir", "if untar is specified, this flag specifies the name of the directory", default="."),
    boolean("prov", "fetch the provenance file, but don't perform verification"),
    text("destination", "location to write the chart", "d", default="."),
    *CHART_PATH,
)


def run(call: Call) -> None:
    from pyhelm.actions.pull import PullOptions, pull
    from pyhelm.cli.charts import chart_request, places
    from pyhelm.cli.logging import logger

    options = PullOptions(
        destination=Path(call["destination"]),
        untar=call["untar"],
        untar_dir=call["untardir"],
        provenance=call["prov"],
    )
    for reference in call.words:
        pull(reference, chart_request(call), options, places(call), logger(call), call.out)


COMMAND = Command(
    path="pull",
    use="[chart URL | repo/chartname] [...]",
    short="download a chart from a repository and (optionally) unpack it in local directory",
    flags=_FLAGS,
    args=min_args(1),
    run=run,
)
