"""Aggregated ClusterRoles: their rules are those of all roles that their selectors match."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.controllers.context import Context
from cluster.machinery.resources import CLUSTER_ROLES
from cluster.machinery.selecting import label_selector, labels_of
from cluster.meta.objects import clone
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey


def plan(role: Obj, roles: Iterable[Obj]) -> list[dict[str, Any]]:
    """The rules the role should have: each selector's roles by name, no rule twice."""
    rules: list[dict[str, Any]] = []
    by_name = sorted(roles, key=lambda r: r["metadata"]["name"])
    for selector in (role.get("aggregationRule") or {}).get("clusterRoleSelectors") or ():
        matches = label_selector(selector)
        for other in by_name:
            if other["metadata"]["name"] != role["metadata"]["name"] and matches(labels_of(other)):
                rules += [rule for rule in other.get("rules") or () if rule not in rules]
    return rules


class AggregationController:
    def __init__(self, context: Context) -> None:
        self._client = context.client
        self._roles = context.informers.of(CLUSTER_ROLES)
        self.loop = context.controller("clusterrole-aggregation", self.reconcile, [self._roles], workers=1)
        self._roles.add_handler(self._changed)

    async def run(self) -> None:
        await self.loop.run()

    def _changed(self, _old: Obj | None, _new: Obj | None) -> None:
        for role in self._roles.list():
            if role.get("aggregationRule"):
                self.loop.queue.add(key_of(role))

    async def reconcile(self, key: ObjectKey) -> float | None:
        role = self._roles.get(key.name)
        if role is None or not role.get("aggregationRule"):
            return None
        rules = plan(role, self._roles.list())
        if rules != (role.get("rules") or []):
            await self._client.update(CLUSTER_ROLES, {**clone(role), "rules": rules})
        return None


def start(context: Context) -> AggregationController:
    return AggregationController(context)
