"""Data as Go's structs print it: fields in their own order, where maps are sorted."""

from __future__ import annotations

from typing import Any


class Struct:
    """Named fields that keep their order in JSON."""

    __slots__ = ("fields",)

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields

    def go_json(self) -> dict[str, Any]:
        return self.fields


def plain(value: Any) -> Any:
    """The same data without structs, for printers that sort everything (YAML)."""
    if isinstance(value, Struct):
        return {key: plain(item) for key, item in value.fields.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def json_text(value: Any) -> str:
    """Compact JSON as Go's encoder writes it."""
    from pyhelm.formats.json_write import dump

    return dump(value)


def yaml_text(value: Any) -> str:
    """YAML as sigs.k8s.io/yaml writes it, with its final newline."""
    from pyhelm.formats.yaml_write import dump

    return dump(plain(value))
