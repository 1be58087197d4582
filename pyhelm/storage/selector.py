"""Kubernetes label selectors over the labels of records: `a=b,c!=d,e in (f,g),h,!i`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pyhelm.errors import ReleaseError

_SET = re.compile(r"^\s*(\S+?)\s+(in|notin)\s*\(([^)]*)\)\s*$")
_PAIR = re.compile(r"^\s*([^=!\s]+)\s*(==|=|!=)\s*(\S*)\s*$")
_BARE = re.compile(r"^\s*(!?)\s*([^=!\s,()]+)\s*$")
_COMMAS = re.compile(r",(?![^(]*\))")


def matches(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether `labels` satisfy every requirement. Raises ReleaseError for what is no selector."""
    return all(_one(part, labels) for part in _COMMAS.split(selector)) if selector.strip() else True


def _one(part: str, labels: Mapping[str, str]) -> bool:
    if found := _SET.match(part):
        values = {word.strip() for word in found.group(3).split(",")}
        inside = labels.get(found.group(1)) in values
        return inside if found.group(2) == "in" else not inside
    if found := _PAIR.match(part):
        equal = labels.get(found.group(1)) == found.group(3)
        return not equal if found.group(2) == "!=" else equal
    if found := _BARE.match(part):
        return (found.group(2) in labels) != bool(found.group(1))
    raise ReleaseError(f"unable to parse requirement: {part!r} is no label selector")
