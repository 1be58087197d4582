"""Quantities, times and durations in their canonical spelling."""

from __future__ import annotations

import pytest

from cluster.meta import times
from cluster.meta.intstr import scaled
from cluster.meta.quantity import Quantity, QuantityError, canonical


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("0.5", "500m"), ("1000m", "1"), ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("0.1n", "1n"), ("12e5", "1200e3"),
        ("0.5Ki", "512"), ("-1500", "-1500"), ("1000", "1k"), ("+1", "+1"), ("01", "01"), ("1E3", "1E3"), ("0", "0"),
        ("000", "0"), (2, "2"), (0.25, "250m"), ("64Ei", "9223372036854775807"),
    ],
)  # fmt: skip
def test_canonical_spelling(text: str | int | float, spelling: str) -> None:
    assert canonical(text) == spelling


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "quantities must match"),
        ("abc", "quantities must match"),
        ("1 Gi", "quantities must match"),
        ("1KiB", "quantities must match"),
        ("1ki", "unable to parse quantity's suffix"),
        ("1e99999", "unable to parse quantity's suffix"),
        (".", "unable to parse numeric part of quantity"),
    ],
)
def test_what_is_no_quantity(text: str, fault: str) -> None:
    with pytest.raises(QuantityError, match=fault):
        canonical(text)


def test_quantities_are_numbers() -> None:
    assert Quantity.parse("1Gi") > Quantity.parse("1G")
    assert str(Quantity.parse("500m") + Quantity.parse("1.5")) == "2"
    assert Quantity.parse("1.0001").milli_value() == 1001
    assert Quantity.parse("1.5").value() == 2
    assert not Quantity.parse("0")


def test_times_are_kept_in_utc() -> None:
    assert times.canonical_seconds("2021-01-01T01:00:00.9+02:00") == "2020-12-31T23:00:00Z"
    assert times.canonical_micros("2021-01-01T00:00:00.000001Z") == "2021-01-01T00:00:00.000001Z"
    with pytest.raises(times.TimeError, match=r'cannot parse "Z" as "\.000000"'):
        times.canonical_micros("2021-01-01T00:00:00Z")
    with pytest.raises(times.TimeError, match='cannot parse "yesterday" as "2006"'):
        times.canonical_seconds("yesterday")
    with pytest.raises(times.TimeError, match="month out of range"):
        times.canonical_seconds("2021-13-01T00:00:00Z")


@pytest.mark.parametrize("text", ["0s", "1h30m0s", "1m0.5s", "250ms", "1.5µs", "-3s"])
def test_durations_print_as_they_are_read(text: str) -> None:
    assert times.format_duration(times.parse_duration(text)) == text


def test_percentages_scale() -> None:
    assert scaled("25%", 10, round_up=True) == 3
    assert scaled("25%", 10, round_up=False) == 2
    assert scaled(7, 10, round_up=True) == 7
    with pytest.raises(ValueError, match="not a percentage"):
        scaled("x", 10, round_up=True)
