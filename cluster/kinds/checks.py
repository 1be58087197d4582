"""The small checks that validation of every kind is made of, with the API's words for each.

A check takes the path it speaks for and the value, and returns faults. Nothing here knows a kind.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cluster.meta import names
from cluster.meta.decimals import whole
from cluster.meta.field import FieldError, Path, duplicate, forbidden, invalid, not_supported, required
from cluster.meta.labels import label_faults

Faults = list[FieldError]

NEGATIVE = "must be greater than or equal to 0"
IMMUTABLE = "field is immutable"
NOT_POSITIVE = "must be greater than zero"
NOT_INTEGER = "must be an integer"
LOOPBACK = "loopback-addresses"
MAX_INT32 = 2**31 - 1


def nonnegative(path: str, value: int | None) -> Faults:
    return [invalid(path, value, NEGATIVE)] if value is not None and value < 0 else []


def not_decremented(path: Path, now: dict[str, Any], was: dict[str, Any], name: str) -> Faults:
    """A count that only grows; leaving it out is going back to zero."""
    if was.get(name) is None or (now.get(name) is not None and now[name] >= was[name]):
        return []
    return [invalid(path / name, now.get(name) or 0, "cannot be decremented")]


def between(path: str, value: int, low: int, high: int) -> Faults:
    return [] if low <= value <= high else [invalid(path, value, f"must be between {low} and {high}, inclusive")]


def port(path: str, value: int) -> Faults:
    return between(path, value, 1, 65535)


def immutable(path: str, new: Any, old: Any) -> Faults:
    return [] if new == old else [invalid(path, new, IMMUTABLE)]


def one_of(path: str, value: Any, allowed: Sequence[str]) -> Faults:
    """`allowed` in the order messages list it."""
    return [] if value in allowed else [not_supported(path, value, list(allowed))]


def by_rule(path: str, value: str, rule: Callable[[str], list[str]]) -> Faults:
    """Faults of a naming rule, a fault for each of its complaints."""
    return [invalid(path, value, complaint) for complaint in rule(value)]


def label(path: str, value: str) -> Faults:
    return by_rule(path, value, names.dns1123_label)


def subdomain(path: str, value: str) -> Faults:
    return by_rule(path, value, names.dns1123_subdomain)


def qualified(path: str, value: str) -> Faults:
    return by_rule(path, value, names.label_key)


def labels(path: str, held: dict[str, str] | None) -> Faults:
    """Keys and values of a label map; each fault stands at the map itself."""
    return label_faults(held, path)


def prefixed_path(path: str, value: str) -> Faults:
    """A domain-prefixed path such as `acme.io/foo`."""
    if not value:
        return [required(path)]
    domain, slash, rest = value.partition("/")
    if not domain or not slash or not rest:
        return [invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')]
    faults = [invalid(path, domain, complaint) for complaint in names.dns1123_subdomain(domain)]
    if not re.fullmatch(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+", rest):
        faults.append(
            invalid(path, rest, "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')")
        )
    return faults


_PERCENT = re.compile(r"^[0-9]+%$")
_BAD_PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' "
    "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
)


def int_or_percent(path: str, value: int | str | None) -> Faults:
    """A number that is not negative, or a percentage."""
    if isinstance(value, str):
        return [] if _PERCENT.match(value) else [invalid(path, value, _BAD_PERCENT)]
    return nonnegative(path, value)


def percent(value: int | str | None) -> int | None:
    """The number of a percentage, None for anything else."""
    return whole(value[:-1]) if isinstance(value, str) and _PERCENT.match(value) else None


def at_most_all(path: str, value: int | str | None) -> Faults:
    share = percent(value)
    return [invalid(path, value, "must not be greater than 100%")] if share is not None and share > 100 else []


NOT_AN_IP = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
NOT_A_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
LEADING_ZEROS = "must not have leading 0s"
IP_MAPPED = "must not be an IPv4-mapped IPv6 address"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def address(text: str) -> Address | None:
    """The address, None when it is none. Leading zeros in IPv4 are read as decimal, as the API does for old fields."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return _with_leading_zeros(text)


def _with_leading_zeros(text: str) -> Address | None:
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isdigit() and len(part) <= 3 and int(part) <= 255 for part in parts):
        return None
    return ipaddress.ip_address(".".join(str(int(part)) for part in parts))


def network(text: str) -> Network | None:
    """The network of a CIDR text; bits below the mask may be set."""
    base, slash, bits = text.partition("/")
    if not slash or not bits.isdigit():
        return None
    try:
        return ipaddress.ip_network(f"{address(base) or base}/{bits}", strict=False)
    except ValueError:
        return None


def ip(path: str, value: str) -> Faults:
    return [] if address(value) else [invalid(path, value, NOT_AN_IP)]


def legacy_ip(path: str, value: str) -> Faults:
    """An address in a field that once took any spelling: understood loosely, refused where it is ambiguous."""
    found = address(value)
    if found is None:
        return [invalid(path, value, NOT_AN_IP)]
    faults: Faults = []
    if _loose(value):
        faults.append(invalid(path, value, LEADING_ZEROS))
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        faults.append(invalid(path, value, IP_MAPPED))
    return faults


