"""Order of kinds on install and on uninstall, as lists one can read.

Documents and hooks are sorted by kind alone; the sort is stable, so within a kind the order of files and documents
survives. Kinds that are on no list come last, by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

INSTALL_ORDER = (
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
)

UNINSTALL_ORDER = tuple(reversed(INSTALL_ORDER))

_INSTALL_RANK = {kind: rank for rank, kind in enumerate(INSTALL_ORDER)}
_UNINSTALL_RANK = {kind: rank for rank, kind in enumerate(UNINSTALL_ORDER)}

T = TypeVar("T")


def by_install_order(items: Iterable[T], kind: Callable[[T], str]) -> list[T]:
    """`items` in the order they are to be created."""
    return _by_rank(items, kind, _INSTALL_RANK)


def by_uninstall_order(items: Iterable[T], kind: Callable[[T], str]) -> list[T]:
    """`items` in the order they are to be deleted."""
    return _by_rank(items, kind, _UNINSTALL_RANK)


def _by_rank(items: Iterable[T], kind: Callable[[T], str], rank: dict[str, int]) -> list[T]:
    last = len(rank)

    def key(item: T) -> tuple[int, str]:
        name = kind(item)
        place = rank.get(name, last)
        return (place, name if place == last else "")

    return sorted(items, key=key)
