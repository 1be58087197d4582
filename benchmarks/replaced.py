"""The command line with functions of chance, clock and keys replaced: what render.py measures, one process a chart.

python benchmarks/replaced.py template rel CHART
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])

from pyhelm.actions import render  # noqa: E402
from pyhelm.cli.main import run  # noqa: E402
from pyhelm.engine.interface import EngineOptions  # noqa: E402
from pyhelm.records import replace  # noqa: E402
from pyhelm.testing.replaced import REPLACED  # noqa: E402

_options = render._engine_options


def _replaced(rendering: render.Rendering) -> EngineOptions:
    return replace(_options(rendering), replace=REPLACED)


render._engine_options = _replaced
run()
