"""Who asks: the first credential that is recognised; a wrong one is a 401; none is the anonymous user."""

from __future__ import annotations

from collections.abc import Sequence

from cluster.apiserver.authn.interface import Authenticator, InvalidCredential
from cluster.apiserver.http.messages import Response
from cluster.apiserver.request import ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED, Context, UserInfo
from cluster.meta import errors

_NOBODY = UserInfo(ANONYMOUS, "", (UNAUTHENTICATED,))


class Authentication:
    """`anonymous` allows requests without a credential to go on as system:anonymous."""

    def __init__(self, authenticators: Sequence[Authenticator], *, anonymous: bool = True) -> None:
        self._authenticators = tuple(authenticators)
        self._anonymous = anonymous

    async def __call__(self, ctx: Context) -> Response | None:
        for authenticator in self._authenticators:
            try:
                user = await authenticator.authenticate(ctx.request)
            except InvalidCredential:
                raise errors.unauthorized() from None
            if user is not None:
                ctx.user = known(user)
                # Credentials are of no use to anybody behind this point.
                ctx.request.headers.pop("authorization", None)
                return None
        if not self._anonymous:
            raise errors.unauthorized()
        ctx.user = _NOBODY
        return None


def known(user: UserInfo) -> UserInfo:
    """The user with system:authenticated among the groups."""
    if AUTHENTICATED in user.groups or user.name == ANONYMOUS:
        return user
    return UserInfo(user.name, user.uid, (*user.groups, AUTHENTICATED), user.extra)
