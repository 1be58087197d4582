"""What an API server is started with. Nothing here reads a file: paths are handed on to whoever reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.apiserver.event_expiry import TTL
from cluster.apiserver.request import UserInfo

if TYPE_CHECKING:
    from cluster.apiserver.audit import AuditOptions
    from cluster.apiserver.authn.oidc import JwtIssuer
    from cluster.apiserver.authn.request_headers import FrontProxy
    from cluster.apiserver.authn.service_accounts import ServiceAccountTokens
    from cluster.apiserver.authn.webhook import TokenWebhook
    from cluster.apiserver.authz.configuration import Mode
    from cluster.client.endpoint import KeyPair
    from cluster.storage.encryption.configuration import Encryption

ISSUER = "https://kubernetes.default.svc"
"""Of service account tokens, and the audience of a server that issues none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiServerOptions:
    """How to serve. `port` 0 takes a free one; without `tls_certificate` it speaks plain HTTP.

    `client_ca` verifies client certificates. `tokens` is a table of bearer tokens, `token_file` the same as CSV.
    `allowances` names faults of validation this server tolerates (see FieldError.allowance).
    `signing_key` (PEM) issues service account tokens. `advertise` is the address written
    into the `kubernetes` Service's endpoints and shown by discovery.
    """

    address: str = "127.0.0.1"
    port: int = 0
    advertise: str = ""
    serve: bool = True
    """False: no socket at all, only in-process clients."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    client_ca: Path | None = None
    front_proxy: FrontProxy | None = None
    """Whose word is taken for who a user is; also published for the servers behind this one."""
    proxy_client: KeyPair | None = None
    """What this server shows of itself to the servers it hands requests on to."""
    tokens: Mapping[str, UserInfo] = field(default_factory=dict)
    token_file: Path | None = None
    anonymous: bool = True
    service_cidr: str = "10.96.0.0/16"
    node_ports: tuple[int, int] = (30000, 32767)
    kubernetes_version: str = "1.36.2"
    allowances: frozenset[str] = frozenset()
    requests_inflight: int = 400
    mutating_requests_inflight: int = 200
    """The seats of this server are both together; without priority and fairness they are bounds of their own."""
    priority_and_fairness: bool = True
    request_timeout: float = 60.0
    """Seconds; watches and streams have none."""
    min_request_timeout: float = 1800.0
    """Seconds a watch goes on at least, when its client does not say."""
    event_ttl: float = TTL
    """Seconds that an Event is kept after its last change; 0: for ever."""
    shutdown_delay: float = 0.0
    """Seconds for which it goes on serving after it has said that it is not ready any more."""
    hostname: str = "localhost"
    """Of the machine; it tells this server from others in the lease that says it lives."""
    signing_key: Path | None = None
    anonymous_paths: frozenset[str] = frozenset()
    """Where requests without a credential are let in; none: everywhere, if `anonymous` lets them in at all."""
    jwt: Sequence[JwtIssuer] = ()
    """OpenID Connect issuers whose tokens are believed."""
    authorization: Sequence[Mode] = ()
    """The authorizers in their order; none: Node and RBAC."""
    token_webhook: TokenWebhook | None = None
    """Who is asked about tokens that nobody here knows."""
    service_accounts: ServiceAccountTokens | None = None
    """How tokens of service accounts are issued and recognised, beside `signing_key`; None: as usual."""
    encryption: Encryption | None = None
    """What is encrypted in the store, and how; None stores everything as it is."""
    audit: AuditOptions | None = None
    """Where and what to log of requests; None logs nothing."""
