"""Creating and deleting pods for a controller, with the events upstream's pod control says about it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from cluster.client.interface import Client
from cluster.machinery.events import NORMAL, WARNING, Recorder
from cluster.machinery.owners import owner_reference
from cluster.machinery.resources import PODS
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.objects import clone
from cluster.meta.types import GroupVersionKind, Obj


def pod_from_template(template: Obj, owner: Obj, gvk: GroupVersionKind) -> Obj:
    """A pod of an owner, to be named by the server."""
    source = template.get("metadata") or {}
    meta: dict[str, Any] = {"generateName": name_prefix(owner["metadata"]["name"])}
    for field in ("labels", "annotations"):
        if source.get(field):
            meta[field] = dict(source[field])
    if source.get("finalizers"):
        meta["finalizers"] = list(source["finalizers"])
    meta["ownerReferences"] = [owner_reference(owner, gvk)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": clone(template.get("spec") or {})}


def name_prefix(owner: str) -> str:
    """`owner-`, or the bare name where that would not be a valid start of a name."""
    return f"{owner}-" if len(owner) < 253 else owner


def namespace_terminating(error: StatusError) -> bool:
    causes = (error.details or {}).get("causes") or ()
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


class PodControl:
    """Acts for one kind of owner and says so with its recorder."""

    def __init__(self, client: Client, recorder: Recorder, gvk: GroupVersionKind) -> None:
        self._client, self._recorder, self._gvk = client, recorder, gvk

    async def create(self, pod: Obj, owner: Obj) -> Obj:
        """Raises the StatusError, after telling of it (unless the namespace is going away)."""
        try:
            made = await self._client.create(PODS, pod, owner["metadata"]["namespace"])
        except StatusError as error:
            if not namespace_terminating(error):
                self._recorder.event(owner, self._gvk, WARNING, "FailedCreate", f"Error creating: {error}")
            raise
        self._recorder.event(owner, self._gvk, NORMAL, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")
        return made

    async def delete(self, pod: Obj, owner: Obj) -> None:
        """Raises the StatusError, after telling of it; a pod that is gone already is NotFound."""
        meta = pod["metadata"]
        try:
            await self._client.delete(PODS, meta["name"], meta["namespace"])
        except StatusError as error:
            if not is_not_found(error):
                self._recorder.event(owner, self._gvk, WARNING, "FailedDelete", f"Error deleting: {error}")
            raise
        self._recorder.event(owner, self._gvk, NORMAL, "SuccessfulDelete", f"Deleted pod: {meta['name']}")


async def slow_start(
    number: int, act: Callable[[int], Awaitable[object]], first: int = 1
) -> tuple[int, StatusError | None]:
    """Run act(0) … act(number-1) in batches that double; stop after a batch with a failure. How many succeeded,
    and the first failure: a mistake that fails every pod then costs one request, not hundreds."""
    done, successes, batch = 0, 0, first
    while done < number:
        size = min(batch, number - done)
        results = await asyncio.gather(*(act(i) for i in range(done, done + size)), return_exceptions=True)
        failed = _first_failure(results)
        successes += sum(not isinstance(r, BaseException) for r in results)
        if failed is not None:
            return successes, failed
        done, batch = done + size, batch * 2
    return successes, None


def _first_failure(results: Sequence[object]) -> StatusError | None:
    for result in results:
        if isinstance(result, StatusError):
            return result
        if isinstance(result, BaseException):
            raise result
    return None
