"""Annotations that stood for security profiles before there were fields: AppArmor's become fields, seccomp's must say
the same as theirs."""

from __future__ import annotations

from typing import Any

from cluster.kinds.podspec.security import app_armor
from cluster.meta.field import FieldError, Path, forbidden
from cluster.meta.types import Obj

APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP = "seccomp.security.alpha.kubernetes.io/pod"
SECCOMP_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
USE_APPARMOR = 'deprecated since v1.30; use the "appArmorProfile" field instead'
_LOCALHOST = "localhost/"
_APPARMOR_TYPES = {"unconfined": "Unconfined", "runtime/default": "RuntimeDefault"}
_SECCOMP_VALUES = {"Unconfined": ("unconfined",), "RuntimeDefault": ("runtime/default", "docker/default")}
_PARTS = ("initContainers", "containers", "ephemeralContainers")


def adopt_apparmor(pod: Obj) -> list[str]:
    """Give containers of a new pod the profile that an annotation names. Returns a warning for each annotation that
    stands without its field."""
    spec, annotations = pod.get("spec") or {}, (pod.get("metadata") or {}).get("annotations") or {}
    if (spec.get("os") or {}).get("name") == "windows":
        return []
    shared = (spec.get("securityContext") or {}).get("appArmorProfile")
    warnings = []
    for container in (c for part in _PARTS for c in spec.get(part) or ()):
        key = APPARMOR + str(container.get("name") or "")
        if key not in annotations or (container.get("securityContext") or {}).get("appArmorProfile") is not None:
            continue
        found = _apparmor(str(annotations[key]))
        if found is not None and found != shared:
            container["securityContext"] = {**(container.get("securityContext") or {}), "appArmorProfile": found}
        if found is None or found != shared:
            where = (Path("metadata") / "annotations")[key]
            warnings.append(f"{where}: {USE_APPARMOR}")
    return warnings


def _apparmor(value: str) -> dict[str, Any] | None:
    """The profile an annotation means; None for what means none."""
    if value in _APPARMOR_TYPES:
        return {"type": _APPARMOR_TYPES[value]}
    name = value.removeprefix(_LOCALHOST)
    if name in ("", value):
        return None
    profile = {"type": "Localhost", "localhostProfile": name}
    return None if app_armor(Path(""), profile) else profile


def seccomp_agrees(path: Path, annotations: dict[str, str], spec: dict[str, Any]) -> list[FieldError]:
    """Faults where a seccomp annotation and the field beside it differ; `path` is that of the pod's spec."""
    faults = _agree(path / "securityContext", annotations.get(SECCOMP), spec.get("securityContext"))
    for part in _PARTS:
        for at, container in enumerate(spec.get(part) or ()):
            value = annotations.get(SECCOMP_CONTAINER + str(container.get("name") or ""))
            faults += _agree((path / part)[at] / "securityContext", value, container.get("securityContext"))
    return faults


def _agree(path: Path, value: str | None, context: dict[str, Any] | None) -> list[FieldError]:
    profile = (context or {}).get("seccompProfile")
    if value is None or profile is None:
        return []
    here, kind = path / "seccompProfile", profile.get("type")
    differs = forbidden(here / "type", "seccomp type in annotation and field must match")
    if kind in _SECCOMP_VALUES:
        return [] if value in _SECCOMP_VALUES[kind] else [differs]
    if kind != "Localhost":
        return []
    if not value.startswith(_LOCALHOST):
        return [differs]
    if value.removeprefix(_LOCALHOST) == profile.get("localhostProfile"):
        return []
    return [forbidden(here / "localhostProfile", "seccomp profile in annotation and field must match")]
