"""ControllerRevisions: the templates a StatefulSet or DaemonSet has had, numbered; what rollbacks return to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cluster.controllers.revision_hash import revision_data
from cluster.controllers.rollout import same_template
from cluster.machinery.owners import owner_reference
from cluster.meta.types import GroupVersionKind, Obj


def ordered(revisions: Sequence[Obj]) -> list[Obj]:
    """By number, then age, then name."""
    return sorted(
        revisions,
        key=lambda r: (r["revision"], r["metadata"].get("creationTimestamp") or "", r["metadata"]["name"]),
    )


def template_of(revision: Obj) -> dict[str, Any]:
    found = (((revision.get("data") or {}).get("spec") or {}).get("template")) or {}
    return {k: v for k, v in found.items() if k != "$patch"}


def find(revisions: Sequence[Obj], template: dict[str, Any]) -> Obj | None:
    """The newest revision with this template."""
    found = [r for r in revisions if same_template(template_of(r), template)]
    return found[-1] if found else None


def next_number(revisions: Sequence[Obj]) -> int:
    return max((r["revision"] for r in revisions), default=0) + 1


def new_revision(owner: Obj, gvk: GroupVersionKind, digest: str, number: int, labels: dict[str, str]) -> Obj:
    template = owner["spec"]["template"]
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": f"{owner['metadata']['name']}-{digest}",
            "namespace": owner["metadata"]["namespace"],
            "labels": {**((template.get("metadata") or {}).get("labels") or {}), **labels},
            "ownerReferences": [owner_reference(owner, gvk)],
        },
        "data": revision_data(template),
        "revision": number,
    }


def surplus(revisions: Sequence[Obj], live: set[str], limit: int) -> list[Obj]:
    """The oldest revisions beyond `limit` that nothing (by name) uses any more."""
    unused = [r for r in ordered(revisions) if r["metadata"]["name"] not in live]
    return unused[: max(len(unused) - limit, 0)]
