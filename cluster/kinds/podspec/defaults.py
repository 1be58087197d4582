"""What omitted fields of a pod specification become, as k8s.io/kubernetes/pkg/apis/core/v1 defaults them.

Knows nothing of admission: service accounts, tolerations and priorities are filled in elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cluster.kinds.podspec.volume_defaults import default_volume
from cluster.meta.types import Obj

Spec = dict[str, Any]


def containers_of(spec: Spec, *, ephemeral: bool = True) -> Iterator[dict[str, Any]]:
    """Every container: init, main and ephemeral ones."""
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()
    if ephemeral:
        yield from spec.get("ephemeralContainers") or ()


def default_pod(pod: Obj) -> None:
    """Defaults that a pod has and a template has not: requests from limits, host ports, service links."""
    spec = pod.setdefault("spec", {})
    default_spec(spec)
    for container in containers_of(spec, ephemeral=False):
        requests_from_limits(container)
    spec.setdefault("enableServiceLinks", True)
    if spec.get("hostNetwork"):
        _host_ports(spec)
    if "resources" in spec:
        _pod_level_requests(spec)


def default_template(template: Obj) -> None:
    """Defaults of a PodTemplateSpec."""
    default_spec(template.setdefault("spec", {}))


def default_spec(spec: Spec) -> None:
    """Defaults of a PodSpec, wherever it stands."""
    for volume in spec.get("volumes") or ():
        default_volume(volume)
    for container in containers_of(spec):
        _container(container)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("securityContext", {})
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("schedulerName", "default-scheduler")
    _service_account(spec)


def _service_account(spec: Spec) -> None:
    """`serviceAccount` is the old name of the same field: both are written, the new name wins."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def pull_policy(image: str) -> str:
    """Always for `latest` or no tag, IfNotPresent for a tag or digest."""
    if "@" in image:
        return "IfNotPresent" if _tag(image.partition("@")[0]) != "latest" else "Always"
    return "Always" if _tag(image) in ("", "latest") else "IfNotPresent"


def _tag(image: str) -> str:
    """The tag, or nothing: a colon before the last slash belongs to the registry's port."""
    return image.rpartition("/")[2].partition(":")[2]


def _container(container: dict[str, Any]) -> None:
    container.setdefault("imagePullPolicy", pull_policy(container.get("image") or ""))
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for variable in container.get("env") or ():
        _env(variable)
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name) is not None:
            _probe(container[name])
    lifecycle = container.get("lifecycle") or {}
    for name in ("postStart", "preStop"):
        if lifecycle.get(name):
            _http_get(lifecycle[name].get("httpGet"))
    if (container.get("securityContext") or {}).get("procMount") == "":
        del container["securityContext"]["procMount"]


def _env(variable: dict[str, Any]) -> None:
    source = variable.get("valueFrom") or {}
    if source.get("fieldRef"):
        source["fieldRef"].setdefault("apiVersion", "v1")
    if source.get("fileKeyRef"):
        source["fileKeyRef"].setdefault("optional", False)


def _probe(probe: dict[str, Any]) -> None:
    for name, value in (
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ):
        probe.setdefault(name, value)
    _http_get(probe.get("httpGet"))
    if probe.get("grpc") and probe["grpc"].get("service") is None:
        probe["grpc"]["service"] = ""


def _http_get(action: dict[str, Any] | None) -> None:
    if action is not None:
        action.setdefault("path", "/")
        action.setdefault("scheme", "HTTP")


def requests_from_limits(holder: dict[str, Any]) -> None:
    """What has a limit and no request requests its limit."""
    resources = holder.get("resources") or {}
    limits = resources.get("limits")
    if not limits:
        return
    requests = resources.setdefault("requests", {})
    for name, quantity in limits.items():
        requests.setdefault(name, quantity)


def _host_ports(spec: Spec) -> None:
    for container in containers_of(spec, ephemeral=False):
        for port in container.get("ports") or ():
            if not port.get("hostPort"):
                port["hostPort"] = port.get("containerPort", 0)


_POD_LEVEL = ("cpu", "memory")


def _pod_level_requests(spec: Spec) -> None:
    """Pod-level requests: the sum of the containers' where all ask, else the pod-level limit."""
    resources = spec["resources"]
    limits = resources.get("limits") or {}
    if not limits:
        return
    requests = resources.setdefault("requests", {})
    for name, quantity in limits.items():
        if name in _POD_LEVEL or name.startswith("hugepages-"):
            requests.setdefault(name, quantity)
