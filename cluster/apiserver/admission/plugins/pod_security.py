"""PodSecurity: namespaces say by label how much their pods may do; what goes beyond is refused, or warned about.

Pods are refused; what only holds a pod template is warned about. A namespace whose level is raised is told which of
its pods would no longer be let in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.meta import errors
from cluster.meta.errors import Cause
from cluster.meta.objects import dig
from cluster.meta.types import GroupResource, Obj

if TYPE_CHECKING:
    from cluster.apiserver.admission.plugins.pod_security_checks import Complaint

PREFIX = "pod-security.kubernetes.io/"
PODS, NAMESPACES = GroupResource("", "pods"), GroupResource("", "namespaces")
_TEMPLATES: dict[GroupResource, tuple[str, ...]] = {
    GroupResource("", "podtemplates"): ("template",),
    GroupResource("", "replicationcontrollers"): ("spec", "template"),
    GroupResource("apps", "daemonsets"): ("spec", "template"),
    GroupResource("apps", "deployments"): ("spec", "template"),
    GroupResource("apps", "replicasets"): ("spec", "template"),
    GroupResource("apps", "statefulsets"): ("spec", "template"),
    GroupResource("batch", "jobs"): ("spec", "template"),
    GroupResource("batch", "cronjobs"): ("spec", "jobTemplate", "spec", "template"),
}
_VERSION = re.compile(r"v1\.(0|[1-9][0-9]*)")
LEVELS = ("privileged", "baseline", "restricted")
_STRICTNESS = list(LEVELS)
_MOST_PODS = 3000


@dataclass(frozen=True, slots=True)
class Policy:
    """One mode's level and version."""

    level: str = "privileged"
    version: str = "latest"

    def __str__(self) -> str:
        return f"{self.level}:{self.version}"

    @property
    def minor(self) -> int | None:
        return None if self.version == "latest" else int(self.version.partition(".")[2])

    def complaints(self, pod: Obj) -> list[Complaint]:
        if self.level == "privileged":
            return []
        # Most namespaces say nothing, and the checks are many.
        from cluster.apiserver.admission.plugins.pod_security_levels import complaints

        return complaints(self.level, self.minor, pod.get("metadata") or {}, pod.get("spec") or {})


def policy_of(labels: Obj, mode: str) -> tuple[Policy, list[Cause]]:
    """The policy of a mode (`enforce`, `warn`, `audit`) and what is wrong with its labels."""
    level, version = labels.get(PREFIX + mode), labels.get(f"{PREFIX}{mode}-version")
    faults = []
    if level is not None and level not in LEVELS:
        faults.append(_fault(mode, level, "must be one of privileged, baseline, restricted"))
        # Whoever meant some level and misspelt it did not mean none.
        level = "restricted"
    if version not in (None, "latest") and not _VERSION.fullmatch(version):
        faults.append(_fault(f"{mode}-version", version, 'must be "latest" or "v1.x"'))
        version = None
    return Policy(level or "privileged", version or "latest"), faults


def _fault(label: str, value: str, why: str) -> Cause:
    return Cause("FieldValueInvalid", f'Invalid value: "{value}": {why}', f"metadata.labels[{PREFIX}{label}]")


def all_faults(labels: Obj) -> list[Cause]:
    return [fault for mode in ("enforce", "audit", "warn") for fault in policy_of(labels, mode)[1]]


