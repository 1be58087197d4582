"""Who asks: the first credential that is recognised; only wrong ones are a 401; none is the anonymous user."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cluster.apiserver.authn.interface import Authenticator, InvalidCredential
from cluster.apiserver.authn.request_headers import IdentityHeaders
from cluster.apiserver.http.messages import Request, Response
from cluster.apiserver.request import ANONYMOUS, AUTHENTICATED, NOBODY, Context, UserInfo
from cluster.meta import errors

_SPACED = re.compile(r"\s*bearer\s{2,}\S", re.IGNORECASE)
_IGNORED = "the provided Authorization header contains extra space before the bearer token, and is ignored"


class Authentication:
    """`anonymous` allows requests without a credential to go on as system:anonymous, to any path or, where there are
    `anonymous_paths`, to those. `told` are the headers that only
    a front proxy may send."""

    def __init__(
        self,
        authenticators: Sequence[Authenticator],
        *,
        anonymous: bool = True,
        anonymous_paths: frozenset[str] = frozenset(),
        told: IdentityHeaders | None = None,
    ) -> None:
        self._authenticators = tuple(authenticators)
        self._anonymous = anonymous
        self._paths = anonymous_paths
        self._told = told or IdentityHeaders(None)

    async def __call__(self, ctx: Context) -> Response | None:
        user = await self._recognised(ctx.request)
        if user is None and _SPACED.match(ctx.request.headers.get("authorization", "")):
            ctx.warn(_IGNORED)
        if user is None and not self._open(ctx.request.path):
            raise errors.unauthorized()
        ctx.user = NOBODY if user is None else known(user)
        # Credentials are of no use to anybody behind this point.
        ctx.request.headers.pop("authorization", None)
        self._told.clear(ctx.request.headers)
        return None

    def _open(self, path: str) -> bool:
        return self._anonymous and (not self._paths or path in self._paths)

    async def _recognised(self, request: Request) -> UserInfo | None:
        wrong = False
        for authenticator in self._authenticators:
            try:
                user = await authenticator.authenticate(request)
            except InvalidCredential:
                wrong = True
                continue
            if user is not None:
                return user
        if wrong:
            raise errors.unauthorized()
        return None


def known(user: UserInfo) -> UserInfo:
    """The user with system:authenticated among the groups."""
    if AUTHENTICATED in user.groups or user.name == ANONYMOUS:
        return user
    return UserInfo(user.name, user.uid, (*user.groups, AUTHENTICATED), user.extra)
