"""Semantic versions and constraints with the meaning Masterminds/semver v3 gives them, which Helm follows.

`Version.parse` is loose (`v1`, `1.2`, `01.0.0`), `Version.parse_strict` is SemVer 2. A constraint without a
pre-release part rejects every pre-release; `1.2.x`, `~1.2`, `^1.2`, `1 - 2`, commas or spaces for "and" and `||` for
"or" are understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, total_ordering

from pyhelm.patterns import lazy
from pyhelm.records import dataclass

__all__ = ["Constraint", "SemverError", "Version"]


class SemverError(ValueError):
    """No version, or no constraint; the message is Masterminds'."""


_SUFFIX = r"(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?"
_LOOSE = lazy(r"v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?" + _SUFFIX)
_STRICT = lazy(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)" + _SUFFIX)
_LIMIT = 1 << 64


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A version; `metadata` plays no part in comparing. `original` is the text it was read from."""

    major: int
    minor: int = 0
    patch: int = 0
    prerelease: str = ""
    metadata: str = ""
    original: str = ""

    @classmethod
    def parse(cls, text: str) -> Version:
        """Loose reading. Raises SemverError."""
        found = _LOOSE.fullmatch(text)
        if not found:
            raise SemverError("invalid semantic version")
        return _made(found, text)

    @classmethod
    def parse_strict(cls, text: str) -> Version:
        """SemVer 2 to the letter. Raises SemverError."""
        if not text:
            raise SemverError("version string empty")
        found = _STRICT.fullmatch(text)
        if not found:
            raise SemverError("invalid semantic version")
        return _made(found, text)

    def key(self) -> tuple[int, int, int, tuple[tuple[int, int, str], ...]]:
        """What versions are ordered by; a pre-release comes before its release."""
        if not self.prerelease:
            return (self.major, self.minor, self.patch, ((2, 0, ""),))
        parts = ((0, int(p), "") if p.isdigit() else (1, 0, p) for p in self.prerelease.split("."))
        return (self.major, self.minor, self.patch, tuple(parts))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self.key() == other.key()

    def __lt__(self, other: Version) -> bool:
        return self.key() < other.key()

    def __hash__(self) -> int:
        return hash(self.key())

    def __str__(self) -> str:
        text = f"{self.major}.{self.minor}.{self.patch}"
        text += f"-{self.prerelease}" if self.prerelease else ""
        return text + (f"+{self.metadata}" if self.metadata else "")


def _made(found: re.Match[str], text: str) -> Version:
    numbers = [int((found[i] or "0").lstrip(".")) for i in (1, 2, 3)]
    for place, number in enumerate(numbers, 1):
        if number >= _LIMIT:
            shown = (found[place] or "").lstrip(".")
            reason = f'strconv.ParseUint: parsing "{shown}": value out of range'
            raise SemverError(f"error parsing version segment: {reason}")
    prerelease = found[5] or ""
    if any(len(p) > 1 and p.isdigit() and p[0] == "0" for p in prerelease.split(".")):
        raise SemverError("version segment starts with 0")
    return Version(numbers[0], numbers[1], numbers[2], prerelease, found[8] or "", text)


_OPERATORS = r"=|!=|>|<|>=|=>|<=|=<|~|~>|\^|"
_PART = r"[0-9xX*]+"
_NUMBERS = rf"v?({_PART})(\.{_PART})?(\.{_PART})?{_SUFFIX}"
_ONE = lazy(rf"\s*({_OPERATORS})\s*({_NUMBERS})\s*")
_EACH = lazy(rf"({_OPERATORS})\s*({_NUMBERS})")
_GROUP = lazy(rf"(\s*({_OPERATORS})\s*({_NUMBERS})\s*)((?:\s+|,\s*)({_OPERATORS})\s*({_NUMBERS})\s*)*(\s*,?\s*)")
_RANGE = lazy(
    rf"\s*(v?{_PART}(?:\.{_PART})?(?:\.{_PART})?{_SUFFIX})\s+-\s+(v?{_PART}(?:\.{_PART})?(?:\.{_PART})?{_SUFFIX})\s*"
)


@dataclass(frozen=True, slots=True)
class _Term:
    """One comparison; the flags say which numbers were left out or were wildcards."""

    operator: str
    version: Version
    any_minor: bool
    any_patch: bool
    any_part: bool

    def check(self, version: Version) -> bool:
        if version.prerelease and not self.version.prerelease:
            return False
        return _CHECKS[self.operator](self, version)


@dataclass(frozen=True, slots=True)
class Constraint:
    """Terms joined by "and", groups joined by "or"."""

    groups: tuple[tuple[_Term, ...], ...]

    @classmethod
    def parse(cls, text: str) -> Constraint:
        """Raises SemverError."""
        return _parse_constraint(text)

    def check(self, version: Version) -> bool:
        return any(all(term.check(version) for term in group) for group in self.groups)


@lru_cache(maxsize=512)
def _parse_constraint(text: str) -> Constraint:
    text = _RANGE.sub(lambda m: f">={m[1]} <={m[8]} ", text)
    return Constraint(tuple(_group(part) for part in text.split("||")))


def _group(text: str) -> tuple[_Term, ...]:
    if text.strip() == "":
        return (_Term("", Version(0), False, False, True),)
    if not _GROUP.fullmatch(text):
        raise SemverError(f"improper constraint: {text}")
    return tuple(_term(m[0]) for m in _EACH.finditer(text))


def _term(text: str) -> _Term:
    found = _ONE.fullmatch(text)
    if not found:
        raise SemverError(f"improper constraint: {text}")
    operator, major, minor, patch, suffix = found[1], found[3], found[4], found[5], found[6] or ""
    if _wild(major):
        return _Term(operator, _version("0.0.0" + suffix), False, False, True)
    if _wild(minor):
        return _Term(operator, _version(f"{major}.0.0{suffix}"), True, False, True)
    if _wild(patch):
        return _Term(operator, _version(f"{major}{minor}.0{suffix}"), False, True, True)
    return _Term(operator, _version(f"{major}{minor}{patch}{suffix}"), False, False, False)


def _version(text: str) -> Version:
    try:
        return Version.parse(text)
    except SemverError:
        raise SemverError("constraint parser error") from None


def _wild(part: str | None) -> bool:
    return part is None or part.lstrip(".") in ("x", "X", "*")


def _equal(term: _Term, version: Version) -> bool:
    return _tilde(term, version) if term.any_part else version == term.version


def _not_equal(term: _Term, version: Version) -> bool:
    wanted = term.version
    if not term.any_part:
        return version != wanted
    if version.major != wanted.major:
        return True
    if version.minor != wanted.minor and not term.any_minor:
        return True
    if term.any_minor:
        return False
    if version.patch != wanted.patch and not term.any_patch:
        return True
    return term.any_patch and version.prerelease != wanted.prerelease


def _greater(term: _Term, version: Version) -> bool:
    wanted = term.version
    if not term.any_part or version.major != wanted.major:
        return version > wanted if not term.any_part else version.major > wanted.major
    if term.any_minor:
        return False
    if term.any_patch:
        return version.minor > wanted.minor
    return version > wanted


def _less(term: _Term, version: Version) -> bool:
    return version < term.version


def _at_least(term: _Term, version: Version) -> bool:
    return version >= term.version


def _at_most(term: _Term, version: Version) -> bool:
    wanted = term.version
    if not term.any_part:
        return version <= wanted
    if version.major > wanted.major:
        return False
    return not (version.major == wanted.major and version.minor > wanted.minor and not term.any_minor)


def _tilde(term: _Term, version: Version) -> bool:
    wanted = term.version
    if version < wanted:
        return False
    if (wanted.major, wanted.minor, wanted.patch) == (0, 0, 0) and not term.any_minor and not term.any_patch:
        return True
    return version.major == wanted.major and (version.minor == wanted.minor or term.any_minor)


def _caret(term: _Term, version: Version) -> bool:
    wanted = term.version
    if version < wanted:
        return False
    if wanted.major > 0 or term.any_minor:
        return version.major == wanted.major
    if version.major > 0:
        return False
    if wanted.minor > 0 or term.any_patch:
        return version.minor == wanted.minor
    if version.minor > 0:
        return False
    return version.patch == wanted.patch


_CHECKS: dict[str, Callable[[_Term, Version], bool]] = {
    "": _equal,
    "=": _equal,
    "!=": _not_equal,
    ">": _greater,
    "<": _less,
    ">=": _at_least,
    "=>": _at_least,
    "<=": _at_most,
    "=<": _at_most,
    "~": _tilde,
    "~>": _tilde,
    "^": _caret,
}
