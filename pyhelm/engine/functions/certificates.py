"""Keys and certificates: authorities, self-signed and signed certificates, in PEM as Go writes it.

`cryptography` is imported here and nowhere else in the function library but for AES.
"""

from __future__ import annotations

import datetime
import ipaddress
import secrets
from typing import Any, ClassVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pyhelm.engine.functions.encoding import b64dec_bytes
from pyhelm.engine.functions.errors import GoCallError
from pyhelm.engine.goprint import text_of
from pyhelm.formats.gotypes import GoObject

__all__ = [
    "Certificate", "build_custom_cert", "gen_ca", "gen_ca_with_key", "gen_private_key", "gen_self_signed",
    "gen_self_signed_with_key", "gen_signed", "gen_signed_with_key",
]  # fmt: skip


class Certificate(GoObject):
    """A certificate and its key, both PEM."""

    go_type: ClassVar[str] = "sprig.certificate"

    def __init__(self, cert: str, key: str) -> None:
        self.cert = cert
        self.key = key

    def go_fields(self) -> dict[str, Any]:
        """Cert and Key."""
        return {"Cert": self.cert, "Key": self.key}


def _new_rsa(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def gen_private_key(kind: str) -> str:
    """A new private key: rsa (also for ""), dsa, ecdsa or ed25519."""
    if kind in ("", "rsa"):
        return _pem(_new_rsa(4096))
    if kind == "dsa":
        return _pem(dsa.generate_private_key(2048))
    if kind == "ecdsa":
        return _pem(ec.generate_private_key(ec.SECP256R1()))
    if kind == "ed25519":
        return _pem(ed25519.Ed25519PrivateKey.generate())
    return f"Unknown type {kind}"


def _pem(key: Any) -> str:
    traditional = isinstance(key, rsa.RSAPrivateKey | dsa.DSAPrivateKey | ec.EllipticCurvePrivateKey)
    form = serialization.PrivateFormat.TraditionalOpenSSL if traditional else serialization.PrivateFormat.PKCS8
    data = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return str(data.decode("ascii"))


def _block(text: str) -> str | None:
    """The label of the first PEM block."""
    start = text.find("-----BEGIN ")
    end = text.find("-----", start + 11)
    if start < 0 or end < 0:
        return None
    label = text[start + 11 : end]
    return label if f"-----END {label}-----" in text else None


def _private_key(text: str) -> Any:
    label = _block(text)
    if label is None:
        raise ValueError("no PEM data in input")
    if label != "PRIVATE KEY" and not label.endswith(" PRIVATE KEY"):
        raise ValueError(f"no private key data in PEM block of type {label}")
    kind = label.removesuffix("PRIVATE KEY").strip()
    if kind not in ("", "RSA", "EC", "DSA"):
        raise ValueError(f"invalid private key type {kind}")
    try:
        return serialization.load_pem_private_key(text.encode("utf-8", "surrogateescape"), None)
    except (ValueError, TypeError) as error:
        how = f"parsing {kind} private key from PEM" if kind else "decoding PEM as PKCS#8"
        raise ValueError(f"{how}: {error}") from None


def _given_key(text: str) -> Any:
    try:
        return _private_key(text)
    except ValueError as error:
        raise GoCallError(f"parsing private key: {error}") from None


def _addresses(values: list[Any]) -> list[x509.GeneralName]:
    out: list[x509.GeneralName] = []
    for value in values:
        if not isinstance(value, str):
            raise GoCallError(f"error parsing ip: {text_of(value)} is not a string")
        try:
            out.append(x509.IPAddress(ipaddress.ip_address(value)))
        except ValueError:
            raise GoCallError(f"error parsing ip: {value}") from None
    return out


def _names(values: list[Any]) -> list[x509.GeneralName]:
    out: list[x509.GeneralName] = []
    for value in values:
        if not isinstance(value, str):
            raise GoCallError(f"error processing alternate dns name: {text_of(value)} is not a string")
        try:
            out.append(x509.DNSName(value))
        except ValueError:
            shown = f'"{value}"'
            raise GoCallError(f"error creating certificate: x509: {shown} cannot be encoded as an IA5String") from None
    return out


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=True,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(name: str, days: int, key: Any, authority: bool) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) if name else x509.Name([])
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .serial_number(max(secrets.randbits(127), 1))
        .not_valid_before(now)
        .not_valid_after(_expiry(now, days))
        .public_key(key.public_key())
        .add_extension(_usage(authority), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    return builder.add_extension(identifier, critical=False) if authority else builder


def _expiry(now: datetime.datetime, days: int) -> datetime.datetime:
    """The end of validity; a duration of Go overflows after 292 years."""
    nanoseconds = (days * 86_400_000_000_000 + (1 << 63)) % (1 << 64) - (1 << 63)
    try:
        return now + datetime.timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        raise GoCallError("error creating certificate: x509: cannot encode the time of expiry") from None


def _alternatives(ips: list[Any], names: list[Any]) -> x509.SubjectAlternativeName | None:
    addresses = _addresses(ips)
    hosts = _names(names)
    return x509.SubjectAlternativeName([*hosts, *addresses]) if hosts or addresses else None


def _signed(builder: x509.CertificateBuilder, key: Any, issuer: x509.Name, signer: Any) -> Certificate:
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    try:
        certificate = builder.issuer_name(issuer).sign(signer, algorithm)
    except (ValueError, TypeError) as error:
        raise GoCallError(f"error creating certificate: {error}") from None
    return Certificate(certificate.public_bytes(serialization.Encoding.PEM).decode("ascii"), _pem(key))


def _self_issued(
    name: str, days: int, key: Any, san: x509.SubjectAlternativeName | None, authority: bool
) -> Certificate:
    builder = _builder(name, days, key, authority)
    if san is not None:
        builder = builder.add_extension(san, critical=not name)
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) if name else x509.Name([])
    return _signed(builder, key, issuer, key)


