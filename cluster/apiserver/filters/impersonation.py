"""Impersonate-User and its companions: acting as somebody else, when one may.

Since Kubernetes 1.36 there are several ways to be allowed (k8s.io/apiserver/pkg/endpoints/filters/impersonation). The
narrow ones, of which one fits the user that is wanted, need two rights: `impersonate-on:MODE:VERB` on what the request
is about, and `impersonate:MODE` on the user and all that is claimed of him. The old one, `impersonate`, needs rights on
user, groups, uid and extras alone and holds for every request. The way that last worked for somebody is tried first;
when none does, the first refusal is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from cluster.apiserver.authz.interface import Attributes, AuthorizerChain, Decision, refusal
from cluster.apiserver.filters.authorization import attributes_of
from cluster.apiserver.http.messages import Request, Response
from cluster.apiserver.request import ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, Context, UserInfo
from cluster.meta import errors, names
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupResource

_EXTRA = "impersonate-extra-"
_ACCOUNT, _NODE = "system:serviceaccount:", "system:node:"
_API = "authentication.k8s.io"
_NODE_NAME = "authentication.kubernetes.io/node-name"
_MANY = 4
"""From so many groups or extras on, the right to claim them all is asked for first."""
_REMEMBERED = 10_000
CONSTRAINED_SINCE = 36
"""The minor of Kubernetes 1 from which on the narrow ways are served."""
_LEGACY = ""
_MODES = ("associated-node", "arbitrary-node", "serviceaccount", "user-info", _LEGACY)


class Impersonation:
    """`constrained`: whether the narrow ways are served (see CONSTRAINED_SINCE)."""

    def __init__(self, authorizer: AuthorizerChain, *, constrained: bool) -> None:
        self._authorizer = authorizer
        self._modes: Sequence[str] = _MODES if constrained else (_LEGACY,)
        self._worked: dict[str, str] = {}

    async def __call__(self, ctx: Context) -> Response | None:
        wanted = wanted_user(ctx.request)
        if wanted is None:
            return None
        ctx.impersonator, ctx.user = ctx.user, await self._become(ctx, wanted)
        # Whoever this request is handed on to acts for the user that was asked for, and for nobody else.
        for header in [header for header in ctx.request.headers if header.startswith("impersonate-")]:
            del ctx.request.headers[header]
        return None

    async def _become(self, ctx: Context, wanted: UserInfo) -> UserInfo:
        """Raises 403."""
        actor = ctx.user
        last = self._worked.get(actor.name)
        modes = self._modes if last is None else (last, *(m for m in self._modes if m != last))
        first: StatusError | None = None
        for mode in modes:
            if not _applies(mode, wanted, actor):
                continue
            try:
                for asked in self._questions(mode, attributes_of(ctx), wanted):
                    await self._confirm(mode, asked)
            except StatusError as refused:
                first = first or refused
                continue
            self._remember(actor.name, mode)
            return _actual(mode, wanted)
        assert first is not None, "the old way applies to everybody"
        raise first

    def _questions(self, mode: str, about: Attributes, wanted: UserInfo) -> Iterator[_Asked]:
        if mode:
            yield _Asked((replace(about, verb=f"impersonate-on:{mode}:{about.verb}"),))
        yield from _claims(mode, about.user, wanted)

    async def _confirm(self, mode: str, asked: _Asked) -> None:
        """Raises 403 with the last of the alternatives."""
        for attributes in asked.alternatives:
            put = _without_place(attributes) if mode == "associated-node" else attributes
            decision, reason, error = await self._authorizer.decide(put)
            if decision is Decision.ALLOW:
                return
        raise _forbidden(put, f"{error}: {reason}" if error and reason else error or reason)

    def _remember(self, name: str, mode: str) -> None:
        self._worked.pop(name, None)
        self._worked[name] = mode
        if len(self._worked) > _REMEMBERED:
            del self._worked[next(iter(self._worked))]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One right needed: any of these, asked in order."""

    alternatives: tuple[Attributes, ...]


def wanted_user(request: Request) -> UserInfo | None:
    """Who is to be impersonated; None when nobody is. Raises 400."""
    headers = request.headers
    name, uid = headers.get("impersonate-user", ""), headers.get("impersonate-uid", "")
    groups = tuple(request.values("impersonate-group"))
    extra = tuple((unquote(h[len(_EXTRA) :]), tuple(request.values(h))) for h in headers if h.startswith(_EXTRA))
    if name:
        return UserInfo(name, uid, groups, extra)
    if uid or groups or extra:
        raise errors.bad_request(f"requested {_go_user(uid, groups, extra)} without impersonating a user name")
    return None


