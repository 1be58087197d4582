"""Which authorizers a server has and in which order: the modes of the flags, or an AuthorizationConfiguration.

Checks and words of the configuration are those of k8s.io/apiserver. It opens no file itself but the kubeconfigs that
webhooks are named by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from cluster.apiserver.authz.webhook import VERSIONS, AccessWebhook, condition
from cluster.apiserver.webhook_config import Target
from cluster.meta import names
from cluster.meta.configuration import Shape, check_kind, check_shape
from cluster.meta.field import FieldError, Path, duplicate, invalid, not_supported, required, too_many
from cluster.meta.times import parse_duration
from cluster.meta.types import Obj

TYPES = ("AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook")
API_VERSIONS = ("apiserver.config.k8s.io/v1", "apiserver.config.k8s.io/v1beta1")
_MOST_CONDITIONS = 64
_WEBHOOK: Shape = {
    "authorizedTTL": str,
    "cacheAuthorizedRequests": bool,
    "unauthorizedTTL": str,
    "cacheUnauthorizedRequests": bool,
    "timeout": str,
    "subjectAccessReviewVersion": str,
    "matchConditionSubjectAccessReviewVersion": str,
    "failurePolicy": str,
    "connectionInfo": {"type": str, "kubeConfigFile": str},
    "matchConditions": [{"expression": str}],
}
_SHAPE: Shape = {"authorizers": [{"type": str, "name": str, "webhook": _WEBHOOK}]}


@dataclass(frozen=True, slots=True)
class Mode:
    """One authorizer. `webhook` is set for the type Webhook alone."""

    type: str
    webhook: AccessWebhook | None = None


DEFAULT: tuple[Mode, ...] = (Mode("Node"), Mode("RBAC"))


def of_names(given: Sequence[str], webhook: AccessWebhook | None) -> tuple[Mode, ...]:
    """The modes of `--authorization-mode`. Raises ValueError."""
    for at, name in enumerate(given):
        if name == "ABAC":
            raise ValueError("ABAC is not served; use RBAC or Webhook")
        if name not in TYPES:
            raise ValueError(f"{name!r} is no authorization mode; there are {', '.join(TYPES)}")
        if name in given[:at]:
            raise ValueError(f"{name} is given twice")
    if ("Webhook" in given) is not (webhook is not None):
        raise ValueError("the mode Webhook and authorization-webhook-config-file belong together")
    return tuple(Mode(name, webhook if name == "Webhook" else None) for name in given)


def read(configuration: Obj) -> tuple[Mode, ...]:
    """Of an AuthorizationConfiguration. Raises ValueError, a line a fault."""
    version = configuration.get("apiVersion")
    check_kind(
        configuration, str(version) if version in API_VERSIONS else API_VERSIONS[0], "AuthorizationConfiguration"
    )
    check_shape(configuration, _SHAPE)
    faults = _faults(configuration.get("authorizers") or [])
    if faults:
        raise ValueError("\n".join(f"{fault.path}: {fault.body()}" for fault in faults))
    return tuple(
        Mode(a["type"], _webhook(a["webhook"]) if a.get("webhook") else None) for a in configuration["authorizers"]
    )


def _webhook(given: Obj) -> AccessWebhook:
    return AccessWebhook(
        target=_target(File(given["connectionInfo"]["kubeConfigFile"])),
        version=given["subjectAccessReviewVersion"],
        timeout=_seconds(given["timeout"]),
        allowed_kept=_seconds(given.get("authorizedTTL") or "5m") if given.get("cacheAuthorizedRequests", True) else 0,
        refused_kept=_seconds(given.get("unauthorizedTTL") or "30s")
        if given.get("cacheUnauthorizedRequests", True)
        else 0,
        deny_on_failure=given["failurePolicy"] == "Deny",
        conditions=tuple(c["expression"] for c in given.get("matchConditions") or ()),
    )


def _target(path: File) -> Target:
    try:
        return Target.read(path)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error


def _seconds(text: str) -> float:
    return parse_duration(text) / 1e9


# Checking.


def _faults(authorizers: list[Obj]) -> list[FieldError]:
    root = Path("authorizers")
    if not authorizers:
        return [required(root, "at least one authorization mode must be defined")]
    out: list[FieldError] = []
    types: set[str] = set()
    called: set[str] = set()
    for at, one in enumerate(authorizers):
        wrong = _type_fault(root[at] / "type", one.get("type") or "", types)
        if wrong is not None:
            out.append(wrong)
            continue
        types.add(one["type"])
        out += _name_faults(root[at] / "name", one.get("name") or "", called)
        called.add(one.get("name") or "")
        out += _webhook_faults(root[at], one)
    return out


def _type_fault(path: Path, type: str, seen: set[str]) -> FieldError | None:
    if not type:
        return required(path)
    if type == "ABAC" or type not in TYPES:
        return not_supported(path, type, list(TYPES))
    return duplicate(path, type) if type in seen and type != "Webhook" else None


def _name_faults(path: Path, name: str, seen: set[str]) -> list[FieldError]:
    if not name:
        return [required(path)]
    if name in seen:
        return [duplicate(path, name)]
    wrong = names.dns1123_subdomain(name)
    return [invalid(path, name, f"authorizer name is invalid: {', '.join(wrong)}")] if wrong else []


def _webhook_faults(path: Path, one: Obj) -> list[FieldError]:
    given = one.get("webhook")
    if one["type"] != "Webhook":
        return (
            [] if given is None else [invalid(path / "webhook", "non-null", "may only be specified when type=Webhook")]
        )
    if given is None:
        return [required(path / "webhook", "required when type=Webhook")]
    # The fields are named below the authorizer itself, as Kubernetes names them.
    checks: tuple[tuple[str, Callable[[Path, Any], list[FieldError]]], ...] = (
        ("timeout", _timeout_faults),
        ("authorizedTTL", _kept_faults),
        ("unauthorizedTTL", _kept_faults),
        ("subjectAccessReviewVersion", _one_of(VERSIONS)),
        ("failurePolicy", _one_of(("NoOpinion", "Deny"))),
    )
    out = [fault for name, check in checks for fault in check(path / name, given.get(name))]
    out += _condition_version_faults(path / "matchConditionSubjectAccessReviewVersion", given)
    out += _connection_faults(path / "connectionInfo", given.get("connectionInfo") or {})
    return out + _condition_faults(path / "matchConditions", given.get("matchConditions") or [])


def _one_of(allowed: Sequence[str]) -> Callable[[Path, Any], list[FieldError]]:
    def check(path: Path, value: Any) -> list[FieldError]:
        if not value:
            return [required(path)]
        return [] if value in allowed else [not_supported(path, value, list(allowed))]

    return check


def _timeout_faults(path: Path, value: Any) -> list[FieldError]:
    if not value:
        return [required(path)]
    try:
        fits = 0 < _seconds(value) <= 30
    except ValueError as error:
        return [invalid(path, value, str(error))]
    return [] if fits else [invalid(path, value, "must be > 0s and <= 30s")]


def _kept_faults(path: Path, value: Any) -> list[FieldError]:
    """Absent is the default."""
    if not value:
        return []
    try:
        fits = _seconds(value) > 0
    except ValueError as error:
        return [invalid(path, value, str(error))]
    return [] if fits else [invalid(path, value, "must be > 0s")]


def _condition_version_faults(path: Path, given: Obj) -> list[FieldError]:
    version = given.get("matchConditionSubjectAccessReviewVersion") or ""
    if not version:
        needed = bool(given.get("matchConditions"))
        return [required(path, "required if match conditions are specified")] if needed else []
    return [] if version == "v1" else [not_supported(path, version, ["v1"])]


def _connection_faults(path: Path, info: Obj) -> list[FieldError]:
    type, file = info.get("type") or "", info.get("kubeConfigFile") or ""
    if not type:
        return [required(path / "type")]
    if type != "KubeConfigFile":
        # A server that is no pod has no configuration of its own.
        return [not_supported(path / "type", type, ["KubeConfigFile"])]
    if not file:
        return [required(path / "kubeConfigFile")]
    if not File(file).is_absolute():
        return [invalid(path / "kubeConfigFile", file, "must be an absolute path")]
    if not File(file).exists():
        return [invalid(path / "kubeConfigFile", file, f"error loading file: stat {file}: no such file or directory")]
    return [] if File(file).is_file() else [invalid(path / "kubeConfigFile", file, "must be a regular file")]


def _condition_faults(path: Path, conditions: list[Obj]) -> list[FieldError]:
    if len(conditions) > _MOST_CONDITIONS:
        return [too_many(path, _MOST_CONDITIONS, len(conditions))]
    out: list[FieldError] = []
    seen: set[str] = set()
    for at, one in enumerate(conditions):
        place, text = path[at] / "expression", one.get("expression") or ""
        if not text.strip():
            out.append(required(place))
        elif text in seen:
            out.append(duplicate(place, text))
        else:
            seen.add(text)
            try:
                condition(text)
            except ValueError as error:
                out.append(invalid(place, text, str(error)))
    return out
