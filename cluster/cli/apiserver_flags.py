"""What a user may set of the API server: `--extra-config apiserver.KEY=VALUE`, KEY a flag of kube-apiserver.

One table. A row says how the text is read and which field of ApiServerOptions it sets; what several settings make
together is made by a function of `_TOGETHER`, which imports what it needs when one of its settings is given. Settings
are kept as texts (`Settings`), so that a restart reads them again and complains again where a file has gone bad.

It must not know the server: only names of its options stand here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.cli.places import Refused

Settings = Mapping[str, list[str]]
"""Flag name to the texts given for it, paths absolute. More than one text only where a flag is `repeatable`."""
Values = Mapping[str, Any]
"""Flag name to what its text means; a tuple of meanings where the flag is `repeatable`."""
_COMPONENT = "apiserver."
MODES = ("batch", "blocking", "blocking-strict")
"""Of an audit back end."""


@dataclass(frozen=True, slots=True)
class Flag:
    """`parse` raises ValueError with what is wrong with the text. `option` is the field of ApiServerOptions that takes
    the value as it is; empty where it is read by a function of `_TOGETHER`, or before the server is made."""

    name: str
    parse: Callable[[str], Any]
    help: str
    option: str = ""
    repeatable: bool = False


# How texts are read.


def text(given: str) -> str:
    return given


def boolean(given: str) -> bool:
    """Go's strconv.ParseBool."""
    if given in ("1", "t", "T", "true", "TRUE", "True"):
        return True
    if given in ("0", "f", "F", "false", "FALSE", "False"):
        return False
    raise ValueError(f"{given!r} is neither true nor false")


def number(given: str) -> int:
    """Not negative."""
    if not given.isascii() or not given.isdigit():
        raise ValueError(f"{given!r} is not a number")
    return int(given)


def duration(given: str) -> float:
    """Go's notation, as `1m30s`; answers seconds."""
    from cluster.meta.times import parse_duration

    return parse_duration(given) / 1e9


def one_of(*words: str) -> Callable[[str], str]:
    def parse(given: str) -> str:
        if given not in words:
            raise ValueError(f"{given!r} is none of {', '.join(words)}")
        return given

    return parse


def positive_duration(given: str) -> float:
    found = duration(given)
    if found <= 0:
        raise ValueError(f"{given!r} is not longer than nothing")
    return found


def seconds(given: str) -> float:
    """A plain number."""
    return float(number(given))


def names(given: str) -> tuple[str, ...]:
    """A list with commas."""
    return tuple(part.strip() for part in given.split(",") if part.strip())


def claim(given: str) -> tuple[str, str]:
    """`NAME=VALUE`."""
    name, equals, value = given.partition("=")
    if not name or not equals:
        raise ValueError(f"{given!r} is not NAME=VALUE")
    return name, value


def algorithms(given: str) -> tuple[str, ...]:
    """Names of RFC 7518."""
    from cluster.apiserver.authn.jose import ALGORITHMS

    found = names(given)
    for name in found:
        if name not in ALGORITHMS:
            raise ValueError(f"{name!r} is no signing algorithm; there are {', '.join(ALGORITHMS)}")
    return found


def readable_file(given: str) -> Path:
    path = Path(given).expanduser().absolute()
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from error


def private_file(given: str) -> Path:
    """A readable file with secrets in it, which nobody but its owner may read."""
    path = readable_file(given)
    if path.stat().st_mode & 0o077:
        raise ValueError(f"{path} holds keys and is open to others; `chmod 600 {path}` first")
    return path


def writable_file(given: str) -> Path:
    """A file that is there or can be made; its directory must be there."""
    path = Path(given).expanduser().absolute()
    if path.is_dir():
        raise ValueError(f"{path} is a directory")
    if not path.parent.is_dir():
        raise ValueError(f"the directory {path.parent} does not exist; make it first")
    return path


def port_range(given: str) -> tuple[int, int]:
    """`30000-32767`."""
    low, dash, high = given.partition("-")
    if not dash or not low.isdigit() or not high.isdigit() or not 0 < int(low) <= int(high) < 65536:
        raise ValueError(f"{given!r} is not a range of ports such as 30000-32767")
    return int(low), int(high)


# The table.

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
_BY_NAME = {flag.name: flag for flag in FLAGS}


