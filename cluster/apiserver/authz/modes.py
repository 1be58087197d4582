"""Authorizers made from their modes, in their order. Members of system:masters come before all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cluster.apiserver.authz.interface import (
    ALLOWED,
    NOTHING_ALLOWED,
    Always,
    AlwaysAllowMasters,
    Authorizer,
    AuthorizerChain,
    RemoteAuthorizer,
)
from cluster.apiserver.authz.node import NodeAuthorizer
from cluster.apiserver.authz.rbac import RbacAuthorizer, RoleSource

if TYPE_CHECKING:
    from cluster.apiserver.authz.configuration import Mode
    from cluster.machinery.clock import Clock


def chain_of(modes: Sequence[Mode], rbac: RbacAuthorizer, source: RoleSource, clock: Clock) -> AuthorizerChain:
    """No modes: Node and RBAC."""
    if not modes:
        return AuthorizerChain([AlwaysAllowMasters(), NodeAuthorizer(source), rbac])
    return AuthorizerChain([AlwaysAllowMasters(), *(_made(mode, rbac, source, clock) for mode in modes)])


def _made(mode: Mode, rbac: RbacAuthorizer, source: RoleSource, clock: Clock) -> Authorizer | RemoteAuthorizer:
    if mode.webhook is not None:
        from cluster.apiserver.authz.webhook import WebhookAuthorizer

        return WebhookAuthorizer(mode.webhook, clock)
    if mode.type == "Node":
        return NodeAuthorizer(source)
    if mode.type == "RBAC":
        return rbac
    return Always(ALLOWED if mode.type == "AlwaysAllow" else NOTHING_ALLOWED)


def by_roles(modes: Sequence[Mode]) -> bool:
    """Whether roles give rights, so that it matters who hands them out."""
    return not modes or any(mode.type == "RBAC" for mode in modes)
