"""ServiceCIDR: a block of addresses for Services."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import network
from cluster.kinds.strategy import clear_status, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, invalid, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.networking.v1.ServiceCIDR"
PATH = Path("spec") / "cidrs"


def validate(obj: Obj) -> Faults:
    blocks = spec(obj).get("cidrs") or []
    if not blocks:
        return [required(PATH, "at least one CIDR required")]
    faults: Faults = []
    if len(blocks) > 2:
        faults.append(invalid(PATH, blocks, "may only hold up to 2 values"))
    for at, text in enumerate(blocks):
        faults += checks.canonical_cidr(PATH[at], text)
    found = [checks.network(text) for text in blocks]
    if len(found) == 2 and found[0] and found[1] and found[0].version == found[1].version:
        why = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
        faults.append(invalid(PATH, blocks, why))
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    """A second block may come; nothing else changes."""
    now, was = spec(new).get("cidrs") or [], spec(old).get("cidrs") or []
    moved = [
        invalid(PATH[at], text, checks.IMMUTABLE)
        for at, (text, before) in enumerate(zip(now, was, strict=False))
        if text != before
    ]
    if len(now) == len(was):
        return moved
    if (len(was), len(now)) == (1, 2):
        return moved + validate(new)
    return [invalid(PATH, spec(new).get("cidrs"), checks.IMMUTABLE)]


DEFAULT = defaulting(DEFINITION)
_WRITES = Strategy(
    update_metadata="update",
    default=DEFAULT,
    prepare_create=clear_status(DEFINITION),
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
)


KIND = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="ServiceCIDR",
    plural="servicecidrs",
    singular="servicecidr",
    namespaced=False,
    definition="io.k8s.api.networking.v1.ServiceCIDR",
    introduced="1.33",
    subresources=(status(DEFAULT),),
    table=table("networking.k8s.io", "servicecidrs", network.service_cidr),
    strategy=_WRITES,
)
