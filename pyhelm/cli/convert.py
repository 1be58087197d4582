"""`convert`: a chart's Go templates as Jinja2 source, printed."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.flags import text


def run(call: Call) -> None:
    from pyhelm.cli.charts import load, locate
    from pyhelm.errors import ChartError

    chart = load(call, locate(call, call.words[0]))
    if chart.engine == "jinja2":
        raise ChartError(f"chart {chart.name} is written in Jinja2 already")
    try:
        from pyhelm.engine.convert import convert_template
    except ImportError:
        raise ChartError("convert is not supported yet: the engine has no printer of Jinja2 source") from None
    wanted = call["show-only"]
    for file in chart.templates:
        if not wanted or file.name == wanted:
            call.out(f"{{# {file.name} #}}")
            call.out(convert_template(file.data.decode("utf-8", "replace"), file.name))


COMMAND = Command(
    path="convert",
    use="CHART",
    short="print a chart's Go templates as Jinja2 source",
    flags=(text("show-only", "only this template", "s"),),
    args=exact_args(1),
    run=run,
)
