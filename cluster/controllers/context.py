"""What every controller is given: the client, shared informers, the clock, events, and the settings of them all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cluster.client.interface import Client
from cluster.machinery.clock import Clock
from cluster.machinery.controller import Controller
from cluster.machinery.events import EventSink, Recorder
from cluster.machinery.informer import Informer, Informers
from cluster.meta.types import GroupVersionKind, GroupVersionResource, Obj, ObjectKey


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource the server serves, as discovery tells it."""

    gvr: GroupVersionResource
    kind: GroupVersionKind
    namespaced: bool
    verbs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Others:
    """What other API servers serve behind this one. `silent` are group versions that they do not tell about now."""

    resources: Sequence[Resource] = ()
    silent: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Settings; times in seconds. `root_ca` is the PEM text that kube-root-ca.crt shows."""

    root_ca: str = ""
    node_monitor_grace: float = 40.0
    node_monitor_period: float = 5.0
    autoscaler_sync: float = 15.0
    resources: Callable[[], Awaitable[Sequence[Resource]]] | None = None
    """What namespaces may hold and the garbage collector follows; by default the built-in kinds."""
    others: Callable[[], Others] = Others
    """Asked whenever a namespace is emptied; by default there are none."""
    signer_certificate: bytes = b""
    signer_key: bytes = b""
    """PEM of the CA that signs certificate requests; empty: none are signed."""
    provision: Callable[[Obj, Obj], Awaitable[Obj | None]] | None = None
    """(claim, storage class) -> a PersistentVolume to create, or None when the class is not served here."""
    reclaim: Callable[[Obj], Awaitable[bool]] | None = None
    """Released volume with policy Delete -> whether its data is gone, so that the object may go too."""
    load_balancer: Callable[[Obj], Awaitable[list[dict[str, str]] | None]] | None = None
    """Service of type LoadBalancer -> status.loadBalancer.ingress, or None for not yet."""
    service_account_token: Callable[[Obj, Obj], Awaitable[str]] | None = None
    """(service account, secret) -> the token of a kubernetes.io/service-account-token Secret."""
    terminated_pod_threshold: int = 12500
    namespace_grace: float = 5.0
    """Between the deletion of a namespace and the start of emptying it, as upstream waits."""
    only: frozenset[str] = field(default_factory=frozenset)
    """Names of the controllers to run; empty: all."""


@dataclass(frozen=True, slots=True)
class Context:
    client: Client
    clock: Clock
    informers: Informers
    events: EventSink
    options: Options = field(default_factory=Options)

    def recorder(self, component: str) -> Recorder:
        return self.events.recorder(component)

    def controller(
        self,
        name: str,
        reconcile: Callable[[ObjectKey], Awaitable[float | None]],
        informers: Sequence[Informer],
        *,
        workers: int = 4,
    ) -> Controller[ObjectKey]:
        return Controller(name, reconcile, self.clock, informers=informers, workers=workers)


class Runnable(Protocol):
    """A long-lived part: `run` goes on until cancelled."""

    async def run(self) -> None: ...
