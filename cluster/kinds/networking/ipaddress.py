"""IPAddress: an address that is taken, named after itself."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import network
from cluster.kinds.strategy import spec
from cluster.kinds.wire import defaulting
from cluster.meta import names
from cluster.meta.field import Path, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.networking.v1.IPAddress"
REF = Path("spec") / "parentRef"


def validate(obj: Obj) -> Faults:
    ref = spec(obj).get("parentRef")
    if ref is None:
        return [required(REF)]
    faults = checks.subdomain(REF / "group", ref["group"]) if ref.get("group") else []
    if not ref.get("resource"):
        faults.append(required(REF / "resource"))
    if not ref.get("name"):
        faults.append(required(REF / "name"))
    for field in ("resource", "name", "namespace"):
        faults += checks.by_rule(REF / field, ref.get(field) or "", names.path_segment)
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    return checks.immutable(REF, spec(new).get("parentRef"), spec(old).get("parentRef"))


def _selectable(obj: Obj) -> dict[str, str]:
    ref = spec(obj).get("parentRef") or {}
    return {f"spec.parentRef.{field}": ref.get(field) or "" for field in ("group", "resource", "namespace", "name")}


_WRITES = Strategy(
    default=defaulting(DEFINITION), validate=validate, validate_update=validate_update, name_rule="address"
)


KIND = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="IPAddress",
    plural="ipaddresses",
    singular="ipaddress",
    namespaced=False,
    short_names=("ip",),
    definition="io.k8s.api.networking.v1.IPAddress",
    introduced="1.33",
    table=table("networking.k8s.io", "ipaddresses", network.ip_address),
    strategy=_WRITES,
)
