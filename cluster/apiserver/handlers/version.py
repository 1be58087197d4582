"""/version: which Kubernetes this server is compatible with."""

from __future__ import annotations

import platform

from cluster.meta.types import Obj


def version_info(kubernetes_version: str) -> Obj:
    """The document, for a version such as `1.36` or `1.36.2`."""
    parts = kubernetes_version.removeprefix("v").split(".")
    major, minor = parts[0], parts[1]
    patch = parts[2] if len(parts) > 2 else "0"
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return {
        "major": major,
        "minor": minor,
        "emulationMajor": major,
        "emulationMinor": minor,
        "minCompatibilityMajor": major,
        "minCompatibilityMinor": str(int(minor) - 1),
        "gitVersion": f"v{major}.{minor}.{patch}",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": platform.python_implementation().lower(),
        "platform": f"{platform.system().lower()}/{machine}",
    }
