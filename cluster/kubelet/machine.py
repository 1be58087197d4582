"""What this machine has: cores, memory, disk, kernel, names. Read once when the node registers."""

from __future__ import annotations

import os
import platform
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path

_RESERVED_MEMORY = 100 << 20
"""Bytes that pods cannot ask for: the eviction threshold of the kubelet."""


@dataclass(frozen=True, slots=True)
class Machine:
    hostname: str
    cores: int
    memory: int
    disk: int
    """Bytes of the file system that holds pods."""
    kernel: str
    os_image: str
    architecture: str
    machine_id: str
    system_uuid: str
    boot_id: str


def inspect(root: Path) -> Machine:
    disk = os.statvfs(root)
    return Machine(
        hostname=socket.gethostname().lower(),
        cores=os.cpu_count() or 1,
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        disk=disk.f_frsize * disk.f_blocks,
        kernel=platform.release(),
        os_image=_os_image(),
        architecture={"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
        machine_id=_line("/etc/machine-id"),
        system_uuid=str(uuid.uuid5(uuid.NAMESPACE_DNS, socket.gethostname())),
        boot_id=_line("/proc/sys/kernel/random/boot_id"),
    )


def _line(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _os_image() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME") or platform.system()
    except OSError:
        return f"{platform.system()} {platform.release()}"


def capacity(machine: Machine, max_pods: int) -> dict[str, str]:
    return {
        "cpu": str(machine.cores),
        "ephemeral-storage": f"{machine.disk // 1024}Ki",
        "memory": f"{machine.memory // 1024}Ki",
        "pods": str(max_pods),
    }


def allocatable(machine: Machine, max_pods: int) -> dict[str, str]:
    return {
        **capacity(machine, max_pods),
        "ephemeral-storage": str(machine.disk * 9 // 10),
        "memory": f"{max(machine.memory - _RESERVED_MEMORY, 0) // 1024}Ki",
    }
