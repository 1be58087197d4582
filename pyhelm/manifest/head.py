"""The few fields a manifest's order depends on: apiVersion, kind, metadata.name and metadata.annotations.

A document is decoded as far as these fields go, with the words Go's decoder finds for what does not fit.
"""

from __future__ import annotations

from typing import Any

from pyhelm.errors import ManifestError
from pyhelm.formats.yaml_memory import YamlMemory
from pyhelm.records import dataclass, field


@dataclass(frozen=True, slots=True)
class Head:
    """What of a document decides about its place."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    annotations: dict[str, str] = field(default_factory=dict)


def recalled_head(text: str, memory: YamlMemory | None) -> Head:
    """`parse_head`, but a document seen before, and read without an error, is not parsed again."""
    if memory is None:
        return parse_head(text)
    return Head(*memory.recall("head", text.encode("utf-8", "surrogatepass"), lambda: _parts(parse_head(text))))


def _parts(head: Head) -> tuple[str, str, str, dict[str, str]]:
    return head.api_version, head.kind, head.name, head.annotations


def parse_head(text: str) -> Head:
    """Head of one YAML document. Raises ManifestError with Go's text."""
    data = load_yaml(text)
    if data is None:
        return Head()
    _expect(data, dict, "value of type util.SimpleHead")
    metadata = data.get("metadata")
    if metadata is None:
        metadata = {}
    _expect(metadata, dict, "struct field .metadata of type struct")
    return Head(
        api_version=_text(data.get("apiVersion"), ".apiVersion"),
        kind=_text(data.get("kind"), ".kind"),
        name=_text(metadata.get("name"), ".metadata.name"),
        annotations=_annotations(metadata.get("annotations")),
    )


def load_yaml(text: str) -> Any:
    """One YAML document as JSON data (numbers are floats). Raises ManifestError with Go's text."""
    from pyhelm.formats.yaml_read import YAMLError, load

    try:
        return load(text)
    except YAMLError as error:
        raise ManifestError(str(error)) from error


def _annotations(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    _expect(value, dict, "struct field .metadata.annotations of type map[string]string")
    return {key: _text(item, ".metadata.annotations") for key, item in value.items()}


def _text(value: Any, path: str) -> str:
    """A string field; sigs.k8s.io/yaml turns bare scalars into strings where a string is wanted."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    _expect(value, str, f"struct field {path} of type string")
    return str(value)


def _expect(value: Any, kind: type, target: str) -> None:
    if isinstance(value, kind):
        return
    word = _JSON_WORDS.get(type(value), "number")
    raise ManifestError(f"error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {word} into Go {target}")


_JSON_WORDS: dict[type, str] = {str: "string", list: "array", dict: "object", bool: "bool"}
