"""Validation of what only one operating system has: Windows' options, and which settings go with which system."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.meta import names
from cluster.meta.field import Path, forbidden, invalid, required

Spec = dict[str, Any]

SYSTEMS = ("linux", "windows")
_LARGEST_SPEC_KIB = 64
_LONGEST_DOMAIN, _LONGEST_USER = 256, 104
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NETBIOS = re.compile(r'[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}')
_DNS_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_DNS = re.compile(rf"{_DNS_LABEL}(?:\.{_DNS_LABEL})*")
_BAD_IN_USER = re.compile(r'["/\\:;|=,+*?<>@\[\]]')
_DOTS_AND_SPACES = re.compile(r"[. ]+")


def options(path: Path, value: dict[str, Any] | None) -> Faults:
    """windowsOptions of a pod or container."""
    if value is None:
        return []
    faults: Faults = []
    if (name := value.get("gmsaCredentialSpecName")) is not None:
        faults += checks.by_rule(path / "gmsaCredentialSpecName", name, names.dns1123_subdomain)
    if (spec := value.get("gmsaCredentialSpec")) is not None:
        faults += _credential_spec(path / "gmsaCredentialSpec", spec)
    if (user := value.get("runAsUserName")) is not None:
        faults += [invalid(path / "runAsUserName", user, f"runAsUserName{complaint}") for complaint in _user(user)]
    return faults


def _credential_spec(path: Path, spec: str) -> Faults:
    if not spec:
        return [invalid(path, spec, "gmsaCredentialSpec cannot be an empty string")]
    if len(spec.encode()) > _LARGEST_SPEC_KIB * 1024:
        return [invalid(path, spec, f"gmsaCredentialSpec size must be under {_LARGEST_SPEC_KIB} KiB")]
    return []


def _user(text: str) -> list[str]:
    """Complaints about `DOMAIN\\user` or `user`."""
    if not text:
        return [" cannot be an empty string"]
    if _CONTROL.search(text):
        return [" cannot contain control characters"]
    parts = text.split("\\")
    if len(parts) > 2:
        return [" cannot contain more than one backslash"]
    domain, user = (parts[0], parts[1]) if len(parts) == 2 else (None, parts[0])
    return ([] if domain is None else _domain(domain)) + _user_part(user)


def _domain(domain: str) -> list[str]:
    out = []
    if len(domain) >= _LONGEST_DOMAIN:
        out.append(f"'s Domain length must be under {_LONGEST_DOMAIN} characters")
    if not _NETBIOS.fullmatch(domain) and not _DNS.fullmatch(domain):
        out.append("'s Domain doesn't match the NetBios nor the DNS format")
    return out


def _user_part(user: str) -> list[str]:
    out = []
    if not user:
        out.append("'s User cannot be empty")
    elif len(user) > _LONGEST_USER:
        out.append(f"'s User length must not be longer than {_LONGEST_USER} characters")
    if _DOTS_AND_SPACES.fullmatch(user):
        out.append("'s User cannot contain only periods or spaces")
    if _BAD_IN_USER.search(user):
        out.append("'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]")
    return out


def _every_container(path: Path, spec: Spec) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Containers with their paths, in the order the API visits them."""
    for part in ("initContainers", "containers", "ephemeralContainers"):
        for at, container in enumerate(spec.get(part) or ()):
            yield (path / part)[at], container


def _options_of(holder: dict[str, Any]) -> dict[str, Any]:
    return (holder.get("securityContext") or {}).get("windowsOptions") or {}


def host_process(path: Path, spec: Spec) -> Faults:
    """Host process containers: all or none, and on the host's network."""
    of_pod = _options_of(spec).get("hostProcess")
    faults: Faults = []
    total = counted = 0
    for here, container in _every_container(path, spec):
        own = _options_of(container).get("hostProcess")
        total += 1
        if of_pod is not None and own is not None and of_pod != own:
            why = f"pod hostProcess value must be identical if both are specified, was {str(of_pod).lower()}"
            faults.append(invalid(here / "securityContext" / "windowsOptions" / "hostProcess", own, why))
        counted += bool(of_pod if own is None else own)
    if not counted:
        return faults
    if counted != total:
        why = "If pod contains any hostProcess containers then all containers must be HostProcess containers"
        faults.append(invalid(path, "", why))
    if not spec.get("hostNetwork"):
        why = "hostNetwork must be true if pod contains any hostProcess containers"
        faults.append(invalid(path / "hostNetwork", False, why))
    return faults


def system(path: Path, spec: Spec) -> Faults:
    """The operating system, and what it rules out."""
    named = spec.get("os")
    if named is None:
        return []
    name = named.get("name") or ""
    if not name:
        return [required(path / "os" / "name")]
    if name not in SYSTEMS:
        return checks.one_of(path / "os", name, SYSTEMS)
    return _linux(path, spec) if name == "linux" else _windows(path, spec)


def _linux(path: Path, spec: Spec) -> Faults:
    why = "windows options cannot be set for a linux pod"
    holders = [(path, spec), *_every_container(path, spec)]
    return [
        forbidden(here / "securityContext" / "windowsOptions", why)
        for here, holder in holders
        if (holder.get("securityContext") or {}).get("windowsOptions") is not None
    ]


_NO_WINDOWS = "cannot be set for a windows pod"
_OF_POD = (
    "securityContext.appArmorProfile", "securityContext.seLinuxOptions", "hostUsers", "hostPID", "hostIPC",
    "securityContext.seccompProfile", "securityContext.fsGroup", "securityContext.fsGroupChangePolicy",
    "securityContext.sysctls", "shareProcessNamespace", "securityContext.runAsUser", "securityContext.runAsGroup",
    "securityContext.supplementalGroups", "securityContext.supplementalGroupsPolicy",
    "securityContext.seLinuxChangePolicy",
)  # fmt: skip
_TRUE_COUNTS = ("hostPID", "hostIPC", "securityContext.sysctls")
_OF_CONTAINER = (
    "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged",
    "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup",
)  # fmt: skip


def _windows(path: Path, spec: Spec) -> Faults:
    faults: Faults = []
    for field in _OF_POD:
        context, _, name = field.rpartition(".")
        holder = spec.get(context) or {} if context else spec
        value = holder.get(name)
        if value is not None and (value or field not in _TRUE_COUNTS):
            faults.append(forbidden(Path(f"{path}.{field}"), _NO_WINDOWS))
    for here, container in _every_container(path, spec):
        held = container.get("securityContext") or {}
        faults += checks.unset(here / "securityContext", held, _OF_CONTAINER, _NO_WINDOWS)
    return faults
