"""Objects with the place where they live: what apply, delete and wait work on.

A Resource is an object of a manifest after discovery has said where its kind lives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pyhelm.errors import KubeError
from pyhelm.kube.discovery import Discovery, Mapping


@dataclass(frozen=True, slots=True)
class Resource:
    """One object and its mapping; `namespace` is "" for cluster-wide kinds, `source` the template it came from."""

    mapping: Mapping
    namespace: str
    name: str
    body: dict[str, Any]
    source: str = ""

    @property
    def kind(self) -> str:
        return self.mapping.kind

    @property
    def path(self) -> str:
        return self.mapping.path(self.namespace, self.name)

    @property
    def collection(self) -> str:
        return self.mapping.path(self.namespace)

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Same object, whatever the version of its API."""
        return (self.mapping.group, self.kind, self.namespace, self.name)

    @property
    def words(self) -> str:
        """`Deployment "web" in namespace "default"`."""
        return f'{self.kind} "{self.name}" in namespace "{self.namespace}"'

    @property
    def short(self) -> str:
        """`Deployment/web`, for progress lines."""
        return f"{self.kind}/{self.name}"


async def locate(
    bodies: Iterable[tuple[str, dict[str, Any]]],
    discovery: Discovery,
    namespace: str,
    gone: Callable[[str], None] | None = None,
) -> list[Resource]:
    """(source, object) pairs -> Resources; lists are flattened, objects without namespace get `namespace`.

    Raises KubeError naming the objects whose kind the server does not serve; with `gone` they are told there and
    left out, for what no longer is served is no longer there.
    """
    resources: list[Resource] = []
    missing: list[str] = []
    for source, body in bodies:
        for item in _flattened(body):
            try:
                resources.append(await _locate(source, item, discovery, namespace))
            except KubeError as error:
                if error.reason != "NoMatch":
                    raise
                name = (item.get("metadata") or {}).get("name", "")
                if gone is not None:
                    gone(f'{item.get("kind")} "{name}": {error}')
                    continue
                missing.append(
                    f'resource mapping not found for name: "{name}" namespace: '
                    f'"{(item.get("metadata") or {}).get("namespace", "")}" from "{source}": {error}\n'
                    "ensure CRDs are installed first"
                )
    if missing:
        text = missing[0] if len(missing) == 1 else "[" + ", ".join(missing) + "]"
        raise KubeError(text, reason="NoMatch")
    return resources


async def _locate(source: str, body: dict[str, Any], discovery: Discovery, namespace: str) -> Resource:
    mapping = await discovery.mapping(str(body.get("apiVersion") or ""), str(body.get("kind") or ""))
    metadata = body.get("metadata") or {}
    place = str(metadata.get("namespace") or namespace) if mapping.namespaced else ""
    if place and metadata.get("namespace") != place:
        body = {**body, "metadata": {**metadata, "namespace": place}}
    return Resource(mapping, place, str(metadata.get("name") or ""), body, source)


def _flattened(body: dict[str, Any]) -> list[dict[str, Any]]:
    """`List` and typed lists as the objects they hold."""
    if str(body.get("kind", "")).endswith("List") and isinstance(body.get("items"), list):
        return [inner for item in body["items"] if isinstance(item, dict) for inner in _flattened(item)]
    return [body]


def difference(these: Iterable[Resource], those: Iterable[Resource]) -> list[Resource]:
    """`these` without what is also in `those`."""
    known = {resource.identity for resource in those}
    return [resource for resource in these if resource.identity not in known]
