"""What `.Capabilities` holds without a cluster, and how `--kube-version` and `--api-versions` change it."""

from __future__ import annotations

from collections.abc import Iterable

from pyhelm.engine.interface import Capabilities
from pyhelm.errors import ValuesError

__all__ = ["DEFAULT_API_VERSIONS", "DEFAULT_KUBE_VERSION", "capabilities"]

DEFAULT_KUBE_VERSION = "v1.35.0"

DEFAULT_API_VERSIONS: tuple[str, ...] = (
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "autoscaling/v2beta1",
    "autoscaling/v2beta2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha1",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
)
"""Every group and version the client libraries of Kubernetes 1.35 know, in the order they register them."""


def capabilities(kube_version: str = "", api_versions: Iterable[str] = ()) -> Capabilities:
    """The defaults with another version of Kubernetes and further API versions. Raises ValuesError."""
    version = DEFAULT_KUBE_VERSION
    if kube_version:
        fault = _fault(kube_version)
        if fault:
            raise ValuesError(f"invalid kube version '{kube_version}': {fault}")
        version = kube_version if kube_version.startswith("v") else f"v{kube_version}"
    return Capabilities(kube_version=version, api_versions=(*DEFAULT_API_VERSIONS, *api_versions))


def _fault(text: str) -> str:
    """What Kubernetes' version parser finds wrong."""
    core = text.removeprefix("v").partition("-")[0].partition("+")[0]
    digits = len(core) - len(core.lstrip("0123456789."))
    numbers = core[:digits].rstrip(".").split(".")
    if not numbers[0]:
        return f'could not parse "{text}" as version'
    if len(numbers) < 2 or not all(numbers):
        return f'illegal version string "{text}"'
    return ""
