"""JSON merge patch (RFC 7386): null deletes, objects merge, everything else replaces."""

from __future__ import annotations

from typing import Any

from cluster.meta.errors import bad_request
from cluster.meta.gojson import JSONError, kind_of, loads


def decode_merge(body: bytes, strategic: bool = False) -> dict[str, Any]:
    """The body of a merge patch as an object. Raises StatusError 400; the two kinds of merge word it differently."""
    prefix = "" if strategic else "error decoding patch: "
    try:
        patch = loads(body)
    except JSONError as error:
        raise bad_request(f"{prefix}{error}") from error
    if patch is None and strategic:
        return {}
    if patch is None:
        raise bad_request("Invalid JSON Patch")
    if not isinstance(patch, dict):
        found = kind_of(patch)
        raise bad_request(f"{prefix}json: cannot unmarshal {found} into Go value of type map[string]interface {{}}")
    return patch


def merge_patch(document: Any, patch: Any) -> Any:
    """The document with the patch merged in; neither is changed."""
    if not isinstance(patch, dict):
        return patch
    out = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict):
            out[key] = merge_patch(out.get(key), value)
        else:
            out[key] = _without_nulls(value)
    return out


def _without_nulls(value: Any) -> Any:
    """Nulls in what a patch puts in whole stand for nothing, also in the items of its lists."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
