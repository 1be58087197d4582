"""Go's layouts, zones and durations."""

from __future__ import annotations

import pytest

from pyhelm.formats.golayout import TimeError, parse_time
from pyhelm.formats.gotime import (
    SECOND,
    UTC,
    DurationError,
    GoDuration,
    GoTime,
    civil,
    days_from_civil,
    find_zone,
    parse_duration,
)


def test_calendar_goes_there_and_back() -> None:
    for days in (-800_000, -719_468, -1, 0, 59, 11_016, 2_932_897):
        assert days_from_civil(*civil(days)) == days


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("Mon Jan _2 15:04:05 2006", "Sat Mar  9 17:05:08 2024"),
        ("Monday, 02-Jan-06 3:4PM MST", "Saturday, 09-Mar-24 5:5PM UTC"),
        ("2006-01-02T15:04:05.000Z07:00", "2024-03-09T17:05:08.500Z"),
        ("002 .999", "069 .5"),
    ],
)
def test_formats(layout: str, text: str) -> None:
    moment = GoTime(1_710_003_908 * SECOND + SECOND // 2)
    assert moment.format(layout) == text


def test_zones_know_summer() -> None:
    zone = find_zone("Europe/London")
    assert zone is not None
    assert GoTime(1_718_000_000 * SECOND, zone).format("15:04 MST -07:00") == "07:13 BST +01:00"
    assert find_zone("Nowhere/Bad") is None


def test_parses_and_refuses() -> None:
    assert parse_time("2006-01-02 15:04:05", "2024-03-09 17:05:08", UTC).seconds == 1_710_003_908
    with pytest.raises(TimeError, match='parsing time "x" as "2006-01-02": cannot parse "x" as "2006"'):
        parse_time("2006-01-02", "x", UTC)
    with pytest.raises(TimeError, match="day out of range"):
        parse_time("2006-01-02", "2023-02-29", UTC)
    with pytest.raises(TimeError, match='extra text: " y"'):
        parse_time("2006", "2023 y", UTC)


@pytest.mark.parametrize(("text", "shown"), [("1h30m", "1h30m0s"), ("-2.5s", "-2.5s"), ("300ms", "300ms"), ("0", "0s")])
def test_durations(text: str, shown: str) -> None:
    assert GoDuration(parse_duration(text)).go_string() == shown


def test_a_bad_duration_is_refused() -> None:
    for text in ("", "bad", "5", "5x"):
        with pytest.raises(DurationError):
            parse_duration(text)
