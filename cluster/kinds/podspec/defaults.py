"""What omitted fields of a pod specification become, as k8s.io/kubernetes/pkg/apis/core/v1 defaults them.

Knows nothing of admission: service accounts, tolerations and priorities are filled in elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cluster.kinds.podspec.resources import POD_LEVEL, aggregate, is_huge_page
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
        _pod_level_huge_pages(spec)
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


_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_HOST_LABEL}(?:\.{_HOST_LABEL})*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?"
_IMAGE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::[\w][\w.-]{{0,127}})?"
    r"(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)
_DIGEST_ALONE = re.compile(r"[a-f0-9]{64}")


def pull_policy(image: str) -> str:
    """Always for `latest` or no tag, IfNotPresent for a tag or digest and for what is no name of an image."""
    if not _IMAGE.fullmatch(image) or _DIGEST_ALONE.fullmatch(image) or len(_repository(image)) > _LONGEST_NAME:
        return "IfNotPresent"
    if "@" in image:
        return "IfNotPresent" if _tag(image.partition("@")[0]) != "latest" else "Always"
    return "Always" if _tag(image) in ("", "latest") else "IfNotPresent"


_LONGEST_NAME = 255


def _repository(image: str) -> str:
    """The name in full: without a host it is one of the default registry."""
    name = image.partition("@")[0].removesuffix(f":{_tag(image)}" if _tag(image) else "")
    return name if "/" in name else f"docker.io/library/{name}"


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


def _pod_level_requests(spec: Spec) -> None:
    """Pod-level requests: what the containers ask for together, else the pod-level limit."""
    resources = spec["resources"]
    limits = resources.get("limits") or {}
    if not limits:
        return
    requests = dict(resources.get("requests") or {})
    for name, total in aggregate(spec, "requests").items():
        if name in POD_LEVEL:
            requests.setdefault(name, str(total))
    for name, quantity in limits.items():
        if name in POD_LEVEL or is_huge_page(name):
            requests.setdefault(name, quantity)
    if requests:
        resources["requests"] = dict(sorted(requests.items()))


def _pod_level_huge_pages(spec: Spec) -> None:
    """Huge pages are not overcommitted: the pod's limit is what its containers are bounded by together."""
    limits = dict(spec["resources"].get("limits") or {})
    for name, total in aggregate(spec, "limits").items():
        if is_huge_page(name) and name not in (spec["resources"].get("requests") or {}):
            limits.setdefault(name, str(total))
    if limits:
        spec["resources"]["limits"] = dict(sorted(limits.items()))
