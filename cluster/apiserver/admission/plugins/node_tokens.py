"""Tokens that a node may ask for: of accounts of its pods, bound to the pod, for audiences that the pod needs."""

from __future__ import annotations

from typing import Any

from cluster.apiserver.admission.interface import Attributes, Objects, Surroundings
from cluster.apiserver.authz.interface import Attributes as Asked
from cluster.apiserver.authz.interface import Decision
from cluster.apiserver.authz.rbac import aggregate
from cluster.meta import errors
from cluster.meta.errors import StatusError
from cluster.meta.objects import dig
from cluster.meta.types import GroupResource, Obj

PODS = GroupResource("", "pods")
_CLAIMS, _VOLUMES = GroupResource("", "persistentvolumeclaims"), GroupResource("", "persistentvolumes")
_DRIVERS = GroupResource("storage.k8s.io", "csidrivers")
_VERB = "request-serviceaccounts-token-audience"


async def check_token(around: Surroundings, a: Attributes, node: str) -> None:
    """Raises 403, 404."""
    ref = dig(a.obj, "spec", "boundObjectRef") or {}
    if (ref.get("apiVersion"), ref.get("kind")) != ("v1", "Pod") or not ref.get("name"):
        raise a.refused("node requested token not bound to a pod")
    uid = ref.get("uid")
    if not uid:
        raise a.refused("node requested token with a pod binding without a uid")
    pod = around.objects.get(PODS, a.namespace, ref["name"])
    if pod is None:
        raise errors.not_found(GroupResource("", "pod"), ref["name"])
    if uid != pod["metadata"]["uid"]:
        why = f"the UID in the bound object reference ({uid}) does not match the UID in record. "
        raise a.refused(why + "The object might have been deleted and then recreated")
    if dig(pod, "spec", "nodeName") != node:
        raise a.refused("node requested token bound to a pod scheduled on a different node")
    await _check_audience(around, a, pod)


async def _check_audience(around: Surroundings, a: Attributes, pod: Obj) -> None:
    audiences = dig(a.obj, "spec", "audiences") or []
    if len(audiences) > 1:
        raise a.refused("node may only request 0 or 1 audiences")
    audience = audiences[0] if audiences else ""
    faults: list[str] = []
    for volume in dig(pod, "spec", "volumes") or []:
        try:
            if _needs(around.objects, pod, volume, audience):
                return
        except StatusError as fault:
            faults.append(fault.message)
    if faults:
        raise a.refused(f'error validating audience "{audience}": {aggregate(faults)}')
    asked = Asked(a.user, _VERB, "", "v1", audience, "", a.name, a.namespace)
    decision, _, error = await around.authorizer.decide(asked)
    if decision is Decision.ALLOW:
        return
    lacking = f'audience "{audience}" not found in pod spec volume'
    if error:
        raise a.refused(f"{lacking}, error authorizing {a.user.name} to request tokens for this audience: {error}")
    raise a.refused(f"{lacking}, {a.user.name} is not authorized to request tokens for this audience")


def _needs(objects: Objects, pod: Obj, volume: dict[str, Any], audience: str) -> bool:
    """Whether a volume of the pod is given tokens for the audience. Raises 404 for what it refers to."""
    for source in (volume.get("projected") or {}).get("sources") or []:
        token = source.get("serviceAccountToken")
        if token is not None and (token.get("audience") or "") == audience:
            return True
    driver = _driver(objects, pod, volume)
    if not driver:
        return False
    requests = dig(_found(objects, _DRIVERS, "", driver), "spec", "tokenRequests") or []
    return any((request.get("audience") or "") == audience for request in requests)


def _driver(objects: Objects, pod: Obj, volume: dict[str, Any]) -> str:
    if volume.get("csi"):
        return str(volume["csi"].get("driver") or "")
    claim = (volume.get("persistentVolumeClaim") or {}).get("claimName") or ""
    if (volume.get("ephemeral") or {}).get("volumeClaimTemplate"):
        claim = f"{pod['metadata']['name']}-{volume['name']}"
    if not claim:
        return ""
    held = _found(objects, _CLAIMS, pod["metadata"]["namespace"], claim)
    found = _found(objects, _VOLUMES, "", str(dig(held, "spec", "volumeName") or ""))
    return str(dig(found, "spec", "csi", "driver") or "")


def _found(objects: Objects, resource: GroupResource, namespace: str, name: str) -> Obj:
    found = objects.get(resource, namespace, name)
    if found is None:
        # As the lister of the resource names it: by its single word.
        raise errors.not_found(GroupResource(resource.group, resource.resource.removesuffix("s")), name)
    return found
