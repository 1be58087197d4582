"""PodTemplate: a template on its own."""

from __future__ import annotations

from cluster.kinds.apps.templates import create_with_template, update_with_template, workload_warnings
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.podspec.defaults import default_template
from cluster.kinds.podspec.spec import template
from cluster.kinds.printers.workloads import pod_template
from cluster.kinds.strategy import no_change, nothing
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.core.v1.PodTemplate"


def _default(obj: Obj) -> None:
    default_template(obj["template"])


def validate(obj: Obj) -> Faults:
    return template(Path("template"), obj.get("template") or {})


def validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


_WRITES = Strategy(
    update_metadata="update",
    default=defaulting(DEFINITION, _default),
    prepare_create=create_with_template(nothing, ("template",)),
    prepare_update=update_with_template(no_change, ("template",)),
    validate=validate,
    validate_update=validate_update,
    warnings=workload_warnings("template", named=False),
    generation=True,
)


KIND = Kind(
    group="",
    version="v1",
    kind="PodTemplate",
    plural="podtemplates",
    singular="podtemplate",
    namespaced=True,
    definition="io.k8s.api.core.v1.PodTemplate",
    table=table("", "podtemplates", pod_template),
    strategy=_WRITES,
)
