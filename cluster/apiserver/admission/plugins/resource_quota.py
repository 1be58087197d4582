"""ResourceQuota: what a namespace may use in all. Usage is charged to the quota's status before the object is stored.

The charge is an optimistic update, so two writers cannot both take the last unit. What a failed or deleted object
used is given back by the quota controller, which counts afresh.
"""

from __future__ import annotations

from typing import Any

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.limit_ranger import pod_amounts
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.meta import errors
from cluster.meta.objects import clone
from cluster.meta.quantity import Quantity
from cluster.meta.types import GroupResource, Obj

QUOTAS = GroupResource("", "resourcequotas")
PODS, SERVICES = GroupResource("", "pods"), GroupResource("", "services")
CLAIMS = GroupResource("", "persistentvolumeclaims")
_COUNTED = frozenset(
    ("pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims")
)
_COMPUTE = frozenset(("cpu", "memory", "ephemeral-storage"))
_CLASS = ".storageclass.storage.k8s.io/"
_ATTEMPTS = 5
Usage = dict[str, Quantity]
ONE, NONE = Quantity.parse("1"), Quantity.parse("0")


class ResourceQuota(PlainPlugin):
    name = "ResourceQuota"

    def handles(self, operation: Operation, resource: GroupResource, subresource: str) -> bool:
        if subresource or resource == QUOTAS:
            return False
        growing = operation is Operation.UPDATE and resource in (PODS, SERVICES, CLAIMS)
        return operation is Operation.CREATE or growing

    async def validate(self, attributes: Attributes) -> None:
        a = attributes
        if not a.namespace or a.obj is None:
            return
        for quota in list(self.around.objects.all(QUOTAS, a.namespace)):
            for attempt in range(_ATTEMPTS):
                found = self.around.objects.get(QUOTAS, a.namespace, quota["metadata"]["name"])
                if found is None:
                    break
                try:
                    await self._charge(a, found)
                    break
                except errors.StatusError as error:
                    if not errors.is_conflict(error) or attempt == _ATTEMPTS - 1:
                        raise

    async def _charge(self, a: Attributes, quota: Obj) -> None:
        assert a.obj is not None
        # What the controller has not taken up into the status yet is not limited yet.
        hard = (quota.get("status") or {}).get("hard") or {}
        if a.resource == PODS and not _in_scope(quota, a.obj):
            return
        _check_specified(a, quota, hard)
        delta = _delta(a, hard)
        if not delta:
            return
        status = quota.get("status") or {}
        unknown = sorted(k for k in delta if k not in (status.get("used") or {}))
        if unknown:
            name = quota["metadata"]["name"]
            raise a.refused(f"status unknown for quota: {name}, resources: {','.join(unknown)}")
        used = {k: Quantity.parse(v) for k, v in (status.get("used") or {}).items()}
        limits = {k: Quantity.parse(v) for k, v in hard.items()}
        over = sorted(k for k, more in delta.items() if more > NONE and used.get(k, NONE) + more > limits[k])
        if over:
            raise a.refused(_exceeded(quota, over, delta, used, limits))
        if not a.dry_run:
            await self.around.writes.update_status(QUOTAS, _with_usage(quota, delta, used))


def _exceeded(quota: Obj, over: list[str], delta: Usage, used: Usage, limits: Usage) -> str:
    def listed(amounts: Usage) -> str:
        return ",".join(f"{k}={amounts.get(k, NONE)}" for k in over)

    name = quota["metadata"]["name"]
    return f"exceeded quota: {name}, requested: {listed(delta)}, used: {listed(used)}, limited: {listed(limits)}"


def _with_usage(quota: Obj, delta: Usage, used: Usage) -> Obj:
    out = clone(quota)
    total = dict(out["status"].get("used") or {})
    for name, more in delta.items():
        total[name] = str(used.get(name, NONE) + more)
    out["status"]["used"] = total
    return out


def _delta(a: Attributes, hard: Obj) -> Usage:
    """How much more the write uses of what the quota limits; zero differences are left out."""
    now = usage(a.resource, a.obj)
    before = usage(a.resource, a.old)
    out = {}
    for name in hard:
        more = now.get(name, NONE) - before.get(name, NONE)
        if more:
            out[name] = more
    return out


