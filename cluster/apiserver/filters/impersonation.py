"""Impersonate-User and its companions: acting as somebody else, when one may."""

from __future__ import annotations

from urllib.parse import unquote

from cluster.apiserver.authz.interface import Attributes, Authorizer, Decision, refusal
from cluster.apiserver.filters.authentication import known
from cluster.apiserver.http.messages import Request, Response
from cluster.apiserver.request import ANONYMOUS, UNAUTHENTICATED, Context, UserInfo
from cluster.meta import errors
from cluster.meta.types import GroupResource

_EXTRA = "impersonate-extra-"
_ACCOUNT = "system:serviceaccount:"


class Impersonation:
    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def __call__(self, ctx: Context) -> Response | None:
        headers = ctx.request.headers
        name = headers.get("impersonate-user", "")
        others = any(h.startswith("impersonate-") for h in headers if h != "impersonate-user")
        if not name:
            if others:
                raise errors.internal("requested impersonation without impersonating a user")
            return None
        user = self._wanted(ctx.request, name)
        for attributes in _asked(ctx.user, user):
            decision, reason = self._authorizer.authorize(attributes)
            if decision is not Decision.ALLOW:
                resource = GroupResource(attributes.group, attributes.resource)
                raise errors.forbidden(resource, attributes.name, refusal(attributes, reason))
        ctx.impersonator, ctx.user = ctx.user, user
        # Whoever this request is handed on to acts for the user that was asked for, and for nobody else.
        for header in [header for header in headers if header.startswith("impersonate-")]:
            del headers[header]
        return None

    @staticmethod
    def _wanted(request: Request, name: str) -> UserInfo:
        headers = request.headers
        groups = tuple(g for g in request.values("impersonate-group") if g)
        if not groups and name.startswith(_ACCOUNT) and name.count(":") == 3:
            namespace = name.split(":")[2]
            groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
        extra = tuple((unquote(h[len(_EXTRA) :]), tuple(request.values(h))) for h in headers if h.startswith(_EXTRA))
        user = UserInfo(name, headers.get("impersonate-uid", ""), groups, extra)
        if name == ANONYMOUS:
            return UserInfo(name, user.uid, groups if UNAUTHENTICATED in groups else (*groups, UNAUTHENTICATED), extra)
        return known(user)


def _asked(actor: UserInfo, wanted: UserInfo) -> list[Attributes]:
    """Every right that impersonating needs."""
    if wanted.name.startswith(_ACCOUNT) and wanted.name.count(":") == 3:
        _, _, namespace, account = wanted.name.split(":")
        out = [Attributes(actor, "impersonate", resource="serviceaccounts", name=account, namespace=namespace)]
    else:
        out = [Attributes(actor, "impersonate", resource="users", name=wanted.name)]
    implied = {"system:authenticated", "system:unauthenticated", "system:serviceaccounts"}
    for group in wanted.groups:
        if group not in implied and not group.startswith("system:serviceaccounts:"):
            out.append(Attributes(actor, "impersonate", resource="groups", name=group))
    api = "authentication.k8s.io"
    for key, values in wanted.extra:
        out += [Attributes(actor, "impersonate", api, resource="userextras", subresource=key, name=v) for v in values]
    if wanted.uid:
        out.append(Attributes(actor, "impersonate", api, resource="uids", name=wanted.uid))
    return out
