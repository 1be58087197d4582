"""Validation of security contexts, of containers and of pods."""

from __future__ import annotations

import re
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.golang import dump
from cluster.kinds.podspec import windows
from cluster.meta.field import Path, duplicate, forbidden, invalid, required, too_long

Context = dict[str, Any]

_ID = "must be between 0 and 2147483647, inclusive"
_SYSCTL_SEGMENT = r"[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = re.compile(rf"({_SYSCTL_SEGMENT}[\./])*{_SYSCTL_SEGMENT}")
_SYSCTL_SHOWN = r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")


def _id(path: str, value: int | None) -> Faults:
    return [invalid(path, value, _ID)] if value is not None and not 0 <= value <= checks.MAX_INT32 else []


def _seccomp(path: Path, profile: Context | None) -> Faults:
    if profile is None:
        return []
    kind, local = profile.get("type") or "", profile.get("localhostProfile")
    faults: Faults = (
        checks.one_of(path / "type", kind, _PROFILES)
        if kind
        else [required(path / "type", "type is required when seccompProfile is set")]
    )
    here = path / "localhostProfile"
    if kind != "Localhost":
        if local is not None:
            shown = {"Type": kind, "LocalhostProfile": local}
            faults.append(invalid(here, shown, "can only be set when seccomp type is Localhost"))
        return faults
    if local is None:
        return [*faults, required(here, "must be set when seccomp type is Localhost")]
    return faults + checks.relative_path(here, local)


_PATH_MAX = 4095


def app_armor(path: Path, profile: Context | None) -> Faults:
    """An AppArmor profile of a pod or container."""
    if profile is None:
        return []
    kind, local, here = profile.get("type") or "", profile.get("localhostProfile"), path / "localhostProfile"
    if not kind:
        return [required(path / "type", "type is required when appArmorProfile is set")]
    if kind not in _PROFILES:
        return checks.one_of(path / "type", kind, _PROFILES)
    if kind != "Localhost":
        why = "can only be set when AppArmor type is Localhost"
        return [invalid(here, local, why)] if local is not None else []
    if local is None or local == "":
        return [required(here, "must be set when AppArmor type is Localhost")]
    faults: Faults = []
    if local.strip() != local:
        faults.append(invalid(here, local, "must not be padded with whitespace"))
    if len(local) > _PATH_MAX:
        faults.append(too_long(here, _PATH_MAX))
    return faults


def container(path: Path, context: Context | None, pod: Context) -> Faults:
    """A container's security context; `pod` is the pod's spec, whose namespaces some settings depend on."""
    if context is None:
        return []
    faults = _id(path / "runAsUser", context.get("runAsUser"))
    faults += _id(path / "runAsGroup", context.get("runAsGroup"))
    faults += _proc_mount(path / "procMount", context.get("procMount"), pod)
    faults += _seccomp(path / "seccompProfile", context.get("seccompProfile"))
    if context.get("allowPrivilegeEscalation") is False:
        faults += _no_escalation(path, context)
    faults += windows.options(path / "windowsOptions", context.get("windowsOptions"))
    return faults + app_armor(path / "appArmorProfile", context.get("appArmorProfile"))


def _proc_mount(path: str, mount: str | None, pod: Context) -> Faults:
    if mount is None:
        return []
    faults = checks.one_of(path, mount, ("Default", "Unmasked"))
    if mount == "Unmasked" and pod.get("hostUsers", True) is not False:
        faults.append(invalid(path, mount, "`hostUsers` must be false to use `Unmasked`"))
    return faults


