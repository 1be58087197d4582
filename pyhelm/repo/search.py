"""Searching cached indexes: Helm's ranking by where in an entry the word stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cmp_to_key

from pyhelm.errors import RepoError
from pyhelm.formats.semver import Constraint, SemverError
from pyhelm.repo.index import Entry, Index, parsed

_SEPARATOR = "\v"
_LIMIT = 25


@dataclass(frozen=True, slots=True)
class Result:
    """One hit; `name` is `repository/chart`."""

    name: str
    entry: Entry
    score: int = 0


def search(
    indexes: list[tuple[str, Index]], term: str, *, regexp: bool = False, every_version: bool = False
) -> list[Result]:
    """Hits in Helm's order; all entries where `term` is empty. Raises RepoError for a bad expression."""
    lines = [line for name, index in indexes for line in _lines(name, index, every_version)]
    find = _finder(term, regexp)
    found: list[Result] = []
    for name, entry, text in lines:
        place = find(text)
        if place < 0:
            continue
        score = text.count(_SEPARATOR, 0, max(place, 0)) if term else 0
        if score < _LIMIT:
            found.append(Result(name, entry, score))
    return sorted(found, key=cmp_to_key(_compare))


def _lines(repository: str, index: Index, every_version: bool) -> list[tuple[str, Entry, str]]:
    found = []
    for name, entries in index.entries.items():
        for entry in entries if every_version else entries[:1]:
            chart = str(entry.get("name") or "")
            parts = [chart, f"{repository}/{chart}", str(entry.get("description") or "")]
            parts.append(" ".join(str(word) for word in entry.get("keywords") or []))
            found.append((f"{repository}/{name}", entry, _SEPARATOR.join(parts)))
    return found


def _finder(term: str, regexp: bool) -> Callable[[str], int]:
    if not term:
        return lambda _: 0
    if not regexp:
        return lambda text: text.lower().find(term.lower())
    try:
        compiled = re.compile(term)
    except re.error as error:
        raise RepoError(f"error parsing regexp: {error}: `{term}`") from error

    def find(text: str) -> int:
        found = compiled.search(text)
        return found.start() if found else -1

    return find


def _compare(one: Result, other: Result) -> int:
    """By score, then by name, then newest first."""
    left, right = (one.score, one.name), (other.score, other.name)
    if left != right:
        return -1 if left < right else 1
    first, second = parsed(one.entry), parsed(other.entry)
    if first is None or second is None:
        return -1
    return -1 if first > second else 1 if first < second else 0


def constrained(results: list[Result], version: str, *, every_version: bool) -> list[Result]:
    """The hits whose version satisfies the constraint, one a chart unless all are wanted. Raises RepoError."""
    try:
        constraint = Constraint.parse(version)
    except SemverError as error:
        raise RepoError(f"an invalid version/constraint format: {error}") from error
    found: list[Result] = []
    names: set[str] = set()
    for result in results:
        number = parsed(result.entry)
        if (result.name in names and not every_version) or number is None or not constraint.check(number):
            continue
        found.append(result)
        names.add(result.name)
    return found
