"""What the servers behind this one must know to believe it: ConfigMap kube-system/extension-apiserver-authentication.

Like in kube-apiserver, what this server needs is added to what is there already, so that several servers with
authorities of their own can share one ConfigMap; and it is written again when somebody takes it away.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from cluster.apiserver.registry.cache import Change, Watch
from cluster.meta.errors import StatusError
from cluster.meta.types import GroupVersionResource, Obj

if TYPE_CHECKING:
    from cluster.apiserver.options import ApiServerOptions
    from cluster.apiserver.server import ApiServer

MAPS = GroupVersionResource("", "v1", "configmaps")
NAMESPACE, NAME = "kube-system", "extension-apiserver-authentication"
_AUTHORITIES = ("client-ca-file", "requestheader-client-ca-file")
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_AGAIN = 1.0
"""Seconds after which a write that was refused is tried once more."""


def needed(options: ApiServerOptions) -> dict[str, str]:
    """What this server's clients and the servers behind it must know. Raises OSError."""
    data: dict[str, str] = {}
    if options.client_ca is not None:
        data["client-ca-file"] = options.client_ca.read_text()
    front = options.front_proxy
    if front is not None:
        lists = {
            "username-headers": front.username_headers,
            "uid-headers": front.uid_headers,
            "group-headers": front.group_headers,
            "extra-headers-prefix": front.extra_prefixes,
            "allowed-names": front.allowed_names,
        }
        data |= {f"requestheader-{name}": _listed(values) for name, values in lists.items()}
        data["requestheader-client-ca-file"] = front.client_ca.read_text()
    return data


def combined(there: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Both, nothing twice; what is there comes first. Lists that cannot be read are written anew."""
    out = dict(there)
    for key, value in wanted.items():
        if key in _AUTHORITIES:
            blocks = dict.fromkeys(_BLOCK.findall(there.get(key) or "") + _BLOCK.findall(value))
            out[key] = "".join(f"{block}\n" for block in blocks)
        else:
            out[key] = _listed(dict.fromkeys([*_read(there.get(key) or ""), *json.loads(value)]))
    return out


def _read(text: str) -> list[str]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return [str(each) for each in found] if isinstance(found, list) else []


def _listed(values: Iterable[str]) -> str:
    """A list as Go writes it."""
    return json.dumps(list(values), separators=(",", ":"))


class Trust:
    """`publish` once; `run` must be a task for as long as the server lives."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self._wanted = needed(server.options)
        self._changed = asyncio.Event()

    async def publish(self) -> None:
        """Raises StatusError."""
        if not self._wanted:
            return
        feed, client = self._server.feed, self._server.client()
        held = feed.get(MAPS.group_resource, NAMESPACE, NAME)
        there = (held or {}).get("data") or {}
        data = combined(there, self._wanted)
        if held is None:
            made: Obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": data}
            await client.create(MAPS, made, NAMESPACE)
        elif data != there:
            await client.update(MAPS, {**held, "data": data})

    async def run(self) -> None:
        if not self._wanted:
            return
        watch = Watch(NAMESPACE, NAME, None, self._happened)
        self._server.feed.cache(MAPS.group_resource).add_watch(watch)
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self.publish()
            except StatusError:
                self._server.clock.call_later(_AGAIN, self._changed.set)

    def _happened(self, _type: str, _change: Change) -> None:
        self._changed.set()