def _go_user(uid: str, groups: tuple[str, ...], extra: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    """A user as Go prints one."""

    def listed(values: Sequence[str]) -> str:
        return "[]string{" + ", ".join(map(json.dumps, values)) + "}"

    shown_groups = listed(groups) if groups else "[]string(nil)"
    entries = ", ".join(f"{json.dumps(key)}:{listed(values)}" for key, values in sorted(extra))
    shown_extra = f"map[string][]string{{{entries}}}" if extra else "map[string][]string(nil)"
    return f'&user.DefaultInfo{{Name:"", UID:{json.dumps(uid)}, Groups:{shown_groups}, Extra:{shown_extra}}}'


# Which way is open.


def _applies(mode: str, wanted: UserInfo, actor: UserInfo) -> bool:
    if mode == _LEGACY:
        return True
    node, account = node_name(wanted.name), service_account(wanted.name)
    if mode == "user-info":
        return node is None and account is None
    if wanted.uid or wanted.groups or wanted.extra:
        return False
    if mode == "serviceaccount":
        return account is not None
    if mode == "arbitrary-node" or node is None:
        return node is not None
    return service_account(actor.name) is not None and dict(actor.extra).get(_NODE_NAME) == (node,)


def node_name(username: str) -> str | None:
    name = username.removeprefix(_NODE)
    return name if name != username and not names.dns1123_subdomain(name) else None


def service_account(username: str) -> tuple[str, str] | None:
    """Namespace and name."""
    parts = username.removeprefix(_ACCOUNT).split(":")
    if not username.startswith(_ACCOUNT) or len(parts) != 2:
        return None
    if names.dns1123_label(parts[0]) or names.dns1123_subdomain(parts[1]):
        return None
    return parts[0], parts[1]


# What must be allowed.


def _claims(mode: str, actor: UserInfo, wanted: UserInfo) -> Iterator[_Asked]:
    """The rights on each thing that is claimed. Raises 403 for what nobody may claim in a narrow way."""
    verb, group = (f"impersonate:{mode}", _API) if mode else ("impersonate", "")

    def asked(api: str, resource: str, name: str, subresource: str = "") -> Attributes:
        return Attributes(actor, verb, api, "v1", resource, subresource, name)

    account, node = service_account(wanted.name), node_name(wanted.name) if mode else None
    if account is not None:
        yield _Asked((replace(asked(group, "serviceaccounts", account[1]), namespace=account[0]),))
    elif node is not None:
        yield _Asked((asked(group, "nodes", node),))
    else:
        yield _Asked((asked(group, "users", wanted.name),))
    if wanted.uid:
        yield _Asked((asked(_API, "uids", wanted.uid),))
    if mode:
        _check_groups(asked(group, "groups", ""), wanted.groups)
    every = (asked(group, "groups", "*"),) if mode and len(wanted.groups) >= _MANY else ()
    for name in wanted.groups:
        yield _Asked((*every, asked(group, "groups", name)))
    if mode:
        _check_extra(asked(_API, "userextras", ""), wanted.extra)
    count = sum(len(values) for _, values in wanted.extra)
    every = (asked(_API, "userextras", "*", "*"),) if mode and max(count, len(wanted.extra)) >= _MANY else ()
    for key, values in wanted.extra:
        for value in values:
            yield _Asked((*every, asked(_API, "userextras", value, key)))


def _check_groups(about: Attributes, groups: tuple[str, ...]) -> None:
    if "" in groups:
        raise _forbidden(about, "impersonating the empty string group is not allowed")
    if MASTERS in groups:
        raise _forbidden(replace(about, name=MASTERS), f"impersonating the {MASTERS} group is not allowed")


def _check_extra(about: Attributes, extra: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
    for key, values in extra:
        why = _key_fault(key)
        if not why and "" in values:
            why = "impersonating the empty string value in extra is not allowed"
        if why:
            raise _forbidden(about, why)


def _key_fault(key: str) -> str:
    if not key:
        return "impersonating the empty string key in extra is not allowed"
    host, _, path = key.partition("/")
    if not host or not path:
        fault = f'extra.key: Invalid value: "{key}": must be a domain-prefixed path (such as "acme.io/foo")'
        return f"impersonating an invalid key in extra is not allowed: {fault}"
    for text in names.dns1123_subdomain(host):
        return f'impersonating an invalid key in extra is not allowed: extra.key: Invalid value: "{host}": {text}'
    return ""


def _without_place(about: Attributes) -> Attributes:
    """What an account on a node may as that node holds for every node it may be on, so neither is asked for."""
    keys = tuple(sorted(key for key, _ in about.user.extra))
    user = replace(about.user, extra=(("authentication.kubernetes.io/associated-node-keys", keys),))
    return replace(about, user=user, name="*" if about.verb == "impersonate:associated-node" else about.name)


def _forbidden(about: Attributes, why: str) -> StatusError:
    text = refusal(about, why)
    return errors.forbidden(GroupResource(about.group, about.resource), about.name, text)


def _actual(mode: str, wanted: UserInfo) -> UserInfo:
    """The user with the groups that come with his name."""
    groups = wanted.groups
    account = service_account(wanted.name)
    if account is not None and not groups:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{account[0]}")
    elif mode and node_name(wanted.name) is not None:
        groups = ("system:nodes",)
    if wanted.name == ANONYMOUS:
        groups = groups if UNAUTHENTICATED in groups else (*groups, UNAUTHENTICATED)
    elif UNAUTHENTICATED not in groups and AUTHENTICATED not in groups:
        groups = (*groups, AUTHENTICATED)
    return replace(wanted, groups=groups)
