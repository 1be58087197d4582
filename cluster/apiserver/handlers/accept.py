"""What the client wants back, from its Accept header and the kind it asks about."""

from __future__ import annotations

from dataclasses import replace

from cluster.apiserver.codecs import media
from cluster.apiserver.codecs.media import JSON, YAML, Route
from cluster.apiserver.codecs.media import Accepted as Wanted
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.request import Context

__all__ = ["JSON", "YAML", "Route", "Wanted", "clauses", "pretty", "uncolumned", "wanted_by"]


def uncolumned(ctx: Context) -> Wanted:
    """For answers that are no resource's, such as reviews, bindings and tokens: they cannot be shown as tables.
    Asked before anything is done. Raises 406."""
    return _readable(ctx, media.negotiate(ctx.request.headers.get("accept", ""), transforms=media.METADATA))


def wanted_by(ctx: Context, registry: Registry, route: Route = Route.ONE) -> Wanted:
    """For answers of a registry's kind: custom resources speak no protobuf. Raises 406."""
    types = media.BUILT_IN if registry.kind.schema is None else media.CUSTOM
    return _readable(ctx, media.negotiate(ctx.request.headers.get("accept", ""), types, route=route))


def _readable(ctx: Context, wanted: Wanted) -> Wanted:
    return replace(wanted, pretty=True) if pretty(ctx) else wanted


def pretty(ctx: Context) -> bool:
    """Whether JSON is indented: as the query says, else for programs in front of which people sit."""
    if ctx.query.get("pretty"):
        return ctx.query.get("pretty") in _TRUE
    return ctx.request.headers.get("user-agent", "").startswith(_PEOPLE)


_TRUE = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_PEOPLE = ("curl", "Wget", "Mozilla/5.0")


def clauses(accept: str) -> list[tuple[str, dict[str, str]]]:
    """Media types with their parameters, most wanted first; no header means anything."""
    found = media._clauses(accept) if accept.strip() else []
    return [(f"{c.main}/{c.sub}", dict(c.params)) for c in found] or [("*/*", {})]
