"""Go templates over small data: `--template` of version and get all, `--name-template`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyhelm.errors import PyhelmError


def render_text(text: str, data: Mapping[str, Any]) -> str:
    """The text of a template with `data` as its dot. Raises PyhelmError."""
    from pyhelm.engine.engine import Engine, Source
    from pyhelm.engine.runtime import Scope

    name = "template"
    source = Source(name=name, text=text.encode(), scope=Scope(**data), base_path="")
    return Engine().render_sources({name: source})[name]


def render_name(text: str) -> str:
    """A release name from `--name-template`. Raises PyhelmError where it does not render."""
    try:
        return render_text(text, {})
    except PyhelmError as error:
        raise PyhelmError(f"cannot render --name-template: {error}") from error
