"""What may change in a pod: images, the deadline, added tolerations, removed gates; and little through subresources."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.difference import difference
from cluster.kinds.golang import dump
from cluster.meta.field import Path, forbidden, invalid, required

Spec = dict[str, Any]
SPEC = Path("spec")
_DEFINITION = "io.k8s.api.core.v1.PodSpec"
_FROZEN = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def spec_update(new: Spec, old: Spec) -> Faults:
    """Faults of an update of a pod's specification, beyond those of the specification itself."""
    faults: Faults = []
    for name in ("containers", "initContainers"):
        if len(new.get(name) or ()) != len(old.get(name) or ()):
            return [forbidden(SPEC / name, "pod updates may not add or remove containers")]
    for name in ("containers", "initContainers"):
        faults += _images(SPEC / name, new.get(name) or [])
    faults += _deadline(new.get("activeDeadlineSeconds"), old.get("activeDeadlineSeconds"))
    gate_faults = _gates(new.get("schedulingGates") or [], old.get("schedulingGates") or [])
    faults += gate_faults + _tolerations(new.get("tolerations") or [], old.get("tolerations") or [])
    munged = _munged(new, old)
    if munged != old:
        shown = difference(dump(old, _DEFINITION), dump(munged, _DEFINITION))
        faults.append(forbidden(SPEC, _FROZEN + shown))
    return faults


def _images(path: Path, containers: list[dict[str, Any]]) -> Faults:
    faults: Faults = []
    for at, container in enumerate(containers):
        image = container.get("image") or ""
        if not image:
            faults.append(required(path[at] / "image"))
        elif image != image.strip():
            faults.append(invalid(path[at] / "image", image, "must not have leading or trailing whitespace"))
    return faults


def _deadline(new: int | None, old: int | None) -> Faults:
    path = SPEC / "activeDeadlineSeconds"
    if new is None:
        return [] if old is None else [invalid(path, None, "must not update from a positive integer to nil value")]
    faults = checks.between(path, new, 0, checks.MAX_INT32) if new != old else []
    if old is not None and old < new:
        faults.append(invalid(path, new, "must be less than or equal to previous value"))
    return faults


def _gates(new: list[dict[str, Any]], old: list[dict[str, Any]]) -> Faults:
    known = {gate.get("name") for gate in old}
    return [
        forbidden(
            (SPEC / "schedulingGates")[at] / "name",
            f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'",
        )
        for at, gate in enumerate(new)
        if gate.get("name") not in known
    ]


def _tolerations(new: list[dict[str, Any]], old: list[dict[str, Any]]) -> Faults:
    """Every old toleration is still there; only its seconds may differ."""
    kept = [_lasting(toleration) for toleration in new]
    if all(_lasting(toleration) in kept for toleration in old):
        return []
    why = "existing toleration can not be modified except its tolerationSeconds"
    return [forbidden(SPEC / "tolerations", why)]


def _lasting(toleration: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}


_MUTABLE = ("activeDeadlineSeconds", "tolerations", "schedulingGates")


def _munged(new: Spec, old: Spec) -> Spec:
    """The new specification with everything that may change put back."""
    out = dict(new)
    for name in _MUTABLE:
        out.pop(name, None)
        if name in old:
            out[name] = old[name]
    for name in ("containers", "initContainers"):
        if name in new:
            out[name] = [
                {**now, "image": was.get("image", "")} for now, was in zip(new[name], old.get(name) or (), strict=False)
            ]
    grace, before = new.get("terminationGracePeriodSeconds"), old.get("terminationGracePeriodSeconds")
    if before is not None and before < 0 and grace == 1:
        out["terminationGracePeriodSeconds"] = before
    if old.get("schedulingGates"):
        # A gated pod may have its placement narrowed, which adds to these.
        for name in ("nodeSelector", "affinity"):
            out.pop(name, None)
            if name in old:
                out[name] = old[name]
    return out


def ephemeral_update(new: Spec, old: Spec) -> Faults:
    """Ephemeral containers are added, never changed or taken away."""
    path = SPEC / "ephemeralContainers"
    now = {container.get("name"): container for container in new.get("ephemeralContainers") or ()}
    faults: Faults = []
    for container in old.get("ephemeralContainers") or ():
        name = container.get("name")
        if name not in now:
            faults.append(forbidden(path, f'existing ephemeral containers "{name}" may not be removed\n'))
        elif now[name] != container:
            shown = difference(
                dump(container, "io.k8s.api.core.v1.EphemeralContainer"),
                dump(now[name], "io.k8s.api.core.v1.EphemeralContainer"),
            )
            faults.append(forbidden(path, f'existing ephemeral containers "{name}" may not be changed\n{shown}'))
    return faults


def resize_update(new: Spec, old: Spec) -> Faults:
    """Through `resize` only the resources of containers change."""
    removed = _removed(new, old)
    if removed:
        return removed
    out = dict(new)
    for name in ("containers", "initContainers"):
        if name in new:
            out[name] = [
                {**now, "resources": was.get("resources", {}), "resizePolicy": was.get("resizePolicy")}
                if was.get("resizePolicy") is not None
                else {**{k: v for k, v in now.items() if k != "resizePolicy"}, "resources": was.get("resources", {})}
                for now, was in zip(new[name], old.get(name) or (), strict=False)
            ]
    if "resources" in old:
        out["resources"] = old["resources"]
    else:
        out.pop("resources", None)
    if out == old:
        return []
    return [forbidden(SPEC, "only cpu and memory resources are mutable")]


def _removed(new: Spec, old: Spec) -> Faults:
    """Amounts change, they are not taken away."""
    faults: Faults = []
    for part in ("containers", "initContainers"):
        pairs = zip(new.get(part) or (), old.get(part) or (), strict=False)
        for at, (now, was) in enumerate(pairs):
            for field in ("requests", "limits"):
                before = (was.get("resources") or {}).get(field) or {}
                after = (now.get("resources") or {}).get(field) or {}
                if before.keys() - after.keys():
                    path = (SPEC / part)[at] / "resources" / field
                    faults.append(forbidden(path, f"resource {field} cannot be removed"))
    return faults
