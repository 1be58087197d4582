"""What templates may know of a running cluster."""

from __future__ import annotations

from pyhelm.engine.capabilities import DEFAULT_KUBE_VERSION
from pyhelm.engine.interface import Capabilities
from pyhelm.kube.discovery import Discovery


async def server_capabilities(discovery: Discovery) -> Capabilities:
    """Capabilities of a running cluster. Raises KubeError."""
    version = str((await discovery.version()).get("gitVersion") or DEFAULT_KUBE_VERSION)
    return Capabilities(kube_version=version, api_versions=await discovery.api_versions())
