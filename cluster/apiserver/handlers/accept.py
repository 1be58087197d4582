"""What the client wants back, from its Accept header and the kind it asks about."""

from __future__ import annotations

from cluster.apiserver.codecs import media
from cluster.apiserver.codecs.media import JSON, YAML
from cluster.apiserver.codecs.media import Accepted as Wanted
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.request import Context

__all__ = ["JSON", "YAML", "Wanted", "clauses", "uncolumned", "wanted_by"]


def uncolumned(ctx: Context) -> Wanted:
    """For answers that are no resource's, such as reviews, bindings and tokens: they cannot be shown as tables.
    Asked before anything is done. Raises 406."""
    return media.negotiate(ctx.request.headers.get("accept", ""), transforms=media.METADATA)


def wanted_by(ctx: Context, registry: Registry) -> Wanted:
    """For answers of a registry's kind: custom resources speak no protobuf. Raises 406."""
    types = media.BUILT_IN if registry.kind.schema is None else media.CUSTOM
    return media.negotiate(ctx.request.headers.get("accept", ""), types)


def clauses(accept: str) -> list[tuple[str, dict[str, str]]]:
    """Media types with their parameters, most wanted first; no header means anything."""
    found = media._clauses(accept) if accept.strip() else []
    return [(f"{c.main}/{c.sub}", dict(c.params)) for c in found] or [("*/*", {})]
