"""Defaults of a volume's source. Volumes of pods and persistent volumes share the older sources."""

from __future__ import annotations

from typing import Any

FILE_MODE = 0o644
TOKEN_SECONDS = 3600

Source = dict[str, Any]


def default_volume(volume: dict[str, Any]) -> None:
    """A volume without a source is an emptyDir; sources get their modes and old drivers their options."""
    if not any(isinstance(source, dict) for name, source in volume.items() if name != "name"):
        volume["emptyDir"] = {}
    for name in ("secret", "configMap", "downwardAPI"):
        if name in volume:
            volume[name].setdefault("defaultMode", FILE_MODE)
    _downward_items(volume.get("downwardAPI"))
    if "projected" in volume:
        _projected(volume["projected"])
    if "ephemeral" in volume:
        template = volume["ephemeral"].get("volumeClaimTemplate")
        if template:
            template.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
    if "image" in volume:
        _image(volume["image"])
    default_drivers(volume)


def _image(source: Source) -> None:
    from cluster.kinds.podspec.defaults import pull_policy

    source.setdefault("pullPolicy", pull_policy(source.get("reference") or ""))


def _downward_items(source: Source | None) -> None:
    for item in (source or {}).get("items") or ():
        if item.get("fieldRef"):
            item["fieldRef"].setdefault("apiVersion", "v1")


def _projected(source: Source) -> None:
    source.setdefault("defaultMode", FILE_MODE)
    for projection in source.get("sources") or ():
        _downward_items(projection.get("downwardAPI"))
        if projection.get("serviceAccountToken"):
            projection["serviceAccountToken"].setdefault("expirationSeconds", TOKEN_SECONDS)


_DRIVERS: dict[str, dict[str, Any]] = {
    "hostPath": {"type": ""},
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "azureDisk": {"cachingMode": "ReadWrite", "fsType": "ext4", "readOnly": False, "kind": "Shared"},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}


def default_drivers(volume: dict[str, Any]) -> None:
    """Options of the drivers that have them, for volumes and persistent volumes alike."""
    for name, options in _DRIVERS.items():
        if name in volume:
            for option, value in options.items():
                volume[name].setdefault(option, value)
