"""Fields of a pod that Kubernetes has under development: taken out of what is written, unless already in use.

The gates of these are off by default in every version that is served.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Spec = dict[str, Any]


def drop_disabled(spec: Spec, old: Spec | None = None) -> None:
    """Changes `spec` in place; `old` is what is stored, which keeps what it has."""
    before = old or {}
    if before.get("schedulingGroup") is None:
        spec.pop("schedulingGroup", None)
    for name in ("clusterTrustBundle", "podCertificate"):
        if any(name in source for source in _sources(spec)) and not any(name in s for s in _sources(before)):
            for source in _sources(spec):
                source.pop(name, None)
    if any(_stop_signals(spec)) and not any(_stop_signals(before)):
        for hooks in _stop_signals(spec):
            hooks["lifecycle"].pop("stopSignal")
            if not hooks["lifecycle"]:
                del hooks["lifecycle"]


def _sources(spec: Spec) -> Iterator[dict[str, Any]]:
    for volume in spec.get("volumes") or ():
        yield from (volume.get("projected") or {}).get("sources") or ()


def _stop_signals(spec: Spec) -> list[dict[str, Any]]:
    """The containers that name a stop signal."""
    return [
        container
        for part in ("initContainers", "containers", "ephemeralContainers")
        for container in spec.get(part) or ()
        if (container.get("lifecycle") or {}).get("stopSignal") is not None
    ]
