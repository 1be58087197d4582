"""What the settings of the API server make of its options: one at a time by the table, several together by a function
of `_TOGETHER`, which imports what it needs when one of its settings is given.

It must not know how texts are read; what does not fit together is refused by the names of the settings.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster.cli.apiserver_flags import BY_NAME, COMPONENT, Values, values_of
from cluster.cli.places import Refused
from cluster.cli.settings import Settings


def options_of(settings: Settings) -> dict[str, Any]:
    """Fields of ApiServerOptions. Reads the files that are named. Raises Refused with file and field."""
    values = values_of(settings)
    options = {BY_NAME[name].option: value for name, value in values.items() if BY_NAME[name].option}
    for make in _TOGETHER:
        options |= make(values)
    return options


def _audit(values: Values) -> dict[str, Any]:
    given = [name for name in values if name.startswith("audit-")]
    if not given:
        return {}
    ends = [name for name in ("audit-log-path", "audit-webhook-config-file") if name in values]
    if not ends:
        raise Refused(f"{COMPONENT}{given[0]} needs {COMPONENT}audit-log-path or audit-webhook-config-file too")
    if "audit-policy-file" not in values:
        raise Refused(f"{COMPONENT}{ends[0]} needs {COMPONENT}audit-policy-file too")
    for name in given:
        needed = f"audit-{name.split('-')[1]}"
        if needed in ("audit-log", "audit-webhook") and not any(end.startswith(needed) for end in ends):
            path = "audit-log-path" if needed == "audit-log" else "audit-webhook-config-file"
            raise Refused(f"{COMPONENT}{name} needs {COMPONENT}{path} too")
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
        raise Refused(f"{COMPONENT}audit-webhook-config-file: {error}") from error
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
        raise Refused(f"{COMPONENT}{given[0]} needs {COMPONENT}{needed} too")
    from cluster.apiserver.authn.request_headers import FrontProxy, authorities

    try:
        authorities(values[needed])
    except ValueError as error:
        raise Refused(f"{COMPONENT}{needed}: {error}") from error
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
        raise Refused(f"{COMPONENT}{given[0]} needs {COMPONENT}{other} too")
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
        raise Refused(f"{COMPONENT}service-account-max-token-expiration: must be between 1 hour and 2^32 seconds")
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
            raise Refused(f"{COMPONENT}authorization-config and {COMPONENT}{flags[0]} exclude each other")
        return {"authorization": read_as(path, configuration.read)}
    given = values.get("authorization-mode", tuple(mode.type for mode in configuration.DEFAULT))
    try:
        return {"authorization": configuration.of_names(given, _access_webhook(values))}
    except ValueError as error:
        raise Refused(f"{COMPONENT}authorization-mode: {error}") from error


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
        raise Refused(f"{COMPONENT}{given[0]} needs {COMPONENT}authentication-token-webhook-config-file too")
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
        raise Refused(f"{COMPONENT}authentication-config and {COMPONENT}{oidc[0]} exclude each other")
    from cluster.apiserver.authn.configuration import read
    from cluster.apiserver.authn.service_accounts import ServiceAccountTokens
    from cluster.cli.configuration import read_as

    own = values.get("service-account-issuer", ServiceAccountTokens().issuers)
    found = read_as(path, lambda document: read(document, own))
    out: dict[str, Any] = {"jwt": found.issuers}
    if found.anonymous is not None:
        if "anonymous-auth" in values:
            raise Refused(f"{path} says who is anonymous already; take {COMPONENT}anonymous-auth back")
        out |= {"anonymous": found.anonymous, "anonymous_paths": found.paths}
    return out


def _oidc_issuer(values: Values, given: list[str]) -> Any:
    for needed in ("oidc-issuer-url", "oidc-client-id"):
        if needed not in values:
            raise Refused(f"{COMPONENT}{given[0]} needs {COMPONENT}{needed} too")
    from cluster.apiserver.authn.claims import ClaimMapping, Rule, Source
    from cluster.apiserver.authn.oidc import JwtIssuer

    url, claim = values["oidc-issuer-url"], values.get("oidc-username-claim", "sub")
    if not url.startswith("https://"):
        raise Refused(f"{COMPONENT}oidc-issuer-url: {url!r} must begin with https://")
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
