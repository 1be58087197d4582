"""The names of certificate signers: a domain of at least two labels and a path, `example.com/name`."""

from __future__ import annotations

from collections.abc import Callable

from cluster.kinds.checks import Faults
from cluster.meta import names
from cluster.meta.field import Path, invalid, required, too_long

_LONGEST_DOMAIN, _LONGEST_NAME = 253, 253 + 253 + 63 + 2
_FORM = "must be a fully qualified domain and path of the form 'example.com/signer-name'"


def signer_name(path: Path, name: str) -> Faults:
    if not name:
        return [required(path)]
    domain, slash, rest = name.partition("/")
    if not slash or "/" in rest:
        return [invalid(path, name, _FORM)]
    faults: Faults = [too_long(path, _LONGEST_DOMAIN)] if len(domain) > _LONGEST_DOMAIN else []
    faults += _first_bad(path, domain, names.dns1123_label)
    if "." not in domain:
        faults.append(invalid(path, domain, "should be a domain with at least two segments separated by dots"))
    faults += _first_bad(path, rest, names.dns1123_subdomain)
    if len(name) > _LONGEST_NAME:
        faults.append(too_long(path, _LONGEST_NAME))
    return faults


def _first_bad(path: Path, text: str, rule: Callable[[str], list[str]]) -> Faults:
    """The complaints about the first label that has any: those about the others would read the same."""
    for label in text.split("."):
        complaints = rule(label)
        if complaints:
            return [invalid(path, text, f'validating label "{label}": {complaint}') for complaint in complaints]
    return []
