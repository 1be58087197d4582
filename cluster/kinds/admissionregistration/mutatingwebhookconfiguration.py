"""MutatingWebhookConfiguration: webhooks that are asked about writes."""

from __future__ import annotations

from cluster.kinds.admissionregistration.webhook_checks import default_webhooks, webhooks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.strategy import fill_absent
from cluster.kinds.wire import defaulting
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration"


def _default(obj: Obj) -> None:
    default_webhooks(obj)
    for hook in obj.get("webhooks") or ():
        fill_absent(hook, "reinvocationPolicy", "Never")


def validate_update(new: Obj, _old: Obj) -> Faults:
    return webhooks(new)


_WRITES = Strategy(
    update_metadata="whole",
    default=defaulting(DEFINITION, _default),
    validate=webhooks,
    validate_update=validate_update,
    generation=True,
    unconditional_update=False,
)


KIND = Kind(
    group="admissionregistration.k8s.io",
    version="v1",
    kind="MutatingWebhookConfiguration",
    plural="mutatingwebhookconfigurations",
    singular="mutatingwebhookconfiguration",
    namespaced=False,
    categories=("api-extensions",),
    definition="io.k8s.api.admissionregistration.v1.MutatingWebhookConfiguration",
    table=table("admissionregistration.k8s.io", "mutatingwebhookconfigurations", extensions.webhooks),
    strategy=_WRITES,
)
