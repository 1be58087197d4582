"""OpenAPI v2 documents of other servers: cut to what is theirs to tell, merged into ours, or told as v3. Pure.

Two servers may mean different things by one name of a definition; then the later one is given another name, with all
that refers to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]
_V2, _V3 = "#/definitions/", "#/components/schemas/"
_PARAMETERS = "#/parameters/"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")


def cut(document: Mapping[str, Any], prefix: str) -> Json:
    """The paths below a prefix, with shared parameters written out, and the definitions that they need."""
    shared = document.get("parameters") or {}
    paths = {
        path: _written_out(item, shared)
        for path, item in (document.get("paths") or {}).items()
        if path.startswith(prefix) and isinstance(item, dict)
    }
    definitions = document.get("definitions") or {}
    return {"paths": paths, "definitions": _reached(paths, definitions)}


def _written_out(item: Json, shared: Mapping[str, Any]) -> Json:
    out = dict(item)
    for key in ("parameters", *_METHODS):
        if key == "parameters" and key in out:
            out[key] = [_parameter(each, shared) for each in out[key]]
        elif isinstance(out.get(key), dict) and "parameters" in out[key]:
            out[key] = {**out[key], "parameters": [_parameter(each, shared) for each in out[key]["parameters"]]}
    return out


def _parameter(each: Json, shared: Mapping[str, Any]) -> Json:
    reference = str(each.get("$ref") or "")
    return dict(shared.get(reference.removeprefix(_PARAMETERS)) or each) if reference else each


def _reached(start: Any, definitions: Mapping[str, Any]) -> Json:
    todo, found = list(references(start)), {}
    while todo:
        name = todo.pop()
        if name in definitions and name not in found:
            found[name] = definitions[name]
            todo += references(definitions[name])
    return found


def references(value: Any) -> set[str]:
    """Names of the definitions that something refers to."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    found = set().union(*map(references, value.values()))
    reference = value.get("$ref")
    if isinstance(reference, str) and reference.startswith(_V2):
        found.add(reference.removeprefix(_V2))
    return found


def merged(ours: Json, others: Iterable[Mapping[str, Any]]) -> Json:
    """Our document with the paths and definitions of others (see `cut`); a path that is there already stays ours."""
    paths, definitions = dict(ours["paths"]), dict(ours["definitions"])
    for other in others:
        names = _names(definitions, other["definitions"])
        for name, definition in other["definitions"].items():
            definitions.setdefault(names.get(name, name), _renamed(definition, names))
        for path, item in other["paths"].items():
            paths.setdefault(path, _renamed(item, names))
    return {**ours, "paths": dict(sorted(paths.items())), "definitions": dict(sorted(definitions.items()))}


def _names(there: Mapping[str, Any], coming: Mapping[str, Any]) -> dict[str, str]:
    """New names of what differs from what is there under the same name, and of what refers to that."""
    names: dict[str, str] = {}
    differing = {name for name in coming if name in there and there[name] != coming[name]}
    while differing:
        names |= {name: _free(name, there, coming) for name in differing}
        differing = {
            name for name in coming if name in there and name not in names and references(coming[name]) & names.keys()
        }
    return names


def _free(name: str, *taken: Mapping[str, Any]) -> str:
    number = 2
    while any(f"{name}_v{number}" in each for each in taken):
        number += 1
    return f"{name}_v{number}"


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The same, with references to the new names."""
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    out = {key: _renamed(each, names) for key, each in value.items()}
    reference = out.get("$ref")
    if isinstance(reference, str) and reference.startswith(_V2):
        name = reference.removeprefix(_V2)
        out["$ref"] = _V2 + names.get(name, name)
    return out


# As version 3.


def as_v3(document: Mapping[str, Any], info: Mapping[str, Any]) -> Json:
    """What `cut` has left as an OpenAPI v3 document; what v2 cannot say stays unsaid."""
    return {
        "openapi": "3.0.0",
        "info": dict(info),
        "paths": {path: _path(item) for path, item in document["paths"].items()},
        "components": {"schemas": {name: _schema(each) for name, each in document["definitions"].items()}},
    }


def _schema(value: Any) -> Any:
    """Nothing may stand beside a reference in version 3: it is wrapped."""
    if isinstance(value, list):
        return [_schema(each) for each in value]
    if not isinstance(value, dict):
        return value
    out = {key: _schema(each) for key, each in value.items() if key != "$ref"}
    reference = value.get("$ref")
    if not isinstance(reference, str):
        return {**out, "$ref": reference} if reference is not None else out
    to = {"$ref": reference.replace(_V2, _V3, 1)}
    return {**out, "allOf": [to]} if out else to


def _path(item: Json) -> Json:
    out: Json = {method: _operation(item[method]) for method in _METHODS if isinstance(item.get(method), dict)}
    if item.get("parameters"):
        out["parameters"] = [_asked(each) for each in item["parameters"]]
    return out


def _operation(item: Json) -> Json:
    kept = ("description", "tags", "summary", "deprecated", "operationId")
    out = {key: each for key, each in item.items() if key in kept or key.startswith("x-")}
    parameters = item.get("parameters") or ()
    body = next((each for each in parameters if each.get("in") == "body" and each.get("schema")), None)
    if body is not None:
        schema = _schema(body["schema"])
        out["requestBody"] = {"content": {media: {"schema": schema} for media in item.get("consumes") or ["*/*"]}}
    asked = [_asked(each) for each in parameters if each is not body]
    if asked:
        out["parameters"] = asked
    produced = item.get("produces") or ["application/json"]
    out["responses"] = {code: _answer(each, produced) for code, each in (item.get("responses") or {}).items()}
    return out


def _answer(item: Json, produced: list[str]) -> Json:
    out = {"description": item.get("description") or ""}
    if item.get("schema"):
        schema = _schema(item["schema"])
        out["content"] = {media: {"schema": schema} for media in produced}
    return out


def _asked(item: Json) -> Json:
    kept: Json = {key: item[key] for key in ("name", "description", "in", "required") if key in item}
    told = {key: item[key] for key in ("type", "format", "uniqueItems") if key in item}
    return {**kept, "schema": _schema(item["schema"]) if item.get("schema") else told}
