"""Status: one revision of a release with its objects as they are in the cluster now."""

from __future__ import annotations

from typing import Any

from pyhelm.actions.build import build
from pyhelm.actions.context import Context
from pyhelm.actions.get import get_release
from pyhelm.errors import KubeError, PyhelmError
from pyhelm.kube.explain import label_selector
from pyhelm.kube.resources import Resource
from pyhelm.release.model import Release

_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
_SELECTING = ("ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicationController")


async def status(context: Context, name: str, revision: int = 0, *, tables: bool = True) -> Release:
    """The release with `info.resources` filled: the server's tables, or the objects. Raises PyhelmError."""
    release = await get_release(context, name, revision)
    try:
        resources = await build(context, release.manifest, release.namespace, check=False, old=True)
    except PyhelmError as error:
        context.reporter.log("WARN", "unable to get the objects of the release", {"error": str(error)})
        return release
    release.info.resources = await _live(context, resources, tables)
    return release


async def _live(context: Context, resources: list[Resource], tables: bool) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    selectors: list[str] = []
    for resource in resources:
        live = await _get(context, resource.path, tables)
        if live is None:
            continue
        found.setdefault(f"{resource.mapping.version}/{resource.kind}", []).append(live)
        selector = label_selector(resource.body.get("spec") or {}) if resource.kind in _SELECTING else ""
        if selector and selector not in selectors:
            selectors.append(selector)
            pods = await _pods(context, resource.namespace, selector, tables)
            if pods:
                found.setdefault("v1/Pod(related)", []).extend(pods)
    return found


async def _get(context: Context, path: str, tables: bool) -> dict[str, Any] | None:
    try:
        return await context.kube.request(
            "GET",
            path,
            accept=_TABLE if tables else "application/json",
            params={"includeObject": "Metadata"} if tables else None,
        )
    except KubeError:
        return None  # what is gone or hidden is simply not shown


async def _pods(context: Context, namespace: str, selector: str, tables: bool) -> list[dict[str, Any]]:
    path = f"/api/v1/namespaces/{namespace}/pods"
    try:
        if not tables:
            return await context.kube.list(path, labelSelector=selector)
        return [await context.kube.request("GET", path, accept=_TABLE, params={"labelSelector": selector})]
    except KubeError:
        return []
