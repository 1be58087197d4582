"""`cluster stop` and `cluster delete`: end the daemon in order, take the context out, forget the state."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from cluster.cli import joining, kubeconfig, places
from cluster.cli.places import Place, Refused
from cluster.cli.start import remove_state

_KILL_AFTER = 5.0


def stop(place: Place, environ: Mapping[str, str], timeout: float = 60.0) -> bool:
    """End the cluster and its workloads; False when it did not run. Raises Refused."""
    with places.exclusively(place):
        stopped = _stop(place, timeout)
        _remove_context(place, environ)
        return stopped


def delete(place: Place, environ: Mapping[str, str], timeout: float = 60.0) -> bool:
    """Stop it and remove everything it kept; False when there was nothing."""
    with places.exclusively(place):
        found = place.exists()
        if not found:
            place.pointer.unlink(missing_ok=True)
            return False
        needed = joining.who_needs(place, environ)
        if needed:
            raise Refused(
                f"{', '.join(needed)} joined cluster {place.name} and would lose its state; delete that first"
            )
        _stop(place, timeout)
        joining.take_out_nodes(place)
        _remove_context(place, environ)
        remove_state(place)
        place.pointer.unlink(missing_ok=True)
        return True


def _stop(place: Place, timeout: float) -> bool:
    if not places.running(place):
        place.daemon.unlink(missing_ok=True)
        _end_leftovers(place)
        return False
    pid = places.read_json(place.daemon).get("pid")
    if not isinstance(pid, int):
        raise Refused(f"cluster {place.name} is just starting; try again in a moment")
    # The lock is held, so this pid is that of the living daemon and of nobody else.
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + timeout
    while places.running(place):
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
            _await_end(place)
            break
        time.sleep(0.01)
    place.daemon.unlink(missing_ok=True)
    return True


def _await_end(place: Place) -> None:
    until = time.monotonic() + _KILL_AFTER
    while places.running(place) and time.monotonic() < until:
        time.sleep(0.02)
    _end_leftovers(place)


def _end_leftovers(place: Place) -> None:
    """Containers whose cluster was killed: known by pid and start time."""
    from cluster.kubelet.runtimes.process import ProcessRuntime

    for root in place.node.glob("*/runtime"):
        ProcessRuntime(root)
    directory = places.read_json(place.config).get("etcd_directory")
    if directory:
        from cluster.cli.private_etcd import PrivateEtcd

        PrivateEtcd(Path(directory)).end_unused()


def _remove_context(place: Place, environ: Mapping[str, str]) -> None:
    """From the kubeconfig it was written into, which need not be the one of this command."""
    merged = places.read_json(place.merged)
    paths = {Path(merged["path"])} if merged.get("path") else {kubeconfig.path_of(environ)}
    for path in paths:
        try:
            kubeconfig.remove(path, place.name, str(merged.get("before") or ""))
        except Refused:
            # A kubeconfig that somebody broke meanwhile must not keep the cluster from ending.
            continue
    place.merged.unlink(missing_ok=True)
