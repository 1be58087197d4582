"""What the dependency commands have in common."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pyhelm.cli.chartflags import ACCESS, VERIFY
from pyhelm.cli.command import Call
from pyhelm.cli.flags import boolean

if TYPE_CHECKING:
    from pyhelm.actions.dependencies import Work

FLAGS = (*VERIFY, boolean("skip-refresh", "do not refresh the local repository cache"), *ACCESS)


def chart_path(call: Call) -> str:
    """The chart's folder: the word, or where one stands."""
    return os.path.normpath(call.words[0]) if call.words else "."


def work_of(call: Call) -> Work:
    from pyhelm.actions.dependencies import Work
    from pyhelm.cli.charts import access_of, places

    return Work(
        path=chart_path(call),
        places=places(call),
        out=call.out,
        skip_refresh=call["skip-refresh"],
        access=access_of(call),
        verify=call["verify"],
        keyring=call["keyring"],
    )
