"""Names of attributes and capacities of devices: an identifier, maybe behind a domain."""

from __future__ import annotations

import re

from cluster.kinds.checks import Faults
from cluster.kinds.podspec.volumes import csi_driver_name
from cluster.meta.field import Path, invalid, too_long
from cluster.meta.names import regex_error

LONGEST = 32
_PATTERN = "[A-Za-z_][A-Za-z0-9_]*"
_RULE = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric " + (
    "characters or '_'"
)


def qualified(path: Path, name: str) -> Faults:
    domain, slash, rest = name.partition("/")
    if not slash:
        return _identifier(path, name)
    if "/" in rest:
        return []
    faults = csi_driver_name(path, domain) if domain else [invalid(path, "", "the domain must not be empty")]
    return faults + (_identifier(path, rest) if rest else [invalid(path, "", "the name must not be empty")])


def fully_qualified(path: Path, name: str) -> Faults:
    faults = qualified(path, name)
    if "/" not in name:
        why = "a fully qualified name must be a domain and a name separated by a slash"
        faults.append(invalid(path, name, why))
    return faults


def _identifier(path: Path, name: str) -> Faults:
    faults: Faults = [too_long(path, LONGEST)] if len(name) > LONGEST else []
    if not re.fullmatch(_PATTERN, name):
        faults.append(invalid(path, name, regex_error(_RULE, _PATTERN, "my_name", "MY_NAME", "MyName")))
    return faults
