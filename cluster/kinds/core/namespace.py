"""Namespace: its own name as a label, and the finalizer that empties it."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy, Subresource
from cluster.kinds.printers import configuration
from cluster.kinds.strategy import carry, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, invalid
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.core.v1.Namespace"
NAME_LABEL = "kubernetes.io/metadata.name"
FINALIZER = "kubernetes"


def _default(namespace: Obj) -> None:
    namespace["status"].setdefault("phase", "Active")
    _label(namespace)


def _label(namespace: Obj) -> None:
    name = namespace["metadata"].get("name")
    if name:
        labels = {**(namespace["metadata"].get("labels") or {}), NAME_LABEL: name}
        namespace["metadata"]["labels"] = dict(sorted(labels.items()))


def _prepare_create(namespace: Obj) -> None:
    namespace["status"] = {"phase": "Active"}
    finalizers = spec(namespace).get("finalizers") or []
    if FINALIZER not in finalizers:
        finalizers = [*finalizers, FINALIZER]
    namespace["spec"] = {"finalizers": finalizers}


def _prepare_update(new: Obj, old: Obj) -> None:
    carry(new, old, "spec")
    carry(new, old, "status")


def _finalize(new: Obj, old: Obj) -> None:
    """Through `finalize` only spec.finalizers changes."""
    carry(new, old, "status")


def _validate(namespace: Obj) -> Faults:
    """A new namespace's finalizers are faulted as a whole."""
    path = Path("spec") / "finalizers"
    return [fault for text in spec(namespace).get("finalizers") or () for fault in _finalizer(path, text)]


def _finalizer(path: str, text: str) -> Faults:
    faults = checks.qualified(path, text)
    if "/" not in text and text != FINALIZER:
        faults.append(invalid(path, text, "name is neither a standard finalizer name nor is it fully qualified"))
    return faults


def _validate_finalizers(new: Obj, _old: Obj) -> Faults:
    faults: Faults = []
    for at, finalizer in enumerate(spec(new).get("finalizers") or ()):
        faults += _finalizer((Path("spec") / "finalizers")[at], finalizer)
    return faults


def _selectable(namespace: Obj) -> dict[str, str]:
    return {
        "status.phase": (namespace.get("status") or {}).get("phase") or "",
    }


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    default=DEFAULT,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    canonicalize=_label,
    validate=_validate,
    name_rule="dns1123-label",
)
_FINALIZE = Strategy(
    update_metadata="update", default=DEFAULT, prepare_update=_finalize, validate_update=_validate_finalizers
)


KIND = Kind(
    group="",
    version="v1",
    kind="Namespace",
    plural="namespaces",
    singular="namespace",
    namespaced=False,
    short_names=("ns",),
    verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
    definition="io.k8s.api.core.v1.Namespace",
    subresources=(
        Subresource(name="finalize", verbs=("update",), strategy=_FINALIZE),
        status(DEFAULT),
    ),
    table=table("", "namespaces", configuration.namespace),
    strategy=_WRITES,
    selectable=_selectable,
)
