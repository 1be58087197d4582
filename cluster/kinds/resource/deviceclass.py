"""DeviceClass: dynamic resource allocation; what drivers mean by it is left to them."""

from __future__ import annotations

from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.resource.requests import MOST_REQUESTS, MOST_SELECTORS, configuration, each
from cluster.kinds.resource.selectors import selector
from cluster.kinds.strategy import spec
from cluster.kinds.wire import defaulting
from cluster.meta import names
from cluster.meta.field import Path, invalid
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.resource.v1.DeviceClass"
SPEC = Path("spec")


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    faults = each(SPEC / "selectors", held.get("selectors"), MOST_SELECTORS, selector)
    faults += each(SPEC / "config", held.get("config"), MOST_REQUESTS, configuration)
    name = held.get("extendedResourceName")
    if name is not None and not _extended(name):
        faults.append(invalid(SPEC / "extendedResourceName", name, "must be a valid extended resource name"))
    return faults


def _extended(name: str) -> bool:
    """A resource of a domain that is not Kubernetes' own, with room for the `requests.` of a quota."""
    own = "/" not in name or "kubernetes.io/" in name or name.startswith("requests.")
    return not own and not names.label_key(f"requests.{name}")


def validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


DEFAULT = defaulting(DEFINITION)
_WRITES = Strategy(
    default=DEFAULT,
    validate=validate,
    validate_update=validate_update,
    generation=True,
    name_rule="dns1123-subdomain-bytes",
)


KIND = Kind(
    group="resource.k8s.io",
    version="v1",
    kind="DeviceClass",
    plural="deviceclasses",
    singular="deviceclass",
    namespaced=False,
    definition="io.k8s.api.resource.v1.DeviceClass",
    introduced="1.34",
    table=table("resource.k8s.io", "deviceclasses", extensions.aged),
    strategy=_WRITES,
)
