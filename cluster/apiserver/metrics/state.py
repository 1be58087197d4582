"""What the server holds at this moment: objects, watches, its process. Nothing of it costs anything until asked."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster.apiserver.metrics.exposition import Family
from cluster.apiserver.registry.cache import RING, ResourceCache

if TYPE_CHECKING:
    from cluster.apiserver.registry.feed import Feed
    from cluster.apiserver.registry.registry import Registry

_OF_A_RESOURCE = ("group", "resource")


def storage(feed: Feed) -> Iterator[Family]:
    caches = [cache for _, cache in sorted(feed.caches.items())]
    yield Family(
        "apiserver_storage_objects", "gauge",
        "[STABLE] (Deprecated since 1.34.0) [DEPRECATED, consider using apiserver_resource_objects instead] Number of "
        "stored objects at the time of last check split by kind. In case of a fetching error, the value will be -1.",
        ("resource",), [((str(cache.resource),), len(cache.entries)) for cache in caches],
    )  # fmt: skip
    yield _per_resource(
        "apiserver_resource_objects", "gauge",
        "[ALPHA] Number of stored objects at the time of last check split by kind. In case of a fetching error, the "
        "value will be -1.", [(cache, len(cache.entries)) for cache in caches],
    )  # fmt: skip
    yield _per_resource(
        "apiserver_resource_size_estimate_bytes", "gauge",
        "[ALPHA] Estimated size of stored objects in database. Estimate is based on sum of last observed sizes of "
        "serialized objects. In case of a fetching error, the value will be -1.",
        [(cache, cache.bytes) for cache in caches],
    )  # fmt: skip
    yield _per_resource(
        "apiserver_storage_events_received_total", "counter",
        "[BETA] Number of etcd events received split by kind.", [(c, c.version) for c in caches if c.version],
    )  # fmt: skip
    yield _per_resource(
        "apiserver_watch_cache_events_received_total", "counter",
        "[ALPHA] Counter of events received in watch cache broken by resource type.",
        [(c, c.version) for c in caches if c.version],
    )  # fmt: skip
    yield _per_resource(
        "apiserver_watch_cache_resource_version", "gauge",
        "[ALPHA] Current resource version of watch cache broken by resource type.",
        [(cache, feed.revision) for cache in caches],
    )  # fmt: skip
    yield _per_resource(
        "watch_cache_capacity", "gauge", "[ALPHA] Total capacity of watch cache broken by resource type.",
        [(cache, RING) for cache in caches],
    )  # fmt: skip


def watches(registries: Callable[[], Iterable[Registry]]) -> Iterator[Family]:
    """Of the resources that are served."""
    rows = [((r.kind.group, r.kind.plural, r.kind.version), r.told) for r in registries() if r.told]
    yield Family(
        "apiserver_watch_events_total", "counter", "[ALPHA] Number of events sent in watch clients",
        ("group", "resource", "version"), rows,
    )  # fmt: skip


def _per_resource(name: str, type: str, text: str, values: Iterable[tuple[ResourceCache, int]]) -> Family:
    rows = [((cache.resource.group, cache.resource.resource), value) for cache, value in values]
    return Family(name, type, text, _OF_A_RESOURCE, rows)


def build(info: dict[str, Any]) -> Iterator[Family]:
    """`info` is what /version says."""
    names = ("build_date", "compiler", "git_commit", "git_tree_state", "git_version", "go_version", "major", "minor")
    fields = ("buildDate", "compiler", "gitCommit", "gitTreeState", "gitVersion", "goVersion", "major", "minor")
    yield Family(
        "kubernetes_build_info", "gauge",
        "[ALPHA] A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, "
        "build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running.",
        (*names, "platform"), [((*(str(info.get(field, "")) for field in fields), str(info.get("platform", ""))), 1)],
    )  # fmt: skip


def features(enabled: dict[str, tuple[str, bool]]) -> Iterator[Family]:
    """By feature: its stage and whether it is on."""
    rows = [((name, stage), int(on)) for name, (stage, on) in enabled.items()]
    yield Family(
        "kubernetes_feature_enabled", "gauge",
        "[BETA] This metric records the data about the stage and enablement of a k8s feature.",
        ("name", "stage"), rows,
    )  # fmt: skip


def process(started: float) -> Iterator[Family]:
    """Of this process, a server since `started`; memory and descriptors where the system says them (/proc)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield _process("cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.",
                   used.ru_utime + used.ru_stime)  # fmt: skip
    yield _process("start_time_seconds", "gauge", "Start time of the process since unix epoch in seconds.", started)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    yield _process("max_fds", "gauge", "Maximum number of open file descriptors.", most)
    try:
        opened = len(os.listdir("/proc/self/fd"))
        pages = Path("/proc/self/statm").read_text().split()
    except OSError:
        return
    size = os.sysconf("SC_PAGE_SIZE")
    yield _process("open_fds", "gauge", "Number of open file descriptors.", opened)
    yield _process("resident_memory_bytes", "gauge", "Resident memory size in bytes.", int(pages[1]) * size)
    yield _process("virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", int(pages[0]) * size)


def _process(name: str, type: str, text: str, value: float) -> Family:
    return Family(f"process_{name}", type, text, (), [((), value)])