def gen_ca(name: str, days: int) -> Certificate:
    """A new authority."""
    return _self_issued(name, days, _new_rsa(), None, True)


def gen_ca_with_key(name: str, days: int, key: str) -> Certificate:
    """An authority for a given key."""
    return _self_issued(name, days, _given_key(key), None, True)


def gen_self_signed(name: str, ips: list[Any], names: list[Any], days: int) -> Certificate:
    """A certificate signed by itself."""
    return _self_issued(name, days, _new_rsa(), _alternatives(ips, names), False)


def gen_self_signed_with_key(name: str, ips: list[Any], names: list[Any], days: int, key: str) -> Certificate:
    """A certificate for a given key, signed by itself."""
    given = _given_key(key)
    return _self_issued(name, days, given, _alternatives(ips, names), False)


def _issued(name: str, ips: list[Any], names: list[Any], days: int, authority: Certificate, key: Any) -> Certificate:
    signer_certificate = _parsed(authority.cert, "decodedSignerCert")
    try:
        signer = _private_key(authority.key)
    except ValueError as error:
        raise GoCallError(f"error parsing private key: {error}") from None
    builder = _builder(name, days, key, False)
    san = _alternatives(ips, names)
    if san is not None:
        builder = builder.add_extension(san, critical=not name)
    try:
        ski = signer_certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ski)
        builder = builder.add_extension(identifier, critical=False)
    except x509.ExtensionNotFound:
        pass
    return _signed(builder, key, signer_certificate.subject, signer)


def _parsed(text: str, what: str) -> x509.Certificate:
    if _block(text) is None:
        raise GoCallError("unable to decode certificate")
    try:
        return x509.load_pem_x509_certificate(text.encode("utf-8", "surrogateescape"))
    except ValueError as error:
        raise GoCallError(f"error parsing certificate: {what}.Bytes: {error}") from None


def gen_signed(name: str, ips: list[Any], names: list[Any], days: int, authority: Certificate) -> Certificate:
    """A certificate signed by an authority."""
    return _issued(name, ips, names, days, authority, _new_rsa())


def gen_signed_with_key(
    name: str, ips: list[Any], names: list[Any], days: int, authority: Certificate, key: str
) -> Certificate:
    """A certificate for a given key, signed by an authority."""
    return _issued(name, ips, names, days, authority, _given_key(key))


def build_custom_cert(certificate: str, key: str) -> Certificate:
    """A certificate and key given in base64 of PEM."""
    try:
        cert_text = b64dec_bytes(certificate).decode("utf-8", "surrogateescape")
    except GoCallError:
        raise GoCallError("unable to decode base64 certificate") from None
    try:
        key_text = b64dec_bytes(key).decode("utf-8", "surrogateescape")
    except GoCallError:
        raise GoCallError("unable to decode base64 private key") from None
    _parsed(cert_text, "decodedCert")
    try:
        _private_key(key_text)
    except ValueError as error:
        raise GoCallError(f"error parsing private key: {error}") from None
    return Certificate(cert_text, key_text)
