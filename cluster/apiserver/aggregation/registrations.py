"""Which group versions other servers answer, and in which order all of them are told: the APIServices as they are now.

Followed in every server, so this must cost nothing where no APIService names a Service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cluster.apiserver.registry.cache import DELETED, Change, Watch
from cluster.apiserver.registry.feed import Feed
from cluster.kinds.registry import version_rank
from cluster.meta.types import GroupVersion, GroupVersionResource, Obj

API_SERVICES = GroupVersionResource("apiregistration.k8s.io", "v1", "apiservices")


@dataclass(frozen=True, slots=True)
class Registration:
    """An APIService that names a Service. `available` is what its condition says; `bundle` is PEM in base64."""

    name: str
    gv: GroupVersion
    namespace: str
    service: str
    port: int
    bundle: str
    insecure: bool
    available: bool

    @property
    def server_name(self) -> str:
        """What the server's certificate must be good for."""
        return f"{self.service}.{self.namespace}.svc"

    @property
    def path(self) -> str:
        """Below which it answers."""
        return f"/apis/{self.gv.group}/{self.gv.version}" if self.gv.group else "/api"


def registration_of(obj: Obj) -> Registration | None:
    """None for a group version that is served here."""
    spec = obj.get("spec") or {}
    service = spec.get("service")
    if not service:
        return None
    return Registration(
        str(obj["metadata"]["name"]),
        group_version(obj),
        str(service.get("namespace") or ""),
        str(service.get("name") or ""),
        int(service.get("port") or 443),
        str(spec.get("caBundle") or ""),
        bool(spec.get("insecureSkipTLSVerify")),
        is_available(obj),
    )


def group_version(obj: Obj) -> GroupVersion:
    spec = obj.get("spec") or {}
    return GroupVersion(spec.get("group") or "", spec.get("version") or "")


def available_condition(obj: Obj) -> Obj | None:
    found = (obj.get("status") or {}).get("conditions") or ()
    return next((condition for condition in found if condition.get("type") == "Available"), None)


def is_available(obj: Obj) -> bool:
    condition = available_condition(obj)
    return condition is not None and condition.get("status") == "True"


class Registrations:
    """`remote` are those that other servers answer, by group and version; `edition` grows with every change of an
    APIService. Each of `listeners` is told the name of one that has changed."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self.remote: dict[tuple[str, str], Registration] = {}
        self.edition = 0
        self.listeners: list[Callable[[str], None]] = []

    def start(self) -> None:
        cache = self._feed.cache(API_SERVICES.group_resource)
        for obj in self._feed.all(API_SERVICES.group_resource):
            self._put(obj)
        cache.add_watch(Watch("", "", None, self._happened))

    def _happened(self, type: str, change: Change) -> None:
        obj = change.entry.obj
        if type == DELETED:
            self.remote.pop(group_version(obj), None)
        else:
            self._put(obj)
        self.edition += 1
        for told in self.listeners:
            told(str(obj["metadata"]["name"]))

    def _put(self, obj: Obj) -> None:
        found = registration_of(obj)
        if found is None:
            self.remote.pop(group_version(obj), None)
        else:
            self.remote[found.gv] = found

    def of_path(self, path: str) -> Registration | None:
        """Whose a path is, if it is another server's."""
        parts = path.split("/", 4)
        if len(parts) > 3 and parts[1] == "apis":
            return self.remote.get((parts[2], parts[3]))
        return self.remote.get(("", "v1")) if len(parts) > 1 and parts[1] == "api" else None

    def named(self, name: str) -> Registration | None:
        return next((each for each in self.remote.values() if each.name == name), None)

    def naming(self, namespace: str, service: str) -> list[str]:
        """The APIServices that lead to a Service."""
        return [r.name for r in self.remote.values() if r.namespace == namespace and r.service == service]

    def ordered(self, served: Iterable[tuple[str, list[str]]]) -> dict[str, list[str]]:
        """Groups with their versions in the order of discovery. `served` are those served here, in the order that
        counts for what has no APIService (yet)."""
        return in_order(self._feed.all(API_SERVICES.group_resource), served)


FIRST = API_SERVICES.group
"""What makes known the others has no APIService itself and comes before them."""


def in_order(api_services: Iterable[Obj], served: Iterable[tuple[str, list[str]]]) -> dict[str, list[str]]:
    """Groups by their highest priority, then by the name of what has it; versions by theirs, then the newest first.
    What is said to be served here and is not (any more) is left out."""
    local = dict(served)
    priorities: dict[str, dict[str, int]] = {}
    for obj in sorted(api_services, key=lambda o: (-o["spec"]["groupPriorityMinimum"], o["metadata"]["name"])):
        group, version = group_version(obj)
        if obj["spec"].get("service") or version in local.get(group, ()):
            priorities.setdefault(group, {})[version] = obj["spec"]["versionPriority"]
    order: dict[str, list[str]] = {FIRST: local[FIRST]} if FIRST in local else {}
    for group, held in priorities.items():
        order[group] = sorted(held, key=lambda version: (-held[version], version_rank(version)))
    for group, versions in local.items():
        known = order.setdefault(group, [])
        missing = [version for version in versions if version not in known]
        known += missing
        if missing and set(known) == set(versions):
            order[group] = list(versions)
    return order
