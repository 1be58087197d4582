"""One priority level at work: its queues, who runs, who is next.

Fair queuing by virtual time, as in Kubernetes. R, the progress of a fictional server that serves all active queues at
once and evenly, grows with time at the rate (seats in demand, at most the limit) / (active queues). Each queue has the
R at which its next request would start there; of the queues with waiting requests, the one whose next would *finish*
first is served. What a request costs is guessed when it starts (`GUESS` seconds a seat) and corrected when it ends. A
queue that was idle begins at the present R, so that rest saves no credit.

It is pure: the time and what fires later are handed in, and it never waits. A caller that is told to wait sets
`Ticket.dispatched`, which is called when its turn has come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from cluster.apiserver.flowcontrol.demand import Integrator

GUESS = 0.003
"""Seconds a request is taken to run before it is known."""

Later = Callable[[float, Callable[[], object]], object]
"""Call a function after so many seconds."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a request occupies: `seats` while it runs, then `final` for `linger` more seconds."""

    seats: int = 1
    final: int = 0
    linger: float = 0.0


ONE = Work()


@dataclass(frozen=True, slots=True)
class Queuing:
    """`queues` 0 refuses instead of queuing."""

    queues: int = 0
    hand: int = 0
    length: int = 0


class Ticket:
    """A request in a level. `about` is the caller's own."""

    __slots__ = (
        "about", "arrival_r", "arrived", "dispatched", "final", "flow", "linger", "queue", "running", "schema",
        "seats", "started", "widest", "work",
    )  # fmt: skip

    def __init__(self, work: Work, schema: str, flow: str, about: Any, now: float, r: float) -> None:
        self.seats, self.final, self.linger = work.seats, work.final, work.linger
        self.widest = work.seats if work.seats >= work.final else work.final
        self.work = work.seats * GUESS + work.final * work.linger
        self.schema, self.flow, self.about = schema, flow, about
        self.arrived, self.arrival_r = now, r
        self.started = 0.0
        self.running = False
        self.queue: Queue | None = None
        self.dispatched: Callable[[], None] | None = None


class Queue:
    __slots__ = ("executing", "index", "next_r", "seats", "waiting", "work")

    def __init__(self, index: int) -> None:
        self.index = index
        self.waiting: dict[Ticket, None] = {}
        self.executing: set[Ticket] = set()
        self.next_r = 0.0
        self.seats = 0
        """In use, by running and lingering requests."""
        self.work = 0.0
        """Of those waiting."""

    @property
    def active(self) -> bool:
        return bool(self.waiting or self.executing)


