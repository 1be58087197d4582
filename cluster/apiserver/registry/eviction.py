"""Eviction: a deletion that asks the disruption budgets first."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.registry.delete import check_preconditions, delete
from cluster.apiserver.registry.entry import Entry
from cluster.apiserver.registry.options import DeleteOptions, WriteOptions, delete_options
from cluster.apiserver.registry.read import fresh
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.registry.update import Change, update
from cluster.apiserver.request import Query
from cluster.kinds.kind import Kind, Strategy, Subresource
from cluster.meta import errors
from cluster.meta.errors import Reason, StatusError
from cluster.meta.objects import dig
from cluster.meta.selectors import LabelSelector
from cluster.meta.times import seconds
from cluster.meta.types import GroupResource, GroupVersionResource, Obj

BUDGETS = GroupResource("policy", "poddisruptionbudgets")
_RETRY_AFTER = 10
_FREE_PHASES = ("Succeeded", "Failed", "Pending")


async def evict(registry: Registry, namespace: str, name: str, given: Obj, options: WriteOptions) -> None:
    """Raises 400, 404, 409, 429, 500."""
    own = (given.get("metadata") or {}).get("name") or ""
    if own != name:
        raise errors.bad_request("name in URL does not match name in Eviction object")
    wanted = delete_options(given.get("deleteOptions") or {}, Query(""), options.user)
    wanted.dry_run = wanted.dry_run or options.dry_run
    await fresh(registry)
    entry = registry.cache.get(namespace, name)
    if entry is None:
        raise registry.absent(namespace, name)
    pod = entry.obj
    if not _needs_no_budget(pod):
        await _ask_budgets(registry, namespace, pod, wanted, options)
    _check_preconditions(registry, registry.cache.get(namespace, name), wanted)
    if not wanted.dry_run:
        await _say_why(registry, namespace, name, options)
    await delete(registry, namespace, name, wanted)


def _check_preconditions(registry: Registry, entry: Entry | None, wanted: DeleteOptions) -> None:
    if entry is not None:
        check_preconditions(registry, entry.obj, wanted)


async def _say_why(registry: Registry, namespace: str, name: str, options: WriteOptions) -> None:
    """The pod shows that it was evicted."""
    now = seconds(registry.services.clock.now())

    async def transform(pod: Obj) -> Obj:
        status = pod.setdefault("status", {})
        kept = [c for c in status.get("conditions") or [] if c.get("type") != "DisruptionTarget"]
        condition: Obj = {
            "type": "DisruptionTarget",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": now,
        }
        condition |= {"reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}
        status["conditions"] = [*kept, condition]
        return pod

    await update(
        registry, namespace, name, Change(transform, subresource=_STATUS, tracked=False, mutate=False), options
    )


def _needs_no_budget(pod: Obj) -> bool:
    phase = dig(pod, "status", "phase", default="")
    return phase in _FREE_PHASES or bool(pod["metadata"].get("deletionTimestamp"))


async def _ask_budgets(
    registry: Registry, namespace: str, pod: Obj, wanted: DeleteOptions, options: WriteOptions
) -> None:
    labels = pod["metadata"].get("labels") or {}
    budgets = [b for b in registry.services.feed.all(BUDGETS, namespace) if _covers(b, labels)]
    if not budgets:
        return
    if len(budgets) > 1:
        text = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        raise StatusError(500, "", text)
    budget = budgets[0]
    if not _ready(pod) and _unready_may_go(budget):
        return
    if wanted.dry_run:
        _check(budget)
        return
    await _charge(registry, namespace, budget["metadata"]["name"], pod["metadata"]["name"], options)


def _covers(budget: Obj, labels: dict[str, str]) -> bool:
    selector = dig(budget, "spec", "selector")
    return selector is not None and LabelSelector.from_dict(selector).matches(labels)


def _ready(pod: Obj) -> bool:
    return any(
        c.get("type") == "Ready" and c.get("status") == "True" for c in dig(pod, "status", "conditions", default=[])
    )


def _unready_may_go(budget: Obj) -> bool:
    if dig(budget, "spec", "unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    return (status.get("currentHealthy") or 0) >= (status.get("desiredHealthy") or 0) and (
        status.get("desiredHealthy") or 0
    ) > 0


def _check(budget: Obj) -> None:
    """Whether the budget allows one more disruption now. Raises 403, 429."""
    meta, status = budget["metadata"], budget.get("status") or {}
    if (status.get("observedGeneration") or 0) < (meta.get("generation") or 0):
        raise _not_now(f"The disruption budget {meta['name']} is still being processed by the server.", _RETRY_AFTER)
    allowed = status.get("disruptionsAllowed") or 0
    if allowed < 0:
        raise errors.forbidden(BUDGETS, meta["name"], "pdb disruptions allowed is negative")
    if allowed == 0:
        needs, has = status.get("desiredHealthy") or 0, status.get("currentHealthy") or 0
        text = f"The disruption budget {meta['name']} does not allow evicting pods currently"
        if has <= needs:
            text = f"The disruption budget {meta['name']} needs {needs} healthy pods and has {has} currently"
        raise _not_now(text)


def _not_now(cause: str, again: int = 0) -> StatusError:
    return StatusError(
        429,
        Reason.TOO_MANY_REQUESTS,
        "Cannot evict pod as it would violate the pod's disruption budget.",
        {"causes": [{"reason": "DisruptionBudget", "message": cause}]}
        | ({"retryAfterSeconds": again} if again else {}),
    )


_STATUS = Subresource(name="status", verbs=("update",), strategy=Strategy())


async def _charge(registry: Registry, namespace: str, budget: str, pod: str, options: WriteOptions) -> None:
    kind = _budget_kind(registry)
    if kind is None:
        return
    now = seconds(registry.services.clock.now())

    async def transform(current: Obj) -> Obj:
        _check(current)
        status: dict[str, Any] = current["status"]
        status["disruptionsAllowed"] -= 1
        status["disruptedPods"] = {**(status.get("disruptedPods") or {}), pod: now}
        _set_condition(current, now)
        return current

    await update(
        Registry(kind, registry.services),
        namespace,
        budget,
        Change(transform, subresource=_STATUS),
        WriteOptions(options.user, manager="kube-apiserver"),
    )


def _set_condition(budget: Obj, now: str) -> None:
    """Whether the budget allows another disruption, as a condition."""
    status = budget["status"]
    allowed = status["disruptionsAllowed"] > 0
    held = [c for c in status.get("conditions") or [] if c.get("type") == "DisruptionAllowed"]
    state = "True" if allowed else "False"
    since = held[0]["lastTransitionTime"] if held and held[0].get("status") == state else now
    condition = {
        "type": "DisruptionAllowed",
        "status": state,
        "observedGeneration": budget["metadata"].get("generation") or 0,
        "lastTransitionTime": since,
        "reason": "SufficientPods" if allowed else "InsufficientPods",
        "message": "",
    }
    status["conditions"] = [c for c in status.get("conditions") or [] if c not in held] + [condition]


def _budget_kind(registry: Registry) -> Kind | None:
    return registry.services.kinds.by_gvr(GroupVersionResource("policy", "v1", "poddisruptionbudgets"))
