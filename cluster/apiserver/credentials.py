"""By which credentials users are recognised, and in which order: put together from the options.

How each credential is checked is the matter of `authn`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from cluster.apiserver.authn.bootstrap_tokens import BootstrapTokens
from cluster.apiserver.authn.certificates import CertificateAuthenticator
from cluster.apiserver.authn.interface import Authenticator, TokenAuthenticator
from cluster.apiserver.authn.request_headers import RequestHeaderAuthenticator, authorities
from cluster.apiserver.authn.tokens import (
    AgnosticTokens,
    BearerAuthenticator,
    ForThisServer,
    StaticTokens,
    TokenSources,
)
from cluster.apiserver.options import ISSUER
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersionResource

if TYPE_CHECKING:
    from cluster.apiserver.authn.legacy_tokens import Label
    from cluster.apiserver.authn.service_accounts import TokenIssuer
    from cluster.apiserver.server import ApiServer

_log = logging.getLogger(__name__)


def authenticators(server: ApiServer) -> list[Authenticator]:
    bearer = BearerAuthenticator(server.token_sources)
    front, users = server.options.front_proxy, server.options.client_ca
    if front is None:
        return [CertificateAuthenticator(), bearer]
    vouching = authorities(users) if users is not None else frozenset()
    return [RequestHeaderAuthenticator(front), CertificateAuthenticator(vouching), bearer]


def token_sources(server: ApiServer) -> TokenSources:
    """Those who know bearer tokens, in the order they are asked."""
    accounts = _account_tokens(server)
    audiences = accounts.audiences if accounts is not None else ()
    plain: list[AgnosticTokens] = [StaticTokens(server.options.tokens)]
    if server.options.token_file is not None:
        plain.append(StaticTokens.read(server.options.token_file))
    plain.append(BootstrapTokens(server.feed, server.clock))
    audiences = audiences or (ISSUER,)
    sources: list[TokenAuthenticator] = [ForThisServer(source, audiences) for source in plain]
    if accounts is not None:
        from cluster.apiserver.authn.legacy_tokens import LegacyTokens

        sources += [LegacyTokens(accounts, server.feed, _labelling(server)), accounts]
    if server.options.jwt:
        from cluster.apiserver.authn.oidc import OidcTokens

        sources += [OidcTokens(issuer, audiences, server.clock) for issuer in server.options.jwt]
    if server.options.token_webhook is not None:
        from cluster.apiserver.authn.webhook import WebhookTokens

        sources.append(WebhookTokens(server.options.token_webhook, audiences, server.clock))
    return TokenSources(sources, audiences)


def _account_tokens(server: ApiServer) -> TokenIssuer | None:
    if server.options.signing_key is None:
        return None
    from cluster.apiserver.authn.jose import SigningKey
    from cluster.apiserver.authn.service_accounts import TokenIssuer

    key = SigningKey(server.options.signing_key.read_bytes())
    issuer = TokenIssuer(key, server.clock, server.feed, server.options.service_accounts)
    server.services.extras["tokens"] = issuer
    return issuer


def _labelling(server: ApiServer) -> Label:
    """Writes on a Secret when its token was used last."""

    async def label(namespace: str, name: str, uid: str, date: str) -> None:
        from cluster.apiserver.authn.legacy_tokens import LAST_USED

        patch = {"metadata": {"uid": uid, "labels": {LAST_USED: date}}}
        try:
            await server.client().patch(GroupVersionResource("", "v1", "secrets"), name, namespace, patch)
        except StatusError as error:
            _log.warning("the last use of secret %s/%s cannot be written: %s", namespace, name, error)

    return label
