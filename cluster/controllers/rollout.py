"""The arithmetic of Deployments: percentages, proportions, revisions, status and conditions. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from cluster.controllers.gospew import template_text
from cluster.machinery.clock import parse_time, rfc3339
from cluster.machinery.pods import condition
from cluster.meta.types import Obj

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
ROLLBACK_TO = "deprecated.deployment.rollback.to"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NOT_COPIED = {LAST_APPLIED, REVISION, HISTORY, DESIRED, MAXIMUM, ROLLBACK_TO}
_FOREVER = 2**31 - 1
_HISTORY_LIMIT = 2000


def replicas(obj: Obj) -> int:
    value = obj["spec"].get("replicas")
    return 1 if value is None else int(value)


def seen(rs: Obj, field: str) -> int:
    return (rs.get("status") or {}).get(field) or 0


def notes_of(obj: Obj) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}


def scaled(value: Any, total: int, *, up: bool) -> int:
    """An int-or-percent of a total. Raises ValueError for another text."""
    if isinstance(value, str):
        if not value.endswith("%"):
            raise ValueError(f"invalid value for IntOrString: {value}")
        exact = int(value[:-1]) * total / 100
        return math.ceil(exact) if up else math.floor(exact)
    return int(value or 0)


def _rolling(d: Obj) -> dict[str, Any] | None:
    strategy = d["spec"].get("strategy") or {}
    return (strategy.get("rollingUpdate") or {}) if strategy.get("type", "RollingUpdate") == "RollingUpdate" else None


def fenceposts(d: Obj) -> tuple[int, int]:
    """(surge, unavailable): one of them at least 1, or nothing could ever move."""
    rolling = _rolling(d)
    if rolling is None:
        return 0, 0
    surge = scaled(rolling.get("maxSurge"), replicas(d), up=True)
    unavailable = scaled(rolling.get("maxUnavailable"), replicas(d), up=False)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def max_surge(d: Obj) -> int:
    return fenceposts(d)[0]


def max_unavailable(d: Obj) -> int:
    if _rolling(d) is None or replicas(d) == 0:
        return 0
    return min(fenceposts(d)[1], replicas(d))


def is_rolling(d: Obj) -> bool:
    return _rolling(d) is not None


def revision(obj: Obj) -> int:
    try:
        return int(notes_of(obj).get(REVISION) or 0)
    except ValueError:
        return 0


def same_template(one: Obj, other: Obj) -> bool:
    """Equal but for the hash label; nil and empty are the same."""
    one, other = _without_hash(one), _without_hash(other)
    return one == other or template_text(one) == template_text(other)


def _without_hash(template: Obj) -> Obj:
    meta = template.get("metadata") or {}
    labels = {k: v for k, v in (meta.get("labels") or {}).items() if k != HASH_LABEL}
    return {**template, "metadata": {**meta, "labels": labels}}


def by_age(sets: Iterable[Obj]) -> list[Obj]:
    return sorted(sets, key=lambda rs: (rs["metadata"].get("creationTimestamp") or "", rs["metadata"]["name"]))


def find_new(d: Obj, sets: Sequence[Obj]) -> Obj | None:
    """The ReplicaSet with the deployment's template: the oldest, should there be several."""
    return next((rs for rs in by_age(sets) if same_template(rs["spec"]["template"], d["spec"]["template"])), None)


def alive(sets: Iterable[Obj | None]) -> list[Obj]:
    """Those that want pods."""
    return [rs for rs in sets if rs is not None and replicas(rs) > 0]


def total(sets: Iterable[Obj | None]) -> int:
    return sum(replicas(rs) for rs in sets if rs is not None)


def actual(sets: Iterable[Obj | None], field: str = "replicas") -> int:
    return sum(seen(rs, field) for rs in sets if rs is not None)


def new_replicas(d: Obj, sets: Sequence[Obj], new: Obj) -> int:
    """How many replicas the new ReplicaSet may have now."""
    if not is_rolling(d):
        return replicas(d)
    limit = replicas(d) + max_surge(d)
    current = total(sets)
    if current >= limit:
        return replicas(new)
    return replicas(new) + min(limit - current, replicas(d) - replicas(new))


def active_or_latest(new: Obj | None, old: Sequence[Obj]) -> Obj | None:
    """The one ReplicaSet a scaling concerns; None when several have pods."""
    if new is None and not old:
        return None
    active = alive([*old, new])
    if not active:
        return new if new is not None else by_age(old)[-1]
    return active[0] if len(active) == 1 else None


def saturated(d: Obj, rs: Obj | None) -> bool:
    return (
        rs is not None
        and notes_of(rs).get(DESIRED) == str(replicas(d))
        and replicas(rs) == replicas(d)
        and seen(rs, "availableReplicas") == replicas(d)
    )


