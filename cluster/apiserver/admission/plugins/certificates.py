"""Certificate signing requests: who may approve and sign for a signer, and a group no client certificate may claim."""

from __future__ import annotations

from base64 import b64decode

from cluster.apiserver.admission.interface import Attributes, Operation
from cluster.apiserver.admission.plugins.plain import PlainPlugin
from cluster.apiserver.authz.interface import Attributes as Asked
from cluster.apiserver.authz.interface import AuthorizerChain, Decision
from cluster.apiserver.request import MASTERS, UserInfo
from cluster.meta.types import GroupResource, Obj

REQUESTS = GroupResource("certificates.k8s.io", "certificatesigningrequests")
CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"


async def may(authorizer: AuthorizerChain, user: UserInfo, verb: str, signer: str) -> bool:
    """Whether the user has the verb on the signer, or on all signers of its domain."""
    for name in (signer, f"{signer.partition('/')[0]}/*"):
        asked = Asked(user, verb, REQUESTS.group, "*", "signers", "", name)
        if (await authorizer.decide(asked)).decision is Decision.ALLOW:
            return True
    return False


def _signer(request: Obj | None) -> str:
    return str(((request or {}).get("spec") or {}).get("signerName") or "")


class _SignerRight(PlainPlugin):
    """Updates through one subresource need a verb on the signer."""

    operations = frozenset((Operation.UPDATE,))
    resources = frozenset((REQUESTS,))
    verb = ""

    async def validate(self, attributes: Attributes) -> None:
        if not self.concerned(attributes):
            return
        signer = _signer(attributes.old)
        if not await may(self.around.authorizer, attributes.user, self.verb, signer):
            why = f'user not permitted to {self.verb} requests with signerName "{signer}"'
            raise attributes.refused(why)

    def concerned(self, _: Attributes) -> bool:
        return True


class CertificateApproval(_SignerRight):
    name = "CertificateApproval"
    subresources = frozenset(("approval",))
    verb = "approve"


class CertificateSigning(_SignerRight):
    name = "CertificateSigning"
    subresources = frozenset(("status",))
    verb = "sign"

    def concerned(self, a: Attributes) -> bool:
        """Only a certificate or a failure speaks for the signer."""
        new, old = (a.obj or {}).get("status") or {}, (a.old or {}).get("status") or {}
        return any(new.get(f) != old.get(f) for f in ("certificate", "conditions"))


class CertificateSubjectRestriction(PlainPlugin):
    name = "CertificateSubjectRestriction"
    operations = frozenset((Operation.CREATE,))
    resources = frozenset((REQUESTS,))

    async def validate(self, attributes: Attributes) -> None:
        if _signer(attributes.obj) != CLIENT_SIGNER or attributes.obj is None:
            return
        if MASTERS in _organizations(str(attributes.obj["spec"].get("request") or "")):
            why = f"use of {CLIENT_SIGNER} signer with {MASTERS} group is not allowed"
            raise attributes.refused(why)


def common_name(encoded: str) -> str:
    """Of a certificate request, base64 of PEM; empty when it cannot be read."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        names = x509.load_pem_x509_csr(b64decode(encoded)).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        return ""
    return str(names[0].value) if names else ""


def _organizations(encoded: str) -> list[str]:
    # The library is heavy and only needed where certificates are asked for.
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        subject = x509.load_pem_x509_csr(b64decode(encoded)).subject
    except ValueError:
        # Validation has accepted the form; what cannot be read will not be signed either.
        return []
    return [str(name.value) for name in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
