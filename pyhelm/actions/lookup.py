"""`lookup` of templates from recorded objects, for rendering without a cluster what a chart does with one."""

from __future__ import annotations

from typing import Any

from pyhelm.engine.interface import Lookup
from pyhelm.errors import ManifestError
from pyhelm.manifest.objects import objects_of


def recorded(data: bytes, name: str) -> Lookup:
    """Lookup over the objects of a file: YAML documents or JSON, lists (`kind: List`, `PodList`) taken apart.

    As a server does, it gives {} for what is not there, and a list of all in the namespace ("" for all namespaces)
    when no name is asked for. Raises ManifestError naming the file.
    """
    try:
        objects = [each for _, body in objects_of(data.decode("utf-8", "replace")) for each in _apart(body)]
    except ManifestError as error:
        raise ManifestError(f"{name}: {error}") from error

    def lookup(api_version: str, kind: str, namespace: str, wanted: str) -> dict[str, Any]:
        same = [body for body in objects if (body.get("apiVersion"), body.get("kind")) == (api_version, kind)]
        if wanted:
            return next((body for body in same if _place(body) == (namespace, wanted)), {})
        items = [body for body in same if not namespace or _place(body)[0] == namespace]
        return {"apiVersion": api_version, "kind": f"{kind}List", "metadata": {}, "items": items} if items else {}

    return lookup


def _apart(body: dict[str, Any]) -> list[dict[str, Any]]:
    items = body.get("items")
    kind = str(body.get("kind") or "")
    if not kind.endswith("List") or not isinstance(items, list):
        return [body]
    # Items of a server's list do not repeat what the list says of all of them.
    own = {} if kind == "List" else {"apiVersion": body.get("apiVersion"), "kind": kind.removesuffix("List")}
    return [{**own, **item} for item in items if isinstance(item, dict)]


def _place(body: dict[str, Any]) -> tuple[str, str]:
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        return "", ""
    return str(metadata.get("namespace") or ""), str(metadata.get("name") or "")
