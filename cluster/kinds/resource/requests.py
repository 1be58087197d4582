"""Defaults of device requests, in claims and in templates of claims."""

from __future__ import annotations

from typing import Any


def default_requests(devices: dict[str, Any]) -> None:
    for request in devices.get("requests") or ():
        if request.get("exactly") is not None:
            _counted(request["exactly"])
        for sub in request.get("firstAvailable") or ():
            _counted(sub)


def _counted(request: dict[str, Any]) -> None:
    """One device, unless all are asked for."""
    request.setdefault("allocationMode", "ExactCount")
    if request["allocationMode"] == "ExactCount":
        request.setdefault("count", 1)