class QueueSet:
    """`exempt` has no limit. `seats_in_use` never exceeds `limit`, but for a single request wider than the limit,
    which runs alone, and while a limit that was lowered is waited for."""

    def __init__(self, now: float, later: Later, *, exempt: bool = False) -> None:
        self._later = later
        self._exempt = exempt
        self.queuing = Queuing()
        self.limit = 0
        self.queues: list[Queue] = []
        self.unqueued: set[Ticket] = set()
        """Running without a queue."""
        self.r = 0.0
        self._at = now
        self._robin = 0
        self._turn = 0
        self._active = 0
        self._busy: set[Queue] = set()
        """Queues in which somebody waits."""
        self.waiting = self.seats_waiting = 0
        self.executing = self.seats_in_use = 0
        self.dispatched_total = self.rejected_total = self.cancelled_total = 0
        self.demand = Integrator(now)

    @property
    def idle(self) -> bool:
        return not self.waiting and not self.executing

    def configure(self, queuing: Queuing, limit: int, now: float) -> None:
        """New numbers for the same requests. Queues too many stay until they are empty."""
        self._sync(now)
        for index in range(len(self.queues), queuing.queues):
            self.queues.append(Queue(index))
        self.queuing, self.limit = queuing, limit
        self._shrink()
        self._dispatch_all(now)

    # A request's life.

    def start(self, work: Work, hand: tuple[int, ...], schema: str, flow: str, about: Any, now: float) -> Ticket | None:
        """The request, `running` or waiting; None when it is refused. `hand` is what its flow was dealt."""
        if not hand:
            return self._start_unqueued(Ticket(work, schema, flow, about, now, self.r), now)
        self._sync(now)
        ticket = Ticket(work, schema, flow, about, now, self.r)
        queue = self._choose(hand)
        if self.seats_in_use >= self.limit and len(queue.waiting) >= self.queuing.length:
            self.rejected_total += 1
            return None
        if not queue.active:
            queue.next_r = self.r
            self._active += 1
        ticket.queue = queue
        if not self.waiting and self.seats_in_use < self.limit and self._fits(ticket.widest):
            # What entering the queue and being found there at once comes to.
            queue.next_r = max(queue.next_r, self.r)
            self._robin = queue.index
            self._run_from(queue, ticket, now)
            return ticket
        self._enqueue(queue, ticket)
        self._dispatch_all(now)
        return ticket

    def finish(self, ticket: Ticket, now: float) -> None:
        """It has run."""
        if self._active:
            self._sync(now)
        ticket.running = False
        self.executing -= 1
        queue = ticket.queue
        if queue is None:
            self.unqueued.discard(ticket)
        else:
            queue.executing.discard(ticket)
            queue.next_r -= ticket.seats * (GUESS - (now - ticket.started))
            self._bound(queue)
            if not queue.active:
                self._active -= 1
        if ticket.linger > 0:
            self._later(ticket.linger, lambda: self._lingered(ticket, now + ticket.linger))
        else:
            self._release(ticket, now)
        if self.waiting:
            self._dispatch_all(now)

    def cancel(self, ticket: Ticket, now: float) -> None:
        """It waits no longer: too late, or its client has gone."""
        queue = ticket.queue
        if queue is None or ticket not in queue.waiting:
            return
        self._sync(now)
        self._leave(queue, ticket)
        self.rejected_total += 1
        self.cancelled_total += 1
        if not queue.active:
            self._active -= 1
        self._bound(queue)
        self.demand.set(self.seats_in_use + self.seats_waiting, now)
        # The one in front may have been too wide for what is free.
        self._dispatch_all(now)

    def tickets(self) -> Iterator[tuple[int, int, Ticket]]:
        """Queue (-1: none), place in it (-1: running), ticket."""
        for queue in self.queues:
            for at, ticket in enumerate(queue.waiting):
                yield queue.index, at, ticket
            for ticket in queue.executing:
                yield queue.index, -1, ticket
        for ticket in self.unqueued:
            yield -1, -1, ticket

    # Parts.

    def _start_unqueued(self, ticket: Ticket, now: float) -> Ticket | None:
        if not self._exempt and not self._fits(ticket.widest):
            self.rejected_total += 1
            return None
        self.unqueued.add(ticket)
        self._run(ticket, now)
        return ticket

    def _sync(self, now: float) -> None:
        """R goes on as time has."""
        passed = now - self._at
        if passed > 0:
            self._at = now
            if self._active:
                wanted = self.seats_in_use + self.seats_waiting
                self.r += passed * min(wanted, self.limit) / self._active

    def _fits(self, seats: int) -> bool:
        if self._exempt:
            return True
        if seats > self.limit:
            return not self.executing
        return self.seats_in_use + seats <= self.limit

    def _choose(self, hand: tuple[int, ...]) -> Queue:
        """The one of the hand with the least waiting work; equal ones take turns."""
        size = len(hand)
        offset = self._turn % size
        self._turn += 1
        if not self.waiting:
            return self.queues[hand[offset]]
        turned = (self.queues[hand[(offset + at) % size]] for at in range(size))
        return min(turned, key=lambda queue: queue.work)

    def _enqueue(self, queue: Queue, ticket: Ticket) -> None:
        queue.waiting[ticket] = None
        queue.work += ticket.work
        self._busy.add(queue)
        self.waiting += 1
        self.seats_waiting += ticket.widest
        self.demand.set(self.seats_in_use + self.seats_waiting, ticket.arrived)
        self._bound(queue)

    def _leave(self, queue: Queue, ticket: Ticket) -> None:
        del queue.waiting[ticket]
        queue.work = queue.work - ticket.work if queue.waiting else 0.0
        if not queue.waiting:
            self._busy.discard(queue)
        self.waiting -= 1
        self.seats_waiting -= ticket.widest

    def _run(self, ticket: Ticket, now: float) -> None:
        ticket.started, ticket.running = now, True
        self.executing += 1
        self.seats_in_use += ticket.widest
        self.dispatched_total += 1
        self.demand.set(self.seats_in_use + self.seats_waiting, now)

    def _run_from(self, queue: Queue, ticket: Ticket, now: float) -> None:
        if ticket.final > self.limit > 0:
            # The same work on fewer seats.
            ticket.linger *= ticket.final / self.limit
            ticket.final = self.limit
            ticket.widest = max(ticket.seats, ticket.final)
        queue.executing.add(ticket)
        queue.seats += ticket.widest
        queue.next_r += ticket.work
        self._run(ticket, now)

    def _dispatch_all(self, now: float) -> None:
        while self.waiting and self.seats_in_use < self.limit and self._dispatch(now):
            pass

    def _dispatch(self, now: float) -> bool:
        """Run the next one; False when it must wait for more seats (nobody may overtake it, or it would starve)."""
        count, first = len(self.queues), self._robin + 1

        def finish(queue: Queue) -> tuple[float, int]:
            return queue.next_r + next(iter(queue.waiting)).work, (queue.index - first) % count

        queue = min(self._busy, key=finish)
        ticket = next(iter(queue.waiting))
        if not self._fits(ticket.widest):
            return False
        self._leave(queue, ticket)
        self._robin = queue.index
        self._run_from(queue, ticket, now)
        self._bound(queue)
        if ticket.dispatched is not None:
            ticket.dispatched()
        return True

    def _bound(self, queue: Queue) -> None:
        """No request starts, virtually, before it has come."""
        if queue.waiting:
            arrival = next(iter(queue.waiting)).arrival_r
            if queue.next_r < arrival:
                queue.next_r = arrival

    def _release(self, ticket: Ticket, now: float) -> None:
        self.seats_in_use -= ticket.widest
        self.demand.set(self.seats_in_use + self.seats_waiting, now)
        if ticket.queue is not None:
            ticket.queue.seats -= ticket.widest
            if len(self.queues) > self.queuing.queues:
                self._shrink()

    def _lingered(self, ticket: Ticket, now: float) -> None:
        self._sync(now)
        self._release(ticket, now)
        self._dispatch_all(now)

    def _shrink(self) -> None:
        """Drop empty queues at the end that are too many."""
        while len(self.queues) > self.queuing.queues and not self.queues[-1].active and not self.queues[-1].seats:
            self.queues.pop()
        if self._robin >= len(self.queues):
            self._robin = 0
