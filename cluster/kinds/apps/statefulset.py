"""StatefulSet: ordered pods with their own claims; little of its specification may change."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.apps.columns import STATEFUL_SET
from cluster.kinds.apps.templates import (
    SPEC,
    create_with_template,
    selector_and_template,
    update_with_template,
    workload_warnings,
)
from cluster.kinds.checks import Faults
from cluster.kinds.core.persistentvolumeclaim import DEFAULT as default_claim
from cluster.kinds.golang import dump
from cluster.kinds.kind import Kind, ScalePaths, Strategy, Subresource
from cluster.kinds.podspec.defaults import default_template
from cluster.kinds.strategy import clear_status, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import forbidden, invalid, required
from cluster.meta.types import GroupVersionKind, Obj

DEFINITION = "io.k8s.api.apps.v1.StatefulSet"
UPDATES = SPEC / "updateStrategy"
MUTABLE = frozenset(
    (
        "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
    )
)  # fmt: skip
_FROZEN = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


def _default(owner: Obj) -> None:
    held = owner["spec"]
    default_template(held["template"])
    held.setdefault("podManagementPolicy", "OrderedReady")
    updates = held["updateStrategy"]
    updates.setdefault("type", "RollingUpdate")
    if updates["type"] == "RollingUpdate":
        updates.setdefault("rollingUpdate", {}).setdefault("partition", 0)
    retention = held.setdefault("persistentVolumeClaimRetentionPolicy", {})
    retention.setdefault("whenDeleted", "Retain")
    retention.setdefault("whenScaled", "Retain")
    held.setdefault("replicas", 1)
    held.setdefault("revisionHistoryLimit", 10)
    for claim in held.get("volumeClaimTemplates") or ():
        default_claim(claim)
        claim.setdefault("apiVersion", "v1")
        claim.setdefault("kind", "PersistentVolumeClaim")


def _updates(updates: dict[str, Any]) -> Faults:
    rolling = updates.get("rollingUpdate")
    match updates.get("type") or "":
        case "":
            return [required(UPDATES)]
        case "OnDelete":
            if rolling is None:
                return []
            shown = dump(rolling, "io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy")
            return [invalid(UPDATES / "rollingUpdate", shown, "only allowed for updateStrategy 'RollingUpdate'")]
        case "RollingUpdate":
            return _rolling(rolling or {})
    shown = dump(updates, "io.k8s.api.apps.v1.StatefulSetUpdateStrategy")
    return [invalid(UPDATES, shown, "must be 'RollingUpdate' or 'OnDelete'")]


def _rolling(rolling: dict[str, Any]) -> Faults:
    path = UPDATES / "rollingUpdate"
    faults = checks.nonnegative(path / "partition", rolling.get("partition"))
    if (unavailable := rolling.get("maxUnavailable")) is not None:
        faults += checks.int_or_percent(path / "maxUnavailable", unavailable)
        if unavailable in (0, "0%"):
            faults.append(invalid(path / "maxUnavailable", unavailable, "cannot be 0"))
        faults += checks.at_most_all(path / "maxUnavailable", unavailable)
    return faults


def validate(owner: Obj) -> Faults:
    held = spec(owner)
    policy = held.get("podManagementPolicy") or ""
    faults: Faults = []
    if not policy:
        faults.append(required(SPEC / "podManagementPolicy"))
    elif policy not in ("OrderedReady", "Parallel"):
        faults.append(invalid(SPEC / "podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'"))
    faults += _updates(held.get("updateStrategy") or {})
    for name, choice in (held.get("persistentVolumeClaimRetentionPolicy") or {}).items():
        path = SPEC / "persistentVolumeClaimRetentionPolicy" / name
        faults += checks.one_of(path, choice, ("Retain", "Delete"))
    faults += checks.nonnegative(SPEC / "replicas", held.get("replicas"))
    faults += checks.nonnegative(SPEC / "minReadySeconds", held.get("minReadySeconds"))
    faults += checks.nonnegative(SPEC / "ordinals" / "start", (held.get("ordinals") or {}).get("start"))
    faults += selector_and_template(held, "StatefulSet", "statefulset", "")
    faults += checks.nonnegative(SPEC / "revisionHistoryLimit", held.get("revisionHistoryLimit"))
    if held.get("serviceName"):
        faults += checks.label(SPEC / "serviceName", held["serviceName"])
    return faults


def validate_update(new: Obj, old: Obj) -> Faults:
    now, was = spec(new), spec(old)
    faults = validate(new)
    if any(now.get(name) != was.get(name) for name in {*now, *was} - MUTABLE):
        faults.append(forbidden(SPEC, _FROZEN))
    return faults


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    default=DEFAULT,
    prepare_create=create_with_template(clear_status(DEFINITION)),
    prepare_update=update_with_template(keep_status),
    validate=validate,
    validate_update=validate_update,
    warnings=workload_warnings(named=False),
    generation=True,
    name_rule="dns1123-label",
)


KIND = Kind(
    group="apps",
    version="v1",
    kind="StatefulSet",
    plural="statefulsets",
    singular="statefulset",
    namespaced=True,
    short_names=("sts",),
    categories=("all",),
    definition="io.k8s.api.apps.v1.StatefulSet",
    subresources=(
        Subresource(
            name="scale",
            verbs=("get", "patch", "update"),
            kind=GroupVersionKind("autoscaling", "v1", "Scale"),
            scale=ScalePaths(),
        ),
        status(DEFAULT),
    ),
    table=STATEFUL_SET,
    strategy=_WRITES,
)