def is_scaling(d: Obj, sets: Iterable[Obj]) -> bool:
    return any(DESIRED in notes_of(rs) and notes_of(rs)[DESIRED] != str(replicas(d)) for rs in alive(sets))


def proportional(d: Obj, sets: Sequence[Obj]) -> list[tuple[Obj, int]]:
    """Spread a change of size over all ReplicaSets with pods, in proportion; the first takes what rounding leaves."""
    allowed = replicas(d) + max_surge(d) if replicas(d) > 0 else 0
    to_add = allowed - total(sets)
    newest = [*reversed(by_age(sets))]
    ordered = sorted(newest if to_add > 0 else by_age(sets), key=replicas, reverse=True)
    sizes: list[int] = []
    added = 0
    for rs in ordered:
        part = _proportion(rs, d, to_add, added) if to_add else 0
        sizes.append(replicas(rs) + part)
        added += part
    if to_add and sizes:
        sizes[0] = max(sizes[0] + to_add - added, 0)
    return [*zip(ordered, sizes, strict=True)]


def _proportion(rs: Obj, d: Obj, to_add: int, added: int) -> int:
    if replicas(rs) == 0 or to_add == added:
        return 0
    fraction, left = _fraction(rs, d), to_add - added
    return min(fraction, left) if to_add > 0 else max(fraction, left)


def _fraction(rs: Obj, d: Obj) -> int:
    if replicas(d) == 0:
        return -replicas(rs)
    before = int(notes_of(rs).get(MAXIMUM) or seen(d, "replicas"))
    if before == 0:
        return 0
    exact = replicas(rs) * (replicas(d) + max_surge(d)) / before
    return math.floor(exact + 0.5) - replicas(rs)


# -- annotations ---------------------------------------------------------------------------------------------


def set_replicas_annotations(rs: Obj, d: Obj) -> bool:
    """Change `rs` (its own copy); whether anything was new."""
    mine = rs["metadata"].setdefault("annotations", {})
    fresh = {DESIRED: str(replicas(d)), MAXIMUM: str(replicas(d) + max_surge(d))}
    changed = any(mine.get(k) != v for k, v in fresh.items())
    mine.update(fresh)
    return changed


def set_new_annotations(d: Obj, rs: Obj, newest: int, *, exists: bool) -> bool:
    """Bring the annotations of the new ReplicaSet (own copy) up to date; whether anything changed."""
    mine = rs["metadata"].setdefault("annotations", {})
    copied = {k: v for k, v in notes_of(d).items() if k not in _NOT_COPIED and mine.get(k) != v}
    mine.update(copied)
    changed = bool(copied)
    before = mine.get(REVISION)
    if revision(rs) < newest:
        mine[REVISION] = str(newest)
        changed = True
        if before is not None:
            mine[HISTORY] = _history(mine.get(HISTORY) or "", before)
    if not exists and set_replicas_annotations(rs, d):
        changed = True
    return changed


def _history(history: str, before: str) -> str:
    revisions = [r for r in history.split(",") if r]
    while revisions and len(",".join([*revisions, before])) > _HISTORY_LIMIT:
        revisions.pop(0)
    return ",".join([*revisions, before])


# -- status --------------------------------------------------------------------------------------------------


def deadline(d: Obj) -> int | None:
    seconds = d["spec"].get("progressDeadlineSeconds")
    return None if seconds is None or seconds == _FOREVER else int(seconds)


def history_limit(d: Obj) -> int | None:
    limit = d["spec"].get("revisionHistoryLimit")
    return None if limit is None or limit == _FOREVER else int(limit)


def make_condition(type_: str, status: str, reason: str, message: str, now: float) -> dict[str, Any]:
    stamp = rfc3339(now)
    return {
        "type": type_,
        "status": status,
        "lastUpdateTime": stamp,
        "lastTransitionTime": stamp,
        "reason": reason,
        "message": message,
    }


def set_condition(status: dict[str, Any], new: dict[str, Any]) -> None:
    """Into `status` (own copy): unchanged when status and reason are; else at the end, keeping its transition time
    when only the reason moved."""
    current = condition({"status": status}, new["type"])
    if current and current["status"] == new["status"] and current.get("reason") == new["reason"]:
        return
    if current and current["status"] == new["status"]:
        new = new | {"lastTransitionTime": current["lastTransitionTime"]}
    remove_condition(status, new["type"])
    status.setdefault("conditions", []).append(new)


def remove_condition(status: dict[str, Any], type_: str) -> None:
    kept = [c for c in status.get("conditions") or [] if c["type"] != type_]
    status.pop("conditions", None)
    if kept:
        status["conditions"] = kept


