"""The checks of histories find what they are for."""

from __future__ import annotations

import pytest
from api_history import History, Read, Refusal, Seen, Write, check_registers, check_watch

RED, BLUE = {"colour": "red"}, {"colour": "blue"}
CREATE = Write("a", 1, RED, -1, 1, 2)
UPDATE = Write("a", 2, BLUE, 1, 3, 4)
DELETE = Write("a", 3, None, 2, 5, 6)
EVENTS = [Seen("ADDED", "a", 1, RED), Seen("MODIFIED", "a", 2, BLUE), Seen("DELETED", "a", 3, BLUE)]


def test_a_sound_history_passes() -> None:
    reads = [Read("a", 1, RED, 2, 4), Read("a", 2, BLUE, 3, 4), Read("a", 0, None, 5, 8), Read("b", 0, None, 1, 2)]
    refusals = [Refusal("a", -1, 1, 4), Refusal("a", 1, 3, 5)]
    check_registers(History([CREATE, UPDATE, DELETE], reads, refusals))


@pytest.mark.parametrize(
    "unsound",
    [
        History([CREATE, Write("a", 2, BLUE, -1, 3, 4)]),
        History([CREATE, UPDATE, Write("a", 3, RED, 1, 3, 5)]),
        History([CREATE, Write("b", 1, RED, -1, 3, 4)]),
        History([Write("a", 2, RED, -1, 1, 2), Write("b", 1, RED, -1, 3, 4)]),
        History([CREATE, UPDATE], [Read("a", 1, RED, 5, 6)]),
        History([CREATE, UPDATE], [Read("a", 2, RED, 5, 6)]),
        History([CREATE], [Read("a", 0, None, 3, 4)]),
        History([CREATE, UPDATE, DELETE], [Read("a", 2, BLUE, 7, 8)]),
        History([CREATE], [], [Refusal("a", 1, 3, 4)]),
        History([CREATE, UPDATE, DELETE], [], [Refusal("a", -1, 7, 8)]),
    ],
    ids=["created twice", "lost update", "one revision", "order", "stale", "torn", "unseen", "back", "no", "gone"],
)
def test_an_unsound_history_is_found(unsound: History) -> None:
    with pytest.raises(AssertionError):
        check_registers(unsound)


def test_a_sound_watch_passes() -> None:
    history = History([CREATE, UPDATE, DELETE])
    check_watch([*EVENTS, Seen("BOOKMARK", "", 3, {})], history, 0, 3, lambda *_: True)
    check_watch(EVENTS[1:], history, 1, 3, lambda *_: True)
    left = [EVENTS[0], Seen("DELETED", "a", 2, RED)]
    check_watch(left, history, 0, 3, lambda _, value: value == RED)


@pytest.mark.parametrize(
    "events",
    [
        EVENTS[:2],
        EVENTS[1:],
        [EVENTS[0], EVENTS[2]],
        [EVENTS[0], *EVENTS],
        [EVENTS[1], EVENTS[0], EVENTS[2]],
        [EVENTS[0], Seen("BOOKMARK", "", 2, {}), *EVENTS[1:]],
        [EVENTS[0], Seen("ADDED", "a", 2, BLUE), EVENTS[2]],
        [*EVENTS[:2], Seen("DELETED", "a", 3, RED)],
    ],
    ids=["end", "start", "gap", "twice", "order", "bookmark", "type", "last state"],
)
def test_an_unsound_watch_is_found(events: list[Seen]) -> None:
    with pytest.raises(AssertionError):
        check_watch(events, History([CREATE, UPDATE, DELETE]), 0, 3, lambda *_: True)
