"""What is wrong with a certificate, in the words of Go's crypto/x509. Loaded once one has been found wanting."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address

from cryptography import x509

_UNKNOWN_NAME = "certificate is not valid for {}"
_UNKNOWN_TIME = "certificate has expired or is not yet valid"


def name_fault(der: bytes, wanted: str) -> str:
    """Why it is not good for a name or an address."""
    if not der:
        return _UNKNOWN_NAME.format(wanted)
    try:
        names = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return "certificate relies on legacy Common Name field, use SANs instead"
    if _is_address(wanted):
        known = [str(address) for address in names.value.get_values_for_type(x509.IPAddress)]
        if not known:
            return f"cannot validate certificate for {wanted} because it doesn't contain any IP SANs"
    else:
        known = names.value.get_values_for_type(x509.DNSName)
        if not known:
            return f"certificate is not valid for any names, but wanted to match {wanted}"
    return f"certificate is valid for {', '.join(known)}, not {wanted}"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def time_fault(der: bytes) -> str:
    """On which side of its time it is; TLS goes by the clock of the machine."""
    if not der:
        return _UNKNOWN_TIME
    certificate, now = x509.load_der_x509_certificate(der), datetime.now(UTC)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    side, bound = ("before", begin) if now < begin else ("after", end)
    return f"{_UNKNOWN_TIME}: current time {_shown(now)} is {side} {_shown(bound)}"


def _shown(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
