"""`cluster start --join`: one more API server on the store of a cluster that is there, with the same keys.

The new one has a directory, a port, a log and nodes of its own; what the cluster is (store, keys, service addresses,
version, settings of the API server) is taken over from the one it joins, once. It must not know how stores are opened.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cluster.cli import places, storages
from cluster.cli.places import Place, Refused
from cluster.cli.settings import kept_in


def find(given: str, environ: Mapping[str, str]) -> Place:
    """The cluster of this name, or with this state directory. Raises Refused."""
    if "/" in given:
        state = Path(given).absolute()
        found = Place(state.name, state, state)
    else:
        found = places.find(given, "", environ)
    if not found.exists():
        raise Refused(f"--join {given}: there is no such cluster; give its name, or its state directory with a /")
    return found


def check(first: Place, place: Place) -> None:
    """Raises Refused when `place` cannot join `first`."""
    if first.state == place.state:
        raise Refused(f"cluster {place.name} cannot join itself; give the new one another --name")
    if place.exists() and places.read_json(place.config).get("joined") != str(first.state):
        raise Refused(f"there is a cluster {place.name} already, which did not join {first.name}; delete it first")
    config = places.read_json(first.config)
    if storages.kind_of(config) != storages.ETCD:
        raise Refused(
            f"cluster {first.name} keeps its state in {storages.kind_of(config)}, which belongs to one process; only a "
            f"cluster started with --storage etcd can be joined"
        )
    if "range" not in config or not (first.pki / "service-accounts.key").exists():
        raise Refused(f"cluster {first.name} has never run; start it first")


def entries(first: Place) -> dict[str, Any]:
    """The beginning of the new one's config.json."""
    config = places.read_json(first.config)
    settings = kept_in(config)
    taken = {name: config[name] for name in ("storage", "etcd_servers", "etcd_directory", "version") if name in config}
    return taken | {
        "joined": str(first.state),
        "identity": uuid.uuid4().hex,
        "service_range": config.get("service_range", config["range"]),
        # Two processes cannot rotate one log.
        "extra_config": {"apiserver": {k: v for k, v in settings.items() if not k.startswith("audit-")}},
    }


def copy_keys(first: Place, place: Place) -> None:
    """Raises Refused."""
    try:
        shutil.copytree(first.pki, place.pki, dirs_exist_ok=True)
    except OSError as error:
        raise Refused(f"cannot copy the keys of cluster {first.name}: {error}") from error


def who_needs(place: Place, environ: Mapping[str, str]) -> list[str]:
    """Names of the other clusters whose state is in this one's etcd."""
    mine = str(place.etcd)
    others = (each for each in places.every(environ) if each.state != place.state)
    return [each.name for each in others if places.read_json(each.config).get("etcd_directory") == mine]


def take_out_nodes(place: Place) -> None:
    """Remove the nodes of a cluster that joined another one and has ended, where that one runs to be asked."""
    joined = places.read_json(place.config).get("joined")
    first = Place("", Path(joined), Path(joined)) if joined else None
    if first is None or not places.running(first):
        return
    from http.client import HTTPException

    from cluster.cli.asking import Asker

    with suppress(OSError, HTTPException, ValueError):
        ask = Asker(first, int(places.read_json(first.daemon).get("port") or 0))
        for node in ask.json("/api/v1/nodes")["items"]:
            name = str(node["metadata"]["name"])
            if name == place.name or name.rpartition("-")[0] == place.name:
                ask.send("DELETE", f"/api/v1/nodes/{name}")
