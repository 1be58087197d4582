"""The bundled cluster for whoever has none: started when it does not run, left alone when it does."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from cluster.cli import kubeconfig, places
from cluster.cli.places import Refused
from cluster.cli.start import StartOptions, start

__all__ = ["Refused", "ensure_running"]


def ensure_running(
    name: str = "pyhelm", *, say: Callable[[str], object] | None = None, environ: Mapping[str, str] | None = None
) -> Path:
    """Answers a kubeconfig whose current context is that cluster. Raises Refused with one sentence.

    The user's own kubeconfig gets the context only where it has no current one: nobody's choice is changed.
    """
    environ = os.environ if environ is None else environ
    place = places.find(name, "", environ)
    if places.running(place) and place.kubeconfig.exists():
        return place.kubeconfig
    if say is not None:
        say(f"starting the bundled cluster {name}")
    wanted = not kubeconfig.current(kubeconfig.path_of(environ))
    start(place, StartOptions(context=wanted), environ)
    return place.kubeconfig
