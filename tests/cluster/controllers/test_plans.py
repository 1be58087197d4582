"""Pure plans: what a controller would do, without an API."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cluster.controllers import cron, rollout
from cluster.controllers.job_accounts import parse_indexes, print_indexes
from cluster.controllers.replicas import plan


def stamp(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("*/15 * * * *", "2026-01-01T00:07:30", "2026-01-01T00:15:00"),
        ("0 0 1 1 *", "2026-06-01T00:00:00", "2027-01-01T00:00:00"),
        ("30 8 * * mon-fri", "2026-01-02T09:00:00", "2026-01-05T08:30:00"),
        ("0 12 13 * 5", "2026-01-01T00:00:00", "2026-01-02T12:00:00"),
        ("0 0 29 2 *", "2026-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("@daily", "2026-01-01T00:00:00", "2026-01-02T00:00:00"),
    ],
)
def test_the_next_time_of_a_schedule(schedule: str, after: str, expected: str) -> None:
    assert cron.parse(schedule).after(stamp(after)) == stamp(expected)


def test_a_schedule_in_a_time_zone() -> None:
    found = cron.parse("0 9 * * *", "America/New_York").after(stamp("2026-07-01T00:00:00"))
    assert found == stamp("2026-07-01T13:00:00")


@pytest.mark.parametrize("text", ["* * * *", "61 * * * *", "x * * * *"])
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        cron.parse(text)


@pytest.mark.parametrize("text", ["", "0", "0,1", "0-3", "0,2,4-7,9"])
def test_indexes_print_as_they_were_read(text: str) -> None:
    assert print_indexes(parse_indexes(text)) == text


def pod(name: str, *, node: str = "n", ready: bool = True, cost: str = "") -> dict:
    status = {"phase": "Running"}
    if ready:
        status["conditions"] = [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]
    annotations = {"controller.kubernetes.io/pod-deletion-cost": cost} if cost else {}
    meta = {"name": name, "uid": name, "creationTimestamp": "2026-01-01T00:00:00Z", "annotations": annotations}
    return {"metadata": meta, "spec": {"nodeName": node}, "status": status}


def test_surplus_pods_go_unassigned_first_then_unready_then_cheap() -> None:
    pods = [pod("fine"), pod("cheap", cost="-5"), pod("sick", ready=False), pod("nowhere", node="", ready=False)]
    order = [plan({"spec": {"replicas": 4 - n}}, pods, pods, stamp("2026-01-02T00:00:00")).delete for n in (1, 2, 3)]
    assert [[p["metadata"]["name"] for p in doomed] for doomed in order] == [
        ["nowhere"],
        ["nowhere", "sick"],
        ["nowhere", "sick", "cheap"],
    ]


@pytest.mark.parametrize(
    ("surge", "unavailable", "expected"),
    [("25%", "25%", (1, 0)), (0, 0, (0, 1)), ("50%", 1, (2, 1)), (2, "100%", (2, 3))],
)
def test_bounds_of_a_rolling_update_of_three(surge: object, unavailable: object, expected: tuple[int, int]) -> None:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    deployment = {"spec": {"replicas": 3, "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}}
    assert rollout.fenceposts(deployment) == expected
