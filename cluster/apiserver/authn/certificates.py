"""Client certificates: CommonName is the user, every Organization a group. TLS has verified the chain already."""

from __future__ import annotations

from functools import lru_cache

from cluster.apiserver.http.messages import Request
from cluster.apiserver.request import UserInfo


class CertificateAuthenticator:
    async def authenticate(self, request: Request) -> UserInfo | None:
        return _user(request.certificate) if request.certificate else None


@lru_cache(maxsize=256)
def _user(der: bytes) -> UserInfo | None:
    # The library is heavy and only needed where certificates are used.
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    subject = x509.load_der_x509_certificate(der).subject
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not names:
        return None
    groups = tuple(str(a.value) for a in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
    return UserInfo(str(names[0].value), "", groups)
