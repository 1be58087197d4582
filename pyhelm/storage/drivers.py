"""Which driver a name means."""

from __future__ import annotations

from collections.abc import Callable

from pyhelm.errors import ReleaseError
from pyhelm.kube.client import KubeClient
from pyhelm.storage.interface import Driver
from pyhelm.storage.memory import MemoryDriver
from pyhelm.storage.objects import ConfigMapDriver, SecretDriver


def open_driver(word: str, kube: KubeClient, namespace: str, seconds: Callable[[], float]) -> Driver:
    """The driver HELM_DRIVER names. Raises ReleaseError for what is unknown or not supported."""
    match word:
        case "" | "secret" | "secrets":
            return SecretDriver(kube, namespace, seconds)
        case "configmap" | "configmaps":
            return ConfigMapDriver(kube, namespace, seconds)
        case "memory":
            return MemoryDriver(seconds)
        case "sql":
            raise ReleaseError("the release driver sql (PostgreSQL) is not supported; use secret, configmap or memory")
    raise ReleaseError(f'unknown driver "{word}": use secret, configmap or memory')
