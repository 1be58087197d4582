"""Validation of containers: what all have in common, and what init and ephemeral ones may and may not have."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.podspec import env, probes, resources, security
from cluster.meta import names
from cluster.meta.field import Path, duplicate, forbidden, invalid, not_found, not_supported, required

Container = dict[str, Any]
Spec = dict[str, Any]

PULL_POLICIES = ("Always", "IfNotPresent", "Never")


def common(path: Path, container: Container, spec: Spec, *, name_path: str = "name") -> Faults:
    """What every container is checked for, in the order the API does."""
    name = container.get("name") or ""
    faults: Faults = checks.label(path / name_path, name) if name else [required(path / name_path)]
    faults += _image(path / "image", container.get("image") or "")
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
    claims = frozenset(claim.get("name", "") for claim in spec.get("resourceClaims") or ())
    faults += resources.requirements(path / "resources", container.get("resources") or {}, claims)
    faults += _resize(path / "resizePolicy", container.get("resizePolicy") or [])
    return faults + security.container(path / "securityContext", container.get("securityContext"), spec)


def _image(path: str, image: str) -> Faults:
    if not image:
        return [required(path)]
    if image != image.strip():
        return [invalid(path, image, "must not have leading or trailing whitespace")]
    return []


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
    recursive = mount.get("recursiveReadOnly")
    if recursive not in (None, "Disabled") and not mount.get("readOnly"):
        faults.append(forbidden(here / "recursiveReadOnly", "may only be specified when readOnly is true"))
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
        seen_names.add(name)
        seen_paths.add(where)
    return faults


def _device_path(here: Path, where: str, seen: set[str]) -> Faults:
    if not where:
        return [required(here / "devicePath")]
    if where in seen:
        return [invalid(here / "devicePath", where, "must be unique")]
    return checks.no_backsteps(here / "devicePath", where)


def _resize(path: Path, policies: list[dict[str, Any]]) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for policy in policies:
        name, restart = policy.get("resourceName") or "", policy.get("restartPolicy") or ""
        if name in seen:
            faults.append(duplicate(path, name))
        seen.add(name)
        if name not in ("cpu", "memory"):
            faults.append(not_supported(path, name, ["cpu", "memory"]) if name else required(path))
        if restart not in ("NotRequired", "RestartContainer"):
            faults.append(
                not_supported(path, restart, ["NotRequired", "RestartContainer"]) if restart else required(path)
            )
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
        if name and name in seen:
            faults.append(duplicate(here / "name", name))
        seen.add(name)
        faults += probes.lifecycle(here / "lifecycle", container.get("lifecycle"), grace)
        faults += probes.liveness(here / "livenessProbe", container.get("livenessProbe"))
        faults += probes.readiness(here / "readinessProbe", container.get("readinessProbe"))
        faults += probes.liveness(here / "startupProbe", container.get("startupProbe"))
        if container.get("restartPolicy") is not None:
            faults += _restart(here, container["restartPolicy"])
    return faults + _host_ports(path, listed)


def _restart(path: Path, policy: str) -> Faults:
    return checks.one_of(path / "restartPolicy", policy, ("Always", "Never", "OnFailure"))


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
            faults += _restart(here, policy)
        name = container.get("name") or ""
        if name and name in seen:
            faults.append(duplicate(here / "name", name))
        seen.add(name)
        faults += _host_ports_of(here, container)
        if policy == "Always":
            faults += probes.lifecycle(here / "lifecycle", container.get("lifecycle"), grace)
            faults += probes.liveness(here / "livenessProbe", container.get("livenessProbe"))
            faults += probes.readiness(here / "readinessProbe", container.get("readinessProbe"))
            faults += probes.liveness(here / "startupProbe", container.get("startupProbe"))
        else:
            faults += checks.unset(
                here, container, ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"), _INIT
            )
    return faults


def _host_ports_of(here: Path, container: Container) -> Faults:
    faults: Faults = []
    taken: set[str] = set()
    for index, port in enumerate(container.get("ports") or ()):
        text = f"{port.get('protocol') or ''}/{port.get('hostIP') or ''}/{port.get('hostPort') or 0}"
        if port.get("hostPort") and text in taken:
            faults.append(duplicate((here / "ports")[index] / "hostPort", text))
        taken.add(text)
    return faults


_EPHEMERAL_FORBIDDEN = (
    "lifecycle", "livenessProbe", "ports", "readinessProbe", "resizePolicy", "startupProbe",
)  # fmt: skip


def ephemeral_containers(path: Path, spec: Spec) -> Faults:
    """Containers added to a running pod: a small set of fields, a target that exists."""
    faults: Faults = []
    others = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    known = {container.get("name") for container in others}
    seen = set(known)
    for at, container in enumerate(spec.get("ephemeralContainers") or ()):
        here = path[at]
        faults += common(here, container, spec)
        name = container.get("name") or ""
        if name and name in seen:
            faults.append(duplicate(here / "name", name))
        seen.add(name)
        target = container.get("targetContainerName")
        if target and target not in known:
            faults.append(not_found(here / "targetContainerName", target))
        faults += checks.unset(here, container, _EPHEMERAL_FORBIDDEN, "cannot be set for an Ephemeral Container")
        if any((container.get("resources") or {}).values()):
            faults.append(forbidden(here / "resources", "cannot be set for an Ephemeral Container"))
        if container.get("restartPolicy") is not None:
            faults.append(forbidden(here / "restartPolicy", "may not be set for ephemeral containers"))
        for index, mount in enumerate(container.get("volumeMounts") or ()):
            for name in ("subPath", "subPathExpr"):
                if mount.get(name):
                    faults.append(
                        forbidden((here / "volumeMounts")[index] / name, "cannot be set for an Ephemeral Container")
                    )
    return faults