def usage(resource: GroupResource, obj: Obj | None) -> Usage:
    """What one object uses, under every name a quota may limit it by."""
    if obj is None:
        return {}
    out: Usage = {f"count/{resource}": ONE}
    if not resource.group and resource.resource in _COUNTED and resource != PODS:
        out[resource.resource] = ONE
    spec: Obj = obj.get("spec") or {}
    if resource == PODS:
        _pod_usage(obj, out)
    elif resource == SERVICES:
        _service_usage(spec, out)
    elif resource == CLAIMS:
        _claim_usage(spec, out)
    return out


def _pod_usage(pod: Obj, out: Usage) -> None:
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return
    out["pods"] = ONE
    for field in ("requests", "limits"):
        for name, text in pod_amounts(pod, field).items():
            out[f"{field}.{name}"] = Quantity.parse(text)
            if field == "requests" and name in _COMPUTE:
                out[name] = Quantity.parse(text)


def _service_usage(spec: Obj, out: Usage) -> None:
    ports = list(spec.get("ports") or [])
    if spec.get("type") == "LoadBalancer":
        out["services.loadbalancers"] = ONE
        if spec.get("allocateLoadBalancerNodePorts") is not False:
            out["services.nodeports"] = Quantity.parse(len(ports))
    elif spec.get("type") == "NodePort":
        out["services.nodeports"] = Quantity.parse(len(ports))


def _claim_usage(spec: Obj, out: Usage) -> None:
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    if asked is not None:
        out["requests.storage"] = Quantity.parse(asked)
    name = spec.get("storageClassName")
    if name:
        out[f"{name}{_CLASS}persistentvolumeclaims"] = ONE
        if asked is not None:
            out[f"{name}{_CLASS}requests.storage"] = Quantity.parse(asked)


def _check_specified(a: Attributes, quota: Obj, hard: Obj) -> None:
    """A quota on compute resources demands that every container says what it needs."""
    if a.resource != PODS or a.operation is not Operation.CREATE or a.obj is None:
        return
    missing: dict[str, list[str]] = {}
    for limited in sorted(hard):
        field, _, name = limited.partition(".") if "." in limited else ("requests", "", limited)
        if field not in ("requests", "limits") or name not in _COMPUTE:
            continue
        for part in ("containers", "initContainers"):
            for container in a.obj["spec"].get(part) or []:
                if name not in ((container.get("resources") or {}).get(field) or {}):
                    missing.setdefault(limited, []).append(container["name"])
    if missing:
        listed = "; ".join(f"{limited} for: {','.join(sorted(set(who)))}" for limited, who in missing.items())
        raise a.refused(f"failed quota: {quota['metadata']['name']}: must specify {listed}")


def _in_scope(quota: Obj, pod: Obj) -> bool:
    spec = quota.get("spec") or {}
    selectors = [{"scopeName": s, "operator": "Exists"} for s in spec.get("scopes") or []]
    selectors += (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    return all(_matches(s, pod) for s in selectors)


def _matches(selector: dict[str, Any], pod: Obj) -> bool:
    spec = pod.get("spec") or {}
    terminating = spec.get("activeDeadlineSeconds") is not None
    best_effort = not pod_amounts(pod, "requests") and not pod_amounts(pod, "limits")
    match selector.get("scopeName"):
        case "Terminating":
            return terminating
        case "NotTerminating":
            return not terminating
        case "BestEffort":
            return best_effort
        case "NotBestEffort":
            return not best_effort
        case "PriorityClass":
            return _operator(selector, spec.get("priorityClassName") or "")
        case "CrossNamespacePodAffinity":
            return "namespaceSelector" in str(spec.get("affinity") or {}) or "'namespaces'" in str(
                spec.get("affinity") or {}
            )
    return False


def _operator(selector: dict[str, Any], value: str) -> bool:
    values = selector.get("values") or []
    match selector.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return bool(value)
        case "DoesNotExist":
            return not value
    return False
