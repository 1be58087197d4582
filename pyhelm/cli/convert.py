"""`convert`: a chart's Go templates as Jinja2 source, printed, or written as a chart of its own."""

from __future__ import annotations

import os

from pyhelm.chart.model import Chart
from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.flags import text


def run(call: Call) -> None:
    from pyhelm.cli.charts import load, locate
    from pyhelm.errors import ChartError

    chart = load(call, locate(call, call.words[0]))
    if chart.engine == "jinja2":
        raise ChartError(f"chart {chart.name} is written in Jinja2 already")
    if call["output-dir"]:
        _write(call, chart, call["output-dir"])
    else:
        _print(call, chart, call["show-only"])


def _print(call: Call, chart: Chart, wanted: str) -> None:
    from pyhelm.engine.convert import convert_template

    for file in chart.templates:
        if not wanted or file.name == wanted:
            call.out(f"{{# {file.name} #}}")
            call.out(convert_template(file.data.decode("utf-8", "surrogateescape"), file.name))


def _write(call: Call, chart: Chart, folder: str) -> None:
    """The converted chart below `folder`; raises ChartError naming, by file and line, what could not be converted."""
    from pyhelm.engine.convert import convert_chart
    from pyhelm.errors import ChartError

    files, complaints = convert_chart(chart.raw)
    for file in files:
        path = os.path.join(folder, chart.name, file.name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as stream:
            stream.write(file.data)
    call.out(f"wrote {os.path.join(folder, chart.name)}")
    if complaints:
        raise ChartError("not converted:\n" + "\n".join(complaints))


COMMAND = Command(
    path="convert",
    use="CHART",
    short="a chart's Go templates as Jinja2 source, printed or written as a chart",
    flags=(
        text("show-only", "only this template", "s"),
        text("output-dir", "write the converted chart below this directory", "d"),
    ),
    args=exact_args(1),
    run=run,
)
