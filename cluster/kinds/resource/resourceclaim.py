"""ResourceClaim: dynamic resource allocation; what drivers mean by it is left to them."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.resource.requests import claim, default_requests
from cluster.kinds.strategy import clear_status, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.resource.v1.ResourceClaim"


def _default(obj: Obj) -> None:
    default_requests((obj.get("spec") or {}).get("devices") or {})


def validate(obj: Obj) -> Faults:
    return claim(Path("spec") / "devices", spec(obj).get("devices") or {})


def validate_update(new: Obj, old: Obj) -> Faults:
    return checks.immutable(Path("spec"), new.get("spec"), old.get("spec"))


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    default=DEFAULT,
    prepare_create=clear_status(DEFINITION),
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
)


KIND = Kind(
    group="resource.k8s.io",
    version="v1",
    kind="ResourceClaim",
    plural="resourceclaims",
    singular="resourceclaim",
    namespaced=True,
    definition="io.k8s.api.resource.v1.ResourceClaim",
    introduced="1.34",
    subresources=(status(DEFAULT),),
    table=table("resource.k8s.io", "resourceclaims", extensions.resource_claim),
    strategy=_WRITES,
)
