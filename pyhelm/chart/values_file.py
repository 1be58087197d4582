"""A values file, the chart's own or a user's: YAML documents that add up in order."""

from __future__ import annotations

from typing import Any

from pyhelm.formats.yaml_read import YAMLError, load_map, split_documents

Values = dict[str, Any]


def parse_values(data: bytes) -> Values:
    """The sum of the documents. Raises YAMLError in Helm's words."""
    out: Values = {}
    for document in split_documents(data):
        try:
            out = overlay(out, load_map(document))
        except YAMLError as error:
            text = str(error)
            why = text if text.startswith("error ") else f"error converting YAML to JSON: {text}"
            raise YAMLError(f"cannot unmarshal yaml document: {why}") from error
    return out


def overlay(under: Values, over: Values) -> Values:
    """A new map: `over` wins, maps merge, nulls stay. How several values files and flags add up."""
    if not under:
        return over
    out = dict(under)
    for key, value in over.items():
        there = out.get(key)
        out[key] = overlay(there, value) if isinstance(there, dict) and isinstance(value, dict) else value
    return out
