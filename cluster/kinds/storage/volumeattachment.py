"""VolumeAttachment: a volume asked to be on a node."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.core.persistentvolume import inline_spec
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.podspec.volumes import csi_driver_name
from cluster.kinds.printers import volumes
from cluster.kinds.strategy import clear_status, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, forbidden, invalid, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.storage.v1.VolumeAttachment"
SPEC = Path("spec")


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    attacher, source = held.get("attacher") or "", held.get("source") or {}
    faults: Faults = [] if attacher else [required(SPEC / "attacher")]
    if attacher:
        faults += csi_driver_name(SPEC / "attacher", attacher)
    inline, volume = source.get("inlineVolumeSpec"), source.get("persistentVolumeName")
    if inline is None and volume is None:
        why = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"
        faults.append(required(SPEC / "source", why))
    elif inline is not None and volume is not None:
        faults.append(
            forbidden(SPEC / "source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName")
        )
    elif volume is not None:
        here = SPEC / "source" / "persistentVolumeName"
        faults += [] if volume else [required(here, "must specify non empty persistentVolumeName")]
        faults += checks.subdomain(here, volume)
    elif inline is not None:
        faults += inline_spec(SPEC / "source" / "inlineVolumeSpec", inline)
    return faults + checks.subdomain(SPEC / "nodeName", held.get("nodeName") or "")


def validate_update(new: Obj, old: Obj) -> Faults:
    faults = validate(new)
    if spec(new) != spec(old):
        faults.append(invalid(SPEC, spec(new), "field is immutable"))
    return faults


DEFAULT = defaulting(DEFINITION)
_WRITES = Strategy(
    update_metadata="whole",
    default=DEFAULT,
    prepare_create=clear_status(DEFINITION),
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
    unconditional_update=False,
)


KIND = Kind(
    group="storage.k8s.io",
    version="v1",
    kind="VolumeAttachment",
    plural="volumeattachments",
    singular="volumeattachment",
    namespaced=False,
    definition="io.k8s.api.storage.v1.VolumeAttachment",
    subresources=(status(DEFAULT),),
    table=table("storage.k8s.io", "volumeattachments", volumes.attachment),
    strategy=_WRITES,
)