def ip_warnings(path: str, value: str) -> list[str]:
    """Words on an address in a field that takes any spelling."""
    found = address(value)
    if found is None:
        return []
    if _loose(value) or (isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None):
        plain = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else found
        return [f'{path}: non-standard IP address "{value}" is invalid: use "{plain}"']
    if isinstance(found, ipaddress.IPv6Address) and str(found) != value:
        return [f'{path}: IPv6 address "{value}" should be in RFC 5952 canonical format ("{found}")']
    return []


def cidr_warnings(path: str, value: str) -> list[str]:
    """Words on a range in a field that takes any spelling."""
    found = network(value)
    if found is None:
        return []
    base = value.partition("/")[0]
    inside = address(base)
    out = []
    if inside != found.network_address:
        single = f"{inside}/{found.max_prefixlen}"
        out.append(f'{path}: CIDR value "{value}" is ambiguous in this context (should be "{found}" or "{single}"?)')
    if _loose(base) or (len(bits := value.partition("/")[2]) > 1 and bits[0] == "0"):
        out.append(f'{path}: non-standard CIDR value "{value}" is invalid: use "{found}"')
    written = f"{inside}/{found.prefixlen}"
    if not out and isinstance(found, ipaddress.IPv6Network) and written != value:
        out.append(f'{path}: IPv6 CIDR value "{value}" should be in RFC 5952 canonical format ("{written}")')
    return out


def canonical_ip(path: str, value: str) -> Faults:
    """An address in its one canonical spelling."""
    faults = legacy_ip(path, value)
    found = address(value)
    if not faults and found is not None and str(found) != value:
        faults.append(invalid(path, value, f'must be in canonical form ("{found}")'))
    return faults


def _loose(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return True
    return False


def legacy_cidr(path: str, value: str) -> Faults:
    """A range in a field that once took any spelling."""
    found = network(value)
    if found is None:
        return [invalid(path, value, NOT_A_CIDR)]
    base, _, bits = value.partition("/")
    if _loose(base) or (len(bits) > 1 and bits[0] == "0"):
        return [invalid(path, value, "must not have leading 0s in IP or prefix length")]
    if isinstance(found, ipaddress.IPv6Network) and found.network_address.ipv4_mapped is not None:
        return [invalid(path, value, "must not have an IPv4-mapped IPv6 address")]
    if str(address(base)) != str(found.network_address):
        return [invalid(path, value, "must not have bits set beyond the prefix length")]
    return []


def canonical_cidr(path: str, value: str) -> Faults:
    """A range in its one canonical spelling."""
    faults = legacy_cidr(path, value)
    found = network(value)
    if not faults and found is not None and str(found) != value:
        faults.append(invalid(path, value, f'must be in canonical form ("{found}")'))
    return faults


def cidr(path: str, value: str) -> Faults:
    return [] if network(value) else [invalid(path, value, NOT_A_CIDR)]


def endpoint_ip(path: str, value: str) -> Faults:
    """An address that traffic may be sent to: not unspecified, loopback, link-local or link-local multicast."""
    found = address(value)
    if found is None:
        return [invalid(path, value, "must be a valid IP address")]
    faults: Faults = []
    if found.is_unspecified:
        faults.append(invalid(path, value, f"may not be unspecified ({value})"))
    if found.is_loopback:
        faults.append(_loopback(path, value))
    if found.is_link_local:
        faults.append(invalid(path, value, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"))
    if _link_local_multicast(found):
        faults.append(invalid(path, value, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"))
    return faults


def _loopback(path: str, value: str) -> FieldError:
    fault = invalid(path, value, "may not be in the loopback range (127.0.0.0/8, ::1/128)")
    return FieldError(fault.type, fault.path, fault.value, fault.detail, LOOPBACK)


def _link_local_multicast(found: Address) -> bool:
    if isinstance(found, ipaddress.IPv4Address):
        return found in ipaddress.ip_network("224.0.0.0/24")
    return found in ipaddress.ip_network("ff02::/16")


def relative_path(path: str, value: str) -> Faults:
    """A path below a directory: not absolute, without `..` parts."""
    if value.startswith("/"):
        return [invalid(path, value, "must be a relative path")]
    return no_backsteps(path, value)


def no_backsteps(path: str, value: str) -> Faults:
    """No `..` among the parts of a path."""
    parts = value.replace("\\", "/").split("/")
    return [invalid(path, value, "must not contain '..'")] if ".." in parts else []


def duplicates(path: Path, values: Iterable[Any]) -> Faults:
    """A fault at each index whose value was there before."""
    seen: set[Any] = set()
    faults: Faults = []
    for at, value in enumerate(values):
        if value in seen:
            faults.append(duplicate(path[at], value))
        seen.add(value)
    return faults


def unset(path: Path, holder: dict[str, Any], fields: Iterable[str], why: str) -> Faults:
    """Forbids fields that are set."""
    return [forbidden(path / name, why) for name in fields if holder.get(name) is not None]


class Bare:
    """A value that is shown as its text, without quotes: an error in the place of a value."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text
