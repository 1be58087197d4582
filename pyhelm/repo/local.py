"""Telling a chart on this machine from one in a repository. Imports nothing that talks to a network."""

from __future__ import annotations

import os

from pyhelm.errors import ChartError


def local_chart(reference: str, repo: str = "") -> str | None:
    """Absolute path of a chart on disk, None where the reference must mean a repository's.

    Raises ChartError for a path that is meant as one and not there.
    """
    reference = reference.strip()
    if repo:
        return None
    if os.path.exists(reference):
        return os.path.abspath(reference)
    if os.path.isabs(reference) or reference.startswith("."):
        raise ChartError(f'path "{reference}" not found')
    return None
