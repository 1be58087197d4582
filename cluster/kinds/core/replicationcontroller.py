"""ReplicationController: the older ReplicaSet, with a plain selector that defaults to its template's labels."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.apps.replica_status import replica_status
from cluster.kinds.apps.templates import (
    MISMATCH,
    SPEC,
    TEMPLATE,
    create_with_template,
    long_running,
    update_with_template,
    workload_warnings,
)
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, ScalePaths, Strategy, Subresource
from cluster.kinds.podspec.defaults import default_template
from cluster.kinds.podspec.spec import template as pod_template
from cluster.kinds.printers.workloads import replication_controller
from cluster.kinds.strategy import clear_status, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import invalid, required
from cluster.meta.types import GroupVersionKind, Obj

DEFINITION = "io.k8s.api.core.v1.ReplicationController"


def _default(owner: Obj) -> None:
    held = owner["spec"]
    template = held.get("template")
    if template is not None:
        default_template(template)
        labels = (template.get("metadata") or {}).get("labels") or {}
        if labels and not held.get("selector"):
            held["selector"] = dict(labels)
        if labels and not (owner.get("metadata") or {}).get("labels"):
            owner.setdefault("metadata", {})["labels"] = dict(labels)
    held.setdefault("replicas", 1)


def validate(owner: Obj) -> Faults:
    held = spec(owner)
    selector, template = held.get("selector") or {}, held.get("template")
    faults = checks.nonnegative(SPEC / "minReadySeconds", held.get("minReadySeconds"))
    if not selector:
        faults.append(required(SPEC / "selector"))
    faults += checks.nonnegative(SPEC / "replicas", held.get("replicas"))
    if template is None:
        return [*faults, required(TEMPLATE)]
    labels = (template.get("metadata") or {}).get("labels") or {}
    if selector and any(labels.get(key) != value for key, value in selector.items()):
        faults.append(invalid(TEMPLATE / "metadata" / "labels", labels or None, MISMATCH))
    return faults + pod_template(TEMPLATE, template) + long_running(TEMPLATE, template, "ReplicationController")


def validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    update_metadata="update",
    default=DEFAULT,
    prepare_create=create_with_template(clear_status(DEFINITION)),
    prepare_update=update_with_template(keep_status),
    validate=validate,
    validate_update=validate_update,
    warnings=workload_warnings(),
    generation=True,
    checks_prefix=False,
    name_rule="dns1123-subdomain-bytes",
)


def _selectable(owner: Obj) -> dict[str, str]:
    return {"status.replicas": str((owner.get("status") or {}).get("replicas") or 0)}


KIND = Kind(
    group="",
    version="v1",
    kind="ReplicationController",
    plural="replicationcontrollers",
    singular="replicationcontroller",
    namespaced=True,
    short_names=("rc",),
    categories=("all",),
    definition="io.k8s.api.core.v1.ReplicationController",
    subresources=(
        Subresource(
            name="scale",
            verbs=("get", "patch", "update"),
            kind=GroupVersionKind("autoscaling", "v1", "Scale"),
            scale=ScalePaths(),
        ),
        status(DEFAULT, validate_update=replica_status),
    ),
    table=table("", "replicationcontrollers", replication_controller),
    strategy=_WRITES,
    selectable=_selectable,
)
