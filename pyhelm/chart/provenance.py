"""Provenance files: the clear-signed text beside a package that says who made it and what its SHA-256 is."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass

from pyhelm.chart.openpgp import Key, OpenPGPError, check_signature, read_clearsigned, read_keyring
from pyhelm.errors import ChartError
from pyhelm.formats.yaml_read import YAMLError, load

__all__ = ["Verified", "default_keyring", "verify_chart"]


@dataclass(frozen=True, slots=True)
class Verified:
    """Who signed a package, with which key, and the hash that was found to be right."""

    identities: tuple[str, ...]
    fingerprint: str
    file_hash: str

    def lines(self) -> list[str]:
        """As `helm verify` prints it."""
        signers = [f"Signed by: {identity}" for identity in self.identities]
        used = f"Using Key With Fingerprint: {self.fingerprint}"
        return [*signers, used, f"Chart Hash Verified: {self.file_hash}"]


def default_keyring(environ: Mapping[str, str]) -> str:
    """GnuPG's old public key ring."""
    home = environ.get("GNUPGHOME") or os.path.join(environ.get("HOME", ""), ".gnupg")
    return os.path.join(home, "pubring.gpg")


def verify_chart(path: str, provenance: str, keyring: str) -> Verified:
    """Check a package against its provenance file. Raises ChartError."""
    _check_paths(path, provenance)
    keys = _keys(keyring)
    with open(provenance, "rb") as stream:
        signed = stream.read()
    try:
        message = read_clearsigned(signed)
        key = check_signature(message, keys)
    except OpenPGPError as error:
        raise ChartError(str(error)) from None
    name = os.path.basename(path)
    found = _hash_of(path)
    _check_hash(_hashes(message.text), name, found)
    return Verified(tuple(key.identities), key.primary.hex().upper(), found)


def _check_paths(path: str, provenance: str) -> None:
    if not os.path.exists(path):
        raise ChartError(f"stat {path}: no such file or directory")
    if os.path.isdir(path):
        raise ChartError("unpacked charts cannot be verified")
    if not path.endswith((".tgz", ".TGZ")):
        raise ChartError("chart must be a tgz file")
    if not os.path.exists(provenance):
        why = f"stat {provenance}: no such file or directory"
        raise ChartError(f"could not load provenance file {provenance}: {why}")


def _keys(keyring: str) -> list[Key]:
    try:
        with open(keyring, "rb") as stream:
            return read_keyring(stream.read())
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise ChartError(f"failed to load keyring: open {keyring}: {reason}") from error
    except OpenPGPError as error:
        raise ChartError(f"failed to load keyring: {error}") from None


def _hash_of(path: str) -> str:
    with open(path, "rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def _hashes(text: bytes) -> dict[str, object]:
    parts = text.split(b"\n...\n")
    if len(parts) < 2:
        raise ChartError("message block must have at least two parts")
    try:
        found = load(parts[1])
    except YAMLError as error:
        raise ChartError(str(error)) from None
    files = found.get("files") if isinstance(found, dict) else None
    return files if isinstance(files, dict) else {}


def _check_hash(hashes: dict[str, object], name: str, found: str) -> None:
    wanted = hashes.get(name)
    if wanted is None:
        raise ChartError(f'provenance does not contain a SHA for a file named "{name}"')
    if wanted != found:
        raise ChartError(f'sha256 sum does not match for {name}: "{wanted}" != "{found}"')
