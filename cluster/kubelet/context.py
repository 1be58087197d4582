"""What every pod worker of a node shares: the client, the runtime, directories, addresses, events. Knows no pod."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from cluster.client.interface import Client
from cluster.kubelet.backoff import Backoff
from cluster.kubelet.runtimes.interface import Runtime
from cluster.machinery.clock import Clock
from cluster.machinery.events import Recorder, reference
from cluster.machinery.resources import POD
from cluster.meta.types import Obj


class AddressesExhausted(Exception):
    """Every address of the node's range is in use."""


class Addresses:
    """The pod addresses of a node, handed out in turn so that one just given back rests a while."""

    def __init__(self, network: str, *, shared: str = "") -> None:
        """`shared`: the one address all pods get, where the machine has no range (not Linux)."""
        self._shared = shared
        self._all = [str(a) for a in IPv4Network(network).hosts()][1:]
        self._used: dict[str, str] = {}
        self._next = 0

    def take(self, uid: str, wanted: str = "") -> str:
        """An address for a pod: the one it has, the one wanted if free, or the next."""
        if self._shared:
            return self._shared
        for address, owner in self._used.items():
            if owner == uid:
                return address
        if wanted and wanted not in self._used and wanted in self._all:
            self._used[wanted] = uid
            return wanted
        for step in range(len(self._all)):
            address = self._all[(self._next + step) % len(self._all)]
            if address not in self._used:
                self._next = (self._next + step + 1) % len(self._all)
                self._used[address] = uid
                return address
        raise AddressesExhausted(f"no free pod address among {len(self._all)}")

    def give_back(self, uid: str) -> None:
        for address in [a for a, owner in self._used.items() if owner == uid]:
            del self._used[address]


@dataclass(slots=True)
class NodeContext:
    name: str
    client: Client
    clock: Clock
    runtime: Runtime
    recorder: Recorder
    root: Path
    host_ip: str
    addresses: Addresses
    services: Callable[[], Iterable[Obj]]
    earlier: Callable[[str], Iterable[Obj]]
    """The pods that hold part of the node and came to it before the pod of this uid."""
    allocatable: dict[str, str] = field(default_factory=dict)
    backoff: Backoff = field(default_factory=Backoff)
    image_backoff: Backoff = field(default_factory=Backoff)
    volume_resync: float = 60.0
    """Seconds after which mounted ConfigMaps, Secrets and tokens are read again."""

    def pod_directory(self, uid: str) -> Path:
        return self.root / "pods" / uid

    def log_directory(self, pod: Obj) -> Path:
        meta = pod["metadata"]
        return self.root / "logs" / f"{meta['namespace']}_{meta['name']}_{meta['uid']}"

    def log_path(self, pod: Obj, container: str, attempt: int) -> Path:
        return self.log_directory(pod) / container / f"{attempt}.log"

    def event(
        self, pod: Obj, type_: str, reason: str, message: str, container: str = "", *, init: bool = False
    ) -> None:
        ref: dict[str, Any] = reference(pod, POD)
        if container:
            ref["fieldPath"] = f"spec.{'initContainers' if init else 'containers'}{{{container}}}"
        self.recorder.event_ref(ref, type_, reason, message)