def calculate_status(d: Obj, sets: Sequence[Obj], new: Obj | None, now: float) -> dict[str, Any]:
    """Counts and the Available condition; Progressing and ReplicaFailure are carried over."""
    old = d.get("status") or {}
    available = actual(sets, "availableReplicas")
    counts = {
        "observedGeneration": d["metadata"].get("generation") or 0,
        "replicas": actual(sets),
        "updatedReplicas": actual([new]),
        "readyReplicas": actual(sets, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(total(sets) - available, 0),
    }
    out: dict[str, Any] = {k: v for k, v in counts.items() if v}
    if all((rs.get("status") or {}).get("terminatingReplicas") is not None for rs in sets):
        out["terminatingReplicas"] = actual(sets, "terminatingReplicas")
    if old.get("collisionCount") is not None:
        out["collisionCount"] = old["collisionCount"]
    if old.get("conditions"):
        out["conditions"] = [*old["conditions"]]
    set_condition(out, _availability(available >= replicas(d) - max_unavailable(d), now))
    return out


def _availability(enough: bool, now: float) -> dict[str, Any]:
    if enough:
        message = "Deployment has minimum availability."
        return make_condition("Available", "True", "MinimumReplicasAvailable", message, now)
    message = "Deployment does not have minimum availability."
    return make_condition("Available", "False", "MinimumReplicasUnavailable", message, now)


def complete(d: Obj, status: dict[str, Any]) -> bool:
    want = replicas(d)
    return all((status.get(f) or 0) == want for f in ("updatedReplicas", "replicas", "availableReplicas")) and (
        status.get("observedGeneration") or 0
    ) >= (d["metadata"].get("generation") or 0)


def progressing(d: Obj, status: dict[str, Any]) -> bool:
    """Something moved forward between the deployment's status and the new one."""
    old = d.get("status") or {}

    def get(source: dict[str, Any], field: str) -> int:
        return source.get(field) or 0

    old_rest = get(old, "replicas") - get(old, "updatedReplicas")
    new_rest = get(status, "replicas") - get(status, "updatedReplicas")
    forward = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return new_rest < old_rest or any(get(status, f) > get(old, f) for f in forward)


def timed_out(d: Obj, status: dict[str, Any], now: float) -> bool:
    found = condition({"status": status}, "Progressing")
    limit = deadline(d)
    if limit is None or found is None or found.get("reason") == "NewReplicaSetAvailable":
        return False
    if found.get("reason") == "ProgressDeadlineExceeded":
        return True
    return parse_time(found.get("lastUpdateTime")) + limit < now


def rollout_status(d: Obj, sets: Sequence[Obj], new: Obj | None, now: float) -> dict[str, Any]:
    """The status of a rollout under way: calculate_status, Progressing and ReplicaFailure."""
    out = calculate_status(d, sets, new, now)
    current = condition(d, "Progressing")
    if deadline(d) is None:
        remove_condition(out, "Progressing")
    done = (
        out.get("replicas", 0) == out.get("updatedReplicas", 0)
        and (current or {}).get("reason") == "NewReplicaSetAvailable"
    )
    if deadline(d) is not None and not done:
        _set_progress(d, out, current, new, now)
    failures = _replica_failures(sets, new)
    if failures:
        set_condition(out, failures[0])
    else:
        remove_condition(out, "ReplicaFailure")
    return out


def _set_progress(d: Obj, out: dict[str, Any], current: dict[str, Any] | None, new: Obj | None, now: float) -> None:
    subject = f'ReplicaSet "{new["metadata"]["name"]}"' if new is not None else f'Deployment "{d["metadata"]["name"]}"'
    if complete(d, out):
        text = f"{subject} has successfully progressed."
        set_condition(out, make_condition("Progressing", "True", "NewReplicaSetAvailable", text, now))
    elif progressing(d, out):
        fresh = make_condition("Progressing", "True", "ReplicaSetUpdated", f"{subject} is progressing.", now)
        if current is not None and current["status"] == "True":
            fresh["lastTransitionTime"] = current["lastTransitionTime"]
        remove_condition(out, "Progressing")
        set_condition(out, fresh)
    elif timed_out(d, out, now):
        text = f"{subject} has timed out progressing."
        set_condition(out, make_condition("Progressing", "False", "ProgressDeadlineExceeded", text, now))


def _replica_failures(sets: Sequence[Obj], new: Obj | None) -> list[dict[str, Any]]:
    ordered = ([new] if new is not None else []) + [rs for rs in sets if rs is not new]
    for rs in ordered:
        found = condition(rs, "ReplicaFailure")
        if found is not None:
            return [_as_deployment_condition(found)]
    return []


def _as_deployment_condition(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "ReplicaFailure",
        "status": found["status"],
        "lastUpdateTime": found.get("lastTransitionTime"),
        "lastTransitionTime": found.get("lastTransitionTime"),
        "reason": found.get("reason", ""),
        "message": found.get("message", ""),
    }
