"""Which cluster a command talks to, said in one line; and the context its actions work in.

A kubeconfig with a current context is used, as Helm does. Only where there is none, or with --bundled, the bundled
cluster is used, and started where it is not running.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from pyhelm import __version__
from pyhelm.actions.context import Context, Reporter, no_progress
from pyhelm.cli.command import Call
from pyhelm.cli.logging import logger
from pyhelm.cli.progress import Display
from pyhelm.errors import KubeError
from pyhelm.kube.kubeconfig import Access, Overrides, load_access
from pyhelm.records import replace

T = TypeVar("T")


def overrides_of(call: Call) -> Overrides:
    settings = call.settings
    return Overrides(
        kubeconfig=settings.kubeconfig,
        context=settings.kube_context,
        namespace=settings.namespace,
        token=settings.kube_token,
        as_user=settings.kube_as_user,
        as_groups=settings.kube_as_groups,
        server=settings.kube_apiserver,
        ca_file=settings.kube_ca_file,
        tls_server_name=settings.kube_tls_server_name,
        insecure=settings.kube_insecure,
    )


def choose(call: Call, *, start: bool = True) -> Access:
    """The API server to talk to; says which. Without `start` no bundled cluster is started for it."""
    overrides = overrides_of(call)
    access = None if call.settings.bundled else load_access(overrides, call.environ)
    if access is None and (start or call.settings.bundled):
        access = _bundled(call, overrides)
    if access is None:
        return Access(server="http://localhost:8080", namespace=overrides.namespace or "default")
    if not access.server:
        raise KubeError(f"context {access.context} names no server")
    if not call.settings.quiet and not call.cluster_told:
        call.err(f"cluster: {access.words}")
        call.cluster_told = True
    return access


def _bundled(call: Call, overrides: Overrides) -> Access:
    """The bundled cluster's API server; started by itself, which is said in one line."""
    from cluster.cli.ensure import Refused, ensure_running

    try:
        path = ensure_running(say=call.err, environ=dict(call.environ))
    except Refused as refusal:
        raise KubeError(f"the bundled cluster cannot be started: {refusal}") from refusal
    access = load_access(replace(overrides, kubeconfig=str(path), context=""), call.environ)
    if access is None:
        raise KubeError(f"the bundled cluster's kubeconfig {path} has no current context")
    return access


@asynccontextmanager
async def connected(call: Call, *, all_namespaces: bool = False, start: bool = True) -> AsyncIterator[Context]:
    """A context for actions; its connection is closed at the end."""
    from pyhelm.kube.client import KubeClient
    from pyhelm.kube.discovery import Discovery
    from pyhelm.storage.drivers import open_driver
    from pyhelm.storage.releases import Releases

    access = choose(call, start=start)
    kube = KubeClient(access, environ=call.environ, user_agent=f"pyhelm/{__version__}")
    display = Display(call.stderr)
    place = "" if all_namespaces else access.namespace
    driver = open_driver(call.settings.driver, kube, place, time.time)
    async with kube:
        try:
            yield Context(
                kube=kube,
                discovery=Discovery(kube),
                releases=Releases(driver),
                namespace=access.namespace,
                reporter=Reporter(
                    log=logger(call),
                    progress=no_progress if call.settings.quiet else display.show,
                    lines=display.line,
                ),
                cache=call.settings.cache_home / "pyhelm" / "templates",
            )
        except KubeError as error:
            raise _with_advice(error, access, call) from error
        finally:
            display.close()


def _with_advice(error: KubeError, access: Access, call: Call) -> KubeError:
    """What to do when the context is that of a bundled cluster which has been stopped."""
    if error.code or not access.context or "127.0.0.1" not in access.server:
        return error
    from cluster.cli.places import Refused, find, running

    try:
        place = find(access.context, "", call.environ)
    except Refused:
        return error
    if not place.config.exists() or running(place):
        return error
    name = "" if access.context == "pyhelm" else f" --name {access.context}"
    advice = f"the bundled cluster {access.context} does not run: `pyhelm cluster start{name}` starts it"
    return KubeError(f"{error}\n{advice}")


def run_connected(
    call: Call, action: Callable[[Context], Awaitable[T]], *, all_namespaces: bool = False, start: bool = True
) -> T:
    """Run an action in a context of its own."""

    async def go() -> T:
        async with connected(call, all_namespaces=all_namespaces, start=start) as context:
            return await action(context)

    return asyncio.run(go())
