"""semver and semverCompare over the version rules of `formats.semver`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from pyhelm.engine.functions.errors import GoCallError
from pyhelm.formats.gotypes import GoInt, GoObject, GoUint64
from pyhelm.formats.semver import Constraint, SemverError, Version
from pyhelm.records import replace

__all__ = ["SemVer", "semver_", "semver_compare"]


class SemVer(GoObject):
    """*semver.Version: its parts are methods, it prints as the version."""

    go_type: ClassVar[str] = "*semver.Version"
    go_kind: ClassVar[str] = "ptr"

    def __init__(self, version: Version) -> None:
        self.version = version

    def go_string(self) -> str | None:
        """The version in full form."""
        return str(self.version)

    def go_json(self) -> Any:
        """The version in full form."""
        return str(self.version)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SemVer) and (self.version.key(), self.version.metadata, self.version.original) == (
            other.version.key(),
            other.version.metadata,
            other.version.original,
        )

    def __hash__(self) -> int:
        return hash(self.version)

    def go_methods(self) -> dict[str, Callable[..., Any]]:
        """What templates call on it."""
        version = self.version
        return {
            "Major": lambda: GoUint64(version.major),
            "Minor": lambda: GoUint64(version.minor),
            "Patch": lambda: GoUint64(version.patch),
            "Prerelease": lambda: version.prerelease,
            "Metadata": lambda: version.metadata,
            "Original": lambda: version.original,
            "String": lambda: str(version),
            "Compare": lambda other: GoInt(_compare(version, _other(other))),
            "Equal": lambda other: _compare(version, _other(other)) == 0,
            "LessThan": lambda other: _compare(version, _other(other)) < 0,
            "LessThanEqual": lambda other: _compare(version, _other(other)) <= 0,
            "GreaterThan": lambda other: _compare(version, _other(other)) > 0,
            "GreaterThanEqual": lambda other: _compare(version, _other(other)) >= 0,
            "IncMajor": lambda: _next(version, "major"),
            "IncMinor": lambda: _next(version, "minor"),
            "IncPatch": lambda: _next(version, "patch"),
            "SetPrerelease": lambda text: _with(version, prerelease=text),
            "SetMetadata": lambda text: _with(version, metadata=text),
        }


def _other(value: Any) -> Version:
    if not isinstance(value, SemVer):
        raise GoCallError("wrong type for value; expected *semver.Version")
    return value.version


def _compare(one: Version, two: Version) -> int:
    return (one.key() > two.key()) - (one.key() < two.key())


class _Value(SemVer):
    """semver.Version by value, which the Inc and Set methods return."""

    go_type: ClassVar[str] = "semver.Version"
    go_kind: ClassVar[str] = "struct"


def _next(version: Version, part: str) -> SemVer:
    if part == "patch":
        patch = version.patch if version.prerelease else version.patch + 1
        made = Version(version.major, version.minor, patch)
    elif part == "minor":
        made = Version(version.major, version.minor + 1, 0)
    else:
        made = Version(version.major + 1, 0, 0)
    prefix = "v" if version.original.startswith("v") else ""
    return _Value(replace(made, original=prefix + str(made)))


def _with(version: Version, **changes: str) -> SemVer:
    made = replace(version, **changes)  # type: ignore[arg-type]
    return _Value(replace(made, original=str(made)))


def semver_(text: str) -> SemVer:
    """A version, loosely read."""
    try:
        return SemVer(Version.parse(text))
    except SemverError as error:
        raise GoCallError(str(error)) from None


def semver_compare(constraint: str, version: str) -> bool:
    """Whether the version satisfies the constraint."""
    try:
        return Constraint.parse(constraint).check(Version.parse(version))
    except SemverError as error:
        raise GoCallError(str(error)) from None
