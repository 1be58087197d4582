"""Validation and defaults of webhooks, of both configurations, and of the rules that admission policies share."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from cluster.kinds import checks
from cluster.kinds.admissionregistration.expressions import expression, scope
from cluster.kinds.checks import Faults
from cluster.kinds.selectors_check import label_selector
from cluster.kinds.strategy import fill_absent
from cluster.meta import names
from cluster.meta.field import Path, duplicate, invalid, not_supported, required, show, too_many
from cluster.meta.types import Obj

Hook = dict[str, Any]
OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
SCOPES = ("*", "Cluster", "Namespaced")
REVIEWS = ("v1", "v1beta1")
MOST_CONDITIONS = 64
_FORMAT = "desired format: https://host[/path]"
WEBHOOKS = Path("webhooks")


def default_rules(rules: list[dict[str, Any]] | None) -> None:
    for rule in rules or ():
        fill_absent(rule, "scope", "*")


def default_webhooks(obj: Obj) -> None:
    for hook in obj.get("webhooks") or ():
        for name, value in (("failurePolicy", "Fail"), ("matchPolicy", "Equivalent"), ("timeoutSeconds", 10)):
            fill_absent(hook, name, value)
        for name in ("namespaceSelector", "objectSelector"):
            if hook.get(name) is None:
                hook[name] = {}
        service = (hook.get("clientConfig") or {}).get("service")
        if service is not None:
            fill_absent(service, "port", 443)
        default_rules(hook.get("rules"))


def webhooks(obj: Obj) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for at, hook in enumerate(obj.get("webhooks") or ()):
        here = WEBHOOKS[at]
        faults += _webhook(here, hook)
        name = hook.get("name") or ""
        if name in seen:
            faults.append(duplicate(here / "name", name))
        seen.add(name)
    return faults


def _webhook(path: Path, hook: Hook) -> Faults:
    name = hook.get("name") or ""
    faults = _three_parts(path / "name", name)
    for at, rule in enumerate(hook.get("rules") or ()):
        faults += rule_with_operations((path / "rules")[at], rule)
    if hook.get("failurePolicy") is not None:
        faults += checks.one_of(path / "failurePolicy", hook["failurePolicy"], ("Fail", "Ignore"))
    if hook.get("matchPolicy") is not None:
        faults += checks.one_of(path / "matchPolicy", hook["matchPolicy"], ("Equivalent", "Exact"))
    effects = hook.get("sideEffects")
    if effects is None:
        faults.append(required(path / "sideEffects", "must specify one of None, NoneOnDryRun"))
    else:
        faults += checks.one_of(path / "sideEffects", effects, ("None", "NoneOnDryRun"))
    seconds = hook.get("timeoutSeconds")
    if seconds is not None and not 1 <= seconds <= 30:
        why = "the timeout value must be between 1 and 30 seconds"
        faults.append(invalid(path / "timeoutSeconds", seconds, why))
    for field in ("namespaceSelector", "objectSelector"):
        faults += label_selector(path / field, hook.get(field))
    faults += client_config(path / "clientConfig", hook.get("clientConfig") or {})
    faults += _reviews(path / "admissionReviewVersions", hook.get("admissionReviewVersions") or [])
    if hook.get("reinvocationPolicy") is not None:
        faults += checks.one_of(path / "reinvocationPolicy", hook["reinvocationPolicy"], ("IfNeeded", "Never"))
    return faults + match_conditions(path / "matchConditions", hook.get("matchConditions") or [])


def _three_parts(path: Path, name: str) -> Faults:
    if not name:
        return [required(path)]
    complaints = names.dns1123_subdomain(name)
    if complaints:
        return [invalid(path, name, text) for text in complaints]
    if name.count(".") < 2:
        return [invalid(path, name, "should be a domain with at least three segments separated by dots")]
    return []


def match_conditions(path: Path, conditions: list[dict[str, Any]], params: bool = False) -> Faults:
    """Names, presence and expressions; `params`: the policy they belong to has a kind of parameters."""
    faults: Faults = []
    seen: set[str] = set()
    if len(conditions) > MOST_CONDITIONS:
        faults.append(too_many(path, MOST_CONDITIONS, len(conditions)))
    for at, condition in enumerate(conditions):
        here, name = path[at], condition.get("name") or ""
        if not (condition.get("expression") or "").strip():
            faults.append(required(here / "expression"))
        else:
            faults += expression(here / "expression", condition["expression"].strip(), scope(params), "bool")
        if not name:
            faults.append(required(here / "name"))
            continue
        faults += checks.qualified(here / "name", name)
        if name in seen:
            faults.append(duplicate(here / "name", name))
        seen.add(name)
    return faults


def _reviews(path: Path, versions: list[str]) -> Faults:
    if not versions:
        return [required(path, f"must specify one of {', '.join(REVIEWS)}")]
    faults: Faults = []
    for at, version in enumerate(versions):
        if version in versions[:at]:
            faults.append(invalid(path[at], version, "duplicate version"))
        else:
            faults += checks.by_rule(path[at], version, names.dns1035_label)
    if not set(versions) & set(REVIEWS):
        faults.append(invalid(path, versions, f"must include at least one of {', '.join(REVIEWS)}"))
    return faults


def client_config(path: Path, config: dict[str, Any]) -> Faults:
    """How a webhook is reached: by URL or as a Service."""
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        return [required(path, "exactly one of url or service is required")]
    if url is not None:
        return _url(path / "url", url)
    return _service(path / "service", service or {})


def _url(path: Path, url: str) -> Faults:
    if unread := _unread(url):
        return [required(path, f"url must be a valid URL: parse {show(url)}: {unread}; {_FORMAT}")]
    parts = urlsplit(url)
    faults: Faults = []
    if parts.scheme != "https":
        faults.append(invalid(path, parts.scheme, f"'https' is the only allowed URL scheme; {_FORMAT}"))
    if not parts.netloc:
        faults.append(invalid(path, parts.netloc, f"host must be specified; {_FORMAT}"))
    if "@" in parts.netloc:
        faults.append(invalid(path, parts.netloc.rpartition("@")[0], "user information is not permitted in the URL"))
    if parts.fragment:
        faults.append(invalid(path, parts.fragment, "fragments are not permitted in the URL"))
    if parts.query:
        faults.append(invalid(path, parts.query, "query parameters are not permitted in the URL"))
    return faults


def _unread(url: str) -> str:
    """Why a text is no URL at all."""
    if url.startswith(":"):
        return "missing protocol scheme"
    if escape := re.search(r"%(?![0-9A-Fa-f]{2}).{0,2}", url):
        return f"invalid URL escape {show(escape.group())}"
    return ""


def _service(path: Path, service: dict[str, Any]) -> Faults:
    # The real server takes the one for the other.
    swapped = (("namespace", "name"), ("name", "namespace"))
    faults: Faults = [required(path / shown) for held, shown in swapped if not service.get(held)]
    number = service.get("port")
    if number is not None and not 1 <= number <= 65535:
        faults.append(invalid(path / "port", number, "port is not valid: must be between 1 and 65535, inclusive"))
    where = service.get("path") or "/"
    return faults if where == "/" else faults + _segments(path / "path", where)


def _segments(path: Path, where: str) -> Faults:
    """Every part of a path is there, and a name."""
    if where == "//":
        return [invalid(path, where, "segment[0] may not be empty")]
    faults = [] if where.startswith("/") else [invalid(path, where, "must start with a '/'")]
    for at, step in enumerate(where[1:].removesuffix("/").split("/")):
        if not step:
            faults.append(invalid(path, where, f"segment[{at}] may not be empty"))
        else:
            faults += [invalid(path, where, f"segment[{at}]: {text}") for text in names.dns1123_subdomain(step)]
    return faults


def rule_with_operations(path: Path, rule: dict[str, Any]) -> Faults:
    operations = rule.get("operations") or []
    faults: Faults = [] if operations else [required(path / "operations")]
    faults += _alone(path / "operations", operations, "operations")
    for at, operation in enumerate(operations):
        faults += checks.one_of((path / "operations")[at], operation, OPERATIONS)
    for name, what in (("apiGroups", "API groups"), ("apiVersions", "API versions")):
        values = rule.get(name) or []
        faults += _alone(path / name, values, what) if values else [required(path / name)]
    for at, version in enumerate(rule.get("apiVersions") or ()):
        if not version:
            faults.append(required((path / "apiVersions")[at]))
    faults += _resources(path / "resources", rule.get("resources") or [])
    scope = rule.get("scope")
    if scope is not None and scope not in SCOPES:
        faults.append(not_supported(path / "scope", scope, list(SCOPES)))
    return faults


def _alone(path: Path, values: list[str], what: str) -> Faults:
    """A star says all there is to say."""
    if len(values) < 2 or "*" not in values:
        return []
    return [invalid(path, values, f"if '*' is present, must not specify other {what}")]


def _resources(path: Path, resources: list[str]) -> Faults:
    """Resources and subresources: what a star before it names already is not named again."""
    faults: Faults = [] if resources else [required(path)]
    every_subresource: set[str] = set()
    of_every_resource: set[str] = set()
    last_is_plain = False
    for at, named in enumerate(resources):
        resource, slash, subresource = named.partition("/")
        if not named:
            faults.append(required(path[at]))
        elif not slash:
            last_is_plain = named != "*"
        else:
            if resource in every_subresource:
                why = f"if '{resource}/*' is present, must not specify {named}"
                faults.append(invalid(path[at], named, why))
            if subresource in of_every_resource:
                why = f"if '*/{subresource}' is present, must not specify {named}"
                faults.append(invalid(path[at], named, why))
            every_subresource |= {resource} if subresource == "*" else set()
            of_every_resource |= {subresource} if resource == "*" else set()
    if len(resources) > 1 and "*/*" in resources:
        faults.append(invalid(path, resources, "if '*/*' is present, must not specify other resources"))
    if "*" in resources and last_is_plain:
        why = "if '*' is present, must not specify other resources without subresources"
        faults.append(invalid(path, resources, why))
    return faults
