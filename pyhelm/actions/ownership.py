"""Who an object belongs to: the label and annotations Helm stamps, and whether a release may take an object over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyhelm.errors import KubeError
from pyhelm.kube.client import KubeClient
from pyhelm.kube.resources import Resource
from pyhelm.records import replace

MANAGED_BY = "app.kubernetes.io/managed-by"
HELM = "Helm"
RELEASE_NAME = "meta.helm.sh/release-name"
RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"


def stamped(resources: Sequence[Resource], name: str, namespace: str) -> list[Resource]:
    """The same objects marked as belonging to the release."""
    return [replace(resource, body=_stamp(resource.body, name, namespace)) for resource in resources]


def _stamp(body: dict[str, Any], name: str, namespace: str) -> dict[str, Any]:
    metadata = dict(body.get("metadata") or {})
    metadata["labels"] = {**(metadata.get("labels") or {}), MANAGED_BY: HELM}
    marks = {RELEASE_NAME: name, RELEASE_NAMESPACE: namespace}
    metadata["annotations"] = {**(metadata.get("annotations") or {}), **marks}
    return {**body, "metadata": metadata}


async def existing(
    kube: KubeClient, resources: Sequence[Resource], name: str, namespace: str, *, take: bool
) -> list[Resource]:
    """Those of `resources` that are in the cluster already and may join the release.

    Raises KubeError for one that belongs to somebody else, unless `take`.
    """
    found: list[Resource] = []
    for resource in resources:
        generated = (resource.body.get("metadata") or {}).get("generateName")
        if resource.name and generated:
            raise KubeError("metadata.name and metadata.generateName cannot both be set")
        if not resource.name and generated:
            continue
        live = await _live(kube, resource)
        if live is None:
            continue
        faults = [] if take else foreign(live, name, namespace)
        if faults:
            raise KubeError(
                f"{resource.words} exists and cannot be imported into the current release: "
                f"invalid ownership metadata; {'; '.join(faults)}"
            )
        found.append(resource)
    return found


async def _live(kube: KubeClient, resource: Resource) -> dict[str, Any] | None:
    try:
        return await kube.find(resource.path)
    except KubeError as error:
        raise KubeError(
            f"could not get information about the resource {resource.words}: {error}",
            code=error.code,
            reason=error.reason,
            status=error.status,
        ) from error


def foreign(live: dict[str, Any], name: str, namespace: str) -> list[str]:
    """What speaks against `live` belonging to the release, [] where it does."""
    metadata = live.get("metadata") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    checks = (
        ("label", labels, MANAGED_BY, HELM),
        ("annotation", annotations, RELEASE_NAME, name),
        ("annotation", annotations, RELEASE_NAMESPACE, namespace),
    )
    faults = []
    for word, have, key, wanted in checks:
        if key not in have:
            faults.append(f'{word} validation error: missing key "{key}": must be set to "{wanted}"')
        elif have[key] != wanted:
            faults.append(
                f'{word} validation error: key "{key}" must equal "{wanted}": current value is "{have[key]}"'
            )
    return faults
