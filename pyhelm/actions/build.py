"""From a manifest to objects with a place in the cluster, checked against the schema before anything is sent."""

from __future__ import annotations

from collections.abc import Callable

from pyhelm.actions.context import Context
from pyhelm.errors import ManifestError
from pyhelm.kube.resources import Resource, locate
from pyhelm.manifest.objects import objects_of
from pyhelm.manifest.schema import definitions_for
from pyhelm.manifest.validate import check_objects


async def build(
    context: Context, manifest: str, namespace: str, *, check: bool, old: bool = False
) -> list[Resource]:
    """Resources of a manifest. Raises ManifestError with every fault, KubeError for a kind that is not served.

    For an `old` manifest, kinds that are served no more are left out with a warning: an API that was removed must not
    make its releases unmanageable.
    """
    objects = objects_of(manifest)
    if check and objects:
        kinds = await context.discovery.kinds()
        version = str((await context.discovery.version()).get("gitVersion") or "")
        faults = check_objects(objects, definitions_for(version), lambda api, kind: (api, kind) in kinds)
        if faults:
            raise ManifestError("\n".join(str(fault) for fault in faults))
    return await locate(objects, context.discovery, namespace, gone_to(context) if old else None)


def gone_to(context: Context) -> Callable[[str], None]:
    """Warns of objects whose kind is served no more."""
    return lambda text: context.reporter.log("WARN", "left out, its kind is served no more", {"object": text})
