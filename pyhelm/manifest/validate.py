"""Checking objects against the schema of the target Kubernetes before anything is sent.

Every fault names the template file, the object and the path of the field, and says what would be right. Kinds which
the schema does not know are left to the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pyhelm.manifest.schema import OPEN, Definition, Definitions


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an object. `path` like spec.containers[0].image, "" for the object itself."""

    source: str
    kind: str
    name: str
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.kind}/{self.name}" if self.name else self.kind
        field = f"{self.path}: " if self.path else ""
        return f"{self.source}: {where}: {field}{self.message}"


def check_objects(
    objects: Iterable[tuple[str, dict[str, Any]]],
    definitions: Definitions,
    served: Callable[[str, str], bool] = lambda api_version, kind: False,
) -> list[Fault]:
    """Faults of all (source, object) pairs; `served` says which unknown kinds the server has nevertheless."""
    return [fault for source, body in objects for fault in _check(source, body, definitions, served)]


def _check(
    source: str, body: dict[str, Any], definitions: Definitions, served: Callable[[str, str], bool]
) -> Iterator[Fault]:
    api_version, kind = str(body.get("apiVersion") or ""), str(body.get("kind") or "")
    metadata = body.get("metadata")
    name = str(metadata.get("name") or metadata.get("generateName") or "") if isinstance(metadata, dict) else ""
    for key, value in (("apiVersion", api_version), ("kind", kind)):
        if not value:
            yield Fault(source, kind or "object", name, "", f"{key} not set")
            return
    definition = definitions.kind(api_version, kind)
    if definition is None:
        message = "" if served(api_version, kind) else unknown_kind(api_version, kind, definitions)
        if message:
            yield Fault(source, kind, name, "", message)
        return
    if not name and not kind.endswith("List"):
        yield Fault(source, kind, name, "metadata.name", "a name is required")
    for path, text in _walk(body, definition, "", definitions):
        yield Fault(source, kind, name, path, text)


def unknown_kind(api_version: str, kind: str, definitions: Definitions) -> str:
    """What to say of a kind Kubernetes does not have; "" for groups that are not Kubernetes' own."""
    group = api_version.rpartition("/")[0]
    if group not in definitions.groups():
        return ""
    release = f"Kubernetes {definitions.version}"
    if versions := definitions.versions_of(kind):
        return f'{release} has no {kind} in apiVersion "{api_version}": use {" or ".join(versions)}'
    close = get_close_matches(kind, definitions.kinds_of(api_version), 1)
    hint = f', did you mean "{close[0]}"?' if close else ""
    return f'{release} has no kind "{kind}" in apiVersion "{api_version}"{hint}'


def _walk(value: Any, definition: Definition, path: str, definitions: Definitions) -> Iterator[tuple[str, str]]:
    if value is None:
        return  # the server drops nulls
    schema = definitions.resolve(definition)
    if "oneOf" in schema:
        kinds = {kind for option in schema["oneOf"] for kind in _types(option)}
        if not _fits(value, kinds):
            yield path, _type_fault(value, kinds)
        return
    kinds = _types(schema)
    if kinds and not _fits(value, kinds):
        yield path, _type_fault(value, kinds)
        return
    choices = [choice for choice in schema.get("enum") or [] if choice is not None]
    if choices and value not in choices:
        yield path, _choice_fault(value, choices)
    for limit in _bounds(value, schema):
        yield path, limit
    if isinstance(value, dict):
        yield from _walk_object(value, schema, path, definitions)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from _walk(item, schema["items"], f"{path}[{index}]", definitions)


def _walk_object(
    value: dict[str, Any], schema: Definition, path: str, definitions: Definitions
) -> Iterator[tuple[str, str]]:
    properties = schema.get("properties")
    if properties is None:
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            for key, item in value.items():
                yield from _walk(item, extra, join_path(path, key), definitions)
        return
    for key in schema.get("required") or []:
        if value.get(key) is None:
            yield join_path(path, key), "is required"
    for key, item in value.items():
        if key in properties:
            yield from _walk(item, properties[key], join_path(path, key), definitions)
        elif not schema.get(OPEN):
            yield join_path(path, key), _unknown_field(key, properties)


