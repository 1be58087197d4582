"""Validation of containers: what all have in common, and what init and ephemeral ones may and may not have."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.podspec import env, probes, resources, security
from cluster.meta import names
from cluster.meta.field import Path, duplicate, forbidden, invalid, not_found, not_supported, required, too_many

Container = dict[str, Any]
Spec = dict[str, Any]

PULL_POLICIES = ("Always", "IfNotPresent", "Never")


def common(path: Path, container: Container, spec: Spec) -> Faults:
    """What every container is checked for, in the order the API does."""
    name = container.get("name") or ""
    faults: Faults = checks.label(path / "name", name) if name else [required(path / "name")]
    if not container.get("image"):
        faults.append(required(path / "image"))
    policy = container.get("terminationMessagePolicy") or ""
    if policy not in ("File", "FallbackToLogsOnError"):
        faults.append(
            not_supported(path / "terminationMessagePolicy", policy, ["File", "FallbackToLogsOnError"])
            if policy
            else required(path / "terminationMessagePolicy")
        )
    faults += _ports(path / "ports", container.get("ports") or [])
    faults += env.env_vars(path / "env", container.get("env") or [])
    faults += env.env_from(path / "envFrom", container.get("envFrom") or [])
    faults += _mounts(path / "volumeMounts", container, spec)
    faults += _devices(path / "volumeDevices", container, spec)
    faults += _pull_policy(path / "imagePullPolicy", container.get("imagePullPolicy") or "")
    claims = resources.claim_names(spec)
    faults += resources.requirements(path / "resources", container.get("resources") or {}, claims)
    faults += _resize(path / "resizePolicy", container.get("resizePolicy") or [], spec.get("restartPolicy") or "")
    return faults + security.container(path / "securityContext", container.get("securityContext"), spec)


def padded_images(path: Path, spec: Spec) -> Faults:
    """What a pod is refused for and a template is not: blanks around the name of an image."""
    return [
        invalid((path / part)[at] / "image", container["image"], "must not have leading or trailing whitespace")
        for part in ("containers", "initContainers")
        for at, container in enumerate(spec.get(part) or ())
        if (container.get("image") or "") != (container.get("image") or "").strip()
    ]


def _pull_policy(path: str, policy: str) -> Faults:
    return checks.one_of(path, policy, PULL_POLICIES) if policy else [required(path)]


def _ports(path: Path, ports: list[dict[str, Any]]) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for at, port in enumerate(ports):
        here, name = path[at], port.get("name") or ""
        if name:
            own = checks.by_rule(here / "name", name, names.port_name)
            if not own and name in seen:
                own = [duplicate(here / "name", name)]
            seen.add(name)
            faults += own
        number = port.get("containerPort") or 0
        faults += [required(here / "containerPort")] if not number else checks.port(here / "containerPort", number)
        if port.get("hostPort"):
            faults += checks.port(here / "hostPort", port["hostPort"])
        protocol = port.get("protocol") or ""
        faults += (
            checks.one_of(here / "protocol", protocol, ("SCTP", "TCP", "UDP"))
            if protocol
            else [required(here / "protocol")]
        )
    return faults


_MOUNT_PROPAGATION = ("Bidirectional", "HostToContainer", "None")


def _mounts(path: Path, container: Container, spec: Spec) -> Faults:
    """Faults of volumeMounts. Three of them stand at the list itself, as they do in the API."""
    volumes = {volume.get("name"): volume for volume in spec.get("volumes") or ()}
    devices = {device.get("name"): device for device in container.get("volumeDevices") or ()}
    device_paths = {device.get("devicePath") for device in devices.values()}
    faults: Faults = []
    seen: set[str] = set()
    for at, mount in enumerate(container.get("volumeMounts") or ()):
        here, name, where = path[at], mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            faults.append(required(here / "name"))
        if name not in volumes:
            faults.append(not_found(here / "name", name))
        if not where:
            faults.append(required(here / "mountPath"))
        if where in seen:
            faults.append(invalid(here / "mountPath", where, "must be unique"))
        seen.add(where)
        if name in devices:
            faults.append(invalid(here / "name", name, "must not already exist in volumeDevices"))
        if where in device_paths:
            faults.append(invalid(here / "mountPath", where, "must not already exist as a path in volumeDevices"))
        faults += _mount_options(path, here, mount, container)
    return faults


def _mount_options(path: Path, here: Path, mount: dict[str, Any], container: Container) -> Faults:
    faults: Faults = []
    if mount.get("subPath"):
        faults += checks.relative_path(path / "subPath", mount["subPath"])
    if mount.get("subPathExpr"):
        if mount.get("subPath"):
            faults.append(
                invalid(here / "subPathExpr", mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive")
            )
        faults += checks.relative_path(path / "subPathExpr", mount["subPathExpr"])
    if (propagation := mount.get("mountPropagation")) is not None:
        faults += checks.one_of(path / "mountPropagation", propagation, _MOUNT_PROPAGATION)
        privileged = (container.get("securityContext") or {}).get("privileged")
        if propagation == "Bidirectional" and not privileged:
            faults.append(
                forbidden(
                    path / "mountPropagation",
                    "Bidirectional mount propagation is available only to privileged containers",
                )
            )
    return faults + _recursive(path / "recursiveReadOnly", mount)


def _recursive(path: str, mount: dict[str, Any]) -> Faults:
    policy = mount.get("recursiveReadOnly")
    if policy is None or policy == "Disabled":
        return []
    if policy not in ("Enabled", "IfPossible"):
        return [not_supported(path, policy, ["Disabled", "Enabled", "IfPossible"])]
    faults: Faults = []
    if not mount.get("readOnly"):
        faults.append(forbidden(path, "may only be specified when readOnly is true"))
    if mount.get("mountPropagation") not in (None, "None"):
        faults.append(forbidden(path, "may only be specified when mountPropagation is None or not specified"))
    return faults


def _devices(path: Path, container: Container, spec: Spec) -> Faults:
    volumes = {volume.get("name"): volume for volume in spec.get("volumes") or ()}
    mounts = {mount.get("name"): mount for mount in container.get("volumeMounts") or ()}
    mount_paths = {mount.get("mountPath") for mount in mounts.values()}
    faults: Faults = []
    seen_names: set[str] = set()
    seen_paths: set[str] = set()
    for at, device in enumerate(container.get("volumeDevices") or ()):
        here, name, where = path[at], device.get("name") or "", device.get("devicePath") or ""
        if not name:
            faults.append(required(here / "name"))
        if name in seen_names:
            faults.append(invalid(here / "name", name, "must be unique"))
        volume = volumes.get(name)
        if volume is None:
            faults.append(not_found(here / "name", name))
        elif not volume.get("persistentVolumeClaim") and not volume.get("ephemeral"):
            faults.append(
                invalid(
                    here / "name",
                    name,
                    "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode",
                )
            )
        faults += _device_path(here, where, seen_paths)
        if name in mounts:
            faults.append(invalid(here / "name", name, "must not already exist in volumeMounts"))
        if where in mount_paths:
            faults.append(invalid(here / "devicePath", where, "must not already exist as a path in volumeMounts"))
        if name:
            seen_names.add(name)
    return faults


def _device_path(here: Path, where: str, seen: set[str]) -> Faults:
    path = here / "devicePath"
    faults: Faults = [] if where else [required(path)]
    if where in seen:
        faults.append(invalid(path, where, "must be unique"))
    if checks.no_backsteps(path, where):
        return [*faults, invalid(path, where, "can not contain backsteps ('..')")]
    seen.add(where)
    return faults


def _resize(path: Path, policies: list[dict[str, Any]], pod_restart: str) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for at, policy in enumerate(policies):
        name, restart = policy.get("resourceName") or "", policy.get("restartPolicy") or ""
        if name in seen:
            faults.append(duplicate(path[at], name))
        seen.add(name)
        if name not in ("cpu", "memory"):
            faults.append(not_supported(path, name, ["cpu", "memory"]) if name else required(path))
        if restart not in ("NotRequired", "RestartContainer"):
            faults.append(
                not_supported(path, restart, ["NotRequired", "RestartContainer"]) if restart else required(path)
            )
        if pod_restart == "Never" and restart != "NotRequired":
            faults.append(invalid(path, restart, "must be 'NotRequired' when pod `restartPolicy` is 'Never'"))
    return faults


def containers(path: Path, spec: Spec, grace: int | None) -> Faults:
    """The main containers: at least one, unique names and host ports, sound probes."""
    listed = spec.get("containers") or []
    if not listed:
        return [required(path)]
    faults: Faults = []
    seen: set[str] = set()
    for at, container in enumerate(listed):
        here = path[at]
        faults += common(here, container, spec)
        name = container.get("name") or ""
        if name in seen:
            faults.append(duplicate(here / "name", name))
        seen.add(name)
        faults += _hooks(here, container, spec, grace)
        faults += _restart(here, container)
    return faults + _host_ports(path, listed)


def _hooks(here: Path, container: Container, spec: Spec, grace: int | None) -> Faults:
    """Lifecycle hooks and probes."""
    faults = probes.lifecycle(here / "lifecycle", container.get("lifecycle"), grace, spec.get("os"))
    faults += probes.liveness(here / "livenessProbe", container.get("livenessProbe"))
    faults += probes.readiness(here / "readinessProbe", container.get("readinessProbe"))
    return faults + probes.liveness(here / "startupProbe", container.get("startupProbe"))


_MOST_RULES, _MOST_CODES = 20, 255


def _restart(path: Path, container: Container) -> Faults:
    """A container's own restart policy, and its exceptions by exit code."""
    policy, rules = container.get("restartPolicy"), container.get("restartPolicyRules") or []
    faults: Faults = []
    if policy is not None:
        faults += checks.one_of(path / "restartPolicy", policy, ("Always", "Never", "OnFailure"))
    elif rules:
        faults.append(required(path / "restartPolicy", "must specify restartPolicy when restart rules are used"))
    here = path / "restartPolicyRules"
    if len(rules) > _MOST_RULES:
        faults.append(too_many(here, _MOST_RULES, len(rules)))
    for at, rule in enumerate(rules):
        action, codes = rule.get("action") or "", rule.get("exitCodes")
        faults += checks.one_of(here[at] / "action", action, ("Restart", "RestartAllContainers"))
        if codes is None:
            faults.append(required(here[at] / "exitCodes", "must be specified"))
            continue
        faults += checks.one_of(here[at] / "exitCodes" / "operator", codes.get("operator") or "", ("In", "NotIn"))
        if len(codes.get("values") or ()) > _MOST_CODES:
            faults.append(too_many(here[at] / "exitCodes" / "values", _MOST_CODES, len(codes["values"])))
    return faults


