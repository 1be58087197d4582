"""What was read is remembered between commands, and nothing else is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pyhelm.formats import yaml_memory
from pyhelm.formats.yaml_memory import YamlMemory
from pyhelm.formats.yaml_read import YAMLError, load


def recall(memory: YamlMemory, text: str, seen: list[str]) -> Any:
    def parse() -> Any:
        seen.append(text)
        return load(text)

    return memory.recall("test", text.encode(), parse)


def test_texts_are_parsed_once(tmp_path: Path) -> None:
    text, seen = "a: [1, x, 0.5, null, true]\nb: {c: d}", list[str]()
    first = YamlMemory(str(tmp_path), "chart")
    value = recall(first, text, seen)
    first.save()
    second = YamlMemory(str(tmp_path), "chart")
    again = recall(second, text, seen)
    assert (again, seen) == (value, [text])
    again["b"]["c"] = "changed"
    assert recall(second, text, seen) == value
    assert recall(YamlMemory(str(tmp_path), "other"), text, seen) == value
    assert seen == [text, text]


def test_errors_are_not_remembered(tmp_path: Path) -> None:
    seen: list[str] = []
    for _ in range(2):
        memory = YamlMemory(str(tmp_path), "chart")
        with pytest.raises(YAMLError):
            recall(memory, "a: [", seen)
        memory.save()
    assert len(seen) == 2


def test_kinds_are_kept_apart(tmp_path: Path) -> None:
    memory = YamlMemory(str(tmp_path), "chart")
    assert memory.recall("one", b"x", lambda: 1) == 1
    assert memory.recall("two", b"x", lambda: 2) == 2


def test_what_is_no_longer_met_is_forgotten(tmp_path: Path) -> None:
    seen: list[str] = []
    for text in ("old: 1", "new: 1", "old: 1"):
        memory = YamlMemory(str(tmp_path), "chart")
        recall(memory, text, seen)
        memory.save()
    assert seen == ["old: 1", "new: 1", "old: 1"]


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"\xe9\x00\x00"])
def test_a_damaged_file_counts_as_forgotten(tmp_path: Path, damage: bytes) -> None:
    seen: list[str] = []
    memory = YamlMemory(str(tmp_path), "chart")
    recall(memory, "a: 1", seen)
    memory.save()
    Path(memory.path).write_bytes(damage)
    assert recall(YamlMemory(str(tmp_path), "chart"), "a: 1", seen) == {"a": 1.0}
    assert len(seen) == 2


def test_a_command_that_met_nothing_new_writes_nothing(tmp_path: Path) -> None:
    files = set()
    for _ in range(2):
        memory = YamlMemory(str(tmp_path), "chart")
        recall(memory, "a: 1", [])
        memory.save()
        files.add(Path(memory.path).stat().st_ino)
    assert len(files) == 1
    assert [file.name for file in tmp_path.iterdir()] == [Path(memory.path).name]


def test_the_folder_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_memory, "_MAX_BYTES", 5000)
    for number in range(10):
        memory = YamlMemory(str(tmp_path), f"chart{number}")
        recall(memory, f"a: {number}" + "x" * 1000, [])
        memory.save()
    assert 0 < sum(file.stat().st_size for file in tmp_path.iterdir()) <= 5000


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memory = YamlMemory(str(tmp_path / "file"), "chart")
    assert recall(memory, "a: 1", []) == {"a": 1.0}
    memory.save()
