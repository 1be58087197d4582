"""What the servers behind this one serve, for the aggregated discovery document: asked for, kept, and asked again.

A server is asked for everything it has at once; one that does not know how is asked for the group version's list of
resources. While it does not answer, its group versions are told without resources and as stale.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cluster.apiserver.aggregation.asking import NotTold, ask_on, read
from cluster.apiserver.aggregation.availability import AGGREGATOR
from cluster.apiserver.aggregation.proxy import Proxy
from cluster.apiserver.aggregation.registrations import Registration, Registrations
from cluster.apiserver.request import UserInfo
from cluster.machinery.clock import Clock
from cluster.machinery.workqueue import WorkQueue
from cluster.meta.types import GroupVersion, Obj

_KIND = "application/json;g=apidiscovery.k8s.io;v=%s;as=APIGroupDiscoveryList"
_ACCEPT = f"{_KIND % 'v2'},{_KIND % 'v2beta1'}"
_EVERY = 60.0
_WORKERS = 2
_ASKING = UserInfo(AGGREGATOR.name)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a server said at a time."""

    versions: Mapping[GroupVersion, Obj]
    etag: str


class RemoteDiscovery:
    """`versions` are the entries of the document; `changed` is called when one of them has changed. `run` must be a
    task for as long as the server lives."""

    def __init__(self, registrations: Registrations, proxy: Proxy, clock: Clock, changed: Callable[[], None]) -> None:
        self._registrations = registrations
        self._proxy = proxy
        self._queue: WorkQueue[str] = WorkQueue(clock, base=0.5, cap=_EVERY)
        self._changed = changed
        self._kept: dict[tuple[str, str, int], _Kept] = {}
        self.versions: dict[GroupVersion, Obj] = {}

    async def run(self) -> None:
        self._registrations.listeners.append(self._queue.add)
        for registration in self._registrations.remote.values():
            self._queue.add(registration.name)
        async with asyncio.TaskGroup() as group:
            for _ in range(_WORKERS):
                group.create_task(ask_on(self._queue, self._sync, "discovery"))

    async def _sync(self, name: str) -> None:
        registration = self._registrations.named(name)
        if registration is None:
            self._forget()
            return
        entry: Obj = {"version": registration.gv.version}
        freshness = "Stale"
        try:
            found = await self._found(registration)
            entry = {**entry, **found.get(registration.gv, {})}
            freshness = "Current"
        finally:
            self._put(registration.gv, {**entry, "freshness": freshness})
        self._queue.add_after(name, _EVERY)

    def _put(self, gv: GroupVersion, entry: Obj) -> None:
        if self.versions.get(gv) != entry:
            self.versions[gv] = entry
            self._changed()

    def _forget(self) -> None:
        """Drop what belongs to no APIService any more."""
        for gv in [gv for gv in self.versions if gv not in self._registrations.remote]:
            del self.versions[gv]
            self._changed()
        used = {_service(registration) for registration in self._registrations.remote.values()}
        for key in [key for key in self._kept if key not in used]:
            del self._kept[key]

    async def _found(self, registration: Registration) -> Mapping[GroupVersion, Obj]:
        kept = self._kept.get(_service(registration))
        etag = kept.etag if kept is not None else ""
        answer = await self._proxy.ask(registration, "/apis", AGGREGATOR, accept=_ACCEPT, etag=etag)
        if answer.status == 304 and kept is not None:
            return kept.versions
        if answer.status == 503:
            raise NotTold(f"{registration.service} answered 503")
        if answer.status == 200 and "as=APIGroupDiscoveryList" in answer.content_type.replace(" ", ""):
            made = _Kept(_versions(read(answer)), answer.etag)
            self._kept[_service(registration)] = made
            return made.versions
        return await self._one_by_one(registration)

    async def _one_by_one(self, registration: Registration) -> Mapping[GroupVersion, Obj]:
        answer = await self._proxy.ask(registration, registration.path, _ASKING, accept="application/json")
        if answer.status != 200:
            raise NotTold(f"{registration.path} was answered with {answer.status}")
        resources = converted(read(answer).get("resources") or [])
        return {registration.gv: {"version": registration.gv.version, "resources": resources}}


def _service(registration: Registration) -> tuple[str, str, int]:
    return registration.namespace, registration.service, registration.port


def _versions(document: Obj) -> dict[GroupVersion, Obj]:
    """The group versions of a document of aggregated discovery. Old clients want a response kind everywhere."""
    found: dict[GroupVersion, Obj] = {}
    for group in document.get("items") or ():
        for version in group.get("versions") or ():
            gv = GroupVersion((group.get("metadata") or {}).get("name") or "", str(version.get("version")))
            found[gv] = {**version, "resources": [_answering(each) for each in version.get("resources") or ()]}
    return found


def _answering(resource: Obj) -> Obj:
    out = {**resource, "responseKind": resource.get("responseKind") or _kind({})}
    if resource.get("subresources"):
        out["subresources"] = [
            {**sub, "responseKind": sub.get("responseKind") or _kind({})} for sub in resource["subresources"]
        ]
    return out


def converted(resources: list[Obj]) -> list[Obj]:
    """Resources of an APIResourceList as aggregated discovery has them, subresources below what they belong to."""
    found: dict[str, Obj] = {}
    for each in resources:
        name, _, sub = str(each.get("name") or "").partition("/")
        entry = found.setdefault(name, _bare(name, each))
        if sub:
            entry.setdefault("subresources", []).append(_below(sub, each))
        else:
            found[name] = {**entry, **_main(each)}
    return list(found.values())


def _bare(name: str, each: Obj) -> Obj:
    return {"resource": name, "responseKind": _kind({}), "scope": _scope(each), "singularResource": ""}


def _main(each: Obj) -> Obj:
    out: dict[str, Any] = {"responseKind": _kind(each), "singularResource": each.get("singularName") or ""}
    out["verbs"] = each.get("verbs") or []
    return out | {key: each[key] for key in ("shortNames", "categories") if each.get(key)}


def _below(name: str, each: Obj) -> Obj:
    return {"subresource": name, "responseKind": _kind(each), "verbs": each.get("verbs") or []}


def _kind(each: Obj) -> Obj:
    return {key: each.get(key) or "" for key in ("group", "version", "kind")}


def _scope(each: Obj) -> str:
    return "Namespaced" if each.get("namespaced") else "Cluster"
