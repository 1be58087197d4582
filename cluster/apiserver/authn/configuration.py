"""AuthenticationConfiguration of apiserver.config.k8s.io: issuers of tokens, and what nobody in particular may see.

Checks and words are those of k8s.io/apiserver. It opens no file: certificates stand in the document.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cluster.apiserver.authn.claims import ClaimMapping, Rule, Source, over_claims, over_user
from cluster.apiserver.authn.oidc import JwtIssuer
from cluster.meta import names
from cluster.meta.configuration import Shape, check_kind, check_shape
from cluster.meta.field import FieldError, Path, duplicate, invalid, required, too_many
from cluster.meta.types import Obj

VERSIONS = tuple(f"apiserver.config.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))
_MOST_ISSUERS = 64
_SOURCE: Shape = {"claim": str, "prefix": str, "expression": str}
_SHAPE: Shape = {
    "jwt": [
        {
            "issuer": {
                "url": str,
                "discoveryURL": str,
                "certificateAuthority": str,
                "audiences": [str],
                "audienceMatchPolicy": str,
                "egressSelectorType": str,
            },
            "claimValidationRules": [{"claim": str, "requiredValue": str, "expression": str, "message": str}],
            "claimMappings": {
                "username": _SOURCE,
                "groups": _SOURCE,
                "uid": {"claim": str, "expression": str},
                "extra": [{"key": str, "valueExpression": str}],
            },
            "userValidationRules": [{"expression": str, "message": str}],
        }
    ],
    "anonymous": {"enabled": bool, "conditions": [{"path": str}]},
}
_EMAIL, _VERIFIED = re.compile(r"claims\s*\.\s*\??\s*email\b"), re.compile(r"claims\s*\.\s*\??\s*email_verified\b")


@dataclass(frozen=True, slots=True)
class AuthenticationConfiguration:
    """`anonymous` is None where the document does not say; `paths` restricts it, none: everywhere."""

    issuers: tuple[JwtIssuer, ...] = ()
    anonymous: bool | None = None
    paths: frozenset[str] = frozenset()


def read(document: Obj, disallowed: Sequence[str] = ()) -> AuthenticationConfiguration:
    """`disallowed` are issuers of service account tokens. Raises ValueError, a line a fault."""
    version = document.get("apiVersion")
    check_kind(document, str(version) if version in VERSIONS else VERSIONS[0], "AuthenticationConfiguration")
    check_shape(document, _SHAPE)
    issuers, anonymous = document.get("jwt") or [], document.get("anonymous")
    faults = _faults(issuers, disallowed) + _anonymous_faults(anonymous or {})
    if faults:
        raise ValueError("\n".join(f"{fault.path}: {fault.body()}" for fault in faults))
    paths = frozenset(c.get("path") or "" for c in (anonymous or {}).get("conditions") or ())
    enabled = None if anonymous is None else bool(anonymous.get("enabled"))
    return AuthenticationConfiguration(tuple(map(_issuer, issuers)), enabled, paths)


def _issuer(given: Obj) -> JwtIssuer:
    about, mappings = given["issuer"], given["claimMappings"]
    return JwtIssuer(
        url=about["url"],
        audiences=tuple(about["audiences"]),
        mapping=ClaimMapping(
            username=_source(mappings["username"]),
            groups=_source(mappings.get("groups") or {}),
            uid=_source(mappings.get("uid") or {}),
            extra=tuple((one["key"], one["valueExpression"]) for one in mappings.get("extra") or ()),
            claim_rules=tuple(_rule(one) for one in given.get("claimValidationRules") or ()),
            user_rules=tuple(_rule(one) for one in given.get("userValidationRules") or ()),
        ),
        discovery=about.get("discoveryURL") or "",
        authority=about.get("certificateAuthority") or "",
    )


def _source(given: Obj) -> Source:
    return Source(
        claim=given.get("claim") or "", prefix=given.get("prefix") or "", expression=given.get("expression") or ""
    )


def _rule(given: Obj) -> Rule:
    return Rule(
        claim=given.get("claim") or "",
        value=given.get("requiredValue") or "",
        expression=given.get("expression") or "",
        message=given.get("message") or "",
    )


# Checking.


def _anonymous_faults(given: Obj) -> list[FieldError]:
    conditions = given.get("conditions") or []
    if conditions and not given.get("enabled"):
        why = "enabled should be set to true when conditions are defined"
        return [invalid(Path("anonymous.conditions"), conditions, why)]
    return []


def _faults(issuers: list[Obj], disallowed: Sequence[str]) -> list[FieldError]:
    root = Path("jwt")
    if len(issuers) > _MOST_ISSUERS:
        return [too_many(root, _MOST_ISSUERS, len(issuers))]
    out: list[FieldError] = []
    for field in ("url", "discoveryURL"):
        seen: set[str] = set()
        for at, one in enumerate(issuers):
            value = (one.get("issuer") or {}).get(field) or ""
            if value and value in seen:
                out.append(duplicate(root[at] / "issuer" / field, value))
            seen.add(value)
    for at, one in enumerate(issuers):
        out += _issuer_faults(root[at] / "issuer", one.get("issuer") or {}, disallowed)
        out += _claim_rule_faults(root[at] / "claimValidationRules", one.get("claimValidationRules") or [])
        out += _mapping_faults(root[at] / "claimMappings", one)
        out += _user_rule_faults(root[at] / "userValidationRules", one.get("userValidationRules") or [])
    return out


def _issuer_faults(path: Path, given: Obj, disallowed: Sequence[str]) -> list[FieldError]:
    url, discovery = given.get("url") or "", given.get("discoveryURL") or ""
    out = _url_faults(path / "url", url, disallowed) if url else [required(path / "url")]
    if discovery:
        if url.rstrip("/") == discovery.rstrip("/"):
            out.append(invalid(path / "discoveryURL", discovery, "discoveryURL must be different from URL"))
        out += _url_faults(path / "discoveryURL", discovery)
    out += _audience_faults(path, given)
    if given.get("certificateAuthority"):
        try:
            ssl.create_default_context(cadata=given["certificateAuthority"])
        except (ssl.SSLError, ValueError):
            why = "data does not contain any valid RSA or ECDSA certificates"
            out.append(invalid(path / "certificateAuthority", "<omitted>", why))
    if given.get("egressSelectorType"):
        why = "egress selectors are not served"
        out.append(invalid(path / "egressSelectorType", given["egressSelectorType"], why))
    return out


def _url_faults(path: Path, url: str, disallowed: Sequence[str] = ()) -> list[FieldError]:
    parts = urlsplit(url)
    wrong = (
        (url in disallowed, f"URL must not overlap with disallowed issuers: [{' '.join(sorted(disallowed))}]"),
        (parts.scheme != "https", "URL scheme must be https"),
        ("@" in parts.netloc, "URL must not contain a username or password"),
        (bool(parts.query), "URL must not contain a query"),
        (bool(parts.fragment), "URL must not contain a fragment"),
    )
    return [invalid(path, url, why) for is_wrong, why in wrong if is_wrong]


def _audience_faults(path: Path, given: Obj) -> list[FieldError]:
    audiences, policy = given.get("audiences") or [], given.get("audienceMatchPolicy") or ""
    place = path / "audiences"
    if not audiences:
        return [required(place, f"at least one {place} is required")]
    out = [required(place[at]) for at, audience in enumerate(audiences) if not audience]
    out += [duplicate(place[at], a) for at, a in enumerate(audiences) if a in audiences[:at]]
    if len(audiences) > 1 and policy != "MatchAny":
        why = "audienceMatchPolicy must be MatchAny for multiple audiences"
        out.append(invalid(path / "audienceMatchPolicy", policy, why))
    elif policy not in ("", "MatchAny"):
        why = "audienceMatchPolicy must be empty or MatchAny for single audience"
        out.append(invalid(path / "audienceMatchPolicy", policy, why))
    return out


def _claim_rule_faults(path: Path, rules: list[Obj]) -> list[FieldError]:
    out: list[FieldError] = []
    seen: set[tuple[str, str]] = set()
    for at, rule in enumerate(rules):
        claim, text, place = rule.get("claim") or "", rule.get("expression") or "", path[at]
        if claim and text:
            out.append(invalid(place, claim, "claim and expression can't both be set"))
        elif not claim and not text:
            out.append(required(place, "claim or expression is required"))
        elif ("claim", claim) in seen or ("expression", text) in seen:
            out.append(duplicate(place / ("claim" if claim else "expression"), claim or text))
        elif claim and rule.get("message"):
            out.append(invalid(place / "message", rule["message"], "may not be specified when claim is set"))
        elif text:
            if rule.get("requiredValue"):
                why = "may not be specified when expression is set"
                out.append(invalid(place / "requiredValue", rule["requiredValue"], why))
            out += _expression_faults(place / "expression", text, _condition)
        seen.add(("claim", claim) if claim else ("expression", text))
    return out


def _condition(text: str) -> Any:
    return over_claims(text, condition=True)


def _expression_faults(path: Path, text: str, compile: Callable[[str], Any]) -> list[FieldError]:
    try:
        compile(text)
    except ValueError as error:
        return [invalid(path, text, str(error))]
    return []


def _user_rule_faults(path: Path, rules: list[Obj]) -> list[FieldError]:
    out: list[FieldError] = []
    seen: set[str] = set()
    for at, rule in enumerate(rules):
        text, place = rule.get("expression") or "", path[at] / "expression"
        if not text:
            out.append(required(place))
        elif text in seen:
            out.append(duplicate(place, text))
        else:
            out += _expression_faults(place, text, over_user)
        seen.add(text)
    return out


def _mapping_faults(path: Path, given: Obj) -> list[FieldError]:
    mappings = given.get("claimMappings") or {}
    out = _source_faults(path / "username", mappings.get("username") or {}, needed=True)
    out += _source_faults(path / "groups", mappings.get("groups") or {}, needed=False)
    uid = mappings.get("uid") or {}
    if uid.get("claim") and uid.get("expression"):
        out.append(invalid(path / "uid", "", "claim and expression can't both be set"))
    elif uid.get("expression"):
        out += _expression_faults(path / "uid" / "expression", uid["expression"], over_claims)
    out += _extra_faults(path / "extra", mappings.get("extra") or [])
    return out + _email_faults(path, given, mappings)


def _source_faults(path: Path, source: Obj, *, needed: bool) -> list[FieldError]:
    claim, text, prefix = source.get("claim") or "", source.get("expression") or "", source.get("prefix")
    if claim and text:
        return [invalid(path, "", "claim and expression can't both be set")]
    if text:
        out = _expression_faults(path / "expression", text, over_claims)
        if prefix is not None:
            out.insert(0, invalid(path / "prefix", prefix, "may not be specified when expression is set"))
        return out
    if claim and prefix is None:
        why = "prefix is required when claim is set. It can be set to an empty string to disable prefixing"
        return [required(path / "prefix", why)]
    return [required(path, "claim or expression is required")] if needed and not claim else []


def _extra_faults(path: Path, mappings: list[Obj]) -> list[FieldError]:
    out: list[FieldError] = []
    seen: set[str] = set()
    for at, one in enumerate(mappings):
        key, text, place = one.get("key") or "", one.get("valueExpression") or "", path[at]
        out += _key_faults(place / "key", key)
        if key in seen:
            out.append(duplicate(place / "key", key))
        elif not text:
            out.append(required(place / "valueExpression"))
        else:
            out += _expression_faults(place / "valueExpression", text, over_claims)
        seen.add(key)
    return out


def _key_faults(path: Path, key: str) -> list[FieldError]:
    host, _, rest = key.partition("/")
    if not key:
        return [required(path)]
    if not host or not rest:
        return [invalid(path, key, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    out = [invalid(path, host, text) for text in names.dns1123_subdomain(host)]
    if key != key.lower():
        out.append(invalid(path, key, "must be lowercase"))
    if any(host == domain or host.endswith(f".{domain}") for domain in ("kubernetes.io", "k8s.io")):
        why = "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use"
        out.append(invalid(path, key, why))
    return out


def _email_faults(path: Path, given: Obj, mappings: Obj) -> list[FieldError]:
    """An address that nobody has verified must not make a user."""
    username = (mappings.get("username") or {}).get("expression") or ""
    texts = [username, *(one.get("valueExpression") or "" for one in mappings.get("extra") or ())]
    texts += [rule.get("expression") or "" for rule in given.get("claimValidationRules") or ()]
    if not _EMAIL.search(username) or any(_VERIFIED.search(text) for text in texts):
        return []
    why = (
        "claims.email_verified must be used in claimMappings.username.expression or "
        "claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in "
        "claimMappings.username.expression"
    )
    return [invalid(path / "username" / "expression", username, why)]
