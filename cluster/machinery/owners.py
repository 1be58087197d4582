"""Which objects belong to a controller: adopting orphans its selector matches, releasing those it no longer does.

`claims` decides (pure), `Claimer` acts. Adoption sets a controllerRef by a patch that carries the uid, so that an
object made again under the same name is not touched; before the first adoption the owner itself is read fresh, as
an owner that is being deleted must not adopt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from cluster.client.interface import Client
from cluster.meta import objects
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.types import GroupVersionKind, GroupVersionResource, Obj

STRATEGIC = "application/strategic-merge-patch+json"


def owner_reference(owner: Obj, gvk: GroupVersionKind, *, controller: bool = True) -> dict[str, Any]:
    """metav1.NewControllerRef."""
    meta = owner["metadata"]
    out: dict[str, Any] = {"apiVersion": gvk.api_version, "kind": gvk.kind, "name": meta["name"], "uid": meta["uid"]}
    if controller:
        out |= {"controller": True, "blockOwnerDeletion": True}
    return out


def controlled_by(obj: Obj, owner: Obj) -> bool:
    """The object's controllerRef is this owner, by uid."""
    for ref in obj["metadata"].get("ownerReferences") or ():
        if ref.get("controller"):
            return bool(ref.get("uid") == owner["metadata"].get("uid"))
    return False


def controller_uid(obj: Obj) -> str:
    for ref in obj["metadata"].get("ownerReferences") or ():
        if ref.get("controller"):
            return str(ref.get("uid") or "")
    return ""


@dataclass(slots=True)
class Claims:
    """What to do with each candidate."""

    keep: list[Obj] = field(default_factory=list)
    adopt: list[Obj] = field(default_factory=list)
    release: list[Obj] = field(default_factory=list)


def claims(owner: Obj, candidates: Iterable[Obj], matches: Callable[[Obj], bool]) -> Claims:
    """Sort candidates by ownership and selector; those of other controllers are left alone."""
    out = Claims()
    dying = objects.deleting(owner)
    for obj in candidates:
        uid = controller_uid(obj)
        if uid:
            if uid == owner["metadata"]["uid"]:
                (out.keep if matches(obj) else out.release).append(obj)
        elif matches(obj) and not dying and not objects.deleting(obj):
            out.adopt.append(obj)
    if dying:
        out.keep, out.release = out.keep, []
    return out


class Claimer:
    """Carries out claims for one owner kind upon one owned resource."""

    def __init__(
        self, client: Client, owner_gvk: GroupVersionKind, owner_gvr: GroupVersionResource, owned: GroupVersionResource
    ) -> None:
        self._client, self._gvk, self._owner_gvr, self._owned = client, owner_gvk, owner_gvr, owned

    async def claim(
        self, owner: Obj, candidates: Iterable[Obj], matches: Callable[[Obj], bool], *, finalizers: tuple[str, ...] = ()
    ) -> list[Obj]:
        """The objects the owner now controls. Raises StatusError when an adoption fails for good."""
        decided = claims(owner, candidates, matches)
        mine = decided.keep
        if decided.adopt and await self._may_adopt(owner):
            mine = mine + [obj for obj in [await self._adopt(owner, o, finalizers) for o in decided.adopt] if obj]
        for obj in decided.release:
            await self._release(owner, obj, finalizers)
        return mine

    async def _may_adopt(self, owner: Obj) -> bool:
        meta = owner["metadata"]
        try:
            fresh = await self._client.get(self._owner_gvr, meta["name"], meta.get("namespace") or "")
        except StatusError as error:
            if is_not_found(error):
                return False
            raise
        return fresh["metadata"]["uid"] == meta["uid"] and not objects.deleting(fresh)

    async def _adopt(self, owner: Obj, obj: Obj, finalizers: tuple[str, ...]) -> Obj | None:
        body: dict[str, Any] = {
            "metadata": {"uid": obj["metadata"]["uid"], "ownerReferences": [owner_reference(owner, self._gvk)]}
        }
        if finalizers:
            body["metadata"]["finalizers"] = list(finalizers)
        return await self._patch(obj, body)

    async def _release(self, owner: Obj, obj: Obj, finalizers: tuple[str, ...]) -> None:
        body: dict[str, Any] = {
            "metadata": {
                "uid": obj["metadata"]["uid"],
                "ownerReferences": [{"$patch": "delete", "uid": owner["metadata"]["uid"]}],
            }
        }
        if finalizers:
            body["metadata"]["$deleteFromPrimitiveList/finalizers"] = list(finalizers)
        await self._patch(obj, body)

    async def _patch(self, obj: Obj, body: dict[str, Any]) -> Obj | None:
        meta = obj["metadata"]
        try:
            return await self._client.patch(
                self._owned, meta["name"], meta.get("namespace") or "", body, patch_type=STRATEGIC
            )
        except StatusError as error:
            if is_not_found(error) or error.code == 422:
                return None
            raise