def _audit(values: Values) -> dict[str, Any]:
    given = [name for name in values if name.startswith("audit-")]
    if not given:
        return {}
    ends = [name for name in ("audit-log-path", "audit-webhook-config-file") if name in values]
    if not ends:
        raise Refused(f"{_COMPONENT}{given[0]} needs {_COMPONENT}audit-log-path or audit-webhook-config-file too")
    if "audit-policy-file" not in values:
        raise Refused(f"{_COMPONENT}{ends[0]} needs {_COMPONENT}audit-policy-file too")
    for name in given:
        needed = f"audit-{name.split('-')[1]}"
        if needed in ("audit-log", "audit-webhook") and not any(end.startswith(needed) for end in ends):
            path = "audit-log-path" if needed == "audit-log" else "audit-webhook-config-file"
            raise Refused(f"{_COMPONENT}{name} needs {_COMPONENT}{path} too")
    from cluster.apiserver.audit import AuditOptions, Policy
    from cluster.cli.configuration import read_yaml

    path = values["audit-policy-file"]
    policy = read_yaml(path)
    try:
        Policy(policy)
    except ValueError as error:
        raise Refused("; ".join(f"{path}: {fault}" for fault in str(error).splitlines())) from error
    return {"audit": AuditOptions(policy=policy, log=_audit_log(values), webhook=_audit_webhook(values))}


def _audit_log(values: Values) -> Any:
    if "audit-log-path" not in values:
        return None
    from cluster.apiserver.audit import LogOptions
    from cluster.apiserver.audit.options import Mode

    return LogOptions(
        path=values["audit-log-path"],
        most_bytes=values.get("audit-log-maxsize", 100) << 20,
        most_backups=values.get("audit-log-maxbackup", 100),
        most_days=values.get("audit-log-maxage", 366),
        legacy=values.get("audit-log-format") == "legacy",
        mode=Mode(values.get("audit-log-mode", "blocking")),
        compress=values.get("audit-log-compress", False),
    )


def _audit_webhook(values: Values) -> Any:
    if "audit-webhook-config-file" not in values:
        return None
    from cluster.apiserver.audit import WebhookOptions
    from cluster.apiserver.audit.options import Mode
    from cluster.apiserver.webhook_config import Target

    try:
        Target.read(values["audit-webhook-config-file"])
    except (ValueError, OSError) as error:
        raise Refused(f"{_COMPONENT}audit-webhook-config-file: {error}") from error
    return WebhookOptions(
        kubeconfig=values["audit-webhook-config-file"],
        mode=Mode(values.get("audit-webhook-mode", "batch")),
        buffer=values.get("audit-webhook-batch-buffer-size", 10_000),
        largest_batch=values.get("audit-webhook-batch-max-size", 400),
        longest_wait=values.get("audit-webhook-batch-max-wait", 30.0),
        backoff=values.get("audit-webhook-initial-backoff", 10.0),
    )


def _encryption(values: Values) -> dict[str, Any]:
    path = values.get("encryption-provider-config")
    if path is None:
        return {}
    from cluster.cli.configuration import read_as
    from cluster.storage.encryption.configuration import Encryption

    return {"encryption": read_as(path, Encryption.read)}


def _front_proxy(values: Values) -> dict[str, Any]:
    given = [name for name in values if name.startswith("requestheader-")]
    if not given:
        return {}
    needed = "requestheader-client-ca-file"
    if needed not in values:
        raise Refused(f"{_COMPONENT}{given[0]} needs {_COMPONENT}{needed} too")
    from cluster.apiserver.authn.request_headers import FrontProxy, authorities

    try:
        authorities(values[needed])
    except ValueError as error:
        raise Refused(f"{_COMPONENT}{needed}: {error}") from error
    fields = {
        "requestheader-client-ca-file": "client_ca",
        "requestheader-allowed-names": "allowed_names",
        "requestheader-extra-headers-prefix": "extra_prefixes",
        "requestheader-group-headers": "group_headers",
        "requestheader-uid-headers": "uid_headers",
        "requestheader-username-headers": "username_headers",
    }
    return {"front_proxy": FrontProxy(**{fields[name]: values[name] for name in given})}


def _proxy_client(values: Values) -> dict[str, Any]:
    pair = ("proxy-client-cert-file", "proxy-client-key-file")
    given = [name for name in pair if name in values]
    if not given:
        return {}
    if len(given) == 1:
        other = pair[1 - pair.index(given[0])]
        raise Refused(f"{_COMPONENT}{given[0]} needs {_COMPONENT}{other} too")
    from cluster.client.endpoint import KeyPair

    return {"proxy_client": KeyPair(values[pair[0]], values[pair[1]])}


