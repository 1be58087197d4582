"""The records of the cold path behave as the standard library's dataclasses do."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from pyhelm import records

FLAVOURS: Any = [(dataclasses.dataclass, dataclasses.field, dataclasses.replace)]
FLAVOURS += [(records.dataclass, records.field, records.replace)]


@records.dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 2


def build(dataclass: Any, field: Any, **how: Any) -> Any:
    @dataclass(**how)
    class Base:
        name: str
        tags: list[str] = field(default_factory=list)

        @property
        def loud(self) -> str:
            return self.name.upper()

    @dataclass(**how)
    class Child(Base):
        size: int = 1

    return Child


@pytest.mark.parametrize(("dataclass", "field", "replace"), FLAVOURS, ids=["standard", "ours"])
@pytest.mark.parametrize("how", [{}, {"slots": True}, {"frozen": True, "slots": True}, {"kw_only": True}])
def test_records_and_dataclasses_agree(dataclass: Any, field: Any, replace: Any, how: dict[str, bool]) -> None:
    child = build(dataclass, field, **how)
    one, two = child(name="a"), child(name="a")
    assert (one == two, one == child(name="b"), one.tags is two.tags) == (True, False, False)
    assert (one.name, one.tags, one.size, one.loud) == ("a", [], 1, "A")
    assert repr(one).endswith("Child(name='a', tags=[], size=1)")
    assert replace(one, size=5) == child(name="a", tags=[], size=5)
    for wrong in ({}, {"name": "a", "odd": 1}):
        with pytest.raises(TypeError):
            child(**wrong)
    if how.get("kw_only"):
        with pytest.raises(TypeError):
            child("a")
    else:
        assert child("a", ["t"], 3) == child(name="a", tags=["t"], size=3)
        with pytest.raises(TypeError):
            child("a", name="b")
        with pytest.raises(TypeError):
            child("a", [], 1, 2)
    if how.get("frozen"):
        with pytest.raises(AttributeError):
            one.size = 2
    else:
        one.size = 2
        assert one != two
        with pytest.raises(TypeError):
            hash(one)
    if how.get("slots"):
        with pytest.raises((AttributeError, TypeError)):
            one.other = 1


def test_frozen_records_are_keys_and_can_be_copied() -> None:
    assert {Point(1): "a"}[Point(1, 2)] == "a"
    assert copy.deepcopy(Point(3)) == Point(3) == pickle.loads(pickle.dumps(Point(3)))
    match Point(4, 5):
        case Point(x, y):
            assert (x, y) == (4, 5)
