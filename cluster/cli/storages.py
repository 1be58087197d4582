"""Where a cluster keeps its state: what may be asked for, and what is kept of it in config.json.

A cluster keeps the storage it began with; only the addresses of an etcd may change. It must not know how a store is
opened (cluster.cli.opening): short commands are spared what that needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cluster.cli.places import Place, Refused

SQLITE, MEMORY, ETCD = KINDS = ("sqlite", "memory", "etcd")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user gave; empty where nothing."""

    kind: str = ""
    servers: tuple[str, ...] = ()


def kind_of(config: Mapping[str, Any]) -> str:
    return str(config.get("storage") or SQLITE)


def settled(place: Place, config: Mapping[str, Any], wish: Wish) -> dict[str, Any]:
    """The entries of config.json. Raises Refused for what cannot be, or cannot be changed."""
    kind = wish.kind or (ETCD if wish.servers else kind_of(config))
    if wish.servers and kind != ETCD:
        raise Refused(f"--etcd-servers goes with --storage etcd, not with --storage {kind}")
    if place.exists() and kind != kind_of(config):
        raise Refused(
            f"cluster {place.name} keeps its state in {kind_of(config)}; to move it to {kind}, take a snapshot "
            f"(cluster snapshot save FILE), delete it, and restore the snapshot with --storage {kind}"
        )
    if kind != ETCD:
        return {"storage": kind}
    if wish.servers:
        if place.exists() and config.get("etcd_directory"):
            raise Refused(f"cluster {place.name} has an etcd of its own; --etcd-servers is for a new cluster")
        return {"storage": kind, "etcd_servers": [_checked(url) for url in wish.servers]}
    if config.get("etcd_servers"):
        return {"storage": kind, "etcd_servers": config["etcd_servers"]}
    from cluster.cli.private_etcd import check_installed

    check_installed()
    return {"storage": kind, "etcd_directory": str(config.get("etcd_directory") or place.etcd)}


def changes(place: Place, config: Mapping[str, Any], wish: Wish) -> bool:
    """Whether the wish asks for other entries than there are. Raises Refused."""
    kept = {**config, "storage": kind_of(config)}
    return any(kept.get(name) != value for name, value in settled(place, config, wish).items())


def _checked(url: str) -> str:
    parts = urlsplit(url)
    try:
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and bool(parts.port)
    except ValueError:
        good = False
    if not good or parts.path.strip("/"):
        raise Refused(f"--etcd-servers {url}: give it as http://HOST:PORT or https://HOST:PORT")
    return url.rstrip("/")


def about(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """What a cluster restored from a snapshot must have in common with this one."""
    return {
        "cluster": name,
        "version": config.get("version"),
        "node_name": config.get("node_name") or name,
        "service_range": config.get("service_range", config.get("range") or 0),
    }


def told(config: Mapping[str, Any]) -> str:
    """For people."""
    kind = kind_of(config)
    if kind == ETCD:
        return f"etcd at {', '.join(config['etcd_servers'])}" if config.get("etcd_servers") else "etcd of its own"
    return f"{kind} (lost when the cluster stops)" if kind == MEMORY else kind
