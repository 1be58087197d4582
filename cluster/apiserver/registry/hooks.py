"""Which resources need more than the generic registry, and what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.apiserver.allocators.services import ServiceAllocator
from cluster.apiserver.registry.services import Hooks
from cluster.apiserver.request import UserInfo
from cluster.kinds.apiextensions.acceptance import mark_deleted
from cluster.meta.times import seconds
from cluster.meta.types import GroupResource, Obj

if TYPE_CHECKING:
    from cluster.apiserver.allocators.shared import SharedAllocator


def default_hooks(services: ServiceAllocator, shared: SharedAllocator | None = None) -> dict[GroupResource, Hooks]:
    """`shared` where several servers give away what `services` gives away."""
    own = Hooks(prepare=services.prepare, removed=services.removed)
    if shared is not None:
        own.reserve, own.removed = shared.reserve, shared.removed
    return {
        GroupResource("", "services"): own,
        GroupResource("", "namespaces"): Hooks(deletable=_empty_namespace, before_delete=_terminate_namespace),
        GroupResource("apiextensions.k8s.io", "customresourcedefinitions"): Hooks(before_delete=_leave_definition),
        GroupResource("certificates.k8s.io", "certificatesigningrequests"): Hooks(
            sign=_sign_request, stamp=_date_conditions
        ),
    }


def _leave_definition(crd: Obj, now: float) -> bool:
    """A definition goes when the objects it defines have gone."""
    return mark_deleted(crd, seconds(now))


def _sign_request(request: Obj, user: UserInfo) -> None:
    """A certificate signing request says who made it, whatever its maker wrote there."""
    spec = request.setdefault("spec", {})
    for field in ("username", "uid", "groups", "extra"):
        spec.pop(field, None)
    found = user.as_dict()
    for field in ("username", "uid", "groups", "extra"):
        if found.get(field):
            spec[field] = found[field]


def _date_conditions(request: Obj, old: Obj, now: float) -> None:
    """Conditions of a request say when they came, whoever sets them."""
    held = {
        (c.get("type"), c.get("status")): c.get("lastTransitionTime")
        for c in (old.get("status") or {}).get("conditions") or ()
    }
    for condition in (request.get("status") or {}).get("conditions") or ():
        if not condition.get("lastUpdateTime"):
            condition["lastUpdateTime"] = seconds(now)
        if not condition.get("lastTransitionTime"):
            before = held.get((condition.get("type"), condition.get("status")))
            condition["lastTransitionTime"] = before or seconds(now)


def _empty_namespace(namespace: Obj) -> bool:
    """A namespace goes when its content has been finalized."""
    return not (namespace.get("spec") or {}).get("finalizers")


def _terminate_namespace(namespace: Obj, now: float) -> bool:
    """The first deletion marks it; later ones change nothing until its content has gone."""
    meta = namespace["metadata"]
    if not meta.get("deletionTimestamp"):
        meta["deletionTimestamp"] = seconds(now)
        namespace["status"] = {**(namespace.get("status") or {}), "phase": "Terminating"}
        return True
    return bool((namespace.get("spec") or {}).get("finalizers"))
