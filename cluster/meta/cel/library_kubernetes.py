"""What Kubernetes adds: quantities, URLs, addresses, named formats, semantic versions, JSON pointers."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from cluster.meta.cel.functions import function
from cluster.meta.cel.values import NONE, EvalError, Opt, parse_timestamp
from cluster.meta.decimals import is_digits, whole
from cluster.meta.quantity import Quantity, QuantityError

# Quantities.


@dataclass(frozen=True, slots=True)
class CelQuantity:
    value: Quantity
    cel_type = "quantity"

    def __str__(self) -> str:
        return str(self.value)


@function("quantity(string) quantity")
def quantity(text: str) -> CelQuantity:
    try:
        return CelQuantity(Quantity.parse(text))
    except QuantityError as error:
        raise EvalError(str(error)) from None


@function("isQuantity(string) bool")
def is_quantity(text: str) -> bool:
    try:
        Quantity.parse(text)
    except QuantityError:
        return False
    return True


def _sum(a: CelQuantity, b: CelQuantity | int, sign: int = 1) -> CelQuantity:
    other = b.value if isinstance(b, CelQuantity) else Quantity.parse(b)
    return CelQuantity(a.value + other if sign > 0 else a.value - other)


function("quantity.isGreaterThan(quantity) bool")(lambda a, b: a.value > b.value)
function("quantity.isLessThan(quantity) bool")(lambda a, b: a.value < b.value)
function("quantity.compareTo(quantity) int")(lambda a, b: (a.value > b.value) - (a.value < b.value))
function("quantity.add(quantity) quantity", "quantity.add(int) quantity")(_sum)
function("quantity.sub(quantity) quantity", "quantity.sub(int) quantity")(lambda a, b: _sum(a, b, -1))
function("quantity.sign() int")(lambda a: (a.value.nanos > 0) - (a.value.nanos < 0))
function("quantity.isInteger() bool")(lambda a: a.value.nanos % 10**9 == 0 and abs(a.value.nanos) < 2**63 * 10**9)
function("quantity.asApproximateFloat() double")(lambda a: float(a.value))


@function("quantity.asInteger() int")
def as_integer(held: CelQuantity) -> int:
    if held.value.nanos % 10**9:
        raise EvalError("cannot convert value to integer")
    return held.value.nanos // 10**9


# URLs.


@dataclass(frozen=True, slots=True)
class CelURL:
    parts: SplitResult
    cel_type = "url"


def _url(text: str) -> CelURL | None:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    absolute = bool(parts.scheme) and (bool(parts.netloc) or text.startswith(f"{parts.scheme}:"))
    if (not absolute and not text.startswith("/")) or re.search(r"[\x00-\x20\x7f]", text):
        return None
    return CelURL(parts)


@function("url(string) url")
def url(text: str) -> CelURL:
    found = _url(text)
    if found is None:
        raise EvalError(f'URL parse error during conversion from string: parse "{text}": invalid URI for request')
    return found


function("isURL(string) bool")(lambda text: _url(text) is not None)
function("url.getScheme() string")(lambda u: u.parts.scheme)
function("url.getHost() string")(lambda u: u.parts.netloc.rpartition("@")[2])
function("url.getPort() string")(lambda u: "" if u.parts.port is None else str(u.parts.port))
function("url.getEscapedPath() string")(lambda u: u.parts.path)
function("url.getQuery() map")(lambda u: parse_qs(u.parts.query, keep_blank_values=True))


@function("url.getHostname() string")
def hostname(held: CelURL) -> str:
    host = held.parts.netloc.rpartition("@")[2]
    return host[1 : host.index("]")] if host.startswith("[") and "]" in host else host.partition(":")[0]


# Addresses.


@dataclass(frozen=True, slots=True)
class CelIP:
    value: ipaddress.IPv4Address | ipaddress.IPv6Address
    cel_type = "ip"

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class CelCIDR:
    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    cel_type = "cidr"

    def __str__(self) -> str:
        return f"{self.address}/{self.network.prefixlen}"


def _ip(text: str) -> CelIP | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    odd = "%" in text or (isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None)
    return None if odd else CelIP(found)


def _cidr(text: str) -> CelCIDR | None:
    address, slash, length = text.partition("/")
    found = _ip(address)
    if found is None or not slash or not length.isdigit() or (len(length) > 1 and length.startswith("0")):
        return None
    try:
        return CelCIDR(found.value, ipaddress.ip_network(text, strict=False))
    except ValueError:
        return None


@function("ip(string) ip")
def ip(text: str) -> CelIP:
    found = _ip(text)
    if found is None:
        raise EvalError(f'IP Address "{text}" parse error during conversion from string: unable to parse IP')
    return found


@function("cidr(string) cidr")
def cidr(text: str) -> CelCIDR:
    found = _cidr(text)
    if found is None:
        raise EvalError(
            f'network address parse error during conversion from string: netip.ParsePrefix("{text}"): no valid prefix'
        )
    return found


function("isIP(string) bool")(lambda text: _ip(text) is not None)
function("isCIDR(string) bool")(lambda text: _cidr(text) is not None)
function("fn ip.isCanonical(string) bool")(lambda text: str(ip(text)) == text)
function("ip.family() int")(lambda held: held.value.version)
function("ip.isUnspecified() bool")(lambda held: held.value.is_unspecified)
function("ip.isLoopback() bool")(lambda held: held.value.is_loopback)
function("ip.isLinkLocalMulticast() bool")(lambda held: _link_local_multicast(held.value))
function("ip.isLinkLocalUnicast() bool")(lambda held: held.value.is_link_local)
function("ip.isGlobalUnicast() bool")(lambda held: _global_unicast(held.value))
function("string(ip) string", "string(cidr) string")(str)
function("cidr.ip() ip")(lambda held: CelIP(held.address))
function("cidr.prefixLength() int")(lambda held: held.network.prefixlen)
function("cidr.masked() cidr")(lambda held: CelCIDR(held.network.network_address, held.network))


def _link_local_multicast(value: Any) -> bool:
    nets = ("224.0.0.0/24",) if value.version == 4 else ("ff02::/16", "ff12::/16")
    return any(value in ipaddress.ip_network(net) for net in nets)


def _global_unicast(value: Any) -> bool:
    broadcast = value.version == 4 and int(value) == 2**32 - 1
    special = value.is_unspecified or value.is_loopback or value.is_multicast or value.is_link_local
    return not (broadcast or special)


@function("cidr.containsIP(ip) bool", "cidr.containsIP(string) bool")
def contains_ip(held: CelCIDR, other: CelIP | str) -> bool:
    found = ip(other) if isinstance(other, str) else other
    return found.value.version == held.network.version and found.value in held.network


@function("cidr.containsCIDR(cidr) bool", "cidr.containsCIDR(string) bool")
def contains_cidr(held: CelCIDR, other: CelCIDR | str) -> bool:
    found = cidr(other) if isinstance(other, str) else other
    same = found.network.version == held.network.version
    return same and found.network.prefixlen >= held.network.prefixlen and found.address in held.network


# Named formats.


@dataclass(frozen=True, slots=True)
class CelFormat:
    name: str
    cel_type = "format"


_LABEL, _SUBDOMAIN = (
    r"[a-z0-9]([-a-z0-9]*[a-z0-9])?",
    r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
)
_LABEL_VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_UUID = r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"
_BASE64 = r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_PATTERNS: dict[str, tuple[str, int, str]] = {
    "dns1123Label": (_LABEL, 63, "must be a DNS-1123 label"),
    "dns1123Subdomain": (_SUBDOMAIN, 253, "must be a DNS-1123 subdomain"),
    "dns1035Label": (r"[a-z]([-a-z0-9]*[a-z0-9])?", 63, "must be a DNS-1035 label"),
    "dns1123LabelPrefix": (_LABEL + "-?", 63, "must be a DNS-1123 label prefix"),
    "dns1123SubdomainPrefix": (_SUBDOMAIN + r"[-.]?", 253, "must be a DNS-1123 subdomain prefix"),
    "dns1035LabelPrefix": (r"[a-z]([-a-z0-9]*[a-z0-9])?-?", 63, "must be a DNS-1035 label prefix"),
    "qualifiedName": (rf"({_SUBDOMAIN}/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", 317, "must be a qualified name"),
    "labelValue": (_LABEL_VALUE, 63, "must be a label value"),
    "uuid": (_UUID, 36, "does not match the UUID format"),
    "byte": (_BASE64, 1 << 30, "invalid base64"),
    "date": (r"\d{4}-\d\d-\d\d", 10, "invalid date"),
    "datetime": (r"\d{4}-\d\d-\d\d[Tt].*", 64, "invalid datetime"),
    "uri": (r".*", 1 << 30, "invalid URI"),
}
for _format in _PATTERNS:
    function(f"fn format.{_format}() format")(lambda name=_format: CelFormat(name))


@function("fn format.named(string) opt")
def named(name: str) -> Opt:
    return Opt.of(CelFormat(name)) if name in _PATTERNS else NONE


@function("format.validate(string) opt")
def validate(held: CelFormat, text: str) -> Opt:
    """none() when the text is valid, else the faults."""
    shape, longest, words = _PATTERNS[held.name]
    faults = [f"must be no more than {longest} characters"] if len(text) > longest else []
    if not re.fullmatch(shape, text) or (held.name == "uri" and _url(text) is None):
        faults.append(words)
    if held.name == "datetime" and not faults:
        try:
            parse_timestamp(text)
        except EvalError:
            faults.append(words)
    return Opt.of(faults) if faults else NONE


# Semantic versions.


@dataclass(frozen=True, slots=True)
class CelSemver:
    numbers: tuple[int, int, int]
    before: tuple[str, ...]
    cel_type = "semver"

    def key(self) -> tuple[Any, ...]:
        parts = tuple((0, whole(p), "") if is_digits(p) else (1, 0, p) for p in self.before)
        return (*self.numbers, not self.before, parts)


_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?", re.ASCII
)


def _semver(text: str, lenient: bool = False) -> CelSemver | None:
    if lenient:
        core, mark, rest = re.sub(r"^v", "", text).partition("-")
        parts = [str(whole(p)) if is_digits(p) else p for p in core.split(".")]
        text = ".".join(parts + ["0"] * (3 - len(parts))) + mark + rest
    found = _SEMVER.fullmatch(text)
    if found is None:
        return None
    before = tuple(found[4].split(".")) if found[4] else ()
    return CelSemver((whole(found[1]), whole(found[2]), whole(found[3])), before)


@function("semver(string) semver", "semver(string, bool) semver")
def semver(text: str, lenient: bool = False) -> CelSemver:
    found = _semver(text, lenient)
    if found is None:
        raise EvalError("No Major.Minor.Patch elements found")
    return found


function("isSemver(string) bool")(lambda text: _semver(text) is not None)
function("isSemver(string, bool) bool")(lambda text, lenient: _semver(text, lenient) is not None)
function("semver.major() int")(lambda held: held.numbers[0])
function("semver.minor() int")(lambda held: held.numbers[1])
function("semver.patch() int")(lambda held: held.numbers[2])
function("semver.isGreaterThan(semver) bool")(lambda a, b: a.key() > b.key())
function("semver.isLessThan(semver) bool")(lambda a, b: a.key() < b.key())
function("semver.compareTo(semver) int")(lambda a, b: (a.key() > b.key()) - (a.key() < b.key()))


@function("fn jsonpatch.escapeKey(string) string")
def escape_key(text: str) -> str:
    return text.replace("~", "~0").replace("/", "~1")


# The authorizer: whoever evaluates hands in an object with these methods.

function("authorizer.path(string) path_check")(lambda a, path: a.path(path))
function("authorizer.group(string) group_check")(lambda a, group: a.group(group))
function("authorizer.serviceAccount(string, string) authorizer")(lambda a, ns, name: a.service_account(ns, name))
function("group_check.resource(string) resource_check")(lambda a, name: a.resource(name))
function("resource_check.subresource(string) resource_check")(lambda a, name: a.subresource(name))
function("resource_check.namespace(string) resource_check")(lambda a, name: a.namespace(name))
function("resource_check.name(string) resource_check")(lambda a, name: a.name(name))
function("path_check.check(string) decision", "resource_check.check(string) decision")(lambda a, verb: a.check(verb))
function("decision.allowed() bool")(lambda d: d.allowed())
function("decision.reason() string")(lambda d: d.reason())
function("decision.errored() bool")(lambda d: False)
function("decision.error() string")(lambda d: "")