def _host_ports(path: Path, listed: list[Container]) -> Faults:
    """A host port may be taken once for each protocol and host address."""
    faults: Faults = []
    taken: set[str] = set()
    for at, container in enumerate(listed):
        for index, port in enumerate(container.get("ports") or ()):
            number = port.get("hostPort") or 0
            if not number:
                continue
            text = f"{port.get('protocol') or ''}/{port.get('hostIP') or ''}/{number}"
            if text in taken:
                faults.append(duplicate((path[at] / "ports")[index] / "hostPort", text))
            taken.add(text)
    return faults


_INIT = "may not be set for init containers without restartPolicy=Always"


def init_containers(path: Path, spec: Spec, grace: int | None) -> Faults:
    """Init containers: names unique among all, probes and hooks only for those that stay (sidecars)."""
    faults: Faults = []
    seen = {container.get("name") for container in spec.get("containers") or ()}
    for at, container in enumerate(spec.get("initContainers") or ()):
        here = path[at]
        policy = container.get("restartPolicy")
        faults += common(here, container, spec)
        if policy is not None:
            faults += _restart(here, container)
        elif container.get("restartPolicyRules"):
            why = "must specify restartPolicy when restart rules are used"
            faults.append(required(here / "restartPolicy", why))
        name = container.get("name") or ""
        if name in seen:
            faults.append(duplicate(here / "name", name))
        elif name:
            seen.add(name)
        # The API counts each init container as the first of its list here.
        faults += _host_ports(path, [container])
        if policy == "Always":
            faults += _hooks(here, container, spec, grace)
        else:
            faults += checks.unset(
                here, container, ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"), _INIT
            )
            faults += _no_restart_to_resize(here / "resizePolicy", container.get("resizePolicy") or [])
    return faults


