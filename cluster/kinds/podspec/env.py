"""Validation of environment variables and where their values come from."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.meta import names
from cluster.meta.field import FieldError, Path, invalid, not_supported, required
from cluster.meta.quantity import Quantity, canonical

ENV_FIELDS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
VOLUME_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
_KNOWN_FIELDS = frozenset((*ENV_FIELDS, *VOLUME_FIELDS, "spec.restartPolicy", "spec.schedulerName", "status.phase"))
RESOURCE_FIELDS = (
    "limits.cpu", "limits.ephemeral-storage", "limits.memory",
    "requests.cpu", "requests.ephemeral-storage", "requests.memory",
)  # fmt: skip
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
MORE_THAN_ONE = "may not have more than one field specified at a time"


def env_name(path: str, name: str) -> Faults:
    return checks.by_rule(path, name, names.relaxed_env_name)


def env_vars(path: Path, variables: list[dict[str, Any]]) -> Faults:
    faults: Faults = []
    for at, variable in enumerate(variables):
        here = path[at]
        name = variable.get("name") or ""
        faults += env_name(here / "name", name) if name else [required(here / "name")]
        if variable.get("valueFrom") is not None:
            faults += _value_from(here / "valueFrom", variable["valueFrom"], variable.get("value") or "")
    return faults


def _value_from(path: Path, source: dict[str, Any], value: str) -> Faults:
    given = [name for name in _SOURCES if source.get(name) is not None]
    faults: Faults = []
    for name in given:
        faults += _CHECKS[name](path / name, source[name])
    if value and given:
        faults.append(invalid(path, "", "may not be specified when `value` is not empty"))
    elif not given:
        faults.append(
            invalid(
                path,
                "",
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` "
                "or `fileKeyRef`",
            )
        )
    elif len(given) > 1:
        faults.append(invalid(path, "", MORE_THAN_ONE))
    return faults


def field_ref(path: Path, ref: dict[str, Any], allowed: tuple[str, ...] = ENV_FIELDS) -> Faults:
    """A reference to a field of the pod; labels and annotations by subscript."""
    if not ref.get("apiVersion"):
        return [required(path / "apiVersion")]
    target = ref.get("fieldPath") or ""
    if not target:
        return [required(path / "fieldPath")]
    if ref["apiVersion"] != "v1":
        return [_unconvertible(path, target, f"unsupported pod version: {ref['apiVersion']}")]
    subscripted = re.fullmatch(r"(metadata\.(?:annotations|labels))\['(.*)'\]", target)
    if subscripted:
        return _subscript(path, *subscripted.groups())
    if target not in _KNOWN_FIELDS:
        return [_unconvertible(path, target, f"field label not supported: {target}")]
    if target not in allowed:
        return [not_supported(path / "fieldPath", target, sorted(allowed))]
    return []


def _unconvertible(path: Path, target: str, why: str) -> FieldError:
    return invalid(path / "fieldPath", target, f"error converting fieldPath: {why}")


def _subscript(path: Path, target: str, key: str) -> Faults:
    lowered = key.lower() if target.endswith("annotations") else key
    return [invalid(path, key, complaint) for complaint in names.label_key(lowered)]


def resource_field_ref(path: Path, ref: dict[str, Any], *, in_volume: bool = False) -> Faults:
    """A reference to a request or limit of a container; a volume has to name the container."""
    name = ref.get("resource") or ""
    faults: Faults = []
    if in_volume and not ref.get("containerName"):
        faults.append(required(path / "containerName"))
    elif not name:
        faults.append(required(path / "resource"))
    elif name not in RESOURCE_FIELDS and not name.startswith(_HUGE_PAGES):
        faults.append(not_supported(path / "resource", name, list(RESOURCE_FIELDS)))
    return faults + _divisor(path / "divisor", name, ref.get("divisor") or "0")


_HUGE_PAGES = ("requests.hugepages-", "limits.hugepages-")
_BYTE_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")


def _divisor(path: str, name: str, divisor: str) -> Faults:
    """What an amount may be divided by; nothing and zero are the default."""
    kind = "hugepages" if name.startswith(_HUGE_PAGES) else name.partition(".")[2]
    if name.partition(".")[0] not in ("limits", "requests") or Quantity.parse(divisor).nanos == 0:
        return []
    shown = {
        "cpu": "cpu", "memory": "memory", "ephemeral-storage": "local ephemeral storage", "hugepages": "hugepages",
    }.get(kind)  # fmt: skip
    allowed = ("1m", "1") if kind == "cpu" else _BYTE_DIVISORS
    if shown is None or canonical(divisor) in allowed:
        return []
    listed = "1m and 1" if kind == "cpu" else ", ".join(_BYTE_DIVISORS)
    return [invalid(path, name, f"only divisor's values {listed} are supported with the {shown} resource")]


def _key_ref(path: Path, ref: dict[str, Any]) -> Faults:
    name, key = ref.get("name") or "", ref.get("key") or ""
    faults = checks.subdomain(path / "name", name)
    if not key:
        return [*faults, required(path / "key")]
    return faults + checks.by_rule(path / "key", key, names.config_key)


def _file_key_ref(path: Path, ref: dict[str, Any]) -> Faults:
    key, volume, where = ref.get("key") or "", ref.get("volumeName") or "", ref.get("path") or ""
    faults: Faults = env_name(path / "key", key) if key else [required(path / "key")]
    faults += checks.label(path / "volumeName", volume) if volume else [required(path / "volumeName")]
    return faults + (checks.no_backsteps(path / "path", where) if where else [required(path / "path")])


_CHECKS: dict[str, Callable[[Path, dict[str, Any]], Faults]] = {
    "fieldRef": field_ref,
    "resourceFieldRef": resource_field_ref,
    "configMapKeyRef": _key_ref,
    "secretKeyRef": _key_ref,
    "fileKeyRef": _file_key_ref,
}


def env_from(path: Path, sources: list[dict[str, Any]]) -> Faults:
    """Faults of envFrom. The API reports the choice of source at the list, not at its member."""
    faults: Faults = []
    for at, source in enumerate(sources):
        here = path[at]
        if source.get("prefix"):
            faults += env_name(here / "prefix", source["prefix"])
        given = [name for name in ("configMapRef", "secretRef") if source.get(name) is not None]
        for name in given:
            held = source[name].get("name") or ""
            faults += checks.subdomain(here / name / "name", held) if held else [required(here / name / "name")]
        if not given:
            faults.append(invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(given) > 1:
            faults.append(invalid(path, "", MORE_THAN_ONE))
    return faults
