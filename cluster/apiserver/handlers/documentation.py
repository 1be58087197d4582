"""Descriptions of fields, for the few that tables show: read from the OpenAPI definitions once, the rest forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.kinds.kind import Kind
from cluster.kinds.schema import raw_definitions


class Documentation:
    """Answers (definition, field) for every column of `kinds`; reads the definitions on first use."""

    def __init__(self, minor: str, kinds: Iterable[Kind]) -> None:
        self._minor = minor
        self._kinds = kinds
        self._known: dict[tuple[str, str], str] | None = None

    def __call__(self, definition: str, field: str) -> str:
        if self._known is None:
            self._known = self._read()
        return self._known.get((definition, field), "")

    def _read(self) -> dict[tuple[str, str], str]:
        definitions = raw_definitions(self._minor)
        out = {}
        for definition, field in set(self._wanted()):
            found: Any = definitions.get(definition, {}).get("properties", {}).get(field, {})
            out[definition, field] = str(found.get("description", ""))
        return out

    def _wanted(self) -> Iterable[tuple[str, str]]:
        from cluster.kinds.columns import DEFAULT

        for kind in self._kinds:
            for column in (kind.table or DEFAULT).columns + DEFAULT.columns:
                if column.description.startswith("="):
                    definition, _, field = column.description[1:].rpartition(".")
                    yield definition, field
