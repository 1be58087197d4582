"""StorageClass: how volumes are made; none of it changes but what may grow."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import volumes
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, duplicate, invalid, required, too_long
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.storage.v1.StorageClass"


def _default(obj: Obj) -> None:
    obj.setdefault("reclaimPolicy", "Delete")
    obj.setdefault("volumeBindingMode", "Immediate")


def validate(obj: Obj) -> Faults:
    provisioner = obj.get("provisioner") or ""
    faults: Faults = [] if provisioner else [required(Path("provisioner"))]
    if provisioner:
        faults += checks.qualified(Path("provisioner"), provisioner.lower())
    faults += parameters(Path("parameters"), obj.get("parameters") or {})
    if obj.get("reclaimPolicy"):
        faults += checks.one_of(Path("reclaimPolicy"), obj["reclaimPolicy"], ("Delete", "Retain"))
    mode = obj.get("volumeBindingMode")
    faults += (
        checks.one_of(Path("volumeBindingMode"), mode, ("Immediate", "WaitForFirstConsumer"))
        if mode is not None
        else [required(Path("volumeBindingMode"))]
    )
    return faults + _topologies(obj.get("allowedTopologies") or [])


def parameters(path: Path, held: dict[str, str]) -> Faults:
    if any(not key for key in held):
        return [invalid(path, "", "field can not be empty.")]
    if len(held) > 512:
        return [too_long(path, 512)]
    if sum(len(key) + len(value) for key, value in held.items()) > 256 * 1024:
        return [too_long(path, 256 * 1024)]
    return []


def _topologies(terms: list[dict[str, Any]]) -> Faults:
    faults: Faults = []
    before: list[dict[str, list[str]]] = []
    for at, term in enumerate(terms):
        held: dict[str, list[str]] = {}
        for index, expression in enumerate(term.get("matchLabelExpressions") or ()):
            here = (Path("allowedTopologies")[at] / "matchLabelExpressions")[index]
            if not expression.get("values"):
                faults.append(required(here / "values"))
            faults += checks.duplicates(here / "values", expression.get("values") or ())
            key = expression.get("key") or ""
            faults += checks.qualified(here / "key", key)
            if key in held:
                faults.append(duplicate(here / "key", key))
            held[key] = sorted(set(expression.get("values") or ()))
        if not held or held in before:
            # A term without any requirement counts as one that was there before.
            faults.append(duplicate(Path("allowedTopologies")[at] / "matchLabelExpressions", ""))
        before.append(held)
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    faults = validate(new)
    for name in ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"):
        faults += checks.immutable(Path(name), new.get(name), old.get(name))
    return faults


_WRITES = Strategy(
    default=defaulting(DEFINITION, _default),
    validate=validate,
    validate_update=validate_update,
)


KIND = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="StorageClass",
    plural="storageclasses",
    singular="storageclass",
    namespaced=False,
    short_names=("sc",),
    definition="io.k8s.api.storage.v1.StorageClass",
    table=table("storage.k8s.io", "storageclasses", volumes.storage_class),
    strategy=_WRITES,
)
