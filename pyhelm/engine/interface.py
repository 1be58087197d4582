"""What callers of the engine see: the options that are handed in, and the facts templates read.

Nothing here reads files, the environment or the clock: whoever renders hands those in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pyhelm.formats.yaml_memory import YamlMemory
from pyhelm.records import dataclass, field

Lookup = Callable[[str, str, str, str], dict[str, Any]]
"""(apiVersion, kind, namespace, name) -> the object, a list object when name is empty, or {}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseInfo:
    """`.Release`."""

    name: str
    namespace: str = "default"
    revision: int = 1
    is_install: bool = True
    is_upgrade: bool = False
    service: str = "Helm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """`.Capabilities`. `kube_version` like v1.35.0; `api_versions` as `group/version` and `group/version/Kind`."""

    kube_version: str
    api_versions: tuple[str, ...]
    helm_version: str = "v4.1.4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds for hostile charts."""

    recursion: int = 1000
    loops: int = 10_000_000
    output_bytes: int = 256 * 1024 * 1024
    seconds: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """How to render. `replace` overrides functions by name (tests, recorded goldens); `cache` is the folder of
    compiled templates, None for no cache on disk; `lint` softens required/fail as `helm lint` does; `memory` spares
    fromYaml what it parsed before."""

    strict: bool = False
    lint: bool = False
    enable_dns: bool = False
    lookup: Lookup | None = None
    limits: Limits = field(default_factory=Limits)
    cache: Path | None = None
    memory: YamlMemory | None = None
    replace: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
