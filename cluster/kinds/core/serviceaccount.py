"""ServiceAccount: an identity for pods; its lists of secrets are references only."""

from __future__ import annotations

from cluster.kinds.columns import table
from cluster.kinds.kind import Cell, Kind, Strategy, Subresource
from cluster.kinds.printers.text import age, name
from cluster.kinds.wire import defaulting
from cluster.meta.types import GroupVersionKind, Obj

DEFINITION = "io.k8s.api.core.v1.ServiceAccount"


def _cells(obj: Obj, now: float) -> list[Cell]:
    return [name(obj), age(obj, now)]


def _bare_secrets(account: Obj) -> None:
    """Of the secrets only the names are kept."""
    if account.get("secrets"):
        account["secrets"] = [{"name": ref["name"]} if ref.get("name") else {} for ref in account["secrets"]]


def _prepare_update(new: Obj, _old: Obj) -> None:
    _bare_secrets(new)


_WRITES = Strategy(
    default=defaulting(DEFINITION),
    prepare_create=_bare_secrets,
    prepare_update=_prepare_update,
)


KIND = Kind(
    group="",
    version="v1",
    kind="ServiceAccount",
    plural="serviceaccounts",
    singular="serviceaccount",
    namespaced=True,
    short_names=("sa",),
    definition="io.k8s.api.core.v1.ServiceAccount",
    subresources=(
        Subresource(
            name="token",
            verbs=("create",),
            kind=GroupVersionKind("authentication.k8s.io", "v1", "TokenRequest"),
        ),
    ),
    table=table("", "serviceaccounts", _cells),
    strategy=_WRITES,
)