def _no_escalation(path: Path, context: Context) -> Faults:
    shown = dump(context, "io.k8s.api.core.v1.SecurityContext")
    faults: Faults = []
    if context.get("privileged"):
        faults.append(invalid(path, shown, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"))
    if "CAP_SYS_ADMIN" in ((context.get("capabilities") or {}).get("add") or ()):
        faults.append(
            invalid(
                path,
                shown,
                "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN",
            )
        )
    return faults


def pod(path: Path, spec: dict[str, Any]) -> Faults:
    """The pod's security context and the host namespaces, which the API keeps in one structure."""
    context = spec.get("securityContext") or {}
    faults = _id(path / "fsGroup", context.get("fsGroup"))
    faults += _id(path / "runAsUser", context.get("runAsUser"))
    faults += _id(path / "runAsGroup", context.get("runAsGroup"))
    for at, group in enumerate(context.get("supplementalGroups") or ()):
        faults += _id((path / "supplementalGroups")[at], group)
    if spec.get("shareProcessNamespace") and spec.get("hostPID"):
        faults.append(
            invalid(
                path / "shareProcessNamespace",
                True,
                "ShareProcessNamespace and HostPID cannot both be enabled",
            )
        )
    faults += _sysctls(path / "sysctls", context.get("sysctls") or [], spec)
    if (policy := context.get("fsGroupChangePolicy")) is not None:
        faults += checks.one_of(path / "fsGroupChangePolicy", policy, ("Always", "OnRootMismatch"))
    faults += _seccomp(path / "seccompProfile", context.get("seccompProfile"))
    faults += windows.options(path / "windowsOptions", context.get("windowsOptions"))
    faults += app_armor(path / "appArmorProfile", context.get("appArmorProfile"))
    if (policy := context.get("supplementalGroupsPolicy")) is not None:
        faults += checks.one_of(path / "supplementalGroupsPolicy", policy, ("Merge", "Strict"))
    if (policy := context.get("seLinuxChangePolicy")) is not None:
        faults += checks.one_of(path / "seLinuxChangePolicy", policy, ("Recursive",))
    return faults


def host_ports(path: Path, spec: dict[str, Any], *, template: bool) -> Faults:
    """On the host's network a container's port is the host's; a template may leave it to the default."""
    if not spec.get("hostNetwork"):
        return []
    faults: Faults = []
    for at, item in enumerate(spec.get("containers") or ()):
        for index, port in enumerate(item.get("ports") or ()):
            number = port.get("hostPort") or 0
            if number != (port.get("containerPort") or 0) and not (template and not number):
                faults.append(
                    invalid(
                        ((path / "containers")[at] / "ports")[index] / "hostPort",
                        number,
                        "must match `containerPort` when `hostNetwork` is true",
                    )
                )
    return faults


def _sysctls(path: Path, sysctls: list[dict[str, Any]], spec: dict[str, Any]) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for at, sysctl in enumerate(sysctls):
        name, here = sysctl.get("name") or "", path[at] / "name"
        if not name:
            faults.append(required(here))
        elif len(name) > 253 or not _SYSCTL.fullmatch(name):
            faults.append(invalid(here, name, f"must have at most 253 characters and match regex {_SYSCTL_SHOWN}"))
        elif name in seen:
            faults.append(duplicate(here, name))
        elif spec.get("hostNetwork") and name.replace("/", ".").startswith("net."):
            faults.append(invalid(here, name, "may not be specified when 'hostNetwork' is true"))
        elif spec.get("hostIPC") and name.replace("/", ".").startswith(
            ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")
        ):
            faults.append(invalid(here, name, "may not be specified when 'hostIPC' is true"))
        seen.add(name)
    return faults


def host_users(path: Path, spec: dict[str, Any]) -> Faults:
    """What a pod with users of its own may not share with the host."""
    if spec.get("hostUsers") is not False:
        return []
    why = "when `hostUsers` is false"
    faults = [forbidden(path / name, why) for name in ("hostNetwork", "HostPID", "HostIPC") if spec.get(_lower(name))]
    for part in ("initContainers", "containers", "ephemeralContainers"):
        for at, item in enumerate(spec.get(part) or ()):
            if item.get("volumeDevices"):
                faults.append(forbidden((path / part)[at] / "volumeDevices", why))
    return faults


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
