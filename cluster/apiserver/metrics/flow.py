"""Priority and fairness in numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from cluster.apiserver.flowcontrol.counts import Counts
from cluster.apiserver.flowcontrol.levels import Level, Levels
from cluster.apiserver.metrics.exposition import Family, Labels
from cluster.apiserver.metrics.series import Histogram

_PREFIX = "apiserver_flowcontrol_"
_Value = float | Histogram
_OF_A_LEVEL: tuple[tuple[str, str, Callable[[Level], float]], ...] = (
    ("nominal_limit_seats", "[BETA] Nominal number of execution seats configured for each priority level",
     lambda level: level.nominal),
    ("lower_limit_seats",
     "[ALPHA] Configured lower bound on number of execution seats available to each priority level",
     lambda level: level.least),
    ("upper_limit_seats",
     "[ALPHA] Configured upper bound on number of execution seats available to each priority level",
     lambda level: level.most),
    ("current_limit_seats",
     "[ALPHA] current derived number of execution seats available to each priority level",
     lambda level: level.current),
    ("target_seats", "[ALPHA] Seat allocation targets", lambda level: level.target),
    ("demand_seats_high_watermark", "[ALPHA] High watermark, over last adjustment period, of demand_seats",
     lambda level: level.demand.highest),
    ("demand_seats_average", "[ALPHA] Time-weighted average, over last adjustment period, of demand_seats",
     lambda level: level.demand.average),
    ("demand_seats_stdev",
     "[ALPHA] Time-weighted standard deviation, over last adjustment period, of demand_seats",
     lambda level: level.demand.deviation),
    ("demand_seats_smoothed", "[ALPHA] Smoothed seat demands", lambda level: level.demand.smoothed),
    ("current_r", "[ALPHA] R(time of last change)", lambda level: level.queues.r),
)  # fmt: skip
_NOW: tuple[tuple[str, str, Callable[[Counts], float]], ...] = (
    ("current_executing_requests",
     "[BETA] Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority "
     "and Fairness subsystem", lambda counts: counts.executing),
    ("current_executing_seats",
     "[BETA] Concurrency (number of seats) occupied by the currently executing (initial stage for a WATCH, any stage "
     "otherwise) requests in the API Priority and Fairness subsystem", lambda counts: counts.seats),
    ("current_inqueue_requests",
     "[BETA] Number of requests currently pending in queues of the API Priority and Fairness subsystem",
     lambda counts: counts.waiting),
    ("current_inqueue_seats",
     "[ALPHA] Number of seats currently pending in queues of the API Priority and Fairness subsystem",
     lambda counts: counts.waiting_seats),
)  # fmt: skip
_LENGTH = (
    "[ALPHA] Length of queue in the API Priority and Fairness subsystem, as seen by each request after it is enqueued"
)
_WIDTH = (
    "[ALPHA] Number of estimated seats (maximum of initial and final seats) associated with requests in API Priority "
    "and Fairness"
)
_RAN = (
    "[ALPHA] Duration of initial stage (for a WATCH) or any (for a non-WATCH) stage of request execution in the API "
    "Priority and Fairness subsystem"
)
_REJECTED = "[BETA] Number of requests rejected by API Priority and Fairness subsystem"
_DISPATCHED = "[BETA] Number of requests executed by API Priority and Fairness subsystem"
_WAITED = "[BETA] Length of time a request spent waiting in its queue"
_FRACTION = "[ALPHA] Fair fraction of server's concurrency to allocate to each priority level that can use it"


def families(levels: Levels) -> Iterator[Family]:
    held = list(levels.levels.values())
    for name, text, value in _OF_A_LEVEL:
        yield _family(name, "gauge", text, ("priority_level",), [((level.name,), value(level)) for level in held])
    yield _family("seat_fair_frac", "gauge", _FRACTION, (), [((), levels.fraction)])
    flows = [((schema, level.name), counts) for level in held for schema, counts in level.flows.items()]
    both = ("flow_schema", "priority_level")
    for name, text, of in _NOW:
        yield _family(name, "gauge", text, both, [(labels, of(counts)) for labels, counts in flows])
    dispatched = [(labels, counts.dispatched) for labels, counts in flows]
    yield _family("dispatched_requests_total", "counter", _DISPATCHED, both, dispatched)
    rejected = [((*labels, reason), n) for labels, counts in flows for reason, n in counts.rejected.items()]
    yield _family("rejected_requests_total", "counter", _REJECTED, (*both, "reason"), rejected)
    yield from _histograms(flows)


def _histograms(flows: list[tuple[tuple[str, str], Counts]]) -> Iterator[Family]:
    both = ("flow_schema", "priority_level")
    lengths = [(labels, counts.lengths) for labels, counts in flows]
    yield _family("request_queue_length_after_enqueue", "histogram", _LENGTH, both, _seen(lengths))
    widths = [(labels, counts.widths()) for labels, counts in flows]
    yield _family("work_estimated_seats", "histogram", _WIDTH, both, _seen(widths))
    waited = [(("true", *labels), counts.waited) for labels, counts in flows]
    waited += [(("false", *labels), counts.refused) for labels, counts in flows]
    yield _family("request_wait_duration_seconds", "histogram", _WAITED, ("execute", *both), _seen(waited))
    ran = [((*labels, type), one) for labels, counts in flows for type, one in counts.execution.items()]
    yield _family("request_execution_seconds", "histogram", _RAN, (*both, "type"), ran)


def _seen(samples: Iterable[tuple[Labels, Histogram]]) -> list[tuple[Labels, Histogram]]:
    return [sample for sample in samples if sample[1].count]


def _family(
    name: str, type: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[Labels, _Value]]
) -> Family:
    return Family(_PREFIX + name, type, text, labels, values)
