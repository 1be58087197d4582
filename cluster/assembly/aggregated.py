"""What aggregated API servers hold, told to the controllers that must reach all there is."""

from __future__ import annotations

from cluster.apiserver.aggregation.aggregator import Aggregator
from cluster.controllers.context import Others, Resource
from cluster.meta.types import GroupVersion, GroupVersionKind, GroupVersionResource, Obj


def others_of(aggregator: Aggregator) -> Others:
    """As the servers' own discovery tells it."""
    resources: list[Resource] = []
    silent: list[str] = []
    for group, version in aggregator.remote:
        gv = GroupVersion(group, version)
        told = aggregator.versions.get(gv, {"freshness": "Stale"})
        if told["freshness"] != "Current":
            silent.append(str(gv))
        resources += [_resource(gv, each) for each in told.get("resources") or () if _can_be_emptied(each)]
    return Others(resources, silent)


def _can_be_emptied(each: Obj) -> bool:
    return {"list", "delete"} <= set(each.get("verbs") or ())


def _resource(gv: GroupVersion, each: Obj) -> Resource:
    kind = GroupVersionKind(gv.group, gv.version, each["responseKind"].get("kind") or "")
    gvr = GroupVersionResource(gv.group, gv.version, each["resource"])
    return Resource(gvr, kind, each.get("scope") == "Namespaced", tuple(each["verbs"]))
