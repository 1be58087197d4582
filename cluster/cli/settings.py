"""Settings of the API server as a cluster's config.json keeps them: as texts, so that a restart reads them again and
complains again where a file has gone bad.

Most clusters have none, so what they mean is not loaded here: see `apiserver_flags` and `apiserver_options`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Settings = Mapping[str, list[str]]
"""Flag name to the texts given for it, paths absolute. More than one text only where a flag is `repeatable`."""


def merged(kept: Settings, given: Settings) -> dict[str, list[str]]:
    """What was kept, with what is given now in its place."""
    return {name: list(texts) for name, texts in sorted({**kept, **given}.items()) if texts}


def kept_in(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """The settings of a cluster's config.json."""
    found = (config.get("extra_config") or {}).get("apiserver") or {}
    return {str(name): [str(text) for text in texts] for name, texts in found.items()}


def shown(settings: Settings) -> dict[str, str | list[str]]:
    """For people and scripts: one text as itself."""
    return {name: texts[0] if len(texts) == 1 else list(texts) for name, texts in settings.items()}
