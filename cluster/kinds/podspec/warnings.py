"""What is accepted in a pod or a template of one with a word of warning: what is old, doubled, or does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cluster.kinds import checks
from cluster.kinds.podspec.overlaps import overlapping_paths
from cluster.kinds.podspec.profiles import APPARMOR, SECCOMP, SECCOMP_CONTAINER, USE_APPARMOR
from cluster.meta import names
from cluster.meta.field import Path
from cluster.meta.quantity import NANO, Quantity

Spec = dict[str, Any]

NODE_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
    "app.kubernetes.io/created-by": "deprecated since v1.9",
    "scheduler.alpha.kubernetes.io/preferAvoidPods": "deprecated since v1.22; use Taints and Tolerations instead",
    "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
}
_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": 'non-functional in v1.16+; use the "priorityClassName" field instead',
    "security.alpha.kubernetes.io/sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
    "security.alpha.kubernetes.io/unsafe-sysctls": 'non-functional in v1.11+; use the "sysctls" field instead',
}
_GONE = {
    "photonPersistentDisk": "deprecated in v1.11, non-functional in v1.16+",
    "gitRepo": "deprecated in v1.11, and disabled by default in v1.33+",
    "scaleIO": "deprecated in v1.16, non-functional in v1.22+",
    "flocker": "deprecated in v1.22, non-functional in v1.25+",
    "storageos": "deprecated in v1.22, non-functional in v1.25+",
    "quobyte": "deprecated in v1.22, non-functional in v1.25+",
    "glusterfs": "deprecated in v1.25, non-functional in v1.26+",
    "ephemeral": "",
    "cephfs": "deprecated in v1.28, non-functional in v1.31+",
    "rbd": "deprecated in v1.28, non-functional in v1.31+",
}
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_NO_SELECTOR = "a null labelSelector results in matching no pod"
_USE_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead'


def pod_warnings(meta: dict[str, Any], spec: Spec, template: str = "") -> list[str]:
    """Warnings on a pod, or on the template that stands at the path `template`."""
    root = Path(f"{template}.spec" if template else "spec")
    notes = Path(f"{template}.metadata" if template else "metadata") / "annotations"
    annotations = meta.get("annotations") or {}
    out = [*_scheduling(root, spec)]
    out += [f"{notes[key]}: {why}" for key, why in _ANNOTATIONS.items() if key in annotations]
    out += _volumes(root / "volumes", spec.get("volumes") or [])
    out += overlapping_paths(spec.get("volumes") or [])
    out += _doubled(root / "hostAliases", spec.get("hostAliases") or [], "ip")
    out += _doubled(root / "imagePullSecrets", spec.get("imagePullSecrets") or [], "name")
    out += [
        f'{root / "imagePullSecrets"}[{at}].name: invalid empty name ""'
        for at, secret in enumerate(spec.get("imagePullSecrets") or ())
        if not secret.get("name")
    ]
    out += _fractions(root / "overhead", spec.get("overhead") or {})
    if (spec.get("securityContext") or {}).get("seccompProfile") is None and SECCOMP in annotations:
        out.append(f"{notes[SECCOMP]}: {_USE_SECCOMP}")
    out += _containers(root, spec, notes, annotations, in_template=bool(template))
    out += _ports(root, spec)
    out += _port_names(root, spec)
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        where = root / "terminationGracePeriodSeconds"
        out.append(f"{where}: must be >= 0; negative values are invalid and will be treated as 1")
    for name in ("podAffinity", "podAntiAffinity"):
        out += _affinity(root / "affinity" / name, (spec.get("affinity") or {}).get(name) or {})
    return out + _addresses(root, spec)


def _every(root: Path, spec: Spec) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Containers with their paths, in the order the API visits them."""
    for part in ("initContainers", "containers", "ephemeralContainers"):
        for at, container in enumerate(spec.get(part) or ()):
            yield (root / part)[at], container


