"""The tables of /debug/api_priority_and_fairness: levels, queues, requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from cluster.apiserver.flowcontrol.levels import Level
from cluster.apiserver.flowcontrol.queueset import Queue, Ticket
from cluster.apiserver.request import Context

_LEVEL = (
    "PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests",
    "DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests",
)  # fmt: skip
_QUEUE = (
    "PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR",
    "InitialSeatsSum", "MaxSeatsSum", "TotalWorkSum",
)  # fmt: skip
_REQUEST = (
    "PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "FlowDistingsher", "ArriveTime",
    "InitialSeats", "FinalSeats", "AdditionalLatency", "StartTime",
)  # fmt: skip
_DETAILS = ("UserName", "Verb", "APIPath", "Namespace", "Name", "APIVersion", "Resource", "SubResource")
_NARROWEST = 8
_NEVER = "0001-01-01T00:00:00Z"


def text(table: str, found: Iterable[Level], *, details: bool = False) -> str:
    """`table` is priority_levels, queues or requests; with `details` it says what requests ask."""
    if table == "requests":
        return requests(found, details=details)
    return levels(found) if table == "priority_levels" else queues(found)


def levels(found: Iterable[Level]) -> str:
    return table(_LEVEL, [_level(level) for level in sorted(found, key=lambda level: level.name)])


def queues(found: Iterable[Level]) -> str:
    return table(_QUEUE, [_queue(level, queue) for level in found for queue in level.queues.queues])


def requests(found: Iterable[Level], *, details: bool) -> str:
    rows = [_request(level, *held, details=details) for level in found for held in level.queues.tickets()]
    return table(_REQUEST + _DETAILS if details else _REQUEST, rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells end with a comma and are padded to their column; the last one is not."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(*(len(line[at]) + 2 for line in lines), _NARROWEST) for at in range(len(head) - 1)]
    return "".join(_line(line, widths) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (f"{cell},".ljust(width) for cell, width in zip(cells, widths, strict=False))
    return "".join(padded) + cells[-1] + "\n"


def _level(level: Level) -> tuple[str, ...]:
    held = level.queues
    active = sum(1 for queue in held.queues if queue.waiting)
    numbers = (held.waiting, held.executing, held.dispatched_total, held.rejected_total, 0, held.cancelled_total)
    return level.name, str(active), _bool(held.idle), _bool(level.quiescing), *(str(n) for n in numbers)


def _queue(level: Level, queue: Queue) -> tuple[str, ...]:
    first, most = sum(t.seats for t in queue.waiting), sum(t.widest for t in queue.waiting)
    return (
        level.name, str(queue.index), str(len(queue.waiting)), str(len(queue.executing)), str(queue.seats),
        f"{queue.next_r:.8f}ss", str(first), str(most), f"{queue.work:.8f}ss",
    )  # fmt: skip


def _request(level: Level, queue: int, at: int, ticket: Ticket, *, details: bool) -> tuple[str, ...]:
    out = (
        level.name, ticket.schema, str(queue), str(at), ticket.flow, _time(ticket.arrived), str(ticket.seats),
        str(ticket.final), _duration(ticket.linger), _time(ticket.started),
    )  # fmt: skip
    return (*out, *_about(ticket.about)) if details else out


def _about(ctx: Context) -> Iterator[str]:
    info = ctx.info
    version = f"{info.group}/{info.version}" if info.group else info.version
    yield from (ctx.user.name, info.verb, info.path, info.namespace, info.name, version)
    yield from (info.resource, info.subresource)


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _time(seconds: float) -> str:
    """RFC 3339 with as many decimals as there are."""
    if not seconds:
        return _NEVER
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"


def _duration(seconds: float) -> str:
    """A short time as Go prints it."""
    if not seconds:
        return "0s"
    return f"{seconds * 1000:g}ms" if seconds < 1 else f"{seconds:g}s"
