"""Objects as Go prints them inside messages: the field names of the API server's own structures, every field present.

Some faults show the refused structure. The API server holds it under Go names, with null for what is not set; the
names follow from the JSON names but for the ones listed here.
"""

from __future__ import annotations

from typing import Any

from cluster.kinds.wire import fields

_NAMES = {
    "$ref": "Ref",
    "$schema": "Schema",
    "apiGroup": "APIGroup",
    "apiGroups": "APIGroups",
    "apiVersion": "APIVersion",
    "apiVersions": "APIVersions",
    "awsElasticBlockStore": "AWSElasticBlockStore",
    "bool": "BoolValue",
    "bools": "BoolValues",
    "caBundle": "CABundle",
    "cel": "CEL",
    "cephfs": "CephFS",
    "chapAuthDiscovery": "DiscoveryCHAPAuth",
    "chapAuthSession": "SessionCHAPAuth",
    "cidr": "CIDR",
    "cidrs": "CIDRs",
    "csi": "CSI",
    "diskURI": "DataDiskURI",
    "dnsConfig": "DNSConfig",
    "dnsPolicy": "DNSPolicy",
    "externalID": "DoNotUseExternalID",
    "fc": "FC",
    "fsGroup": "FSGroup",
    "fsGroupChangePolicy": "FSGroupChangePolicy",
    "fsGroupPolicy": "FSGroupPolicy",
    "fsType": "FSType",
    "gcePersistentDisk": "GCEPersistentDisk",
    "gid": "GID",
    "gmsaCredentialSpec": "GMSACredentialSpec",
    "gmsaCredentialSpecName": "GMSACredentialSpecName",
    "grpc": "GRPC",
    "http": "HTTP",
    "httpGet": "HTTPGet",
    "httpHeaders": "HTTPHeaders",
    "id": "ID",
    "int": "IntValue",
    "ints": "IntValues",
    "ip": "IP",
    "ipBlock": "IPBlock",
    "ipFamilies": "IPFamilies",
    "ipFamilyPolicy": "IPFamilyPolicy",
    "ipMode": "IPMode",
    "ips": "IPs",
    "iqn": "IQN",
    "iscsi": "ISCSI",
    "iscsiInterface": "ISCSIInterface",
    "jsonPatch": "JSONPatch",
    "jsonPath": "JSONPath",
    "lastState": "LastTerminationState",
    "metadata": "ObjectMeta",
    "monitors": "CephMonitors",
    "nfs": "NFS",
    "os": "OS",
    "osImage": "OSImage",
    "pdName": "PDName",
    "pool": "RBDPool",
    "qosClass": "QOSClass",
    "rbd": "RBD",
    "reportingComponent": "ReportingController",
    "seLinuxChangePolicy": "SELinuxChangePolicy",
    "seLinuxMount": "SELinuxMount",
    "seLinuxOptions": "SELinuxOptions",
    "sslEnabled": "SSLEnabled",
    "storageos": "StorageOS",
    "string": "StringValue",
    "strings": "StringValues",
    "tcpSocket": "TCPSocket",
    "tls": "TLS",
    "ttlSecondsAfterFinished": "TTLSecondsAfterFinished",
    "tty": "TTY",
    "uid": "UID",
    "url": "URL",
    "user": "RadosUser",
    "wwids": "WWIDs",
    "x-kubernetes-embedded-resource": "XEmbeddedResource",
    "x-kubernetes-int-or-string": "XIntOrString",
    "x-kubernetes-list-map-keys": "XListMapKeys",
    "x-kubernetes-list-type": "XListType",
    "x-kubernetes-map-type": "XMapType",
    "x-kubernetes-preserve-unknown-fields": "XPreserveUnknownFields",
    "x-kubernetes-validations": "XValidations",
}
_EMPTY: dict[str, Any] = {"zs": "", "zi": 0, "zb": False, "Zs": "", "Zi": 0, "Zb": False, "Q": "0"}
_SHARED = "io.k8s.apimachinery."
"""Structures that the server shares with the wire; they keep their JSON names."""
_POD_SPEC = "io.k8s.api.core.v1.PodSpec"
_SCHEMA = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"
_HOST_FIELDS = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers")
_SPEC_ORDER = (
    "volumes", "initContainers", "containers", "ephemeralContainers", "restartPolicy",
    "terminationGracePeriodSeconds", "activeDeadlineSeconds", "dnsPolicy", "nodeSelector", "serviceAccountName",
    "automountServiceAccountToken", "nodeName", "securityContext", "imagePullSecrets", "hostname", "subdomain",
    "setHostnameAsFQDN", "affinity", "schedulerName", "tolerations", "hostAliases", "priorityClassName", "priority",
    "preemptionPolicy", "dnsConfig", "readinessGates", "runtimeClassName", "overhead", "enableServiceLinks",
    "topologySpreadConstraints", "os", "schedulingGates", "resourceClaims", "resources", "hostnameOverride",
    "schedulingGroup",
)  # fmt: skip
"""The server's own pod specification has another order than the published one, and keeps host namespaces apart."""


