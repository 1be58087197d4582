"""`cluster status`: what runs, where, with which runtime and why. Exit code 0: running and ready; 1: partly; 3: not
running; 4: there is no such cluster."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.cli import kubeconfig, places, storages
from cluster.cli.asking import Asker
from cluster.cli.places import Place
from cluster.cli.settings import kept_in, shown

RUNNING, PARTLY, STOPPED, ABSENT = 0, 1, 3, 4


def inspect(place: Place, environ: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    """The exit code and what is to be shown."""
    if not place.exists():
        return ABSENT, {"name": place.name, "state": "Absent"}
    config = places.read_json(place.config)
    told: dict[str, Any] = {
        "name": place.name,
        "state": "Stopped",
        "directory": str(place.state),
        "version": f"v{config.get('version')}",
        "runtime": {"name": config.get("runtime"), "why": config.get("why")},
        "storage": storages.told(config),
        **({"joined": config["joined"]} if config.get("joined") else {}),
    }
    settings = shown(kept_in(config))
    if settings:
        told["extraConfig"] = {"apiserver": settings}
    if not places.running(place):
        return STOPPED, told
    daemon = places.read_json(place.daemon)
    server = f"https://127.0.0.1:{daemon.get('port')}"
    target = Path(places.read_json(place.merged).get("path") or kubeconfig.path_of(environ))
    told |= {
        "state": "Running",
        "pid": daemon.get("pid"),
        "server": server,
        "kubeconfig": {"path": str(target), "context": kubeconfig.points_to(target, place.name, server)},
    }
    return _ask(place, int(daemon.get("port") or 0), told)


def _ask(place: Place, port: int, told: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    told["components"] = {}
    try:
        ask = Asker(place, port)
        ready = ask.text("/readyz")
        told["components"]["apiserver"] = "Running" if ready == "ok" else "Not ready"
        nodes = ask.json("/api/v1/nodes")["items"]
        told["nodes"] = [_node(node) for node in nodes]
        told["pods"] = _pods(ask.json("/api/v1/pods")["items"])
    except (OSError, ValueError, KeyError) as error:
        told["components"]["apiserver"] = f"does not answer: {error}"
        told["state"] = "Partly"
        return PARTLY, told
    # They share the server's process: who answers for one answers for all.
    told["components"] |= dict.fromkeys(("store", "controllers", "scheduler"), "Running")
    told["components"]["kubelet"] = "Running" if all(n["ready"] for n in told["nodes"]) else "Not ready"
    healthy = set(told["components"].values()) == {"Running"}
    told["state"] = "Running" if healthy else "Partly"
    return (RUNNING if healthy else PARTLY), told


def _node(node: dict[str, Any]) -> dict[str, Any]:
    status = node.get("status") or {}
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions") or ())
    address = next((a["address"] for a in status.get("addresses") or () if a["type"] == "InternalIP"), "")
    return {
        "name": node["metadata"]["name"],
        "ready": ready,
        "address": address,
        "podCIDR": (node.get("spec") or {}).get("podCIDR"),
        "runtime": (status.get("nodeInfo") or {}).get("containerRuntimeVersion"),
    }


def _pods(pods: list[dict[str, Any]]) -> dict[str, int]:
    out: dict[str, int] = {}
    for pod in pods:
        phase = (pod.get("status") or {}).get("phase") or "Unknown"
        out[phase] = out.get(phase, 0) + 1
    return out


def table(told: dict[str, Any]) -> str:
    """For people."""
    rows = [("Cluster", told["name"]), ("State", told["state"])]
    if "version" in told:
        rows += [("Kubernetes", told["version"]), ("Runtime", f"{told['runtime']['name']} ({told['runtime']['why']})")]
    if "storage" in told:
        rows.append(("Storage", told["storage"]))
    if "joined" in told:
        rows.append(("Joined", told["joined"]))
    if "server" in told:
        config = told["kubeconfig"]
        rows += [("Server", told["server"]), ("Kubeconfig", f"{config['path']} (context {config['context']})")]
    rows += [(name.capitalize(), state) for name, state in (told.get("components") or {}).items()]
    for node in told.get("nodes") or ():
        state = "Ready" if node["ready"] else "NotReady"
        rows.append((f"Node {node['name']}", f"{state}, {node['address']}, pods in {node['podCIDR']}"))
    if told.get("pods"):
        rows.append(("Pods", ", ".join(f"{n} {phase}" for phase, n in sorted(told["pods"].items()))))
    for name, value in ((told.get("extraConfig") or {}).get("apiserver") or {}).items():
        rows.append((f"apiserver.{name}", value if isinstance(value, str) else ", ".join(value)))
    if "directory" in told:
        rows.append(("Files", told["directory"]))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)