def _service_accounts(values: Values) -> dict[str, Any]:
    given = {name for name in values if name.startswith("service-account-") or name == "api-audiences"}
    if not given - {"service-account-signing-key-file"}:
        return {}
    from cluster.apiserver.authn.service_accounts import ServiceAccountTokens

    usual = ServiceAccountTokens()
    longest = values.get("service-account-max-token-expiration", 0)
    if longest and not 3600 <= longest <= 1 << 32:
        raise Refused(f"{_COMPONENT}service-account-max-token-expiration: must be between 1 hour and 2^32 seconds")
    options = ServiceAccountTokens(
        issuers=values.get("service-account-issuer", usual.issuers),
        keys=tuple(key for path in values.get("service-account-key-file", ()) for key in _keys(path)),
        audiences=values.get("api-audiences", ()),
        longest=longest,
        extend=values.get("service-account-extend-token-expiration", True),
        jwks_uri=values.get("service-account-jwks-uri", ""),
    )
    return {"service_accounts": options}


def _authorization(values: Values) -> dict[str, Any]:
    flags = [name for name in values if name.startswith("authorization-") and name != "authorization-config"]
    path = values.get("authorization-config")
    if path is None and not flags:
        return {}
    from cluster.apiserver.authz import configuration
    from cluster.cli.configuration import read_as

    if path is not None:
        if flags:
            raise Refused(f"{_COMPONENT}authorization-config and {_COMPONENT}{flags[0]} exclude each other")
        return {"authorization": read_as(path, configuration.read)}
    given = values.get("authorization-mode", tuple(mode.type for mode in configuration.DEFAULT))
    try:
        return {"authorization": configuration.of_names(given, _access_webhook(values))}
    except ValueError as error:
        raise Refused(f"{_COMPONENT}authorization-mode: {error}") from error


def _access_webhook(values: Values) -> Any:
    path = values.get("authorization-webhook-config-file")
    if path is None:
        return None
    from cluster.apiserver.authz.webhook import AccessWebhook

    return AccessWebhook(
        target=_target(path),
        version=values.get("authorization-webhook-version", "v1beta1"),
        allowed_kept=values.get("authorization-webhook-cache-authorized-ttl", 300.0),
        refused_kept=values.get("authorization-webhook-cache-unauthorized-ttl", 30.0),
    )


def _target(path: Path) -> Any:
    from cluster.apiserver.webhook_config import Target

    try:
        return Target.read(path)
    except (OSError, ValueError) as error:
        raise Refused(str(error)) from error


def _token_webhook(values: Values) -> dict[str, Any]:
    given = [name for name in values if name.startswith("authentication-token-webhook-")]
    if not given:
        return {}
    path = values.get("authentication-token-webhook-config-file")
    if path is None:
        raise Refused(f"{_COMPONENT}{given[0]} needs {_COMPONENT}authentication-token-webhook-config-file too")
    from cluster.apiserver.authn.webhook import TokenWebhook

    webhook = TokenWebhook(
        target=_target(path),
        version=values.get("authentication-token-webhook-version", "v1beta1"),
        kept=values.get("authentication-token-webhook-cache-ttl", 120.0),
    )
    return {"token_webhook": webhook}


def _authentication(values: Values) -> dict[str, Any]:
    oidc = [name for name in values if name.startswith("oidc-")]
    path = values.get("authentication-config")
    if path is None:
        return {"jwt": (_oidc_issuer(values, oidc),)} if oidc else {}
    if oidc:
        raise Refused(f"{_COMPONENT}authentication-config and {_COMPONENT}{oidc[0]} exclude each other")
    from cluster.apiserver.authn.configuration import read
    from cluster.apiserver.authn.service_accounts import ServiceAccountTokens
    from cluster.cli.configuration import read_as

    own = values.get("service-account-issuer", ServiceAccountTokens().issuers)
    found = read_as(path, lambda document: read(document, own))
    out: dict[str, Any] = {"jwt": found.issuers}
    if found.anonymous is not None:
        if "anonymous-auth" in values:
            raise Refused(f"{path} says who is anonymous already; take {_COMPONENT}anonymous-auth back")
        out |= {"anonymous": found.anonymous, "anonymous_paths": found.paths}
    return out


