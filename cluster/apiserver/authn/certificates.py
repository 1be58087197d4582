"""Client certificates: CommonName is the user, every Organization a group. TLS has verified the chain already.

Where TLS trusts other authorities too (those of front proxies), only `authorities` vouch for users.
"""

from __future__ import annotations

from functools import lru_cache

from cluster.apiserver.authn.interface import InvalidCredential
from cluster.apiserver.http.messages import Request
from cluster.apiserver.request import UserInfo


class CertificateAuthenticator:
    """`authorities` are certificates, DER; None for whomever TLS trusts."""

    def __init__(self, authorities: frozenset[bytes] | None = None) -> None:
        self._authorities = authorities

    async def authenticate(self, request: Request) -> UserInfo | None:
        if not request.certificate:
            return None
        if self._authorities is not None and self._authorities.isdisjoint(request.chain):
            raise InvalidCredential("the certificate is signed by an authority that vouches for no users")
        return user_of(request.certificate)


@lru_cache(maxsize=256)
def user_of(der: bytes) -> UserInfo | None:
    """Whom a certificate (DER) names; None without a common name."""
    # The library is heavy and only needed where certificates are used.
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    subject = x509.load_der_x509_certificate(der).subject
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not names:
        return None
    groups = tuple(str(a.value) for a in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
    return UserInfo(str(names[0].value), "", groups)