def go_name(field: str) -> str:
    return _NAMES.get(field) or field[:1].upper() + field[1:]


def dump(value: dict[str, Any] | None, definition: str) -> dict[str, Any] | None:
    """The structure with Go names, in the order of the definition, unset fields as null or zero."""
    if value is None:
        return None
    if definition.startswith(_SHARED):
        return value
    if definition == _POD_SPEC:
        return _pod_spec(value)
    if definition == _SCHEMA:
        return _schema(value)
    return {go_name(name): _field(value.get(name), code) for name, code in fields(definition).items()}


def _field(value: Any, code: str) -> Any:
    letter, _, ref = code.partition(" ")
    if letter in ("p", "P", "o"):
        return dump(value, ref)
    if letter == "s":
        return dump(value or {}, ref)
    if value is None or (letter[0] in "lLmM" and not value):
        return _EMPTY.get(letter)
    if ref and isinstance(value, list):
        return [dump(item, ref) for item in value]
    if ref and isinstance(value, dict):
        return {key: dump(item, ref) for key, item in sorted(value.items())}
    return dict(sorted(value.items())) if isinstance(value, dict) and letter[0] in "mM" else value


def _schema(value: dict[str, Any]) -> dict[str, Any]:
    """The server's own schema says early whether null is allowed, and keeps a choice of schema or bool as both."""
    out = {go_name(name): _field(value.get(name), code) for name, code in fields(_SCHEMA).items()}
    ordered: dict[str, Any] = {}
    for name, held in out.items():
        if name != "Nullable":
            ordered[name] = held
        if name == "Type":
            ordered["Nullable"] = bool(out.get("Nullable"))
    for name in ("AdditionalProperties", "AdditionalItems"):
        extra = value.get(name[:1].lower() + name[1:])
        if extra is not None:
            within = dump(extra, _SCHEMA) if isinstance(extra, dict) else None
            ordered[name] = {"Allows": extra is not False, "Schema": within}
    if isinstance(value.get("items"), dict):
        ordered["Items"] = {"Schema": dump(value["items"], _SCHEMA), "JSONSchemas": None}
    return ordered


def _pod_spec(spec: dict[str, Any]) -> dict[str, Any]:
    known = fields(_POD_SPEC)
    out = {go_name(name): _field(spec.get(name), known[name]) for name in _SPEC_ORDER if name in known}
    out["SecurityContext"] = _security_context(spec)
    return out


def _security_context(spec: dict[str, Any]) -> dict[str, Any] | None:
    context = spec.get("securityContext")
    if context is None:
        return None
    known = fields(_POD_SPEC)
    hosts = {go_name(name): _field(spec.get(name), known[name]) for name in _HOST_FIELDS}
    rest = dump(context, "io.k8s.api.core.v1.PodSecurityContext") or {}
    # The server's own order has the sysctls behind the policy.
    moved = {"FSGroupChangePolicy", "Sysctls"} & rest.keys()
    ordered: dict[str, Any] = {}
    for name, value in rest.items():
        if name not in moved:
            ordered[name] = value
        if name == "FSGroup":
            ordered |= {later: rest[later] for later in ("FSGroupChangePolicy", "Sysctls") if later in moved}
    return hosts | ordered
