"""ValidatingWebhookConfiguration: webhooks that are asked about writes."""

from __future__ import annotations

from cluster.kinds.admissionregistration.webhook_checks import default_webhooks, webhooks
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.printers import extensions
from cluster.kinds.wire import defaulting
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration"


def validate_update(new: Obj, _old: Obj) -> Faults:
    return webhooks(new)


_WRITES = Strategy(
    update_metadata="whole",
    default=defaulting(DEFINITION, default_webhooks),
    validate=webhooks,
    validate_update=validate_update,
    generation=True,
    unconditional_update=False,
)


KIND = Kind(
    group="admissionregistration.k8s.io",
    version="v1",
    kind="ValidatingWebhookConfiguration",
    plural="validatingwebhookconfigurations",
    singular="validatingwebhookconfiguration",
    namespaced=False,
    categories=("api-extensions",),
    definition="io.k8s.api.admissionregistration.v1.ValidatingWebhookConfiguration",
    table=table("admissionregistration.k8s.io", "validatingwebhookconfigurations", extensions.webhooks),
    strategy=_WRITES,
)
