"""What the server serves: kinds to paths, versions for `.Capabilities`, read once per run.

Uses the aggregated documents (two requests) and falls back to the plain ones (one per group version).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyhelm.errors import KubeError
from pyhelm.kube.client import KubeClient

_AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)


@dataclass(frozen=True, slots=True)
class Mapping:
    """Where objects of one kind live. `group` is "" for core."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "") -> str:
        """URL path of one object, or of the collection where `name` is empty."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{scope}/{self.plural}" + (f"/{name}" if name else "")


class Discovery:
    """The server's kinds. `reset` forgets them, after a CustomResourceDefinition was installed."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube
        self._kinds: dict[tuple[str, str], Mapping] | None = None
        self._version: dict[str, Any] | None = None

    def reset(self) -> None:
        self._kinds = None

    async def version(self) -> dict[str, Any]:
        """GET /version. Raises KubeError where the server cannot be reached."""
        if self._version is None:
            self._version = await self._kube.get("/version")
        return self._version

    async def mapping(self, api_version: str, kind: str) -> Mapping:
        """Where this kind lives. Raises KubeError where the server does not serve it."""
        found = (await self.kinds()).get((api_version, kind))
        if found is None:
            raise KubeError(f'no matches for kind "{kind}" in version "{api_version}"', reason="NoMatch")
        return found

    async def kinds(self) -> dict[tuple[str, str], Mapping]:
        """(apiVersion, kind) -> Mapping of all that is served, subresources left out."""
        if self._kinds is None:
            found = [*await self._root("/api"), *await self._root("/apis")]
            self._kinds = {}
            for mapping in found:
                self._kinds.setdefault((mapping.api_version, mapping.kind), mapping)
        return self._kinds

    async def api_versions(self) -> tuple[str, ...]:
        """`group/version` and `group/version/Kind` of all that is served, for `.Capabilities.APIVersions`."""
        kinds = await self.kinds()
        versions = {version for version, _ in kinds}
        return tuple(sorted(versions | {f"{version}/{kind}" for version, kind in kinds}))

    async def _root(self, path: str) -> list[Mapping]:
        document = await self._kube.request("GET", path, accept=_AGGREGATED)
        if document.get("kind") == "APIGroupDiscoveryList":
            return [m for item in document.get("items") or [] for m in _from_group(item)]
        if path == "/api":
            paths = [("", str(version)) for version in document.get("versions") or []]
        else:
            paths = [
                (str(group.get("name")), str(version.get("version")))
                for group in document.get("groups") or []
                for version in group.get("versions") or []
            ]
        return [m for group, version in paths for m in await self._plain(group, version)]

    async def _plain(self, group: str, version: str) -> list[Mapping]:
        try:
            document = await self._kube.get(f"/apis/{group}/{version}" if group else f"/api/{version}")
        except KubeError:
            return []  # an aggregated API that is down must not break the others
        return [
            Mapping(group, version, str(r["kind"]), str(r["name"]), bool(r.get("namespaced")))
            for r in document.get("resources") or []
            if "/" not in r["name"]
        ]


def _from_group(item: dict[str, Any]) -> list[Mapping]:
    group = str((item.get("metadata") or {}).get("name") or "")
    return [
        Mapping(
            group,
            str(version["version"]),
            str((resource.get("responseKind") or {}).get("kind") or ""),
            str(resource["resource"]),
            resource.get("scope") == "Namespaced",
        )
        for version in item.get("versions") or []
        for resource in version.get("resources") or []
    ]
