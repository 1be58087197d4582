"""Whether the user may do what the request asks; a 403 that says what was asked otherwise."""

from __future__ import annotations

from cluster.apiserver.authz.interface import Attributes, Authorizer, Decision, refusal
from cluster.apiserver.http.messages import Response
from cluster.apiserver.request import Context
from cluster.meta import errors
from cluster.meta.errors import Reason, StatusError


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
    )


class Authorization:
    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def __call__(self, ctx: Context) -> Response | None:
        asked = attributes_of(ctx)
        decision, reason = self._authorizer.authorize(asked)
        if decision is Decision.ALLOW:
            return None
        text = refusal(asked, reason)
        if not asked.is_resource:
            raise StatusError(403, Reason.FORBIDDEN, f"forbidden: {text}", {})
        raise errors.forbidden(ctx.info.group_resource, asked.name, text)
