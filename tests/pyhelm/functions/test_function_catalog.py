"""The catalog: every name resolves, arguments of the wrong type are refused with the place they stood at."""

from __future__ import annotations

import pytest

from pyhelm.engine.functions import ENGINE_FUNCTIONS, FUNCTIONS, SIGNATURES, GoCallError, GoTypeError, resolve
from pyhelm.engine.goprint import GoInt


def test_there_are_240_names_and_all_but_the_engines_resolve() -> None:
    assert len(SIGNATURES) == 240
    assert len(FUNCTIONS) == 240 - len(ENGINE_FUNCTIONS)
    assert all(callable(FUNCTIONS[name]) for name in FUNCTIONS)
    assert {"include", "tpl", "lookup", "required", "fail", "getHostByName"} == set(ENGINE_FUNCTIONS)


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        resolve("env")


def test_a_wrong_type_is_refused_with_its_place() -> None:
    with pytest.raises(GoTypeError, match="wrong type for value; expected string; got float64") as refused:
        resolve("contains")("a", 1.0)
    assert refused.value.argument == 1


def test_nil_fits_a_map_but_not_a_text() -> None:
    assert resolve("hasKey")(None, "a") is False
    with pytest.raises(GoTypeError, match="invalid value; expected string"):
        resolve("upper")(None)


def test_a_nil_map_cannot_be_written() -> None:
    with pytest.raises(GoCallError, match="assignment to entry in nil map"):
        resolve("set")(None, "a", 1)


def test_cuts_count_bytes() -> None:
    assert resolve("trunc")(GoInt(2), "héllo").encode("utf-8", "surrogateescape") == "hé".encode()[:2]
    assert resolve("len")("héllo") == 6


def test_arithmetic_wraps_as_int64() -> None:
    assert resolve("add")((1 << 63) - 1, 1) == -(1 << 63)
    assert resolve("div")(-7, 2) == -3
    assert resolve("mod")(-7, 2) == -1
    with pytest.raises(GoCallError, match="integer divide by zero"):
        resolve("div")(1, 0)


def test_merge_fills_in_place_and_overwrite_writes_over() -> None:
    target = {"a": {"x": 1, "e": ""}, "z": 0}
    assert resolve("merge")(target, {"a": {"x": 2, "e": "filled"}, "z": 5}) is target
    assert target == {"a": {"x": 1, "e": "filled"}, "z": 5}
    assert resolve("mergeOverwrite")(target, {"a": {"x": 3}}) == {"a": {"x": 3, "e": "filled"}, "z": 5}


def test_expressions_are_re2_with_go_words() -> None:
    assert resolve("regexReplaceAll")("a(x*)b", "-ab-axxb-", "${1}W") == "-W-xxW-"
    assert resolve("regexFindAll")("a*", "baab", GoInt(-1)) == ["", "aa", ""]
    with pytest.raises(GoCallError, match=r"missing closing \): `\(ab`"):
        resolve("mustRegexFind")("(ab", "x")