def _scheduling(root: Path, spec: Spec) -> list[str]:
    out = []
    for key in spec.get("nodeSelector") or {}:
        if key in NODE_LABELS:
            out.append(f"{(root / 'nodeSelector')[key]}: {NODE_LABELS[key]}")
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    here = root / "affinity" / "nodeAffinity"
    for at, term in enumerate((affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or ()):
        out += node_selector_term(((here / _REQUIRED) / "nodeSelectorTerms")[at], term)
    for at, weighted in enumerate(affinity.get(_PREFERRED) or ()):
        out += node_selector_term((here / _PREFERRED)[at] / "preference", weighted.get("preference") or {}, values=True)
    for at, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        place, key = (root / "topologySpreadConstraints")[at], constraint.get("topologyKey") or ""
        if key in NODE_LABELS:
            out.append(f"{place / 'topologyKey'}: {key} is {NODE_LABELS[key]}")
        if constraint.get("labelSelector") is None:
            out.append(f"{place / 'labelSelector'}: {_NO_SELECTOR}")
    return out


def node_selector_term(path: Path, term: dict[str, Any], *, values: bool = False) -> list[str]:
    """Old labels in a term; with `values` also values that no label can have."""
    out = []
    for at, expression in enumerate(term.get("matchExpressions") or ()):
        here, key = (path / "matchExpressions")[at], expression.get("key") or ""
        if key in NODE_LABELS:
            out.append(f"{here / 'key'}: {key} is {NODE_LABELS[key]}")
        for index, value in enumerate(expression.get("values") or () if values else ()):
            place = (here / "values")[index]
            out += [f"{place}: {value} is invalid, {complaint}" for complaint in names.label_value(value)]
    return out


def _volumes(path: Path, listed: list[dict[str, Any]]) -> list[str]:
    out = []
    for at, volume in enumerate(listed):
        for name, why in _GONE.items():
            if volume.get(name) is None:
                continue
            if why:
                out.append(f"{path[at] / ('storageOS' if name == 'storageos' else name)}: {why}")
            elif (claim := volume[name].get("volumeClaimTemplate")) is not None:
                out += claim_warnings(path[at] / name / "volumeClaimTemplate" / "spec", claim.get("spec") or {})
    return out


def claim_warnings(path: Path, claim: dict[str, Any]) -> list[str]:
    """Storage is not asked for in parts of a byte."""
    out = []
    for name in ("requests", "limits"):
        held = ((claim.get("resources") or {}).get(name) or {}).get("storage")
        if held is not None:
            out += _fraction((path / "resources" / name)["storage"], held)
    return out


def _fraction(path: str, amount: Any) -> list[str]:
    if Quantity.parse(amount).milli_value() * (NANO // 1000) % NANO == 0:
        return []
    return [f'{path}: fractional byte value "{amount}" is invalid, must be an integer']


def _fractions(path: Path, amounts: dict[str, Any]) -> list[str]:
    held = [(name, amounts[name]) for name in ("memory", "ephemeral-storage") if name in amounts]
    return [text for name, amount in held for text in _fraction(path[name], amount)]


def _doubled(path: Path, listed: list[dict[str, Any]], key: str) -> list[str]:
    seen: set[str] = set()
    out = []
    for at, item in enumerate(listed):
        value = item.get(key) or ""
        if value in seen:
            out.append(f'{path[at] / key}: duplicate {key} "{value}"')
        seen.add(value)
    return out


def _containers(root: Path, spec: Spec, notes: Path, annotations: dict[str, str], *, in_template: bool) -> list[str]:
    out = []
    for here, container in _every(root, spec):
        context = container.get("securityContext") or {}
        seccomp = SECCOMP_CONTAINER + (container.get("name") or "")
        if context.get("seccompProfile") is None and seccomp in annotations:
            out.append(f"{notes[seccomp]}: {_USE_SECCOMP}")
        apparmor = APPARMOR + (container.get("name") or "")
        if in_template and context.get("appArmorProfile") is None and apparmor in annotations:
            out.append(f"{notes[apparmor]}: {USE_APPARMOR}")
        resources = container.get("resources") or {}
        for name in ("memory", "ephemeral-storage"):
            for which in ("limits", "requests"):
                held = (resources.get(which) or {}).get(name)
                if held is not None:
                    out += _fraction((here / "resources" / which)[name], held)
        out += _hidden(here / "env", container.get("env") or [])
    return out


def _hidden(path: Path, variables: list[dict[str, Any]]) -> list[str]:
    """A variable set twice, unless the second is made from the first."""
    seen: set[str] = set()
    out = []
    for at, variable in enumerate(variables):
        name, value = variable.get("name") or "", variable.get("value") or ""
        reference = f"$({name})"
        if name not in seen:
            seen.add(name)
        elif variable.get("valueFrom") is not None or value == reference or reference not in value:
            why = f'hides previous definition of "{name}", which may be dropped when using apply'
            out.append(f"{path[at]}: {why}")
    return out


def _ports(root: Path, spec: Spec) -> list[str]:
    out = []
    known: dict[str, list[tuple[Path, dict[str, Any]]]] = {}
    for here, container in _every(root, spec):
        for at, port in enumerate(container.get("ports") or ()):
            place = (here / "ports")[at]
            if port.get("hostIP") and not port.get("hostPort"):
                out.append(f"{place}: hostIP set without hostPort: {_shown(port)}")
            others = known.setdefault(f"{port.get('containerPort') or 0}/{port.get('protocol') or ''}", [])
            for other, held in others:
                if why := _clash(port, held):
                    out.append(f"{place}: {why} port definition with {other}")
            others.append((place, port))
    return out


def _clash(port: dict[str, Any], other: dict[str, Any]) -> str:
    mine, theirs = port.get("hostPort") or 0, other.get("hostPort") or 0
    my_address, their_address = port.get("hostIP") or "", other.get("hostIP") or ""
    if my_address == their_address and mine == theirs:
        return "duplicate"
    if not mine or not theirs:
        return "overlapping"
    return "dangerously ambiguous" if mine == theirs and bool(my_address) != bool(their_address) else ""


def _shown(port: dict[str, Any]) -> str:
    """A port as Go prints the structure."""
    return (
        f"{{Name:{port.get('name') or ''} HostPort:{port.get('hostPort') or 0} "
        f"ContainerPort:{port.get('containerPort') or 0} Protocol:{port.get('protocol') or ''} "
        f"HostIP:{port.get('hostIP') or ''}}}"
    )


def _port_names(root: Path, spec: Spec) -> list[str]:
    out = []
    known: dict[str, Path] = {}
    for here, container in _every(root, spec):
        for at, port in enumerate(container.get("ports") or ()):
            name, place = port.get("name"), (here / "ports")[at]
            if not name:
                continue
            first = known.setdefault(name, place)
            if first != place:
                out.append(
                    f'{place}: duplicate port name "{name}" with {first}, '
                    f"services and probes that select ports by name will use {first}"
                )
    return out


def _affinity(path: Path, affinity: dict[str, Any]) -> list[str]:
    out = [
        f"{(path / _REQUIRED)[at] / 'labelSelector'}: {_NO_SELECTOR}"
        for at, term in enumerate(affinity.get(_REQUIRED) or ())
        if term.get("labelSelector") is None
    ]
    return out + [
        f"{(path / _PREFERRED)[at] / 'podAffinityTerm' / 'labelSelector'}: {_NO_SELECTOR}"
        for at, weighted in enumerate(affinity.get(_PREFERRED) or ())
        if (weighted.get("podAffinityTerm") or {}).get("labelSelector") is None
    ]


def _addresses(root: Path, spec: Spec) -> list[str]:
    out = []
    for at, server in enumerate((spec.get("dnsConfig") or {}).get("nameservers") or ()):
        out += checks.ip_warnings((root / "dnsConfig" / "nameservers")[at], server)
    for at, alias in enumerate(spec.get("hostAliases") or ()):
        out += checks.ip_warnings((root / "hostAliases")[at] / "ip", alias.get("ip") or "")
    return out
