"""Certificate signing requests of Kubernetes' own signers: kubelets' are approved, approved ones are signed."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cluster.controllers.context import Context
from cluster.machinery.clock import rfc3339
from cluster.machinery.pods import condition
from cluster.machinery.resources import SIGNING_REQUESTS
from cluster.meta.objects import clone
from cluster.meta.objects import key as key_of
from cluster.meta.types import Obj, ObjectKey

if TYPE_CHECKING:
    from cryptography import x509

CLIENT, KUBELET_CLIENT, KUBELET_SERVING = (
    "kubernetes.io/kube-apiserver-client",
    "kubernetes.io/kube-apiserver-client-kubelet",
    "kubernetes.io/kubelet-serving",
)
_SIGNERS = {CLIENT, KUBELET_CLIENT, KUBELET_SERVING, "kubernetes.io/legacy-unknown"}
_YEAR = 365 * 24 * 3600
_BACKDATE = timedelta(minutes=5)


def approved(request: Obj) -> bool:
    found = condition(request, "Approved")
    return found is not None and found["status"] == "True" and condition(request, "Denied") is None


def approves(request: Obj) -> bool:
    """Kubelets' own client certificates, asked for while joining or for renewal."""
    spec = request["spec"]
    if spec.get("signerName") != KUBELET_CLIENT or condition(request, "Denied") is not None:
        return False
    joining = "system:bootstrappers" in (spec.get("groups") or ())
    return joining or str(spec.get("username") or "").startswith("system:node:")


def sign(request: Obj, ca_certificate: bytes, ca_key: bytes, now: float) -> bytes:
    """The certificate, PEM. Raises ValueError for a request that is none."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    csr = x509.load_pem_x509_csr(base64.b64decode(request["spec"]["request"]))
    issuer = x509.load_pem_x509_certificate(ca_certificate)
    key: Any = serialization.load_pem_private_key(ca_key, None)
    begin = datetime.fromtimestamp(now, UTC)
    end = begin + timedelta(seconds=request["spec"].get("expirationSeconds") or _YEAR)
    builder = (
        x509.CertificateBuilder()
        .subject_name(csr.subject)
        .issuer_name(issuer.subject)
        .public_key(csr.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - _BACKDATE)
        .not_valid_after(min(end, issuer.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    for extension in _extensions(request, csr):
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _extensions(request: Obj, csr: x509.CertificateSigningRequest) -> list[Any]:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    usages = set(request["spec"].get("usages") or ())
    named = {"client auth": ExtendedKeyUsageOID.CLIENT_AUTH, "server auth": ExtendedKeyUsageOID.SERVER_AUTH}
    out: list[Any] = []
    extended = [oid for name, oid in named.items() if name in usages]
    if extended:
        out.append(x509.ExtendedKeyUsage(extended))
    out += [e.value for e in csr.extensions if isinstance(e.value, x509.SubjectAlternativeName)]
    return out


class SigningController:
    def __init__(self, context: Context) -> None:
        self._context, self._client = context, context.client
        self._requests = context.informers.of(SIGNING_REQUESTS)
        self.loop = context.controller("csr-signing", self.reconcile, [self._requests], workers=1)
        self._requests.add_handler(self._changed)

    async def run(self) -> None:
        await self.loop.run()

    def _changed(self, _old: Obj | None, new: Obj | None) -> None:
        if new is not None:
            self.loop.queue.add(key_of(new))

    async def reconcile(self, key: ObjectKey) -> float | None:
        request = self._requests.get(key.name)
        if request is None or (request.get("status") or {}).get("certificate"):
            return None
        if approves(request) and not approved(request):
            await self._approve(request)
        elif approved(request):
            await self._sign(request)
        return None

    async def _approve(self, request: Obj) -> None:
        own, stamp = clone(request), rfc3339(self._context.clock.now())
        new = {
            "type": "Approved",
            "status": "True",
            "reason": "AutoApproved",
            "message": "Auto approving kubelet client certificate after SubjectAccessReview.",
            "lastUpdateTime": stamp,
            "lastTransitionTime": stamp,
        }
        own.setdefault("status", {}).setdefault("conditions", []).append(new)
        await self._client.update(SIGNING_REQUESTS, own, subresource="approval")

    async def _sign(self, request: Obj) -> None:
        options = self._context.options
        if not options.signer_key or request["spec"].get("signerName") not in _SIGNERS:
            return
        pem = sign(request, options.signer_certificate, options.signer_key, self._context.clock.now())
        own = clone(request)
        own["status"]["certificate"] = base64.b64encode(pem).decode()
        await self._client.update(SIGNING_REQUESTS, own, subresource="status")


def start(context: Context) -> SigningController:
    return SigningController(context)
