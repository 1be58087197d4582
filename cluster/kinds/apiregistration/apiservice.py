"""APIService: a group version, served here or by another server."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.strategy import keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta import names
from cluster.meta.field import Path, invalid, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService"
SPEC = Path("spec")


def _default(obj: Obj) -> None:
    service = obj["spec"].get("service")
    if service is not None and service.get("port") is None:
        service["port"] = 443


def _prepare_create(obj: Obj) -> None:
    """What is served here is there at once."""
    obj["status"] = {}
    if obj["spec"].get("service") is None:
        created = (obj.get("metadata") or {}).get("creationTimestamp")
        obj["status"]["conditions"] = [
            {
                "type": "Available",
                "status": "True",
                "lastTransitionTime": created,
                "reason": "Local",
                "message": "Local APIServices are always available",
            }
        ]


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    group, version = held.get("group") or "", held.get("version") or ""
    name, wanted = (obj.get("metadata") or {}).get("name") or "", f"{version}.{group}"
    faults: Faults = []
    if name and name != wanted and not names.path_segment(name):
        faults.append(invalid(Path("metadata") / "name", name, f'must be `spec.version+"."+spec.group`: "{wanted}"'))
    if group:
        faults += checks.subdomain(SPEC / "group", group)
    elif version != "v1":
        faults.append(required(SPEC / "group", "only v1 may have an empty group and it better be legacy kube"))
    faults += checks.by_rule(SPEC / "version", version, names.dns1035_label)
    low, high = held.get("groupPriorityMinimum") or 0, held.get("versionPriority") or 0
    if not 0 < low <= 20000:
        faults.append(invalid(SPEC / "groupPriorityMinimum", low, "must be positive and less than 20000"))
    if not 0 < high <= 1000:
        faults.append(invalid(SPEC / "versionPriority", high, "must be positive and less than 1000"))
    return faults + _service(held)


def _service(held: dict[str, Any]) -> Faults:
    service, bundle, insecure = held.get("service"), held.get("caBundle"), held.get("insecureSkipTLSVerify")
    if service is None:
        faults: Faults = []
        if bundle:
            faults.append(
                invalid(SPEC / "caBundle", f"{len(bundle)} bytes", "local APIServices may not have a caBundle")
            )
        if insecure:
            faults.append(
                invalid(SPEC / "insecureSkipTLSVerify", True, "local APIServices may not have insecureSkipTLSVerify")
            )
        return faults
    faults = [required(SPEC / "service" / name) for name in ("namespace", "name") if not service.get(name)]
    number = service.get("port") or 0
    if complaints := names.port_number(number):
        faults.append(invalid(SPEC / "service" / "port", number, f"port is not valid: {', '.join(complaints)}"))
    if insecure and bundle:
        faults.append(invalid(SPEC / "insecureSkipTLSVerify", True, "may not be true if caBundle is present"))
    return faults


def validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    default=DEFAULT,
    prepare_create=_prepare_create,
    prepare_update=keep_status,
    validate=validate,
    validate_update=validate_update,
    unconditional_update=False,
    name_rule="path-segment",
)


KIND = Kind(
    group="apiregistration.k8s.io",
    version="v1",
    kind="APIService",
    plural="apiservices",
    singular="apiservice",
    namespaced=False,
    categories=("api-extensions",),
    definition="io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService",
    subresources=(status(DEFAULT),),
    table=table("apiregistration.k8s.io", "apiservices", extensions.api_service),
    strategy=_WRITES,
)
