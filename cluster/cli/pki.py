"""The keys of a cluster: its own CA, the server's certificate, the administrator's, the key that signs tokens, and
what the API server shows to the servers it hands requests on to, from a CA of its own.

The one module that makes keys; run in the short-lived command, so that the cluster's process need not load the
library. Elliptic curve P-256 throughout; files are readable by their owner alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

_YEARS = 10
FRONT_PROXY = "front-proxy-client"
"""The one name that may speak for users."""


@dataclass(frozen=True, slots=True)
class Keys:
    """File names below one directory."""

    root: Path

    @property
    def ca(self) -> Path:
        return self.root / "ca.crt"

    @property
    def ca_key(self) -> Path:
        return self.root / "ca.key"

    @property
    def server(self) -> Path:
        return self.root / "apiserver.crt"

    @property
    def server_key(self) -> Path:
        return self.root / "apiserver.key"

    @property
    def admin(self) -> Path:
        return self.root / "admin.crt"

    @property
    def admin_key(self) -> Path:
        return self.root / "admin.key"

    @property
    def tokens(self) -> Path:
        return self.root / "service-accounts.key"

    @property
    def front_proxy_ca(self) -> Path:
        return self.root / "front-proxy-ca.crt"

    @property
    def front_proxy(self) -> Path:
        return self.root / "front-proxy-client.crt"

    @property
    def front_proxy_key(self) -> Path:
        return self.root / "front-proxy-client.key"

    def complete(self) -> bool:
        return self.tokens.exists() and self.front_proxy_key.exists()


def make(keys: Keys, name: str, service_addresses: Sequence[str]) -> None:
    """Write the keys that a cluster needs and does not have. Of each of the two sets the last file written is one that
    `complete` looks for."""
    keys.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not keys.tokens.exists():
        _make_own(keys, name, service_addresses)
    if not keys.front_proxy_key.exists():
        _make_front_proxy(keys)


def _make_front_proxy(keys: Keys) -> None:
    """Nobody else is signed by this authority, so that who shows such a certificate is the server; its key is not
    kept."""
    from cryptography.hazmat.primitives.asymmetric import ec

    ca_key, ca_name = ec.generate_private_key(ec.SECP256R1()), _subject("front-proxy-ca")
    _write_certificate(keys.front_proxy_ca, _certificate(ca_name, ca_key.public_key(), ca_name, ca_key, authority=True))
    key = ec.generate_private_key(ec.SECP256R1())
    _write_certificate(keys.front_proxy, _certificate(_subject(FRONT_PROXY), key.public_key(), ca_name, ca_key))
    _write_key(keys.front_proxy_key, key)


def _make_own(keys: Keys, name: str, service_addresses: Sequence[str]) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = _subject(f"{name}-ca")
    ca = _certificate(ca_name, ca_key.public_key(), ca_name, ca_key, authority=True)
    _write_key(keys.ca_key, ca_key)
    _write_certificate(keys.ca, ca)
    server_key = ec.generate_private_key(ec.SECP256R1())
    names = [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "localhost",
    ]
    server = _certificate(
        _subject("kube-apiserver"),
        server_key.public_key(),
        ca_name,
        ca_key,
        names=names,
        addresses=["127.0.0.1", "::1", *service_addresses],
    )
    _write_key(keys.server_key, server_key)
    _write_certificate(keys.server, server)
    admin_key = ec.generate_private_key(ec.SECP256R1())
    admin = _certificate(_subject("kubernetes-admin", "system:masters"), admin_key.public_key(), ca_name, ca_key)
    _write_key(keys.admin_key, admin_key)
    _write_certificate(keys.admin, admin)
    _write_key(keys.tokens, ec.generate_private_key(ec.SECP256R1()))


def _subject(common_name: str, organization: str = "") -> Any:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _certificate(
    subject: Any,
    public: Any,
    issuer: Any,
    issuer_key: Any,
    *,
    authority: bool = False,
    names: Sequence[str] = (),
    addresses: Sequence[str] = (),
) -> Any:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID

    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(_usage(authority=authority), critical=True)
    )
    if not authority:
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if names else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if names:
        entries = [*(x509.DNSName(n) for n in names), *(x509.IPAddress(ip_address(a)) for a in addresses)]
        builder = builder.add_extension(x509.SubjectAlternativeName(entries), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(*, authority: bool) -> Any:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=not authority, data_encipherment=False,
        key_agreement=False, key_cert_sign=authority, crl_sign=authority, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _write_certificate(path: Path, certificate: Any) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    _write(path, certificate.public_bytes(Encoding.PEM))


def _write_key(path: Path, key: Any) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