def _no_restart_to_resize(path: Path, policies: list[dict[str, Any]]) -> Faults:
    why = "must not be set to 'RestartContainer' for non-sidecar initContainers"
    return [
        invalid(path[at] / "restartPolicy", "RestartContainer", why)
        for at, policy in enumerate(policies)
        if policy.get("restartPolicy") == "RestartContainer"
    ]


_EPHEMERAL_FORBIDDEN = (
    "ports", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules",
    "livenessProbe", "readinessProbe", "startupProbe", "lifecycle",
)  # fmt: skip


_PRESENT_COUNTS = ("restartPolicy", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle")


def ephemeral_containers(path: Path, spec: Spec) -> Faults:
    """Containers added to a running pod: a small set of fields, a target that exists."""
    faults: Faults = []
    others = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    known = {container.get("name") for container in others}
    seen = set(known)
    for at, container in enumerate(spec.get("ephemeralContainers") or ()):
        here = path[at]
        faults += common(here, container, spec)
        image, name = container.get("image") or "", container.get("name") or ""
        if image != image.strip():
            faults.append(invalid(here / "image", image, "must not have leading or trailing whitespace"))
        if name in seen:
            faults.append(duplicate(here / "name", name))
        seen.add(name)
        target = container.get("targetContainerName")
        if target and target not in known:
            faults.append(not_found(here / "targetContainerName", target))
        faults += [
            forbidden(here / field, "cannot be set for an Ephemeral Container")
            for field in _EPHEMERAL_FORBIDDEN
            if container.get(field) or (field in _PRESENT_COUNTS and container.get(field) is not None)
        ]
        for index, mount in enumerate(container.get("volumeMounts") or ()):
            for name in ("subPath", "subPathExpr"):
                if mount.get(name):
                    faults.append(
                        forbidden((here / "volumeMounts")[index] / name, "cannot be set for an Ephemeral Container")
                    )
    return faults
