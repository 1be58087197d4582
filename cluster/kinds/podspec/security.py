"""Validation of security contexts, of containers and of pods."""

from __future__ import annotations

import re
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.golang import dump
from cluster.meta.field import Path, duplicate, forbidden, invalid, required

Context = dict[str, Any]

_ID = "must be between 0 and 2147483647, inclusive"
_SYSCTL_SEGMENT = r"[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SYSCTL = re.compile(rf"({_SYSCTL_SEGMENT}[\./])*{_SYSCTL_SEGMENT}")
_SYSCTL_SHOWN = r"^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
_PROFILES = ("Localhost", "RuntimeDefault", "Unconfined")


def _id(path: str, value: int | None) -> Faults:
    return [invalid(path, value, _ID)] if value is not None and not 0 <= value <= checks.MAX_INT32 else []


def _profile(path: Path, profile: Context | None, what: str) -> Faults:
    """A seccomp or AppArmor profile."""
    if profile is None:
        return []
    kind, local = profile.get("type", ""), profile.get("localhostProfile")
    faults: Faults = []
    if not kind:
        return (
            [
                required(
                    path / "type",
                    f"{'seccomp type' if what == 'seccomp' else 'type'} is required when {what}Profile is set",
                )
            ]
            if what == "seccomp"
            else [required(path / "type", "type is required when appArmorProfile is set")]
        )
    if kind == "Localhost":
        if local is None or local == "":
            return [required(path / "localhostProfile", f"must be set when {what} type is Localhost")]
        if what == "seccomp":
            return checks.relative_path(path / "localhostProfile", local)
        return faults
    if kind not in _PROFILES:
        faults += checks.one_of(path / "type", kind, sorted(_PROFILES))
    if local is not None:
        faults.append(invalid(path / "localhostProfile", local, f"can only be set when {what} type is Localhost"))
    return faults


def container(path: Path, context: Context | None, pod: Context) -> Faults:
    """A container's security context; `pod` is the pod's spec, whose namespaces some settings depend on."""
    if context is None:
        return []
    faults = _id(path / "runAsUser", context.get("runAsUser"))
    faults += _id(path / "runAsGroup", context.get("runAsGroup"))
    faults += _proc_mount(path / "procMount", context.get("procMount"), pod)
    faults += _profile(path / "seccompProfile", context.get("seccompProfile"), "seccomp")
    if context.get("allowPrivilegeEscalation") is False:
        faults += _no_escalation(path, context)
    faults += _profile(path / "appArmorProfile", context.get("appArmorProfile"), "AppArmor")
    return faults


def _proc_mount(path: str, mount: str | None, pod: Context) -> Faults:
    if mount is None:
        return []
    faults = checks.one_of(path, mount, ("Default", "Unmasked"))
    if not faults and mount == "Unmasked" and pod.get("hostUsers", True) is not False:
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


def pod(path: Path, spec: dict[str, Any], spec_path: Path) -> Faults:
    """The pod's security context and the host namespaces, which the API keeps in one structure."""
    context = spec.get("securityContext") or {}
    faults = _host_ports(spec, spec_path)
    faults += _id(path / "fsGroup", context.get("fsGroup"))
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
    faults += _profile(path / "seccompProfile", context.get("seccompProfile"), "seccomp")
    faults += _profile(path / "appArmorProfile", context.get("appArmorProfile"), "AppArmor")
    if (policy := context.get("supplementalGroupsPolicy")) is not None:
        faults += checks.one_of(path / "supplementalGroupsPolicy", policy, ("Merge", "Strict"))
    if (policy := context.get("seLinuxChangePolicy")) is not None:
        faults += checks.one_of(path / "seLinuxChangePolicy", policy, ("MountOption", "Recursive"))
    return faults


def _host_ports(spec: dict[str, Any], path: Path) -> Faults:
    """On the host's network a container's port is the host's."""
    if not spec.get("hostNetwork"):
        return []
    faults: Faults = []
    for at, item in enumerate(spec.get("containers") or ()):
        for index, port in enumerate(item.get("ports") or ()):
            if port.get("hostPort") != port.get("containerPort"):
                faults.append(
                    invalid(
                        ((path / "containers")[at] / "ports")[index] / "hostPort",
                        port.get("hostPort") or 0,
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


WINDOWS = "cannot be set for a windows pod"


def windows_pod(path: Path, spec: dict[str, Any]) -> Faults:
    """Settings that only Linux has, forbidden for a pod that names Windows."""
    faults: Faults = []
    for name in ("hostPID", "hostIPC"):
        if spec.get(name):
            faults.append(forbidden(path / name, WINDOWS))
    context, here = spec.get("securityContext") or {}, path / "securityContext"
    faults += checks.unset(
        here,
        context,
        (
            "appArmorProfile", "seLinuxOptions", "seccompProfile", "fsGroup", "fsGroupChangePolicy", "sysctls",
        ),
        WINDOWS,
    )  # fmt: skip
    if spec.get("shareProcessNamespace"):
        faults.append(forbidden(path / "shareProcessNamespace", WINDOWS))
    faults += checks.unset(here, context, ("runAsUser", "runAsGroup", "supplementalGroups"), WINDOWS)
    return faults
