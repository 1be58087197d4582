"""Starting one container of a pod: its configuration, its image, the start, the postStart hook, and the events.

What goes wrong comes out as a StartFault with the reason that the container's status shows while it waits.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cluster.kubelet import volumes
from cluster.kubelet.context import NodeContext
from cluster.kubelet.environment import ConfigFault, Surroundings, environment, expand, service_variables
from cluster.kubelet.handlers import Target, ask
from cluster.kubelet.runtimes.interface import (
    ContainerConfig,
    ContainerStatus,
    Mount,
    RuntimeFault,
    SandboxConfig,
    SandboxStatus,
)
from cluster.machinery.events import NORMAL, WARNING
from cluster.machinery.resources import CLAIMS, CONFIG_MAPS, SECRETS, SERVICE_ACCOUNTS, VOLUMES
from cluster.meta.errors import StatusError, is_not_found
from cluster.meta.quantity import Quantity
from cluster.meta.types import Obj

_RESOURCES = {
    "configmaps": CONFIG_MAPS,
    "secrets": SECRETS,
    "persistentvolumeclaims": CLAIMS,
    "persistentvolumes": VOLUMES,
}
_AUTOMATIC = "kube-api-access-"
"""Volumes that admission adds to every pod; nobody asked for them."""
_HOOK_PATIENCE = 600.0


class StartFault(Exception):
    """`reason` and `message` as the waiting state shows them; `pull` when it was the image."""

    def __init__(self, reason: str, message: str, *, pull: bool = False) -> None:
        super().__init__(message)
        self.reason, self.message, self.pull = reason, message, pull


@dataclass(slots=True)
class Surrounding:
    """What has been made for the pod around its containers."""

    sandbox: SandboxStatus
    volumes: Mapping[str, Path] = field(default_factory=dict)


def sandbox_config(node: NodeContext, pod: Obj, ip: str) -> SandboxConfig:
    meta, spec = pod["metadata"], pod["spec"]
    return SandboxConfig(
        pod_uid=meta["uid"],
        name=meta["name"],
        namespace=meta["namespace"],
        hostname=spec.get("hostname") or meta["name"],
        ip=ip,
        log_directory=node.log_directory(pod),
        host_network=bool(spec.get("hostNetwork")),
        restart_policy=spec.get("restartPolicy") or "Always",
        annotations=meta.get("annotations") or {},
    )


async def set_up_volumes(node: NodeContext, pod: Obj, ip: str) -> dict[str, Path]:
    """Raises VolumeFault with the first that fails."""
    meta = pod["metadata"]

    async def fetch(resource: str, name: str) -> Obj | None:
        namespace = "" if resource == "persistentvolumes" else meta["namespace"]
        return await _get(node, resource, name, namespace)

    async def token(audience: str, seconds: int) -> str:
        return await _token(node, pod, audience, seconds)

    source = volumes.Source(pod, Surroundings(ip, node.host_ip, node.allocatable), fetch, token)
    directory = node.pod_directory(meta["uid"]) / "volumes"
    out: dict[str, Path] = {}
    for volume in pod["spec"].get("volumes") or ():
        if _pointless(node, volume["name"]):
            continue
        try:
            out[volume["name"]] = await volumes.set_up(volume, directory, source)
        except StatusError as error:
            text = f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error.message}'
            raise volumes.VolumeFault(text) from error
    return out


def _pointless(node: NodeContext, name: str) -> bool:
    """A token is not made for a container that could not find it."""
    return name.startswith(_AUTOMATIC) and not node.runtime.mounts


async def _get(node: NodeContext, resource: str, name: str, namespace: str) -> Obj | None:
    try:
        return await node.client.get(_RESOURCES[resource], name, namespace)
    except StatusError as error:
        if is_not_found(error):
            return None
        raise


async def _token(node: NodeContext, pod: Obj, audience: str, seconds: int) -> str:
    meta = pod["metadata"]
    account = pod["spec"].get("serviceAccountName") or "default"
    spec: dict[str, Any] = {
        "expirationSeconds": seconds,
        "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": meta["name"], "uid": meta["uid"]},
    }
    if audience:
        spec["audiences"] = [audience]
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    made = await node.client.create(SERVICE_ACCOUNTS, request, meta["namespace"], subresource="token", name=account)
    token: str = made["status"]["token"]
    return token


async def start(
    node: NodeContext, pod: Obj, container: Mapping[str, Any], around: Surrounding, attempt: int, *, init: bool
) -> ContainerStatus:
    """Raises StartFault."""
    name, image = container["name"], container.get("image") or ""

    def tell(type_: str, reason: str, message: str) -> None:
        node.event(pod, type_, reason, message, name, init=init)

    try:
        await node.runtime.pull_image(image, always=container.get("imagePullPolicy") == "Always")
    except RuntimeFault as fault:
        reason = "InspectFailed" if fault.reason == "InvalidImageName" else "Failed"
        tell(
            WARNING,
            reason,
            fault.message if reason == "InspectFailed" else f'Failed to pull image "{image}": {fault.message}',
        )
        tell(WARNING, "Failed", f"Error: {fault.reason}")
        raise StartFault(fault.reason, fault.message, pull=True) from fault
    try:
        ends = init and container.get("restartPolicy") != "Always"
        config = replace(await _config(node, pod, container, around, attempt), ends=ends)
    except (ConfigFault, volumes.VolumeFault) as fault:
        tell(WARNING, "Failed", f"Error: {fault}")
        raise StartFault("CreateContainerConfigError", str(fault)) from fault
    _tell_refusals(node, pod, config, around, tell)
    return await _run(node, image, config, around, tell)


async def _run(
    node: NodeContext, image: str, config: ContainerConfig, around: Surrounding, tell: Any
) -> ContainerStatus:
    try:
        status = await node.runtime.start_container(around.sandbox.id, config)
    except RuntimeFault as fault:
        pull = fault.reason == "ErrImagePull"
        if pull:
            tell(WARNING, "Failed", f'Failed to pull image "{image}": {fault.message}')
        tell(WARNING, "Failed", f"Error: {fault.reason}" if pull else f"Error: {fault.message}")
        raise StartFault(fault.reason, fault.message, pull=pull) from fault
    tell(NORMAL, "Pulled", f'Container image "{image}" already present on machine')
    tell(NORMAL, "Created", f"Created container: {config.name}")
    tell(NORMAL, "Started", f"Started container {config.name}")
    return status


def _tell_refusals(node: NodeContext, pod: Obj, config: ContainerConfig, around: Surrounding, tell: Any) -> None:
    if config.attempt:
        return
    refused = node.runtime.refusals(sandbox_config(node, pod, around.sandbox.ip), config)
    if refused:
        tell(
            WARNING,
            "NotSupportedByRuntime",
            f"The {node.runtime.name} runtime runs this container, but: {'; '.join(refused)}",
        )


async def _config(
    node: NodeContext, pod: Obj, container: Mapping[str, Any], around: Surrounding, attempt: int
) -> ContainerConfig:
    env = await _environment(node, pod, container, around)
    security = {**(pod["spec"].get("securityContext") or {}), **(container.get("securityContext") or {})}
    limits = (container.get("resources") or {}).get("limits") or {}
    if security.get("runAsNonRoot") and security.get("runAsUser") == 0:
        raise ConfigFault("container's runAsUser breaks non-root policy")
    return ContainerConfig(
        name=container["name"],
        attempt=attempt,
        image=container.get("image") or "",
        command=tuple(expand(word, env) for word in container.get("command") or ()),
        args=tuple(expand(word, env) for word in container.get("args") or ()),
        env=env,
        working_dir=container.get("workingDir") or "",
        mounts=tuple(_mounts(node, container, around, env)),
        log_path=_fresh_log(node.log_path(pod, container["name"], attempt), attempt),
        stdin=bool(container.get("stdin")),
        tty=bool(container.get("tty")),
        run_as_user=security.get("runAsUser"),
        run_as_group=security.get("runAsGroup"),
        read_only_root=bool(security.get("readOnlyRootFilesystem")),
        privileged=bool(security.get("privileged")),
        memory_limit=Quantity.parse(limits["memory"]).value() if "memory" in limits else None,
        cpu_limit=float(Quantity.parse(limits["cpu"])) if "cpu" in limits else None,
    )


async def _environment(
    node: NodeContext, pod: Obj, container: Mapping[str, Any], around: Surrounding
) -> dict[str, str]:
    namespace = pod["metadata"]["namespace"]
    needed = {*_needed(container)}
    found = {(resource, name): await _get(node, resource, name, namespace) for resource, name in needed}
    surroundings = Surroundings(
        around.sandbox.ip, node.host_ip, node.allocatable, lambda resource, name: found.get((resource, name))
    )
    links = pod["spec"].get("enableServiceLinks")
    services = service_variables(node.services(), namespace, links=links is None or bool(links))
    env, skipped = environment(container, pod, surroundings, services)
    if skipped:
        keys = f"Keys [{', '.join(skipped)}] from the EnvFrom sources"
        text = f"{keys} were skipped since they are considered invalid environment variable names."
        node.event(pod, WARNING, "InvalidEnvironmentVariableNames", text)
    return env


def _needed(container: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The ConfigMaps and Secrets that the environment refers to."""
    out = []
    for source in container.get("envFrom") or ():
        for key, resource in (("configMapRef", "configmaps"), ("secretRef", "secrets")):
            if source.get(key):
                out.append((resource, source[key].get("name") or ""))
    for entry in container.get("env") or ():
        source = entry.get("valueFrom") or {}
        for key, resource in (("configMapKeyRef", "configmaps"), ("secretKeyRef", "secrets")):
            if source.get(key):
                out.append((resource, source[key].get("name") or ""))
    return out


