"""The Pod Security Standards as functions of a pod's metadata and spec: what forbids it, in Kubernetes' own words.

Knows nothing of namespaces, requests and versions. A check gives its complaint or None; `pod_security_levels.py` says
which checks make which level, and in which versions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from cluster.meta.types import Obj

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Complaint:
    """`reason` is the short form, `detail` who did what."""

    reason: str
    detail: str


Check = Callable[[Obj, Spec], Complaint | None]
DEFAULT_CAPABILITIES = frozenset(
    [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ]
)
SAFE_SYSCTLS = frozenset(
    [
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start",
    ]
)
SELINUX_TYPES = frozenset(("", "container_t", "container_init_t", "container_kvm_t"))
RESTRICTED_VOLUMES = frozenset(
    [
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ]
)
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_SECCOMP = "seccomp.security.alpha.kubernetes.io"
_SECCOMP_VALUES = ("runtime/default", "docker/default")


def containers(spec: Spec) -> Iterator[Spec]:
    for part in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(part) or []


def _security(holder: Spec) -> Spec:
    return holder.get("securityContext") or {}


def _quoted(values: Iterable[Any]) -> str:
    return ", ".join(json.dumps(str(v), ensure_ascii=False) for v in values)


def _named(word: str, names: list[str]) -> str:
    return f"{word}{'s' if len(names) != 1 else ''} {_quoted(names)}"


def _where(spec: Spec, bad: Callable[[Spec], Any]) -> str:
    """`pod and containers "a", "b"`: whose security context is bad; empty when none is."""
    setters = ["pod"] if bad(_security(spec)) else []
    names = [c["name"] for c in containers(spec) if bad(_security(c))]
    return " and ".join(setters + ([_named("container", names)] if names else []))


def but_in_user_namespaces(check: Check) -> Check:
    """The check for pods that see the users of their node."""
    return lambda meta, spec: None if spec.get("hostUsers") is False else check(meta, spec)


def but_on_windows(check: Check) -> Check:
    """The check for pods that do not say they are for Windows, which has no such thing."""
    return lambda meta, spec: None if (spec.get("os") or {}).get("name") == "windows" else check(meta, spec)


# Baseline.


def app_armor(meta: Obj, spec: Spec) -> Complaint | None:
    def kind(security: Spec) -> str:
        return str((security.get("appArmorProfile") or {}).get("type") or "")

    def bad(security: Spec) -> bool:
        return kind(security) not in ("", "RuntimeDefault", "Localhost")

    where = _where(spec, bad)
    values = sorted({kind(s) for s in (_security(spec), *map(_security, containers(spec))) if bad(s)})
    marks = [
        f'{key}="{value}"'
        for key, value in sorted((meta.get("annotations") or {}).items())
        if key.startswith(_APPARMOR)
        and value not in ("", "runtime/default")
        and not str(value).startswith("localhost/")
    ]
    setters = [where] if where else []
    if marks:
        setters.append("annotation" + ("s" if len(marks) > 1 else ""))
    if not setters:
        return None
    # An annotation is quoted as it stands, quotes and all.
    shown = ", ".join(f'"{value}"' for value in (*values, *marks))
    reason = "forbidden AppArmor profile" + ("s" if len(values) + len(marks) > 1 else "")
    return Complaint(reason, f"{' and '.join(setters)} must not set AppArmor profile type to {shown}")


def capabilities_baseline(_: Obj, spec: Spec) -> Complaint | None:
    names, bad = _added_beyond(spec, DEFAULT_CAPABILITIES)
    if not names:
        return None
    detail = f"{_named('container', names)} must not include {_quoted(bad)} in securityContext.capabilities.add"
    return Complaint("non-default capabilities", detail)


def _added_beyond(spec: Spec, allowed: frozenset[str]) -> tuple[list[str], list[str]]:
    """The containers that add other capabilities, and which."""
    names, bad = [], set()
    for container in containers(spec):
        added = {str(a) for a in (_security(container).get("capabilities") or {}).get("add") or []} - allowed
        if added:
            names.append(container["name"])
            bad |= added
    return names, sorted(bad)


def host_namespaces(_: Obj, spec: Spec) -> Complaint | None:
    found = [f"{field}=true" for field in ("hostNetwork", "hostPID", "hostIPC") if spec.get(field)]
    return Complaint("host namespaces", ", ".join(found)) if found else None


def host_path(_: Obj, spec: Spec) -> Complaint | None:
    names = [v["name"] for v in spec.get("volumes") or [] if v.get("hostPath") is not None]
    return Complaint("hostPath volumes", _named("volume", names)) if names else None


def host_ports(_: Obj, spec: Spec) -> Complaint | None:
    names: list[str] = []
    ports: set[int] = set()
    for container in containers(spec):
        used = {int(p["hostPort"]) for p in container.get("ports") or [] if p.get("hostPort")}
        if used:
            names.append(container["name"])
            ports |= used
    if not names:
        return None
    verb = "uses" if len(names) == 1 else "use"
    many = "s" if len(ports) > 1 else ""
    listed = ", ".join(sorted(str(p) for p in ports))
    return Complaint("hostPort", f"{_named('container', names)} {verb} hostPort{many} {listed}")


def probe_hosts(_: Obj, spec: Spec) -> Complaint | None:
    names: list[str] = []
    hosts: set[str] = set()
    for container in containers(spec):
        used = {str(h) for h in _hosts(container) if h}
        if used:
            names.append(container["name"])
            hosts |= used
    if not names:
        return None
    verb, many = "uses" if len(names) == 1 else "use", "s" if len(hosts) > 1 else ""
    detail = f"{_named('container', names)} {verb} probe or lifecycle host{many} {_quoted(sorted(hosts))}"
    return Complaint("probe or lifecycle host", detail)


def _hosts(container: Spec) -> Iterator[Any]:
    lifecycle = container.get("lifecycle") or {}
    actions = [container.get(p) or {} for p in ("livenessProbe", "readinessProbe", "startupProbe")]
    actions += [lifecycle.get(p) or {} for p in ("postStart", "preStop")]
    for action in actions:
        for kind in ("httpGet", "tcpSocket"):
            yield (action.get(kind) or {}).get("host")


def privileged(_: Obj, spec: Spec) -> Complaint | None:
    names = [c["name"] for c in containers(spec) if _security(c).get("privileged")]
    if not names:
        return None
    return Complaint("privileged", f"{_named('container', names)} must not set securityContext.privileged=true")


def proc_mount(_: Obj, spec: Spec) -> Complaint | None:
    bad = {c["name"]: _security(c)["procMount"] for c in containers(spec) if _security(c).get("procMount")}
    bad = {name: mount for name, mount in bad.items() if mount != "Default"}
    if not bad:
        return None
    values = _quoted(sorted(set(bad.values())))
    return Complaint(
        "procMount", f"{_named('container', list(bad))} must not set securityContext.procMount to {values}"
    )


def selinux(allowed: frozenset[str]) -> Check:
    """`allowed` are the types a process may have."""
    return lambda _, spec: _selinux(spec, allowed)


def _selinux(spec: Spec, allowed: frozenset[str]) -> Complaint | None:
    def options(security: Spec) -> Spec:
        return security.get("seLinuxOptions") or {}

    def bad(security: Spec) -> bool:
        found = options(security)
        return bool((found.get("type") or "") not in allowed or found.get("user") or found.get("role"))

    where = _where(spec, bad)
    if not where:
        return None
    every = [options(s) for s in (_security(spec), *map(_security, containers(spec)))]
    types = sorted({o["type"] for o in every if (o.get("type") or "") not in allowed})
    faults = [f"type{'s' if len(types) > 1 else ''} {_quoted(types)}"] if types else []
    faults += [f"{field} may not be set" for field in ("user", "role") if any(o.get(field) for o in every)]
    return Complaint("seLinuxOptions", f"{where} set forbidden securityContext.seLinuxOptions: {'; '.join(faults)}")


def _seccomp(security: Spec) -> str:
    return str((security.get("seccompProfile") or {}).get("type") or "")


def seccomp_baseline(_: Obj, spec: Spec) -> Complaint | None:
    def bad(security: Spec) -> bool:
        return _seccomp(security) not in ("", "RuntimeDefault", "Localhost")

    where = _where(spec, bad)
    if not where:
        return None
    values = sorted({_seccomp(s) for s in (_security(spec), *map(_security, containers(spec))) if bad(s)})
    detail = f"{where} must not set securityContext.seccompProfile.type to {_quoted(values)}"
    return Complaint("seccompProfile", detail)


def seccomp_annotations(meta: Obj, spec: Spec) -> Complaint | None:
    """What stood for the field before there was one."""
    keys = {_SECCOMP + "/pod"} | {f"container.{_SECCOMP}/{c['name']}" for c in containers(spec)}
    marks = [
        f'{key}="{value}"'
        for key, value in sorted((meta.get("annotations") or {}).items())
        if key in keys and value not in _SECCOMP_VALUES and not str(value).startswith("localhost/")
    ]
    if not marks:
        return None
    return Complaint("seccompProfile", f"forbidden annotation{'s' if len(marks) > 1 else ''} {', '.join(marks)}")


def sysctls(allowed: frozenset[str]) -> Check:
    """`allowed` are those that a pod may set."""

    def check(_: Obj, spec: Spec) -> Complaint | None:
        names = [s["name"] for s in _security(spec).get("sysctls") or [] if s["name"] not in allowed]
        return Complaint("forbidden sysctls", ", ".join(names)) if names else None

    return check


def host_process(_: Obj, spec: Spec) -> Complaint | None:
    where = _where(spec, lambda s: (s.get("windowsOptions") or {}).get("hostProcess"))
    if not where:
        return None
    return Complaint("hostProcess", f"{where} must not set securityContext.windowsOptions.hostProcess=true")


# Restricted.


def privilege_escalation(_: Obj, spec: Spec) -> Complaint | None:
    names = [c["name"] for c in containers(spec) if _security(c).get("allowPrivilegeEscalation") is not False]
    if not names:
        return None
    detail = f"{_named('container', names)} must set securityContext.allowPrivilegeEscalation=false"
    return Complaint("allowPrivilegeEscalation != false", detail)


def capabilities_restricted(_: Obj, spec: Spec) -> Complaint | None:
    faults = []
    keeping = [
        c["name"] for c in containers(spec) if "ALL" not in ((_security(c).get("capabilities") or {}).get("drop") or [])
    ]
    if keeping:
        faults.append(f'{_named("container", keeping)} must set securityContext.capabilities.drop=["ALL"]')
    names, bad = _added_beyond(spec, frozenset(("NET_BIND_SERVICE",)))
    if names:
        faults.append(
            f"{_named('container', names)} must not include {_quoted(bad)} in securityContext.capabilities.add"
        )
    return Complaint("unrestricted capabilities", "; ".join(faults)) if faults else None


def restricted_volumes(_: Obj, spec: Spec) -> Complaint | None:
    names: list[str] = []
    kinds: set[str] = set()
    for volume in spec.get("volumes") or []:
        used = {k for k, v in volume.items() if k != "name" and v is not None} - RESTRICTED_VOLUMES
        if used:
            names.append(volume["name"])
            kinds |= used
    if not names:
        return None
    verb, many = "uses" if len(names) == 1 else "use", "s" if len(kinds) > 1 else ""
    detail = f"{_named('volume', names)} {verb} restricted volume type{many} {_quoted(sorted(kinds))}"
    return Complaint("restricted volume types", detail)


def run_as_non_root(_: Obj, spec: Spec) -> Complaint | None:
    reason = "runAsNonRoot != true"
    where = _where(spec, lambda s: s.get("runAsNonRoot") is False)
    if where:
        return Complaint(reason, f"{where} must not set securityContext.runAsNonRoot=false")
    names = [c["name"] for c in containers(spec) if not _security(c).get("runAsNonRoot")]
    if _security(spec).get("runAsNonRoot") or not names:
        return None
    return Complaint(reason, f"pod or {_named('container', names)} must set securityContext.runAsNonRoot=true")


def run_as_user(_: Obj, spec: Spec) -> Complaint | None:
    where = _where(spec, lambda s: s.get("runAsUser") == 0)
    return Complaint("runAsUser=0", f"{where} must not set runAsUser=0") if where else None


def seccomp_restricted(meta: Obj, spec: Spec) -> Complaint | None:
    found = seccomp_baseline(meta, spec)
    if found is not None:
        return found
    names = [c["name"] for c in containers(spec) if not _seccomp(_security(c))]
    if _seccomp(_security(spec)) or not names:
        return None
    detail = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return Complaint("seccompProfile", f"pod or {_named('container', names)} {detail}")
