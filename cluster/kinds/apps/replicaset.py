"""ReplicaSet: a template, how many of its pods, and the selector that owns them."""

from __future__ import annotations

from cluster.kinds import checks
from cluster.kinds.apps.columns import REPLICA_SET
from cluster.kinds.apps.replica_status import replica_status
from cluster.kinds.apps.templates import (
    SPEC,
    create_with_template,
    replica_set_spec,
    update_with_template,
    workload_warnings,
)
from cluster.kinds.checks import Faults
from cluster.kinds.kind import Kind, ScalePaths, Strategy, Subresource
from cluster.kinds.podspec.defaults import default_template
from cluster.kinds.strategy import clear_status, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.types import GroupVersionKind, Obj

DEFINITION = "io.k8s.api.apps.v1.ReplicaSet"


def _default(owner: Obj) -> None:
    default_template(owner["spec"]["template"])
    owner["spec"].setdefault("replicas", 1)


def validate(owner: Obj) -> Faults:
    return replica_set_spec(spec(owner), minimum_first=True)


def validate_update(new: Obj, old: Obj) -> Faults:
    return validate(new) + checks.immutable(SPEC / "selector", spec(new).get("selector"), spec(old).get("selector"))


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
)


KIND = Kind(
    group="apps",
    version="v1",
    kind="ReplicaSet",
    plural="replicasets",
    singular="replicaset",
    namespaced=True,
    short_names=("rs",),
    categories=("all",),
    definition="io.k8s.api.apps.v1.ReplicaSet",
    subresources=(
        Subresource(
            name="scale",
            verbs=("get", "patch", "update"),
            kind=GroupVersionKind("autoscaling", "v1", "Scale"),
            scale=ScalePaths(),
        ),
        status(DEFAULT, validate_update=replica_status),
    ),
    table=REPLICA_SET,
    strategy=_WRITES,
)
