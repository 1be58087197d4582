"""A certificate authority of one test, and the certificates that it signs."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True, slots=True)
class Authority:
    """Its key lives in memory alone."""

    name: str
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def subject(self) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])

    def _signed(self, subject: x509.Name, public: Any, *extensions: tuple[Any, bool]) -> bytes:
        builder = x509.CertificateBuilder(self.subject, subject, public, x509.random_serial_number())
        builder = builder.not_valid_before(datetime.datetime(2020, 1, 1))
        builder = builder.not_valid_after(datetime.datetime(2100, 1, 1))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def own(self, folder: Path) -> Path:
        """The file of its own certificate."""
        path = folder / f"{self.name}.crt"
        if not path.exists():
            usage = x509.BasicConstraints(ca=True, path_length=None)
            path.write_bytes(self._signed(self.subject, self.key.public_key(), (usage, True)))
        return path

    def issue(self, folder: Path, name: str, *dns: str, groups: tuple[str, ...] = ()) -> tuple[Path, Path]:
        """Files of a certificate and its key; a server's when it has names."""
        key = ec.generate_private_key(ec.SECP256R1())
        parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject = x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, name)])
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if dns else ExtendedKeyUsageOID.CLIENT_AUTH
        extensions: list[tuple[Any, bool]] = [(x509.ExtendedKeyUsage([purpose]), False)]
        if dns:
            names: list[x509.GeneralName] = [x509.DNSName(each) for each in dns if not each[0].isdigit()]
            names += [x509.IPAddress(ipaddress.ip_address(each)) for each in dns if each[0].isdigit()]
            extensions.append((x509.SubjectAlternativeName(names), False))
        pem = self._signed(subject, key.public_key(), *extensions)
        form = serialization.PrivateFormat.PKCS8
        private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        certificate, key_file = folder / f"{name}.crt", folder / f"{name}.key"
        certificate.write_bytes(pem)
        key_file.write_bytes(private)
        return certificate, key_file
