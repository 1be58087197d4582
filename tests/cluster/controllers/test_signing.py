"""Certificate requests are signed by the cluster's CA with the usages asked for."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cluster.controllers.signing import approves, sign

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def test_a_request_becomes_a_certificate_of_the_ca() -> None:
    key, mine = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = (
        x509.CertificateBuilder()
        .subject_name(name("ca"))
        .issuer_name(name("ca"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    csr = x509.CertificateSigningRequestBuilder().subject_name(name("dave")).sign(mine, hashes.SHA256())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    spec = {"request": base64.b64encode(csr.public_bytes(pem)).decode(), "usages": ["client auth"]}
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    signed = sign({"spec": spec | {"expirationSeconds": 3600}}, ca.public_bytes(pem), secret, NOW.timestamp())
    made = x509.load_pem_x509_certificate(signed)
    made.verify_directly_issued_by(ca)
    assert made.subject == name("dave")
    assert made.not_valid_after_utc == NOW + timedelta(hours=1)
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_only_kubelets_are_approved_without_asking() -> None:
    kubelet = {"spec": {"signerName": "kubernetes.io/kube-apiserver-client-kubelet", "username": "system:node:n"}}
    assert approves(kubelet)
    assert not approves({"spec": {"signerName": "kubernetes.io/kube-apiserver-client", "username": "system:node:n"}})
