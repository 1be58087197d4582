"""Which kinds are served: the built-in ones of a Kubernetes version, and those that come and go at run time.

Routes, discovery and storage keys are derived from this table, so it answers by kind, by resource and in the order
discovery lists them. It must not know how objects are stored or who asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module

from cluster.kinds.kind import Kind
from cluster.meta.types import GroupVersion, GroupVersionKind, GroupVersionResource

BUILTIN_GROUPS: tuple[tuple[str, str], ...] = (
    ("", "core"),
    ("apiregistration.k8s.io", "apiregistration"),
    ("apps", "apps"),
    ("events.k8s.io", "events"),
    ("authentication.k8s.io", "authentication"),
    ("authorization.k8s.io", "authorization"),
    ("autoscaling", "autoscaling"),
    ("batch", "batch"),
    ("certificates.k8s.io", "certificates"),
    ("networking.k8s.io", "networking"),
    ("policy", "policy"),
    ("rbac.authorization.k8s.io", "rbac"),
    ("storage.k8s.io", "storage"),
    ("admissionregistration.k8s.io", "admissionregistration"),
    ("apiextensions.k8s.io", "apiextensions"),
    ("scheduling.k8s.io", "scheduling"),
    ("coordination.k8s.io", "coordination"),
    ("node.k8s.io", "node"),
    ("discovery.k8s.io", "discovery"),
    ("resource.k8s.io", "resource"),
    ("flowcontrol.apiserver.k8s.io", "flowcontrol"),
)
"""API groups in the order of discovery (the priorities of the aggregator), and the folder that holds each."""

OLDEST, NEWEST = (1, 29), (1, 37)


def minor(version: str) -> tuple[int, int]:
    """`v1.36.2` or `1.36` -> (1, 36); raises ValueError for anything else."""
    parts = version.removeprefix("v").split(".")
    if len(parts) < 2:
        raise ValueError(f"not a Kubernetes version: {version!r}")
    return int(parts[0]), int(parts[1].split("-")[0].rstrip("+"))


def served(kind: Kind, at: tuple[int, int]) -> bool:
    """Whether Kubernetes `at` serves this version of the kind by default."""
    return minor(kind.introduced) <= at and not (kind.removed and minor(kind.removed) <= at)


class KindRegistry:
    """Kinds by gvk and gvr. `edition` grows with every change, so that what is derived can be cached by it."""

    def __init__(self, kinds: Iterable[Kind] = ()) -> None:
        self._by_gvk: dict[GroupVersionKind, Kind] = {}
        self._by_gvr: dict[GroupVersionResource, Kind] = {}
        self._spoken: dict[GroupVersionKind, Kind] = {}
        self.edition = 0
        for kind in kinds:
            self._put(kind)

    @classmethod
    def builtin(cls, kubernetes_version: str = "1.36") -> KindRegistry:
        """What an API server of that version serves by default; ValueError for a version out of range."""
        at = minor(kubernetes_version)
        if not OLDEST <= at <= NEWEST:
            raise ValueError(f"Kubernetes {kubernetes_version} is not supported: 1.29 to 1.37 are")
        registry = cls()
        for _, folder in BUILTIN_GROUPS:
            group = import_module(f"cluster.kinds.{folder}")
            for kind in group.KINDS:
                if served(kind, at):
                    registry._put(kind)
            for kind in getattr(group, "SPOKEN", ()):
                registry._spoken[kind.gvk] = kind
        return registry

    def _put(self, kind: Kind) -> None:
        self._by_gvk[kind.gvk] = kind
        self._by_gvr[kind.gvr] = kind

    def __iter__(self) -> Iterator[Kind]:
        return iter(list(self._by_gvr.values()))

    def __len__(self) -> int:
        return len(self._by_gvr)

    def add(self, kinds: Iterable[Kind]) -> None:
        """Serve these too (a kind that was there under the same gvk is replaced)."""
        for kind in kinds:
            old = self._by_gvk.get(kind.gvk)
            if old is not None:
                self._by_gvr.pop(old.gvr, None)
            self._put(kind)
        self.edition += 1

    def remove(self, gvk: GroupVersionKind) -> Kind | None:
        """Stop serving; returns what was served."""
        kind = self._by_gvk.pop(gvk, None)
        if kind is not None:
            self._by_gvr.pop(kind.gvr, None)
            self.edition += 1
        return kind

    def by_gvk(self, gvk: GroupVersionKind) -> Kind | None:
        """The kind of that name, also one that only a subresource speaks (Eviction, Scale, TokenRequest)."""
        return self._by_gvk.get(gvk) or self._spoken.get(gvk)

    def by_gvr(self, gvr: GroupVersionResource) -> Kind | None:
        return self._by_gvr.get(gvr)

    def resource(self, group: str, version: str, plural: str) -> Kind | None:
        return self._by_gvr.get(GroupVersionResource(group, version, plural))

    def groups(self) -> list[str]:
        """Group names: built-in ones in discovery order, then the others by name. Core is the empty string."""
        present = dict.fromkeys(kind.group for kind in self._by_gvr.values())
        known = [group for group, _ in BUILTIN_GROUPS if group in present]
        return known + sorted(set(present) - set(known))

    def versions(self, group: str) -> list[str]:
        """Versions of a group, the preferred one first."""
        found = {kind.version for kind in self._by_gvr.values() if kind.group == group}
        return sorted(found, key=version_rank)

    def group_versions(self) -> list[GroupVersion]:
        """All group versions in discovery order."""
        return [GroupVersion(group, version) for group in self.groups() for version in self.versions(group)]

    def resources(self, gv: GroupVersion) -> list[Kind]:
        """The kinds of a group version, by plural name as discovery lists them."""
        found = [kind for kind in self._by_gvr.values() if kind.gv == gv]
        return sorted(found, key=lambda kind: kind.plural)

    def has_group(self, group: str) -> bool:
        return any(kind.group == group for kind in self._by_gvr.values())

    def is_custom(self, group: str) -> bool:
        """Whether all that a group has is defined at run time."""
        return all(kind.schema is not None for kind in self._by_gvr.values() if kind.group == group)

    def find(self, group: str, kind: str) -> list[Kind]:
        """Every served version of a group's kind, the preferred one first."""
        found = [k for k in self._by_gvk.values() if k.group == group and k.kind == kind]
        return sorted(found, key=lambda k: version_rank(k.version))


_STAGES = {"": 0, "beta": 1, "alpha": 2}


def version_rank(version: str) -> tuple[int, int, int, str]:
    """A sort key: GA before beta before alpha, higher numbers first, then names that are no version."""
    body = version.removeprefix("v")
    for stage in ("alpha", "beta", ""):
        major, found, tail = body.partition(stage) if stage else (body, "", "0")
        if (found == stage) and major.isdigit() and tail.isdigit() and version.startswith("v"):
            return _STAGES[stage], -int(major), -int(tail), ""
    return 3, 0, 0, version