class PodSecurity(PlainPlugin):
    name = "PodSecurity"

    def handles(self, operation: Operation, resource: GroupResource, subresource: str) -> bool:
        if operation not in (Operation.CREATE, Operation.UPDATE):
            return False
        if subresource:
            return resource == PODS and subresource in ("ephemeralcontainers", "resize")
        return resource in (PODS, NAMESPACES) or resource in _TEMPLATES

    async def validate(self, attributes: Attributes) -> None:
        if attributes.obj is None:
            return
        if attributes.resource == NAMESPACES:
            self._namespace(attributes, attributes.obj)
        elif attributes.resource == PODS:
            self._pod(attributes, attributes.obj)
        else:
            template = dig(attributes.obj, *_TEMPLATES[attributes.resource])
            if isinstance(template, dict):
                self._note(attributes, template)
                self._warn(attributes, template)

    def _labels(self, namespace: str) -> Obj:
        found = self.around.objects.get(NAMESPACES, "", namespace)
        return {} if found is None else found["metadata"].get("labels") or {}

    def _pod(self, a: Attributes, pod: Obj) -> None:
        if a.old is not None and not _significant(pod, a.old):
            return
        policy, _ = policy_of(self._labels(a.namespace), "enforce")
        a.annotate(f"{PREFIX}enforce-policy", str(policy))
        self._note(a, pod)
        found = policy.complaints(pod)
        if found:
            raise a.refused(f'violates PodSecurity "{policy}": {_detailed(found)}')
        self._warn(a, pod)

    def _warn(self, a: Attributes, template: Obj) -> None:
        labels = self._labels(a.namespace)
        # Without a level of its own, warnings follow what is enforced.
        mode = "warn" if PREFIX + "warn" in labels else "enforce"
        policy, _ = policy_of(labels, mode)
        found = policy.complaints(template)
        if found:
            a.warn(f'would violate PodSecurity "{policy}": {_detailed(found)}')

    def _note(self, a: Attributes, template: Obj) -> None:
        """What the mode `audit` finds goes into the audit log; without a level of its own it looks for nothing."""
        if a.annotations is None:
            return
        labels = self._labels(a.namespace)
        policy, _ = policy_of(labels, "audit")
        found = policy.complaints(template)
        if found:
            a.annotate(f"{PREFIX}audit-violations", f'would violate PodSecurity "{policy}": {_detailed(found)}')
        faults = all_faults(labels)
        if faults:
            said = ", ".join(f"{fault.field}: {fault.message}" for fault in faults)
            a.annotate(f"{PREFIX}error", f"Failed to parse policy: {said if len(faults) == 1 else f'[{said}]'}")

    def _namespace(self, a: Attributes, namespace: Obj) -> None:
        labels = namespace["metadata"].get("labels") or {}
        before = ((a.old or {}).get("metadata") or {}).get("labels") or {}
        faults = all_faults(labels)
        if faults and (a.old is None or not all_faults(before)):
            raise errors.invalid(("", "Namespace"), a.name, faults)
        if a.old is None:
            return
        new, old = policy_of(labels, "enforce")[0], policy_of(before, "enforce")[0]
        easier = _STRICTNESS.index(new.level) <= _STRICTNESS.index(old.level)
        if new == old or new.level == "privileged" or (easier and new.version == old.version):
            return
        self._tell(a, new, self.around.objects.all(PODS, a.name))

    def _tell(self, a: Attributes, policy: Policy, pods: Iterable[Obj]) -> None:
        """Warn about the pods that are there and would be refused now, those of like faults together."""
        groups: dict[str, list[str]] = {}
        for number, pod in enumerate(sorted(pods, key=lambda p: str(p["metadata"]["name"]))):
            if number >= _MOST_PODS:
                break
            found = policy.complaints(pod)
            if found:
                groups.setdefault(", ".join(c.reason for c in found), []).append(pod["metadata"]["name"])
        if groups:
            a.warn(f'existing pods in namespace "{a.name}" violate the new PodSecurity enforce level "{policy}"')
        for text in sorted(f"{_gathered(names)}: {reasons}" for reasons, names in groups.items()):
            a.warn(text)


def _gathered(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    others = "1 other pod" if len(names) == 2 else f"{len(names) - 1} other pods"
    return f"{names[0]} (and {others})"


def _detailed(found: list[Complaint]) -> str:
    return ", ".join(f"{c.reason} ({c.detail})" for c in found)


def _significant(pod: Obj, old: Obj) -> bool:
    """Whether an update changes what the checks look at: containers, images, AppArmor annotations."""
    from cluster.apiserver.admission.plugins.pod_security_checks import containers

    def looks(obj: Obj) -> list[object]:
        spec = obj.get("spec") or {}
        marks = obj["metadata"].get("annotations") or {}
        armor = sorted((k, v) for k, v in marks.items() if "apparmor" in k or "seccomp" in k)
        return [armor, *((c.get("name"), c.get("image"), c.get("securityContext")) for c in containers(spec))]

    return looks(pod) != looks(old)


__all__ = ["PREFIX", "PodSecurity", "Policy", "policy_of"]
