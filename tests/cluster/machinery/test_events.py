"""Repeated and similar events are counted and combined as client-go does."""

from __future__ import annotations

from cluster.machinery.events import Correlator


def event(message: str, number: int) -> dict:
    about = {"kind": "Pod", "namespace": "ns", "name": "p", "uid": "u"}
    return {
        "metadata": {"name": f"p.{number}", "namespace": "ns"},
        "involvedObject": about,
        "source": {"component": "c"},
        "type": "Warning",
        "reason": "Failed",
        "message": message,
        "count": 1,
    }


def test_the_same_message_raises_the_count_of_the_first_event() -> None:
    correlator = Correlator()
    correlator.correlate(event("no", 1), 0.0)
    found = correlator.correlate(event("no", 2), 1.0)
    assert found is not None
    written, repeat = found
    assert (repeat, written["metadata"]["name"], written["count"]) == (True, "p.1", 2)


def test_the_tenth_different_message_is_combined() -> None:
    correlator = Correlator()
    messages = []
    for number in range(11):
        found = correlator.correlate(event(f"no {number}", number), float(number))
        assert found is not None
        messages.append((found[0]["message"], found[0]["count"]))
    assert messages[8] == ("no 8", 1)
    assert messages[9] == ("(combined from similar events): no 9", 1)
    assert messages[10] == ("(combined from similar events): no 10", 2)


def test_one_source_speaks_25_times_about_an_object_then_waits() -> None:
    correlator = Correlator()
    said = [correlator.correlate(event("no", n), 0.0) is not None for n in range(30)]
    assert said.count(True) == 25
    assert correlator.correlate(event("no", 99), 301.0) is not None
