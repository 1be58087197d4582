"""What a user may set of the API server: `--extra-config apiserver.KEY=VALUE`, KEY a flag of kube-apiserver.

One table. A row says how the text is read and which field of ApiServerOptions it sets; what several settings make
together is the matter of `apiserver_options`.

It must not know the server: only names of its options stand here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.cli.flag_texts import (
    algorithms,
    boolean,
    claim,
    duration,
    names,
    number,
    one_of,
    port_range,
    positive_duration,
    private_file,
    readable_file,
    seconds,
    text,
    writable_file,
)
from cluster.cli.places import Refused
from cluster.cli.settings import Settings

Values = Mapping[str, Any]
"""Flag name to what its text means; a tuple of meanings where the flag is `repeatable`."""
COMPONENT = "apiserver."
MODES = ("batch", "blocking", "blocking-strict")
"""Of an audit back end."""


@dataclass(frozen=True, slots=True)
class Flag:
    """`parse` raises ValueError with what is wrong with the text. `option` is the field of ApiServerOptions that takes
    the value as it is; empty where `apiserver_options` reads it with others, or it is read before the server is made.
    """

    name: str
    parse: Callable[[str], Any]
    help: str
    option: str = ""
    repeatable: bool = False


FLAGS: tuple[Flag, ...] = (
    Flag("anonymous-auth", boolean, "whether requests without a credential are let in (default true)", "anonymous"),
    Flag("api-audiences", names, "audiences of this API server's tokens (default: the first issuer)"),
    Flag("audit-log-compress", boolean, "whether audit logs put aside are compressed"),
    Flag("audit-log-format", one_of("json", "legacy"), "json or legacy (a line of text)"),
    Flag("audit-log-maxage", number, "days for which audit logs put aside are kept (default 366)"),
    Flag("audit-log-maxbackup", number, "how many audit logs put aside are kept (default 100)"),
    Flag("audit-log-maxsize", number, "MiB at which the audit log is put aside (default 100)"),
    Flag("audit-log-mode", one_of(*MODES), "blocking (default), blocking-strict or batch"),
    Flag("audit-log-path", writable_file, "the audit log; needs audit-policy-file"),
    Flag("audit-policy-file", readable_file, "the audit.k8s.io/v1 Policy of the audit log"),
    Flag("audit-webhook-batch-buffer-size", number, "events that wait for the webhook at most (default 10000)"),
    Flag("audit-webhook-batch-max-size", number, "events sent at once at most (default 400)"),
    Flag("audit-webhook-batch-max-wait", duration, "how long a batch is waited for (default 30s)"),
    Flag("audit-webhook-config-file", readable_file, "a kubeconfig: where audit events are posted to"),
    Flag("audit-webhook-initial-backoff", duration, "the pause after the first failure (default 10s)"),
    Flag("audit-webhook-mode", one_of(*MODES), "batch (default), blocking or blocking-strict"),
    Flag("authentication-config", readable_file, "the AuthenticationConfiguration: issuers of tokens, anonymous paths"),
    Flag("authentication-token-webhook-cache-ttl", duration, "how long the webhook's answers are kept (default 2m)"),
    Flag("authentication-token-webhook-config-file", readable_file, "a kubeconfig: who is asked about unknown tokens"),
    Flag("authentication-token-webhook-version", one_of("v1", "v1beta1"), "of the reviews sent (default v1beta1)"),
    Flag("authorization-config", readable_file, "the AuthorizationConfiguration: authorizers and their order"),
    Flag("authorization-mode", names, "AlwaysAllow, AlwaysDeny, Node, RBAC, Webhook (default Node,RBAC)"),
    Flag("authorization-webhook-cache-authorized-ttl", duration, "how long a yes is kept (default 5m)"),
    Flag("authorization-webhook-cache-unauthorized-ttl", duration, "how long a no is kept (default 30s)"),
    Flag("authorization-webhook-config-file", readable_file, "a kubeconfig: who is asked what somebody may"),
    Flag("authorization-webhook-version", one_of("v1", "v1beta1"), "of the reviews sent (default v1beta1)"),
    Flag(
        "enable-priority-and-fairness",
        boolean,
        "whether flow schemas and priority levels divide the server",
        "priority_and_fairness",
    ),
    Flag(
        "encryption-provider-config",
        private_file,
        "the EncryptionConfiguration: what is encrypted in the store, and how",
    ),
    Flag("etcd-cafile", readable_file, "the certificate authority of the servers of --etcd-servers"),
    Flag("etcd-certfile", readable_file, "the client's certificate for them; needs etcd-keyfile"),
    Flag("etcd-keyfile", readable_file, "the key of that certificate"),
    Flag("event-ttl", duration, "how long an Event is kept after its last change (default 1h)", "event_ttl"),
    Flag(
        "max-mutating-requests-inflight",
        number,
        "writes at once; with the next one the server's seats (default 200)",
        "mutating_requests_inflight",
    ),
    Flag("max-requests-inflight", number, "reads at once (default 400)", "requests_inflight"),
    Flag(
        "min-request-timeout",
        seconds,
        "how long watches go on at least, in seconds (default 1800)",
        "min_request_timeout",
    ),
    Flag("oidc-ca-file", readable_file, "PEM certificates that vouch for the issuer (default: the system's)"),
    Flag("oidc-client-id", text, "the audience that the issuer's tokens must be for"),
    Flag("oidc-groups-claim", text, "the claim that names the groups"),
    Flag("oidc-groups-prefix", text, "put before the groups"),
    Flag("oidc-issuer-url", text, "an OpenID Connect issuer, https; needs oidc-client-id"),
    Flag("oidc-required-claim", claim, "NAME=VALUE that a token must have", repeatable=True),
    Flag("oidc-signing-algs", algorithms, "accepted algorithms (default RS256)"),
    Flag("oidc-username-claim", text, "the claim that names the user (default sub)"),
    Flag("oidc-username-prefix", text, "put before the user's name (default the issuer and #; - is none)"),
    Flag("proxy-client-cert-file", readable_file, "the certificate shown to aggregated API servers"),
    Flag("proxy-client-key-file", readable_file, "the key of proxy-client-cert-file"),
    Flag("request-timeout", positive_duration, "how long other requests may take (default 1m)", "request_timeout"),
    Flag("requestheader-allowed-names", names, "common names of front proxies (default: any of its authority)"),
    Flag("requestheader-client-ca-file", readable_file, "who vouches for front proxies, PEM"),
    Flag("requestheader-extra-headers-prefix", names, "prefixes of headers with extras (default X-Remote-Extra-)"),
    Flag("requestheader-group-headers", names, "headers with groups (default X-Remote-Group)"),
    Flag("requestheader-uid-headers", names, "headers with the UID (default X-Remote-Uid)"),
    Flag("requestheader-username-headers", names, "headers with the user (default X-Remote-User)"),
    Flag(
        "service-account-extend-token-expiration", boolean, "whether tokens of pods survive old clients (default true)"
    ),
    Flag("service-account-issuer", text, "the issuer of service account tokens; more are believed", repeatable=True),
    Flag("service-account-jwks-uri", text, "where verifiers of tokens find the keys, if not at this server"),
    Flag("service-account-key-file", readable_file, "PEM keys that verify service account tokens too", repeatable=True),
    Flag("service-account-max-token-expiration", duration, "the longest life of a token that is asked for"),
    Flag(
        "service-account-signing-key-file", private_file, "the PEM key that signs service account tokens", "signing_key"
    ),
    Flag("service-node-port-range", port_range, "ports for Services of type NodePort", "node_ports"),
    Flag("shutdown-delay-duration", duration, "how long to go on when no longer ready (default 0s)", "shutdown_delay"),
    Flag("token-auth-file", readable_file, "static bearer tokens: CSV lines of token,user,uid,groups", "token_file"),
)
BY_NAME = {flag.name: flag for flag in FLAGS}


def parse_given(given: Iterable[str]) -> dict[str, list[str]]:
    """`apiserver.KEY=VALUE`, … as settings; an empty value takes a setting back (no texts). Raises Refused."""
    settings: dict[str, list[str]] = {}
    for word in given:
        key, equals, value = word.partition("=")
        if not equals:
            raise Refused(f"--extra-config {word}: give it as {COMPONENT}KEY=VALUE")
        if not key.startswith(COMPONENT):
            raise Refused(f"--extra-config {key}: only the API server can be configured, as {COMPONENT}KEY=VALUE")
        flag = _known(key.removeprefix(COMPONENT))
        texts = settings.setdefault(flag.name, [])
        if not value:
            texts.clear()
            continue
        meant = _meaning(flag, value)
        if not flag.repeatable:
            texts.clear()
        texts.append(str(meant) if isinstance(meant, Path) else value)
    return settings


def _known(name: str) -> Flag:
    flag = BY_NAME.get(name)
    if flag is None:
        from difflib import get_close_matches

        near = get_close_matches(name, BY_NAME, 1, 0.5)
        hint = f"; did you mean {COMPONENT}{near[0]}?" if near else "; `start --help` lists what can be set"
        raise Refused(f"{COMPONENT}{name} is no setting of this API server{hint}")
    return flag


def _meaning(flag: Flag, given: str) -> Any:
    try:
        return flag.parse(given)
    except ValueError as error:
        raise Refused(f"{COMPONENT}{flag.name}: {error}") from error


def values_of(settings: Settings) -> dict[str, Any]:
    """Raises Refused."""
    out: dict[str, Any] = {}
    for name, texts in settings.items():
        flag = _known(name)
        meant = tuple(_meaning(flag, given) for given in texts)
        out[name] = meant if flag.repeatable else meant[-1]
    return out


def listing() -> str:
    """The table for `--help`."""
    width = max(len(flag.name) for flag in FLAGS)
    rows = (f"  {flag.name:<{width}}  {flag.help}{'; may be repeated' * flag.repeatable}" for flag in FLAGS)
    return "settings of the API server (--extra-config apiserver.KEY=VALUE):\n" + "\n".join(rows)