def join_path(path: str, key: str) -> str:
    """The path of a field below `path`, as faults name it."""
    if any(c in key for c in "./[] "):
        return f'{path}["{key}"]'
    return f"{path}.{key}" if path else key


def _unknown_field(key: str, properties: dict[str, Any]) -> str:
    folded = {name.lower(): name for name in properties}
    close = [folded[c] for c in get_close_matches(str(key).lower(), folded, 1, 0.6)]
    hint = f', did you mean "{close[0]}"?' if close else f" (known: {', '.join(sorted(properties)[:12])})"
    return f'unknown field "{key}"{hint}'


def _bounds(value: Any, schema: Definition) -> Iterator[str]:
    """Limits that schemas of custom resources set; those of Kubernetes' own kinds set none."""
    if isinstance(value, bool):
        return
    for low, high, size, what in (
        ("minimum", "maximum", value if isinstance(value, int | float) else None, ""),
        ("minLength", "maxLength", len(value) if isinstance(value, str) else None, " characters"),
        ("minItems", "maxItems", len(value) if isinstance(value, list) else None, " items"),
    ):
        if size is None:
            continue
        if low in schema and size < schema[low]:
            yield f"must be at least {schema[low]:g}{what}, not {size:g}"
        if high in schema and size > schema[high]:
            yield f"must be at most {schema[high]:g}{what}, not {size:g}"
    if isinstance(value, str) and "pattern" in schema and not _matches(str(schema["pattern"]), value):
        yield f'"{value}" does not match {schema["pattern"]}'


def _matches(pattern: str, text: str) -> bool:
    """RE2, which ends in time whatever the pattern; one it does not know is left to the server."""
    from pyhelm.formats.regexp import RegexpError, compile_regexp

    try:
        return compile_regexp(pattern).search(text) is not None
    except RegexpError:
        return True


def _types(schema: Definition) -> set[str]:
    kinds = schema.get("type")
    if kinds is None:
        return set()
    return {kinds} if isinstance(kinds, str) else {kind for kind in kinds if kind != "null"}


def _fits(value: Any, kinds: set[str]) -> bool:
    return bool(_words(value) & kinds)


def _words(value: Any) -> set[str]:
    match value:
        case bool():
            return {"boolean"}
        case int():
            return {"integer", "number"}
        case float():
            return {"integer", "number"} if value.is_integer() else {"number"}
        case str():
            return {"string"}
        case list():
            return {"array"}
    return {"object"}


_SAID = {"array": "a list", "object": "a mapping", "string": "a string", "boolean": "true or false"}


def _type_fault(value: Any, kinds: set[str]) -> str:
    wanted = " or ".join(_SAID.get(kind, f"a{'n' if kind == 'integer' else ''} {kind}") for kind in sorted(kinds))
    shown = str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, str) else str(value)
    got = _SAID["array"] if isinstance(value, list) else _SAID["object"] if isinstance(value, dict) else shown
    hint = ""
    if kinds == {"string"} and isinstance(value, bool | int | float):
        hint = ": quote it"
    elif isinstance(value, str) and kinds <= {"integer", "boolean", "number"}:
        hint = ": remove the quotes" if value.lower() in ("true", "false") or value.isdigit() else ""
    return f"must be {wanted}, not {got}{hint}"


def _choice_fault(value: Any, choices: list[Any]) -> str:
    close = get_close_matches(str(value), [str(c) for c in choices], 1)
    hint = f', did you mean "{close[0]}"?' if close else ""
    return f'"{value}" is none of {", ".join(map(str, choices))}{hint}'
