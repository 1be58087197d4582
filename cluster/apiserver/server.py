"""Putting the API server together. Everything it is made of is handed in or made here; nothing reads the environment.

server = ApiServer(store, ApiServerOptions(port=6443, tls_certificate=…, tls_key=…))
await server.start()
client = server.client()
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from cluster.apiserver import bootstrap
from cluster.apiserver.admission.interface import Surroundings
from cluster.apiserver.admission.plugins import default_chain
from cluster.apiserver.aggregation.aggregator import Aggregator
from cluster.apiserver.aggregation.trust import Trust
from cluster.apiserver.allocators.services import ServiceAllocator
from cluster.apiserver.authn.request_headers import (
    IdentityHeaders,
)
from cluster.apiserver.authn.tokens import (
    TokenSources,
)
from cluster.apiserver.authz.escalation import EscalationCheck
from cluster.apiserver.authz.interface import AuthorizerChain
from cluster.apiserver.authz.modes import by_roles, chain_of
from cluster.apiserver.authz.rbac import RbacAuthorizer
from cluster.apiserver.autoregister import AutoRegistration
from cluster.apiserver.compaction import Compaction
from cluster.apiserver.crds import CustomResources
from cluster.apiserver.credentials import authenticators, token_sources
from cluster.apiserver.event_expiry import EventExpiry
from cluster.apiserver.filters.authentication import Authentication
from cluster.apiserver.filters.authorization import Authorization
from cluster.apiserver.filters.chain import After, Chain, Step
from cluster.apiserver.filters.deadline import Deadlines
from cluster.apiserver.filters.flow import PriorityAndFairness
from cluster.apiserver.filters.impersonation import CONSTRAINED_SINCE, Impersonation
from cluster.apiserver.flowcontrol.config import CONSUMER, PRODUCER, ConfigConsumer, ConfigProducer
from cluster.apiserver.flowcontrol.estimate import Estimator, Watchers
from cluster.apiserver.flowcontrol.levels import Levels
from cluster.apiserver.handlers.connect import Connect
from cluster.apiserver.handlers.discovery import Discovery
from cluster.apiserver.handlers.documentation import Documentation
from cluster.apiserver.handlers.mount import mount
from cluster.apiserver.handlers.router import Router
from cluster.apiserver.http.server import HttpServer
from cluster.apiserver.identity import Identity
from cluster.apiserver.metrics.requests import RequestMetrics
from cluster.apiserver.metrics.store import MeasuredStore
from cluster.apiserver.nodes import NodeConnector
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.registry.cache import Watch
from cluster.apiserver.registry.feed import Feed
from cluster.apiserver.registry.hooks import default_hooks
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.registry.services import Hooks, Services
from cluster.apiserver.request import LOOPBACK, UserInfo
from cluster.apiserver.startup import Steps
from cluster.kinds.kind import Kind
from cluster.kinds.registry import KindRegistry
from cluster.kinds.schema import schema
from cluster.machinery.clock import Clock, RealClock
from cluster.meta.types import GroupResource, GroupVersionResource, Obj
from cluster.storage.interface import Store

if TYPE_CHECKING:
    from cluster.apiserver.admission.dynamic.calling import Caller
    from cluster.apiserver.allocators.shared import SharedAllocator
    from cluster.apiserver.audit.trail import AuditTrail
    from cluster.apiserver.masters import Masters
    from cluster.client.interface import Client
    from cluster.storage.encryption.configuration import Encryption


_log = logging.getLogger(__name__)


_PATIENCE = 20.0
"""Seconds that requests under way have when the server stops."""


class ApiServer:
    """See the module. `client` works as soon as `start` has returned."""

    def __init__(
        self,
        store: Store,
        options: ApiServerOptions | None = None,
        *,
        nodes: NodeConnector | None = None,
        clock: Clock | None = None,
        kinds: KindRegistry | None = None,
    ) -> None:
        self.options = options or ApiServerOptions()
        self.store = store if self.options.encryption is None else _encrypted(store, self.options.encryption)
        self.clock = clock or RealClock()
        self.started = self.clock.now()
        self.kinds = kinds or KindRegistry.builtin(self.options.kubernetes_version)
        self.feed = Feed(self.store)
        self.measured = MeasuredStore(self.store)
        self.connect = Connect(nodes)
        self.allocator = ServiceAllocator(self.options.service_cidr, self.options.node_ports)
        self._sharing = self._shared_allocator() if self.store.shared else None
        self.authorizer = self._authorizer()
        self.token_sources = TokenSources((), ())
        self._registries: dict[Any, Registry] = {}
        self.services = self._services()
        self.router = Router(self.kinds, self.registry)
        self.custom = CustomResources(self)
        self.aggregator = self.router.aggregator = Aggregator(self)
        self.levels = Levels(
            self.options.requests_inflight + self.options.mutating_requests_inflight, self.clock.call_later
        )
        self.flow = ConfigProducer(self.feed, self.client(manager=PRODUCER), self.clock)
        self.deadlines = Deadlines(self.options.request_timeout, self.clock)
        self.requests = RequestMetrics(self.clock)
        self.audit: AuditTrail | None = None
        self.ready = False
        self.steps = Steps()
        self.on_stop: list[Callable[[], None]] = []
        self.discovery: Discovery | None = None
        self._webhooks: Caller | None = None
        self._masters: Masters | None = None
        self._http: HttpServer | None = None
        self._chain: Chain | None = None
        self._tasks: list[asyncio.Task[None]] = []

    # Life.

    async def start(self) -> None:
        """Load the state, make what must exist, listen. Raises StoreError, OSError (address taken), ValueError."""
        await self.feed.load()
        self._keep_up("feed", self.feed.run())
        expiry = EventExpiry(self.store, self.feed, self.clock, self.options.event_ttl)
        self._keep_up("expiry", expiry.run())
        self._keep_up("compaction", Compaction(self.store, self.clock).run())
        self.allocator.load(self.feed.all(GroupResource("", "services")))
        self.steps.done("allocator")
        self._listener()
        self.steps.done("admission")
        self.aggregator.start()
        mount(self)
        self.custom.start()
        self._keep_up("custom resources", self.custom.run())
        flow = ConfigConsumer(self.levels, self.feed, self.client(manager=CONSUMER), self.clock)
        flow.start()
        await bootstrap.run(self)
        self.steps.done("bootstrap")
        trust = Trust(self)
        await trust.publish()
        self._keep_up("trust", trust.run())
        self._keep_up("flow consumer", flow.run())
        self._keep_up("flow producer", self.flow.run())
        registration = AutoRegistration(self)
        await registration.start()
        self._keep_up("registration", registration.run())
        self._keep_up("aggregator", self.aggregator.run())
        if self._http is not None:
            await self._http.start()
            await self._join()
        self.ready = True

    def _keep_up(self, step: str, work: Coroutine[Any, Any, None]) -> None:
        """A step of the start that goes on for as long as the server lives."""
        task = asyncio.create_task(work, name=f"apiserver-{step.replace(' ', '-')}")
        self._tasks.append(task)
        self.steps.done(step, task)

    async def unready(self) -> None:
        """Say that this server will stop, and go on for as long as load balancers need to hear of it."""
        if self.ready:
            self.ready = False
            if self.options.shutdown_delay and self._http is not None:
                await self.clock.sleep(self.options.shutdown_delay)

    async def stop(self) -> None:
        """In order: not ready; no new connections, late requests sent away; requests under way finish; watches end.
        The store stays open: it was handed in."""
        await self.unready()
        if self._http is not None and self._chain is not None:
            self._chain.draining = True
            self._http.refuse()
            await self._http.quiet(_PATIENCE)
        for end in (*self.on_stop, *self.feed.watches):
            end()
        if self._masters is not None:
            await self._masters.leave()
        if self._http is not None:
            await self._http.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self.authorizer.close()
        await self.token_sources.close()
        self.deadlines.close()
        if self._webhooks is not None:
            self._webhooks.close()
        if self.audit is not None:
            await self.audit.close()

    async def _join(self) -> None:
        """Be one of those who answer for the Service `kubernetes`."""
        if self._sharing is None:
            await bootstrap.advertise(self)
            self._keep_up("identity", Identity(self).run())
            return
        from cluster.apiserver.masters import Masters

        self._masters = Masters(self, self._sharing)
        await self._masters.start()
        self._keep_up("identity", self._masters.run())

    @property
    def minor(self) -> str:
        """The Kubernetes minor served, e.g. `1.36`."""
        return ".".join(self.options.kubernetes_version.removeprefix("v").split(".")[:2])

    @property
    def port(self) -> int:
        """The port listened on; 0 when not serving."""
        return self._http.port if self._http is not None else 0

    @property
    def url(self) -> str:
        scheme = "https" if self.options.tls_certificate else "http"
        return f"{scheme}://{self.options.address}:{self.port}"

    # Parts.

    @property
    def webhooks(self) -> Caller:
        """What asks webhooks; made for the first of them."""
        if self._webhooks is None:
            from cluster.apiserver.admission.dynamic.calling import Caller

            self._webhooks = Caller(self.feed)
        return self._webhooks

    def registry(self, kind: Kind) -> Registry:
        """The registry of a served kind (one object for as long as the kind's value stays the same)."""
        held = self._registries.get(kind.gvr)
        if held is None or held.kind is not kind:
            held = self._registries[kind.gvr] = Registry(kind, self.services)
        return held

    def served(self) -> list[Registry]:
        """The registries that have been asked for."""
        return list(self._registries.values())

    def registry_of(self, gvr: GroupVersionResource) -> Registry:
        """Raises LookupError when it is not served."""
        kind = self.kinds.by_gvr(gvr)
        if kind is None:
            raise LookupError(f"{gvr} is not served")
        return self.registry(kind)

    def client(self, user: UserInfo = LOOPBACK, manager: str = "") -> Client:
        """A client in this process, acting as `user`; with the rights of that user, no sockets, no encoding."""
        from cluster.apiserver.backend import RegistryBackend
        from cluster.client.inprocess import InProcessClient

        return InProcessClient(RegistryBackend(self, user, manager or default_manager_of(user)))

    def _authorizer(self) -> AuthorizerChain:
        self.rbac = RbacAuthorizer(self.feed)
        return chain_of(self.options.authorization, self.rbac, self.feed, self.clock)

    def _services(self) -> Services:
        surroundings = Surroundings(
            self.feed,
            _StatusWrites(self),
            self.clock,
            self.authorizer,
            self.kinds,
            schema(self.minor),
            lambda: self.webhooks,
        )
        return Services(
            self.measured,
            self.feed,
            self.kinds,
            self.clock,
            default_chain(surroundings),
            self.options.allowances,
            self._hooks(),
            schema=schema(self.minor),
            documentation=Documentation(self.minor, self.kinds),
            shortest_watch=self.options.min_request_timeout,
        )

    def _hooks(self) -> dict[GroupResource, Hooks]:
        hooks = default_hooks(self.allocator, self._sharing)
        if by_roles(self.options.authorization):
            hooks |= EscalationCheck(self.rbac, self.authorizer).hooks()
        return hooks

    def _shared_allocator(self) -> SharedAllocator:
        from cluster.apiserver.allocators.shared import SharedAllocator

        made = SharedAllocator(self.allocator, self.store)
        self.feed.cache(GroupResource("", "services")).add_watch(Watch("", "", None, made.followed))
        return made

    def _listener(self) -> None:
        self.token_sources = token_sources(self)
        if not self.options.serve:
            return
        answered: list[After] = [self.deadlines.answered, self.requests.answered]
        ended: list[After] = [self.requests.ended]
        if self.options.audit is not None:
            from cluster.apiserver.audit.open import opened

            self.audit = opened(self.options.audit, self.clock)
            answered.append(self.audit.answered)
            ended.append(self.audit.ended)
        chain = Chain(
            (
                self.requests.arrived,
                self.deadlines,
                Authentication(
                    authenticators(self),
                    anonymous=self.options.anonymous,
                    anonymous_paths=self.options.anonymous_paths,
                    told=IdentityHeaders(self.options.front_proxy),
                ),
                *((self.audit,) if self.audit is not None else ()),
                Impersonation(self.authorizer, constrained=int(self.minor.partition(".")[2]) >= CONSTRAINED_SINCE),
                self._flow_control(),
                Authorization(self.authorizer),
                self.router,
            ),
            answered,
            ended,
        )
        self._chain = chain
        self._http = HttpServer(chain, address=self.options.address, port=self.options.port, tls=self._tls())

    def _flow_control(self) -> Step:
        options = self.options
        if not options.priority_and_fairness:
            from cluster.apiserver.filters.inflight import MaxInFlight

            return MaxInFlight(options.requests_inflight, options.mutating_requests_inflight)
        watchers = Watchers()
        estimator = Estimator(self.feed, watchers)
        return PriorityAndFairness(self.levels, estimator, watchers, self.clock, options.request_timeout)

    def _tls(self) -> ssl.SSLContext | None:
        if self.options.tls_certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.options.tls_certificate, self.options.tls_key)
        context.set_alpn_protocols(["http/1.1"])
        front = self.options.front_proxy
        for authority in (self.options.client_ca, front.client_ca if front is not None else None):
            if authority is not None:
                context.load_verify_locations(authority)
                context.verify_mode = ssl.CERT_OPTIONAL
        return context


def default_manager_of(user: UserInfo) -> str:
    """The field manager of an in-process client that names none."""
    return "kube-apiserver" if user == LOOPBACK else user.name.rpartition(":")[2]


def _encrypted(store: Store, encryption: Encryption) -> Store:
    from cluster.storage.encryption.store import EncryptedStore

    return EncryptedStore(store, encryption)


class _StatusWrites:
    """Admission's one way to write: the status of an object, as the server itself."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server

    async def update_status(self, resource: GroupResource, obj: Obj) -> Obj:
        version = str(obj["apiVersion"]).rpartition("/")[2]
        gvr = GroupVersionResource(resource.group, version, resource.resource)
        return await self._server.client().update(gvr, obj, subresource="status")
