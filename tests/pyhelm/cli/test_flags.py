"""Flags: forms, values and pflag's complaints."""

from __future__ import annotations

import pytest

from pyhelm.cli.chartflags import WAIT
from pyhelm.cli.flags import (
    HelpWanted,
    Parsed,
    Parser,
    UsageError,
    array,
    boolean,
    duration,
    exclusive,
    number,
    pairs,
    pairs_of,
    strings,
    text,
)
from pyhelm.cli.output import OUTPUT

FLAGS = (
    text("name", "", "n"),
    boolean("yes", "", "y"),
    boolean("on", "", default=True),
    array("set", ""),
    strings("values", "", "f"),
    pairs("labels", "", "l"),
    number("max", "", 7),
    duration("timeout", "", 300.0),
    boolean("atomic", "", deprecated="use --yes instead", alias_of="yes"),
    OUTPUT,
    *(flag for flag in WAIT if flag.name == "wait"),
)


def parse(*argv: str) -> Parsed:
    return Parser(FLAGS).parse(argv)


def test_values_come_by_equals_sign_next_word_or_joined() -> None:
    assert [parse(*a)["name"] for a in (("--name=a",), ("--name", "a"), ("-n", "a"), ("-na",), ("-n=a",))] == ["a"] * 5


def test_flags_stand_between_words() -> None:
    parsed = parse("one", "-y", "two", "--", "--name")
    assert parsed.words == ["one", "two", "--name"]
    assert parsed["yes"] is True


def test_short_flags_join() -> None:
    parsed = parse("-yn", "a")
    assert (parsed["yes"], parsed["name"]) == (True, "a")


def test_repeated_flags_collect_and_slices_split() -> None:
    parsed = parse("--set", "a=1,b=2", "--set", "c", "-f", "x,y", "-f", "z", "-l", "a=b,c=d")
    assert parsed["set"] == ["a=1,b=2", "c"]
    assert parsed["values"] == ["x", "y", "z"]
    assert pairs_of(parsed["labels"]) == {"a": "b", "c": "d"}


def test_wait_needs_no_value() -> None:
    assert [parse(*argv)["wait"] for argv in ((), ("--wait",), ("--wait=legacy",))] == ["hookOnly", "watcher", "legacy"]
    assert parse("--wait", "word").words == ["word"]


def test_booleans_can_be_switched_off() -> None:
    assert parse("--on=false")["on"] is False


def test_deprecated_flags_set_the_new_one_and_say_so() -> None:
    parsed = parse("--atomic")
    assert parsed["yes"] is True
    assert parsed.notices == ["Flag --atomic has been deprecated, use --yes instead"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--bogus"], "unknown flag: --bogus"),
        (["-x"], "unknown shorthand flag: 'x' in -x"),
        (["--name"], "flag needs an argument: --name"),
        (["-n"], "flag needs an argument: 'n' in -n"),
        (["--max", "x"], 'invalid argument "x" for "--max" flag: strconv.ParseInt: parsing "x": invalid syntax'),
        (["--timeout", "5x"], 'invalid argument "5x" for "--timeout" flag: time: unknown unit "x" in duration "5x"'),
        (["--timeout", "5"], 'invalid argument "5" for "--timeout" flag: time: missing unit in duration "5"'),
        (["-o", "xml"], 'invalid argument "xml" for "-o, --output" flag: invalid format type'),
        (["-l", "a"], 'invalid argument "a" for "-l, --labels" flag: a must be formatted as key=value'),
    ],
)
def test_complaints_are_pflags(argv: list[str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(*argv)
    assert str(caught.value) == said


@pytest.mark.parametrize(("word", "seconds"), [("1h2m3s", 3723.0), ("1.5m", 90.0), ("300ms", 0.3), ("0", 0.0)])
def test_durations_are_gos(word: str, seconds: float) -> None:
    assert parse("--timeout", word)["timeout"] == pytest.approx(seconds)


def test_help_is_wanted() -> None:
    with pytest.raises(HelpWanted):
        parse("--help")


def test_flags_may_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="none of the others can be"):
        exclusive(parse("--yes", "--name", "a"), ("yes", "name"))
