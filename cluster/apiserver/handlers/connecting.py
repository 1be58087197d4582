"""What a request to connect asks for, as the object of its own kind (PodExecOptions, …), and its admission.

Admission comes before anything is looked up, as in Kubernetes, and may change what is asked for.
"""

from __future__ import annotations

from collections.abc import Callable

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.registry.options import WriteOptions
from cluster.apiserver.registry.registry import Registry
from cluster.apiserver.registry.writing import attributes
from cluster.apiserver.request import Context
from cluster.meta import errors
from cluster.meta.types import Obj

_FLAGS = ("stdin", "stdout", "stderr", "tty")


def streams(ctx: Context) -> Obj:
    """PodAttachOptions."""
    out: Obj = {name: True for name in _FLAGS if ctx.query.flag(name)}
    if container := ctx.query.get("container"):
        out["container"] = container
    return out


def command(ctx: Context) -> Obj:
    """PodExecOptions. Without a command that is null."""
    return streams(ctx) | {"command": ctx.query.all("command") or None}


def ports(ctx: Context) -> Obj:
    """PodPortForwardOptions. Raises 400."""
    found = [_port(each) for text in ctx.query.all("ports") for each in text.split(",")]
    return {"ports": found} if found else {}


def _port(text: str) -> int:
    """Read as Go's ParseUint reads 16 bits."""
    fault = "" if text.isascii() and text.isdigit() else "invalid syntax"
    if not fault and int(text) > 0xFFFF:
        fault = "value out of range"
    if fault:
        raise errors.bad_request(f'cannot convert to []int32: strconv.ParseUint: parsing "{text}": {fault}')
    return int(text)


def path(ctx: Context) -> Obj:
    """PodProxyOptions, ServiceProxyOptions, NodeProxyOptions: what comes behind the subresource."""
    below = "".join(f"/{part}" for part in ctx.info.rest)
    if ctx.request.path.endswith("/") and not below.endswith("/"):
        below += "/"
    return {"path": below} if below else {}


ASKED: dict[str, Callable[[Context], Obj]] = {
    "attach": streams,
    "exec": command,
    "portforward": ports,
    "proxy": path,
}


async def admitted(ctx: Context, registry: Registry) -> Obj:
    """The options of a request to connect, as admission has left them. Raises StatusError."""
    info, warnings = ctx.info, ctx.warnings
    subresource = registry.kind.subresource(info.subresource)
    spoken = subresource.kind if subresource is not None else None
    assert spoken is not None
    options: Obj = {"kind": spoken.kind, "apiVersion": spoken.api_version, **ASKED[info.subresource](ctx)}
    write = WriteOptions(ctx.user, annotations=ctx.annotations, warnings=warnings)
    about: Attributes = attributes(
        registry, Operation.CONNECT, info.namespace, info.name, options, None, write, info.subresource
    )
    about.spoken, about.options = spoken, {}
    await registry.services.admission.mutate(about)
    await registry.services.admission.validate(about)
    return about.obj or options
