"""YAML as charts are read: the doors to the parser, which is imported when the first text is parsed.

What is read and how stands in `yaml_parse`. `split_documents` cuts a file of several documents.
"""

from __future__ import annotations

from typing import Any

__all__ = ["YAMLError", "load", "load_list", "load_map", "load_strict", "split_documents"]


class YAMLError(ValueError):
    """Text that is no YAML, or YAML that has no JSON form; the message is Go's."""


def load(text: str | bytes) -> Any:
    """The first document as JSON data (numbers float). Raises YAMLError `error converting YAML to JSON: …`."""
    from pyhelm.formats.yaml_parse import parse

    try:
        return parse(text, strict=False)
    except YAMLError as error:
        raise YAMLError(f"error converting YAML to JSON: {error}") from None


def load_strict(text: str | bytes) -> Any:
    """`load`, but duplicate keys are refused."""
    from pyhelm.formats.yaml_parse import parse

    try:
        return parse(text, strict=True)
    except YAMLError as error:
        raise YAMLError(f"error converting YAML to JSON: {error}") from None


def load_map(text: str | bytes, go_type: str = "map[string]interface {}") -> dict[str, Any]:
    """A document that must be a map; nothing at all is an empty map."""
    value = load(text)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    from pyhelm.formats.gotypes import type_of

    kinds = {"string": "string", "float64": "number", "bool": "bool"}
    kind = kinds.get(type_of(value), "array")
    raise YAMLError(
        f"error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go value of type {go_type}"
    )


def load_list(text: str | bytes) -> list[Any]:
    """A document that must be a list; nothing at all is an empty list."""
    value = load(text)
    if value is None:
        return []
    if isinstance(value, list):
        return value
    from pyhelm.formats.gotypes import type_of

    kinds = {"string": "string", "float64": "number", "bool": "bool"}
    kind = kinds.get(type_of(value), "object")
    raise YAMLError(
        f"error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {kind} into Go value of type "
        "[]interface {}"
    )


def split_documents(data: bytes) -> list[bytes]:
    """Cuts at lines that begin with `---`, as Kubernetes' YAML reader does; what follows on that line is lost."""
    out: list[bytes] = []
    current: list[bytes] = []
    for line in data.splitlines(keepends=True):
        rest = line[3:].strip(b" \t\r\n\v\f") if line.startswith(b"---") else b"-"
        if not rest or rest.startswith(b"#"):
            if current:
                out.append(b"".join(current))
                current = []
            continue
        current.append(line)
    if current:
        out.append(b"".join(current))
    return out
