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
from cluster.kinds.core.persistentvolumeclaim import claim_spec
from cluster.kinds.golang import dump
from cluster.kinds.kind import Kind, ScalePaths, Strategy, Subresource
from cluster.kinds.podspec.defaults import default_template
from cluster.kinds.podspec.warnings import claim_warnings
from cluster.kinds.strategy import clear_status, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, forbidden, invalid, required
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
        claim["apiVersion"], claim["kind"] = "v1", "PersistentVolumeClaim"


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
    return _changeable(held, _fixed(held))


def _fixed(held: dict[str, Any]) -> tuple[Faults, Faults]:
    """Faults of what no update changes, looked at once: claims, and the name of the service."""
    claims: Faults = []
    for at, claim in enumerate(held.get("volumeClaimTemplates") or ()):
        claims += claim_spec((SPEC / "volumeClaimTemplates")[at] / "spec", claim.get("spec") or {})
    name = held.get("serviceName")
    return claims, checks.label(SPEC / "serviceName", name) if name else []


def _changeable(held: dict[str, Any], fixed: tuple[Faults, Faults] = ([], [])) -> Faults:
    claims, service = fixed
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
    faults += claims
    faults += checks.nonnegative(SPEC / "replicas", held.get("replicas"))
    faults += checks.nonnegative(SPEC / "minReadySeconds", held.get("minReadySeconds"))
    faults += checks.nonnegative(SPEC / "ordinals" / "start", (held.get("ordinals") or {}).get("start"))
    return faults + service + selector_and_template(_with_claims(held), "StatefulSet", "statefulset", "", twice=True)


def _with_claims(held: dict[str, Any]) -> dict[str, Any]:
    """As its pods will be: the volumes of the claims come first, and names are given by the controller."""
    pods = (held.get("template") or {}).get("spec") or {}
    claims = [(claim.get("metadata") or {}).get("name") or "" for claim in held.get("volumeClaimTemplates") or ()]
    made = {name: {"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims}
    others = [volume for volume in pods.get("volumes") or () if (volume.get("name") or "") not in made]
    changed = {name: value for name, value in pods.items() if name not in ("hostname", "subdomain")}
    if made:
        changed["volumes"] = [*made.values(), *others]
    return {**held, "template": {**(held.get("template") or {}), "spec": changed}}


def validate_update(new: Obj, old: Obj) -> Faults:
    now, was = spec(new), spec(old)
    faults = _changeable(now)
    if any(now.get(name) != was.get(name) for name in {*now, *was} - MUTABLE):
        faults.append(forbidden(SPEC, _FROZEN))
    return faults


def _max_unavailable(owner: Obj) -> dict[str, Any]:
    """What holds maxUnavailable, which is under development: it is left out unless it is stored already."""
    rolling = (spec(owner).get("updateStrategy") or {}).get("rollingUpdate") or {}
    return rolling if "maxUnavailable" in rolling else {}


def _prepare_create(owner: Obj) -> None:
    clear_status(DEFINITION)(owner)
    _max_unavailable(owner).pop("maxUnavailable", None)


def _prepare_update(new: Obj, old: Obj) -> None:
    keep_status(new, old)
    if not _max_unavailable(old):
        _max_unavailable(new).pop("maxUnavailable", None)


def _warnings(new: Obj, old: Obj | None) -> list[str]:
    out = workload_warnings(named=False)(new, old)
    for at, claim in enumerate(spec(new).get("volumeClaimTemplates") or ()):
        here = (SPEC / "volumeClaimTemplates")[at]
        out += claim_warnings(here if old is None else here / "Spec", claim.get("spec") or {})
    if (spec(new).get("revisionHistoryLimit") or 0) < 0:
        why = "a negative value retains all historical revisions; a value >= 0 is recommended"
        out.append(f"spec.revisionHistoryLimit: {why}")
    return out


_PARTS = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")


def _validate_status(new: Obj, old: Obj) -> Faults:
    held, path = new.get("status") or {}, Path("status")
    faults: Faults = []
    for name in ("replicas", *_PARTS, "observedGeneration", "collisionCount"):
        faults += checks.nonnegative(path / name, held.get(name))
    for name in _PARTS:
        if (held.get(name) or 0) > (held.get("replicas") or 0):
            faults.append(invalid(path / name, held[name], "cannot be greater than status.replicas"))
    available = held.get("availableReplicas") or 0
    if available > (held.get("readyReplicas") or 0):
        faults.append(invalid(path / "availableReplicas", available, "cannot be greater than status.readyReplicas"))
    return faults + checks.not_decremented(path, held, old.get("status") or {}, "collisionCount")


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    update_metadata="update",
    default=DEFAULT,
    prepare_create=create_with_template(_prepare_create),
    prepare_update=update_with_template(_prepare_update),
    validate=validate,
    validate_update=validate_update,
    warnings=_warnings,
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
        status(DEFAULT, validate_update=_validate_status),
    ),
    table=STATEFUL_SET,
    strategy=_WRITES,
)
