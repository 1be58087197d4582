"""An address to speak to, with or without TLS, and how a failure to reach it is told: in the words of Go's net and tls.

What a server calls out to is shown to its users when it fails, so the words are part of the API. Nothing here knows
HTTP.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter
DIAL_SECONDS = 10.0
_UNKNOWN_AUTHORITY = frozenset((2, 18, 19, 20, 21))
"""OpenSSL's codes for a chain that ends in nobody known: no issuer, self-signed, not to be verified."""
_TIME = frozenset((9, 10))
_NAME = frozenset((62, 64))
_PURPOSE = 26


class NoAnswer(Exception):
    """The endpoint cannot be reached or does not answer as it should; the text says why."""


class BadBundle(ValueError):
    """Certificates of authorities that cannot be read."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`tls` is how to speak it, None for plain TCP; `server_name` the name the certificate must bear (the address
    where empty). Equal endpoints may share connections."""

    address: str
    port: int
    tls: ssl.SSLContext | None = None
    server_name: str = ""

    @property
    def authority(self) -> str:
        """As a URL and the Host header spell it."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    async def dial(self) -> tuple[Reader, Writer]:
        """Raises NoAnswer."""
        name = (self.server_name or self.address) if self.tls is not None else None
        try:
            async with asyncio.timeout(DIAL_SECONDS):
                return await asyncio.open_connection(self.address, self.port, ssl=self.tls, server_hostname=name)
        except ssl.SSLCertVerificationError as error:
            raise NoAnswer(f"tls: failed to verify certificate: x509: {await self._fault(error)}") from error
        except (OSError, TimeoutError) as error:
            raise NoAnswer(self._why(error)) from error

    def _why(self, error: Exception) -> str:
        if isinstance(error, ssl.SSLError):
            return f"remote error: tls: {(error.reason or str(error)).lower().replace('_', ' ')}"
        if isinstance(error, socket.gaierror):
            return f"dial tcp: lookup {self.address}: no such host"
        why = "i/o timeout" if isinstance(error, TimeoutError) else "connect: connection refused"
        return f"dial tcp {self.authority}: {why}"

    async def _fault(self, error: ssl.SSLCertVerificationError) -> str:
        if error.verify_code in _UNKNOWN_AUTHORITY:
            return "certificate signed by unknown authority"
        if error.verify_code == _PURPOSE:
            return "certificate specifies an incompatible key usage"
        if error.verify_code not in _TIME | _NAME:
            return error.verify_message
        # What is wrong with it only the certificate itself can say.
        shown = await self._certificate()
        from cluster.client.certificates import name_fault, time_fault

        if error.verify_code in _TIME:
            return time_fault(shown)
        return name_fault(shown, self.server_name or self.address)

    async def _certificate(self) -> bytes:
        """What the endpoint shows, DER; empty where it does not any more."""
        try:
            async with asyncio.timeout(DIAL_SECONDS):
                _, writer = await asyncio.open_connection(self.address, self.port, ssl=unchecked())
        except (OSError, TimeoutError):
            return b""
        found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
        writer.close()
        return found


def unchecked() -> ssl.SSLContext:
    """TLS with whoever answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def trusting(bundle: str) -> ssl.SSLContext:
    """TLS with those whom a bundle (PEM in base64, as objects carry it) vouches for; the system's where it is empty.

    As in Go, any certificate of the bundle may end a chain, and only alternative names count. Raises BadBundle.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.hostname_checks_common_name = False
    if not bundle:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(cadata=base64.b64decode(bundle).decode())
    except (ValueError, ssl.SSLError) as error:
        raise BadBundle("unable to load root certificates: unable to parse bytes as PEM block") from error
    return context


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Files of a client certificate and its key, PEM."""

    certificate: Path
    key: Path
