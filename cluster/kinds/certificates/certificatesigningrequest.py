"""CertificateSigningRequest: a request for a certificate, approved and signed through subresources."""

from __future__ import annotations

from base64 import b64decode

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy, Subresource
from cluster.kinds.printers import extensions
from cluster.kinds.signers import signer_name
from cluster.kinds.strategy import clear_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, forbidden, invalid, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.certificates.v1.CertificateSigningRequest"
SPEC = Path("spec")
USAGES = (
    "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
    "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
    "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
    "server auth", "signing", "timestamping",
)  # fmt: skip
SHORTEST = 600
_HEADER = b"-----BEGIN CERTIFICATE REQUEST-----"


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    faults: Faults = []
    try:
        sound = _HEADER in b64decode(held.get("request") or "")
    except ValueError:
        sound = False
    if not sound:
        why = "PEM block type must be CERTIFICATE REQUEST"
        faults.append(invalid(SPEC / "request", held.get("request"), why))
    usages = held.get("usages") or []
    if not usages:
        faults.append(required(SPEC / "usages"))
    for at, usage in enumerate(usages):
        faults += checks.one_of((SPEC / "usages")[at], usage, USAGES)
    faults += checks.duplicates(SPEC / "usages", usages)
    signer = held.get("signerName") or ""
    if signer == "kubernetes.io/legacy-unknown":
        why = "the legacy signerName is not allowed via this API version"
        faults.append(invalid(SPEC / "signerName", signer, why))
    else:
        faults += signer_name(SPEC / "signerName", signer)
    seconds = held.get("expirationSeconds")
    if seconds is not None and seconds < SHORTEST:
        why = f"may not specify a duration less than {SHORTEST} seconds (10 minutes)"
        faults.append(invalid(SPEC / "expirationSeconds", seconds, why))
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    faults = validate(new)
    if spec(new) != spec(old):
        faults.append(invalid(SPEC, spec(new), checks.IMMUTABLE))
    return faults


def _prepare_update(new: Obj, old: Obj) -> None:
    """A signing request does not change once made."""
    for name in ("spec", "status"):
        new[name] = old.get(name) or {}


def _selectable(obj: Obj) -> dict[str, str]:
    return {"spec.signerName": spec(obj).get("signerName") or ""}


def _approval(new: Obj, old: Obj) -> None:
    """Through `approval` only the conditions change."""
    conditions = (new.get("status") or {}).get("conditions")
    new["spec"] = old.get("spec") or {}
    new["status"] = {k: v for k, v in (old.get("status") or {}).items() if k != "conditions"}
    if conditions:
        new["status"]["conditions"] = conditions


def conditions(new: Obj, old: Obj) -> Faults:
    """Approved and Denied exclude each other, and neither is taken back."""
    path, listed = Path("status") / "conditions", (new.get("status") or {}).get("conditions") or []
    faults: Faults = []
    seen: set[str] = set()
    for at, condition in enumerate(listed):
        here, kind, state = path[at], condition.get("type") or "", condition.get("status") or ""
        if not kind:
            faults.append(required(here / "type"))
        if not state:
            faults.append(required(here / "status"))
        elif kind in ("Approved", "Denied", "Failed"):
            faults += checks.one_of(here / "status", state, ("True",))
        else:
            faults += checks.one_of(here / "status", state, ("False", "True", "Unknown"))
        if {kind, *seen} >= {"Approved", "Denied"}:
            faults.append(invalid(path, kind, "Approved and Denied conditions are mutually exclusive"))
        seen.add(kind)
    for kind in ("Approved", "Denied", "Failed"):
        held = [c.get("type") for c in (old.get("status") or {}).get("conditions") or ()]
        if kind in held and kind not in seen:
            faults.append(forbidden(path, f'updates may not remove a condition of type "{kind}"'))
    return faults


def _validate_status(new: Obj, old: Obj) -> Faults:
    faults = conditions(new, old)
    certificate = (new.get("status") or {}).get("certificate")
    before = (old.get("status") or {}).get("certificate")
    if before and certificate != before:
        why = "updates may not set certificate content if existing certificate content has been set"
        return [*faults, forbidden(Path("status") / "certificate", why)]
    if certificate and not before:
        try:
            sound = b"-----BEGIN CERTIFICATE-----" in b64decode(certificate)
        except ValueError:
            sound = False
        if not sound:
            why = "must contain at least one CERTIFICATE PEM block"
            faults.append(invalid(Path("status") / "certificate", "<certificate data>", why))
    return faults


DEFAULT = defaulting(DEFINITION)
_WRITES = Strategy(
    default=DEFAULT,
    prepare_create=clear_status(DEFINITION),
    name_rule="path-segment",
    prepare_update=_prepare_update,
    validate=validate,
    validate_update=validate_update,
)
_APPROVAL = Strategy(default=DEFAULT, prepare_update=_approval, validate_update=conditions)


KIND = Kind(
    group="certificates.k8s.io",
    version="v1",
    kind="CertificateSigningRequest",
    plural="certificatesigningrequests",
    singular="certificatesigningrequest",
    namespaced=False,
    short_names=("csr",),
    definition="io.k8s.api.certificates.v1.CertificateSigningRequest",
    subresources=(
        Subresource(name="approval", verbs=("get", "patch", "update"), strategy=_APPROVAL),
        status(DEFAULT, validate_update=_validate_status),
    ),
    table=table("certificates.k8s.io", "certificatesigningrequests", extensions.signing_request),
    strategy=_WRITES,
    selectable=_selectable,
)