def _oidc_issuer(values: Values, given: list[str]) -> Any:
    for needed in ("oidc-issuer-url", "oidc-client-id"):
        if needed not in values:
            raise Refused(f"{_COMPONENT}{given[0]} needs {_COMPONENT}{needed} too")
    from cluster.apiserver.authn.claims import ClaimMapping, Rule, Source
    from cluster.apiserver.authn.oidc import JwtIssuer

    url, claim = values["oidc-issuer-url"], values.get("oidc-username-claim", "sub")
    if not url.startswith("https://"):
        raise Refused(f"{_COMPONENT}oidc-issuer-url: {url!r} must begin with https://")
    usual = "" if claim == "email" else f"{url}#"
    prefix = values.get("oidc-username-prefix", usual)
    groups = Source(claim=values.get("oidc-groups-claim", ""), prefix=values.get("oidc-groups-prefix", ""))
    rules = tuple(Rule(claim=name, value=value) for name, value in values.get("oidc-required-claim", ()))
    authority = values.get("oidc-ca-file")
    return JwtIssuer(
        url=url,
        audiences=(values["oidc-client-id"],),
        mapping=ClaimMapping(
            username=Source(claim=claim, prefix="" if prefix == "-" else prefix), groups=groups, claim_rules=rules
        ),
        authority=_certificates(authority) if authority is not None else "",
        algorithms=values.get("oidc-signing-algs", ("RS256",)),
    )


def _certificates(path: Path) -> str:
    import ssl

    text = path.read_text()
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise Refused(f"{path}: holds no certificate in PEM form") from error
    return text


def _keys(path: Path) -> list[Any]:
    from cluster.apiserver.authn.jose import public_keys

    try:
        return list(public_keys(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise Refused(f"{path}: {error}") from error


_TOGETHER: tuple[Callable[[Values], dict[str, Any]], ...] = (
    _audit,
    _authentication,
    _authorization,
    _encryption,
    _front_proxy,
    _proxy_client,
    _service_accounts,
    _token_webhook,
)


# From the command line to the options.


def parse_given(given: Iterable[str]) -> dict[str, list[str]]:
    """`apiserver.KEY=VALUE`, … as settings; an empty value takes a setting back (no texts). Raises Refused."""
    settings: dict[str, list[str]] = {}
    for word in given:
        key, equals, value = word.partition("=")
        if not equals:
            raise Refused(f"--extra-config {word}: give it as {_COMPONENT}KEY=VALUE")
        if not key.startswith(_COMPONENT):
            raise Refused(f"--extra-config {key}: only the API server can be configured, as {_COMPONENT}KEY=VALUE")
        flag = _known(key.removeprefix(_COMPONENT))
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
    flag = _BY_NAME.get(name)
    if flag is None:
        from difflib import get_close_matches

        near = get_close_matches(name, _BY_NAME, 1, 0.5)
        hint = f"; did you mean {_COMPONENT}{near[0]}?" if near else "; `start --help` lists what can be set"
        raise Refused(f"{_COMPONENT}{name} is no setting of this API server{hint}")
    return flag


def _meaning(flag: Flag, given: str) -> Any:
    try:
        return flag.parse(given)
    except ValueError as error:
        raise Refused(f"{_COMPONENT}{flag.name}: {error}") from error


def merged(kept: Settings, given: Settings) -> dict[str, list[str]]:
    """What was kept, with what is given now in its place."""
    return {name: list(texts) for name, texts in sorted({**kept, **given}.items()) if texts}


def values_of(settings: Settings) -> dict[str, Any]:
    """Raises Refused."""
    out: dict[str, Any] = {}
    for name, texts in settings.items():
        flag = _known(name)
        meant = tuple(_meaning(flag, given) for given in texts)
        out[name] = meant if flag.repeatable else meant[-1]
    return out


def options_of(settings: Settings) -> dict[str, Any]:
    """Fields of ApiServerOptions. Reads the files that are named. Raises Refused with file and field."""
    values = values_of(settings)
    options = {_BY_NAME[name].option: value for name, value in values.items() if _BY_NAME[name].option}
    for make in _TOGETHER:
        options |= make(values)
    return options


def kept_in(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """The settings of a cluster's config.json."""
    found = (config.get("extra_config") or {}).get("apiserver") or {}
    return {str(name): [str(text) for text in texts] for name, texts in found.items()}


def shown(settings: Settings) -> dict[str, str | list[str]]:
    """For people and scripts: one text as itself."""
    return {name: texts[0] if len(texts) == 1 else list(texts) for name, texts in settings.items()}


def listing() -> str:
    """The table for `--help`."""
    width = max(len(flag.name) for flag in FLAGS)
    rows = (f"  {flag.name:<{width}}  {flag.help}{'; may be repeated' * flag.repeatable}" for flag in FLAGS)
    return "settings of the API server (--extra-config apiserver.KEY=VALUE):\n" + "\n".join(rows)