def _mounts(
    node: NodeContext, container: Mapping[str, Any], around: Surrounding, env: Mapping[str, str]
) -> list[Mount]:
    out = []
    for mount in container.get("volumeMounts") or ():
        if _pointless(node, mount["name"]):
            continue
        volume = around.volumes.get(mount["name"])
        if volume is None:
            raise ConfigFault(f'volume "{mount["name"]}" is not set up')
        inner = mount.get("subPath") or expand(mount.get("subPathExpr") or "", env)
        out.append(Mount(volumes.sub_path(volume, inner), mount["mountPath"], bool(mount.get("readOnly"))))
    return out


def _fresh_log(path: Path, attempt: int) -> Path:
    """Logs of the latest attempt and the one before are kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in path.parent.glob("*.log*"):
        number = old.name.split(".")[0]
        if number.isdigit() and int(number) < attempt - 1:
            old.unlink(missing_ok=True)
    return path


async def post_start(
    node: NodeContext, pod: Obj, container: Mapping[str, Any], status: ContainerStatus, ip: str
) -> bool:
    """Run the hook; False (with its event) when the container must be killed for it."""
    hook = (container.get("lifecycle") or {}).get("postStart")
    if not hook:
        return True
    answer = await ask(hook, Target(node.runtime, status.id, container, ip), _HOOK_PATIENCE)
    if not answer.ok:
        node.event(pod, WARNING, "FailedPostStartHook", f"PostStartHook failed: {answer.text}", container["name"])
    return answer.ok


async def pre_stop(
    node: NodeContext, pod: Obj, container: Mapping[str, Any], status: ContainerStatus, ip: str, grace: float
) -> None:
    """Run the hook for at most `grace` seconds; its failure is told and changes nothing."""
    hook = (container.get("lifecycle") or {}).get("preStop")
    if not hook or grace <= 0:
        return
    try:
        async with asyncio.timeout(grace):
            answer = await ask(hook, Target(node.runtime, status.id, container, ip), grace)
    except TimeoutError:
        return
    if not answer.ok:
        node.event(pod, WARNING, "FailedPreStopHook", f"PreStopHook failed: {answer.text}", container["name"])


def clean_up(node: NodeContext, pod: Obj) -> None:
    """The pod's directories, after its containers have ended."""
    shutil.rmtree(node.pod_directory(pod["metadata"]["uid"]), ignore_errors=True)
    shutil.rmtree(node.log_directory(pod), ignore_errors=True)
