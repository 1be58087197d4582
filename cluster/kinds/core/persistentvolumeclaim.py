"""PersistentVolumeClaim: a wish for storage; once made, little of it may change."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.difference import difference
from cluster.kinds.golang import dump
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.podspec.warnings import claim_warnings
from cluster.kinds.printers import volumes as cells
from cluster.kinds.selectors_check import label_selector
from cluster.kinds.strategy import keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, forbidden, invalid, required
from cluster.meta.quantity import Quantity
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.core.v1.PersistentVolumeClaim"
SPEC = Path("spec")
ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_FROZEN = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"


def _default(claim: Obj) -> None:
    claim["status"].setdefault("phase", "Pending")
    claim["spec"].setdefault("volumeMode", "Filesystem")


def _prepare_create(claim: Obj) -> None:
    claim["status"] = {"phase": "Pending"}
    held = spec(claim)
    if (held.get("dataSourceRef") or {}).get("namespace"):
        # Sources in other namespaces are under development.
        del held["dataSourceRef"]
    _same_source(held)


def _same_source(held: dict[str, Any]) -> None:
    """dataSource and dataSourceRef speak of the same thing as long as it lies in the same namespace."""
    one, ref = held.get("dataSource"), held.get("dataSourceRef")
    if one is not None and ref is None:
        held["dataSourceRef"] = dict(one)
    elif ref is not None and one is None and not ref.get("namespace"):
        held["dataSource"] = {key: value for key, value in ref.items() if key != "namespace"}


def access_modes(path: Path, modes: list[str]) -> Faults:
    faults: Faults = []
    for mode in modes:
        faults += checks.one_of(path, mode, ACCESS_MODES)
    others = [mode for mode in modes if mode in ACCESS_MODES and mode != "ReadWriteOncePod"]
    if "ReadWriteOncePod" in modes and others:
        faults.append(forbidden(path, "may not use ReadWriteOncePod with other access modes"))
    return faults


def claim_spec(path: Path, held: dict[str, Any]) -> Faults:
    """Faults of a claim's specification, also within an ephemeral volume."""
    faults: Faults = []
    modes = held.get("accessModes") or []
    if not modes:
        faults.append(required(path / "accessModes", "at least 1 access mode is required"))
    faults += label_selector(path / "selector", held.get("selector"))
    faults += access_modes(path / "accessModes", modes)
    size = ((held.get("resources") or {}).get("requests") or {}).get("storage")
    here = (path / "resources")["storage"]
    if size is None:
        faults.append(required(here))
    elif Quantity.parse(size).nanos <= 0:
        faults.append(invalid(here, size, checks.NOT_POSITIVE))
    if held.get("storageClassName"):
        faults += checks.subdomain(path / "storageClassName", held["storageClassName"])
    if (mode := held.get("volumeMode")) is not None:
        faults += checks.one_of(path / "volumeMode", mode, ("Block", "Filesystem"))
    faults += _source(path, held)
    if held.get("volumeAttributesClassName"):
        faults += checks.subdomain(path / "volumeAttributesClassName", held["volumeAttributesClassName"])
    return faults


def _source(path: Path, held: dict[str, Any]) -> Faults:
    faults: Faults = []
    for name in ("dataSource", "dataSourceRef"):
        source = held.get(name)
        if source is None:
            continue
        for field in ("name", "kind"):
            if not source.get(field):
                faults.append(required(path / name / field))
        if source.get("apiGroup"):
            faults += checks.subdomain(path / name / "apiGroup", source["apiGroup"])
        elif source.get("kind") != "PersistentVolumeClaim":
            why = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
            faults.append(invalid(path / name, source.get("kind") or "", why))
    one, ref = held.get("dataSource"), held.get("dataSourceRef")
    if one is not None and ref is not None and not ref.get("namespace"):
        # An empty group that is given is not the same as none.
        if any(one.get(name) != ref.get(name) for name in ("apiGroup", "kind", "name")):
            # The API shows the path of the other field as the value, which has no parts that could be seen.
            faults.append(invalid(path, {}, "must match dataSourceRef"))
    return faults


def validate(claim: Obj) -> Faults:
    return claim_spec(SPEC, spec(claim))


def validate_update(new: Obj, old: Obj) -> Faults:
    now, was = spec(new), spec(old)
    faults = validate(new)
    munged = _munged(new, now, was)
    if munged != was:
        definition = "io.k8s.api.core.v1.PersistentVolumeClaimSpec"
        shown = difference(dump(was, definition), dump(munged, definition))
        faults.append(forbidden(SPEC, _FROZEN + shown))
    return faults


def _munged(new: Obj, now: dict[str, Any], was: dict[str, Any]) -> dict[str, Any]:
    """The new specification with put back what may change: the volume and class while unset, size when bound."""
    out = dict(now)
    if not was.get("volumeName"):
        out.pop("volumeName", None)
    if was.get("storageClassName") is None:
        out.pop("storageClassName", None)
    if (new.get("status") or {}).get("phase") == "Bound":
        _allow_growth(out, was)
        out.pop("volumeAttributesClassName", None)
        if "volumeAttributesClassName" in was:
            out["volumeAttributesClassName"] = was["volumeAttributesClassName"]
    return out


def _allow_growth(out: dict[str, Any], was: dict[str, Any]) -> None:
    asked = ((out.get("resources") or {}).get("requests") or {}).get("storage")
    had = ((was.get("resources") or {}).get("requests") or {}).get("storage")
    if asked is not None and had is not None and Quantity.parse(asked) >= Quantity.parse(had):
        requests = {**out["resources"]["requests"], "storage": had}
        out["resources"] = {**out["resources"], "requests": requests}


def _warnings(new: Obj, _old: Obj | None) -> list[str]:
    return claim_warnings(SPEC, spec(new))


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    default=DEFAULT,
    prepare_create=_prepare_create,
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
    warnings=_warnings,
)


KIND = Kind(
    group="",
    version="v1",
    kind="PersistentVolumeClaim",
    plural="persistentvolumeclaims",
    singular="persistentvolumeclaim",
    namespaced=True,
    short_names=("pvc",),
    definition="io.k8s.api.core.v1.PersistentVolumeClaim",
    subresources=(status(DEFAULT),),
    table=table("", "persistentvolumeclaims", cells.claim),
    strategy=_WRITES,
)
