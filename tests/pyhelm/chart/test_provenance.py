"""A package is checked against its clear-signed provenance; the key and the signature below were made by GnuPG."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from pyhelm.chart.openpgp import read_keyring
from pyhelm.chart.provenance import default_keyring, verify_chart
from pyhelm.errors import ChartError

RING = base64.b64decode(
    "mDMEawS4nxYJKwYBBAHaRw8BAQdA1hzpXG6656JhL0uZkBwzjrfkalC5gIxJoDQ9IXBkiGG0G1Rlc3RlciA8dGVzdGVyQGV4YW1w"
    "bGUub3JnPoiQBBMWCAA4FiEExJvX6Z2D21vfY8qlxB8p0FglOGEFAmsEuJ8CGwMFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQ"
    "xB8p0FglOGEpNQD/aLj+tSB4IWqJhYegwGNPZPFQBFdqAdzzPTFqtrZ9fP0A+wd/9jdSkpQya6ZndO9gcKGK3FPnCcYkq6IgBaP+"
    "7ykB"
)
SIGNED = """\
-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA512

name: x
version: 1.0.0

...
files:
  x-1.0.0.tgz: sha256:bc4a71180870f7945155fbb02f4b0a2e3faa2a62d6d31b7039013055ed19869a
-----BEGIN PGP SIGNATURE-----

iHUEARYKAB0WIQTEm9fpnYPbW99jyqXEHynQWCU4YQUCawS4nwAKCRDEHynQWCU4
Yf3jAQCorsVLx7WpetGRqgxH0oD/Y+GtGfF7rB7QuJsd7i0yJwD/e9GYVcDXKlgy
vEAI7aNdkRXTQ5wZhgSg0GtXB0j3Jg8=
=JaAf
-----END PGP SIGNATURE-----
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "x-1.0.0.tgz"
    path.write_bytes(b"package")
    (tmp_path / "ring").write_bytes(RING)
    path.with_name(path.name + ".prov").write_text(SIGNED)
    return path


def _verify(package: Path) -> list[str]:
    return verify_chart(str(package), f"{package}.prov", str(package.with_name("ring"))).lines()


def test_a_signed_package_is_verified(package: Path) -> None:
    assert _verify(package) == [
        "Signed by: Tester <tester@example.org>",
        "Using Key With Fingerprint: C49BD7E99D83DB5BDF63CAA5C41F29D058253861",
        "Chart Hash Verified: sha256:bc4a71180870f7945155fbb02f4b0a2e3faa2a62d6d31b7039013055ed19869a",
    ]


def test_another_package_is_not(package: Path) -> None:
    package.write_bytes(b"tampered")
    with pytest.raises(ChartError, match=r"sha256 sum does not match for x-1\.0\.0\.tgz"):
        _verify(package)


def test_another_name_is_not(package: Path) -> None:
    other = package.rename(package.with_name("y-1.0.0.tgz"))
    package.with_name("x-1.0.0.tgz.prov").rename(f"{other}.prov")
    with pytest.raises(ChartError, match="does not contain a SHA for a file named"):
        _verify(other)


def test_a_changed_text_breaks_the_signature(package: Path) -> None:
    package.with_name(package.name + ".prov").write_text(SIGNED.replace("version: 1.0.0", "version: 1.0.1"))
    with pytest.raises(ChartError, match="invalid signature"):
        _verify(package)


def test_an_unknown_signer_is_refused(package: Path) -> None:
    package.with_name("ring").write_bytes(b"")
    with pytest.raises(ChartError, match="signature made by unknown entity"):
        _verify(package)


def test_what_cannot_be_verified_is_said_by_name(package: Path, tmp_path: Path) -> None:
    with pytest.raises(ChartError, match="unpacked charts cannot be verified"):
        verify_chart(str(tmp_path), "p", "k")
    with pytest.raises(ChartError, match="failed to load keyring: open nokeys: no such file or directory"):
        verify_chart(str(package), f"{package}.prov", "nokeys")
    package.with_name("ring").write_bytes(b"not a keyring")
    with pytest.raises(ChartError, match="tag byte does not have MSB set"):
        _verify(package)


def test_the_ring_of_gnupg_is_the_default() -> None:
    assert default_keyring({"HOME": "/home/a"}) == "/home/a/.gnupg/pubring.gpg"
    assert default_keyring({"HOME": "/home/a", "GNUPGHOME": "/g"}) == "/g/pubring.gpg"
    assert read_keyring(RING)[0].identities == ["Tester <tester@example.org>"]
