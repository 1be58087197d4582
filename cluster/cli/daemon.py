"""The background process of a cluster: `python -m cluster.cli.daemon STATE`.

It imports its parts while the command that started it still makes the keys, waits for one line on its standard
input, and answers one JSON line on descriptor `--report`: {"port": …} once everything is ready, or {"error": …}.
From then on it writes to its log alone. TERM and INT stop it in order.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from socket import gethostname
from typing import Any

from cluster.assembly.cluster import Cluster, ClusterOptions
from cluster.cli import opening, places, storages
from cluster.cli.pki import FRONT_PROXY, Keys
from cluster.cli.places import Place, Refused
from cluster.cli.ranges import claim, pod_network, proxy_turn, service_network
from cluster.cli.settings import kept_in
from cluster.kinds.checks import LOOPBACK

log = logging.getLogger(__name__)
_STOP_PATIENCE = 40.0


def main(argv: list[str]) -> int:
    name, state, report = argv[0], Path(argv[1]), int(argv[2])
    place = Place(name, state, state)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname).1s %(name)s: %(message)s"
    )
    import uvloop

    if sys.stdin.readline().strip() != "go":
        return 1
    os.close(0)
    os.open(os.devnull, os.O_RDONLY)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(place, report))


async def _serve(place: Place, report: int) -> int:
    lock = places.hold(place.lock)
    if lock is None:
        return _tell(report, error=f"another process serves the state in {place.state}")
    # Whoever wants to stop it while it starts must know its pid.
    places.write_json(place.daemon, {"pid": os.getpid()})
    config = places.read_json(place.config)
    try:
        claimed, held = claim(config.get("range"))
        if claimed != config.get("range"):
            config["range"] = claimed
        opened = await opening.open_store(place, config, fail_point=_fail_point(config))
    except Exception as error:
        return _not_started(report, error)
    try:
        cluster = Cluster(opened.store, _options(place, config))
        _offer_snapshots(cluster, opened, place, config)
        await _start(cluster, config)
    except Exception as error:
        await opened.close()
        return _not_started(report, error)
    config["port"] = cluster.server.port
    places.write_json(place.config, config)
    places.write_json(place.daemon, {"pid": os.getpid(), "port": cluster.server.port, "started": cluster.clock.now()})
    _settle()
    _tell(report, port=cluster.server.port)
    code = await _until_told(cluster)
    await opened.close()
    place.daemon.unlink(missing_ok=True)
    del held
    return code


def _offer_snapshots(cluster: Cluster, opened: opening.Opened, place: Place, config: dict[str, Any]) -> None:
    from cluster.apiserver.handlers.snapshot import PATH, SnapshotHandler

    about = storages.about(place.name, config)
    cluster.server.router.paths[PATH] = SnapshotHandler(opened.store, about, _fail_point(config))


def _fail_point(config: dict[str, Any]) -> Callable[[str], None] | None:
    """Where config.json has a `trial`, its `fail_point` (POINT:NUMBER) ends the process when it comes to the point for
    the number-th time: for trials of what survives; no command writes it."""
    trial = config.get("trial")
    if not trial:
        return None
    from cluster.testing.faults import kill_at

    return kill_at(trial["fail_point"])


def _not_started(report: int, error: Exception) -> int:
    if isinstance(error, (Refused, OSError, ValueError)):
        return _tell(report, error=str(error))
    log.exception("the cluster did not start", exc_info=error)
    return _tell(report, error=_reason(error))


def _reason(error: BaseException) -> str:
    """The first cause, where several parts failed together."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"


async def _start(cluster: Cluster, config: dict[str, Any]) -> None:
    try:
        await cluster.start()
    except OSError as error:
        port = cluster.options.server.port
        if port and error.errno is not None and "in use" in str(error).lower():
            raise Refused(f"port {port} of 127.0.0.1 is used by another program; choose another with --port") from error
        raise


def _settle() -> None:
    """What was needed to start is garbage now, and the rest will live long."""
    import gc

    gc.collect()
    gc.freeze()


def _options(place: Place, config: dict[str, Any]) -> ClusterOptions:
    from cluster.apiserver.authn.request_headers import FrontProxy
    from cluster.apiserver.options import ApiServerOptions
    from cluster.client.endpoint import KeyPair

    keys = Keys(place.pki)
    number = config.get("range") or 0
    services = config.get("service_range", number)
    service_cidr = service_network(services)
    server = ApiServerOptions(
        port=config.get("port") or 0,
        tls_certificate=keys.server,
        tls_key=keys.server_key,
        client_ca=keys.ca,
        front_proxy=FrontProxy(client_ca=keys.front_proxy_ca, allowed_names=(FRONT_PROXY,)),
        proxy_client=KeyPair(keys.front_proxy, keys.front_proxy_key),
        signing_key=keys.tokens,
        service_cidr=service_cidr,
        kubernetes_version=config["version"],
        hostname=gethostname().lower(),
        allowances=frozenset({LOOPBACK}),
    )
    given = kept_in(config)
    if given:
        from cluster.cli.apiserver_options import options_of

        server = replace(server, **options_of(given))
    return ClusterOptions(
        root=place.node,
        runtime=config["runtime"],
        nodes=config.get("nodes") or 1,
        node_name=config.get("node_name") or place.name,
        service_cidr=service_cidr,
        pod_network=pod_network(number),
        server=server,
        root_ca=keys.ca.read_text(),
        identity=f"{place.name}_{config.get('identity') or ''}",
        proxy_turn=partial(proxy_turn, services) if storages.kind_of(config) == storages.ETCD else None,
    )


def _tell(report: int, **what: Any) -> int:
    try:
        os.write(report, json.dumps(what).encode() + b"\n")
        os.close(report)
    except OSError:
        # The command that waited has been interrupted; the cluster goes on.
        pass
    if "error" in what:
        log.error("%s", what["error"])
    return 1 if "error" in what else 0


async def _until_told(cluster: Cluster) -> int:
    """Serve until a signal comes (0) or a part breaks (1)."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    waiting = asyncio.ensure_future(told.wait())
    serving = asyncio.ensure_future(cluster.wait())
    await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    code = 0
    if serving.done() and not told.is_set():
        code = 1
        log.error("a part of the cluster broke", exc_info=serving.exception())
    try:
        patience = _STOP_PATIENCE + cluster.options.server.shutdown_delay
        await asyncio.wait_for(cluster.stop(), patience)
    except TimeoutError:
        log.error("stopping took too long")
        code = 1
    serving.cancel()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
