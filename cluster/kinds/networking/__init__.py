"""The kinds of API group networking.k8s.io."""

from __future__ import annotations

from cluster.kinds.kind import Kind
from cluster.kinds.networking import ingress, ingressclass, ipaddress, networkpolicy, servicecidr

KINDS: tuple[Kind, ...] = (
    ingress.KIND,
    ingressclass.KIND,
    ipaddress.KIND,
    networkpolicy.KIND,
    servicecidr.KIND,
)
