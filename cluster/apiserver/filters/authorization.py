"""Whether the user may do what the request asks; a 403 that says what was asked otherwise."""

from __future__ import annotations

from cluster.apiserver.authz.interface import Attributes, AuthorizerChain, Decision, Selectors, refusal
from cluster.apiserver.handlers import render
from cluster.apiserver.http.messages import Response
from cluster.apiserver.request import Context
from cluster.meta import errors
from cluster.meta.errors import Reason, StatusError

_SELECTING = frozenset(("list", "watch", "deletecollection"))
DECISION, REASON = "authorization.k8s.io/decision", "authorization.k8s.io/reason"
"""Annotations of audit events."""


def _note(annotations: dict[str, str], decision: Decision, reason: str, error: object) -> None:
    if error and decision is not Decision.ALLOW:
        annotations[REASON] = "internal error"
        return
    annotations[DECISION] = "allow" if decision is Decision.ALLOW else "forbid"
    annotations[REASON] = reason


def attributes_of(ctx: Context) -> Attributes:
    info = ctx.info
    if not info.is_resource:
        return Attributes(ctx.user, info.verb, path=info.path)
    return Attributes(
        ctx.user,
        info.verb,
        info.group,
        info.version,
        info.resource,
        info.subresource,
        info.name,
        info.namespace,
        "",
        selectors_of(ctx) if info.verb in _SELECTING else None,
    )


def selectors_of(ctx: Context) -> Selectors | None:
    fields, labels = ctx.query.get("fieldSelector"), ctx.query.get("labelSelector")
    if not fields and not labels:
        return None
    from cluster.apiserver.authz.selectors import of_query

    return of_query(fields, labels)


class Authorization:
    def __init__(self, authorizer: AuthorizerChain) -> None:
        self._authorizer = authorizer

    async def __call__(self, ctx: Context) -> Response | None:
        asked = attributes_of(ctx)
        decision, reason, error = await self._authorizer.decide(asked)
        if ctx.annotations is not None:
            _note(ctx.annotations, decision, reason, error)
        if decision is Decision.ALLOW:
            return None
        if error:
            return render.internal_error(ctx, error)
        text = refusal(asked, reason)
        if not asked.is_resource:
            raise StatusError(403, Reason.FORBIDDEN, f"forbidden: {text}", {})
        raise errors.forbidden(ctx.info.group_resource, asked.name, text)
