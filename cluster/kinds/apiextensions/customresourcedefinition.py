"""CustomResourceDefinition: kinds that are defined at run time."""

from __future__ import annotations

from cluster.kinds.checks import Faults
from cluster.kinds.columns import DEFAULT as PLAIN
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.strategy import fill, keep_status, status
from cluster.kinds.wire import defaulting
from cluster.meta.types import Obj

DEFINITION = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition"


def _default(crd: Obj) -> None:
    held = crd["spec"]
    names = held["names"]
    fill(names, "singular", (names.get("kind") or "").lower())
    if names.get("kind"):
        fill(names, "listKind", f"{names['kind']}List")
    if held.get("conversion") is None:
        held["conversion"] = {"strategy": "None"}
    service = ((held["conversion"].get("webhook") or {}).get("clientConfig") or {}).get("service")
    if service is not None:
        fill(service, "port", 443)
    stored = [version["name"] for version in held.get("versions") or () if version.get("storage")]
    if isinstance(crd.get("status"), dict) and not crd["status"].get("storedVersions") and stored:
        crd["status"]["storedVersions"] = stored[:1]


def _prepare_create(crd: Obj) -> None:
    stored = [version["name"] for version in crd["spec"].get("versions") or () if version.get("storage")]
    accepted = {"plural": "", "kind": ""}
    crd["status"] = {"conditions": None, "acceptedNames": accepted, "storedVersions": stored[:1] or None}


def _prepare_update(new: Obj, old: Obj) -> None:
    """A version that becomes the storage version is remembered, as objects will be stored in it."""
    keep_status(new, old)
    stored = list((old.get("status") or {}).get("storedVersions") or ())
    for version in new["spec"].get("versions") or ():
        if version.get("storage") and version["name"] not in stored:
            new["status"] = {**(new.get("status") or {}), "storedVersions": [*stored, version["name"]]}
            break


def _validate(crd: Obj) -> Faults:
    # Most clusters see no definition, and what checks one is much.
    from cluster.kinds.apiextensions.crd_checks import validate

    return validate(crd)


def _validate_update(new: Obj, old: Obj) -> Faults:
    from cluster.kinds.apiextensions.crd_checks import validate_update

    return validate_update(new, old)


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    default=DEFAULT,
    prepare_create=_prepare_create,
    prepare_update=_prepare_update,
    validate=_validate,
    validate_update=_validate_update,
    generation=True,
    unconditional_update=False,
)


KIND = Kind(
    group="apiextensions.k8s.io",
    version="v1",
    kind="CustomResourceDefinition",
    plural="customresourcedefinitions",
    singular="customresourcedefinition",
    namespaced=False,
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    definition="io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
    subresources=(status(DEFAULT),),
    table=PLAIN,
    strategy=_WRITES,
)
