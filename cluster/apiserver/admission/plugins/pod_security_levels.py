"""Which checks make which Pod Security level, in which version of the standards.

A namespace may pin a level to an older version (`restricted:v1.24`): a check is then the one of that version, or not
there yet. Checks of the restricted level take the place of weaker ones of the baseline.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cluster.apiserver.admission.plugins import pod_security_checks as checks
from cluster.apiserver.admission.plugins.pod_security_checks import (
    SAFE_SYSCTLS,
    SELINUX_TYPES,
    Check,
    Complaint,
    Spec,
    but_in_user_namespaces,
    but_on_windows,
    selinux,
    sysctls,
)
from cluster.meta.types import Obj

_SYSCTLS_27 = SAFE_SYSCTLS | {"net.ipv4.ip_local_reserved_ports"}
_SYSCTLS_29 = _SYSCTLS_27 | {
    f"net.ipv4.tcp_{name}" for name in ("keepalive_time", "fin_timeout", "keepalive_intvl", "keepalive_probes")
}
_SYSCTLS_32 = _SYSCTLS_29 | {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}


@dataclass(frozen=True, slots=True)
class Rule:
    """`versions` are (first minor, check), oldest first; `instead_of` names the rule that it replaces."""

    name: str
    versions: tuple[tuple[int, Check], ...]
    instead_of: str = ""

    def at(self, minor: int | None) -> Check | None:
        """The check of a minor version, None for the newest; None when there is none yet."""
        fitting = [check for since, check in self.versions if minor is None or since <= minor]
        return fitting[-1] if fitting else None


BASELINE = (
    Rule("appArmorProfile", ((0, checks.app_armor),)),
    Rule("capabilities_baseline", ((0, checks.capabilities_baseline),)),
    Rule("hostNamespaces", ((0, checks.host_namespaces),)),
    Rule("hostPathVolumes", ((0, checks.host_path),)),
    Rule("hostPorts", ((0, checks.host_ports),)),
    Rule("hostProbesAndHostLifecycle", ((34, checks.probe_hosts),)),
    Rule("privileged", ((0, checks.privileged),)),
    Rule("procMount", ((0, checks.proc_mount), (35, but_in_user_namespaces(checks.proc_mount)))),
    Rule("seLinuxOptions", ((0, selinux(SELINUX_TYPES)), (31, selinux(SELINUX_TYPES | {"container_engine_t"})))),
    Rule("seccompProfile_baseline", ((0, checks.seccomp_annotations), (19, checks.seccomp_baseline))),
    Rule(
        "sysctls",
        (
            (0, sysctls(SAFE_SYSCTLS)),
            (27, sysctls(_SYSCTLS_27)),
            (29, sysctls(_SYSCTLS_29)),
            (32, sysctls(_SYSCTLS_32)),
        ),
    ),
    Rule("windowsHostProcess", ((0, checks.host_process),)),
)
RESTRICTED = (
    Rule(
        "allowPrivilegeEscalation",
        ((8, checks.privilege_escalation), (25, but_on_windows(checks.privilege_escalation))),
    ),
    Rule(
        "capabilities_restricted",
        ((22, checks.capabilities_restricted), (25, but_on_windows(checks.capabilities_restricted))),
        "capabilities_baseline",
    ),
    Rule("procMount_restricted", ((35, checks.proc_mount),), "procMount"),
    Rule("restrictedVolumes", ((0, checks.restricted_volumes),), "hostPathVolumes"),
    Rule(
        "runAsNonRoot",
        ((0, checks.run_as_non_root), (35, but_in_user_namespaces(checks.run_as_non_root))),
    ),
    Rule("runAsUser", ((23, checks.run_as_user), (35, but_in_user_namespaces(checks.run_as_user)))),
    Rule(
        "seccompProfile_restricted",
        ((19, checks.seccomp_restricted), (25, but_on_windows(checks.seccomp_restricted))),
        "seccompProfile_baseline",
    ),
)


@lru_cache(maxsize=64)
def checks_of(level: str, minor: int | None) -> tuple[Check, ...]:
    """What a level asks for in a version, in the order it is reported."""
    if level == "privileged":
        return ()
    own = [(rule, check) for rule in RESTRICTED if level == "restricted" and (check := rule.at(minor)) is not None]
    replaced = {rule.instead_of for rule, _ in own}
    shared = [check for rule in BASELINE if rule.name not in replaced and (check := rule.at(minor)) is not None]
    return (*shared, *(check for _, check in own))


def complaints(level: str, minor: int | None, meta: Obj, spec: Spec) -> list[Complaint]:
    """What forbids this pod at a level; `minor` None is the latest version."""
    return [found for check in checks_of(level, minor) if (found := check(meta, spec)) is not None]
