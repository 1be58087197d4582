"""The counting of Jobs: which pods succeeded or failed, which indexes are done, and whether the Job has come to its
end. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cluster.machinery import pods as podlib
from cluster.machinery.clock import parse_time, rfc3339
from cluster.machinery.pods import condition
from cluster.meta.types import Obj

FINALIZER = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
_FIRST_BACKOFF, _LONGEST_BACKOFF = 10.0, 600.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a Job ends: FailureTarget or SuccessCriteriaMet, with why."""

    type: str
    reason: str
    message: str

    @property
    def final(self) -> str:
        return "Failed" if self.type == "FailureTarget" else "Complete"


@dataclass(slots=True)
class Account:
    """A Job's pods, sorted out. `fresh_*` have not been counted in status yet."""

    active: list[Obj] = field(default_factory=list)
    terminating: int = 0
    fresh_succeeded: list[Obj] = field(default_factory=list)
    fresh_failed: list[Obj] = field(default_factory=list)
    ignored: list[Obj] = field(default_factory=list)
    succeeded: int = 0
    failed: int = 0
    succeeded_indexes: set[int] = field(default_factory=set)
    failed_indexes: set[int] = field(default_factory=set)
    policy_failure: str = ""

    @property
    def ready(self) -> int:
        return sum(map(podlib.ready, self.active))


def indexed(job: Obj) -> bool:
    return bool(job["spec"].get("completionMode") == "Indexed")


def index_of(pod: Obj) -> int:
    """The completion index; -1 when the pod has none."""
    text = (pod["metadata"].get("annotations") or {}).get(INDEX, "")
    return int(text) if text.isdigit() else -1


def parse_indexes(text: str | None) -> set[int]:
    """`0-3,5` -> {0, 1, 2, 3, 5}."""
    out: set[int] = set()
    for part in (text or "").split(","):
        first, _, last = part.partition("-")
        if first:
            out.update(range(int(first), int(last or first) + 1))
    return out


def print_indexes(indexes: Iterable[int]) -> str:
    runs: list[list[int]] = []
    for index in sorted(indexes):
        if runs and runs[-1][1] == index - 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ",".join(_run(first, last) for first, last in runs)


def _run(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}{',' if last == first + 1 else '-'}{last}"


def only_failed_replaced(job: Obj) -> bool:
    spec = job["spec"]
    return spec.get("podReplacementPolicy") == "Failed" or spec.get("podFailurePolicy") is not None


def has_failed(job: Obj, pod: Obj) -> bool:
    """A pod being deleted counts as failed at once, unless only failed pods are to be replaced."""
    if podlib.phase(pod) == "Failed":
        return True
    deleted = bool(pod["metadata"].get("deletionTimestamp")) and podlib.phase(pod) != "Succeeded"
    return deleted and not only_failed_replaced(job)


def tracked(pod: Obj) -> bool:
    return FINALIZER in (pod["metadata"].get("finalizers") or ())


def account(job: Obj, pods: Sequence[Obj], released: set[str]) -> Account:
    """`released` are pods whose finalizer has been taken off already, though the informer does not show it yet."""
    status = job.get("status") or {}
    out = Account(succeeded=status.get("succeeded") or 0, failed=status.get("failed") or 0)
    out.failed_indexes = parse_indexes(status.get("failedIndexes"))
    for pod in pods:
        if podlib.active(pod):
            out.active.append(pod)
        elif podlib.terminating(pod):
            out.terminating += 1
        if tracked(pod) and pod["metadata"]["uid"] not in released:
            _sort_out(job, pod, out)
    out.succeeded += len(out.fresh_succeeded)
    if indexed(job):
        _count_indexes(job, out, parse_indexes(status.get("completedIndexes")))
    return out


def _sort_out(job: Obj, pod: Obj, out: Account) -> None:
    if podlib.phase(pod) == "Succeeded":
        out.fresh_succeeded.append(pod)
    elif has_failed(job, pod):
        action, message = policy_action(job, pod)
        out.fresh_failed.append(pod)
        if action == "Ignore":
            out.ignored.append(pod)
        else:
            out.failed += 1
        if action == "FailJob":
            out.policy_failure = out.policy_failure or message
        if indexed(job) and job["spec"].get("backoffLimitPerIndex") is not None and action != "Ignore":
            failures = int((pod["metadata"].get("annotations") or {}).get(FAILURES) or 0)
            if action == "FailIndex" or failures >= job["spec"]["backoffLimitPerIndex"]:
                out.failed_indexes.add(index_of(pod))


def _count_indexes(job: Obj, out: Account, before: set[int]) -> None:
    limit = job["spec"].get("completions") or 0
    fresh = {index_of(pod) for pod in out.fresh_succeeded}
    out.succeeded_indexes = {i for i in before | fresh if 0 <= i < limit}
    out.succeeded = len(out.succeeded_indexes)
    out.failed_indexes = {i for i in out.failed_indexes if 0 <= i < limit and i not in out.succeeded_indexes}


def policy_action(job: Obj, pod: Obj) -> tuple[str, str]:
    """What the pod failure policy says of a failed pod: the first rule that matches; Count without one."""
    if podlib.phase(pod) != "Failed":
        return "Count", ""
    for number, rule in enumerate((job["spec"].get("podFailurePolicy") or {}).get("rules") or ()):
        message = _matches_exit(rule.get("onExitCodes"), pod, number) or _matches_condition(
            rule.get("onPodConditions"), pod, number
        )
        if message:
            return rule["action"], message
    return "Count", ""


def _matches_exit(wanted: dict[str, Any] | None, pod: Obj, number: int) -> str:
    if wanted is None:
        return ""
    status = pod.get("status") or {}
    for container in [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]:
        if wanted.get("containerName") not in {None, container["name"]}:
            continue
        code = ((container.get("state") or {}).get("terminated") or {}).get("exitCode")
        if code and (code in wanted["values"]) == (wanted["operator"] == "In"):
            meta = pod["metadata"]
            return (
                f"Container {container['name']} for pod {meta['namespace']}/{meta['name']} failed with exit code "
                f"{code} matching FailJob rule at index {number}"
            )
    return ""


def _matches_condition(wanted: list[dict[str, Any]] | None, pod: Obj, number: int) -> str:
    for one in wanted or ():
        found = condition(pod, one["type"])
        if found is not None and found["status"] == one.get("status", "True"):
            meta = pod["metadata"]
            return (
                f"Pod {meta['namespace']}/{meta['name']} has condition {one['type']} matching FailJob rule at index "
                f"{number}"
            )
    return ""


def ending(job: Obj, found: Account, now: float) -> Ending | None:
    """Whether the Job ends now, and how; one that has begun to end stays with it."""
    for type_ in ("FailureTarget", "SuccessCriteriaMet"):
        begun = condition(job, type_)
        if begun is not None and begun["status"] == "True":
            return Ending(type_, begun.get("reason", ""), begun.get("message", ""))
    return _failure(job, found, now) or _success(job, found)


def _failure(job: Obj, found: Account, now: float) -> Ending | None:
    spec = job["spec"]
    if found.policy_failure:
        return Ending("FailureTarget", "PodFailurePolicy", found.policy_failure)
    if found.failed > spec.get("backoffLimit", 6) or _restarted_too_often(job, found):
        return Ending("FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    if _past_deadline(job, now):
        return Ending("FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline")
    limit = spec.get("maxFailedIndexes")
    if limit is not None and len(found.failed_indexes) > limit:
        text = "Job has exceeded the specified maximal number of failed indexes"
        return Ending("FailureTarget", "MaxFailedIndexesExceeded", text)
    done = len(found.failed_indexes) + len(found.succeeded_indexes)
    if indexed(job) and found.failed_indexes and done >= (spec.get("completions") or 0):
        return Ending("FailureTarget", "FailedIndexes", "Job has failed indexes")
    return None


def _restarted_too_often(job: Obj, found: Account) -> bool:
    if (job["spec"]["template"]["spec"].get("restartPolicy")) != "OnFailure":
        return False
    total = sum(
        status.get("restartCount") or 0
        for pod in found.active
        for field_name in ("initContainerStatuses", "containerStatuses")
        for status in (pod.get("status") or {}).get(field_name) or ()
    )
    limit = job["spec"].get("backoffLimit", 6)
    return total > 0 if limit == 0 else total >= limit


def deadline_left(job: Obj, now: float) -> float | None:
    """Seconds until activeDeadlineSeconds is over; None without one or while the Job does not run."""
    limit, started = job["spec"].get("activeDeadlineSeconds"), (job.get("status") or {}).get("startTime")
    if limit is None or not started or job["spec"].get("suspend"):
        return None
    return float(parse_time(started) + limit - now)


def _past_deadline(job: Obj, now: float) -> bool:
    left = deadline_left(job, now)
    return left is not None and left <= 0


def _success(job: Obj, found: Account) -> Ending | None:
    spec = job["spec"]
    rules = (spec.get("successPolicy") or {}).get("rules") or ()
    for number, rule in enumerate(rules):
        if _rule_met(rule, found.succeeded_indexes):
            return Ending("SuccessCriteriaMet", "SuccessPolicy", f"Matched rules at index {number}")
    completions = spec.get("completions")
    if completions is None:
        done = found.succeeded > 0 and not found.active and not found.terminating
    else:
        done = found.succeeded >= completions
    if not done or (spec.get("suspend") and completions is None and not found.succeeded):
        return None
    return Ending("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods")


def _rule_met(rule: dict[str, Any], done: set[int]) -> bool:
    if rule.get("succeededIndexes"):
        wanted = parse_indexes(rule["succeededIndexes"])
        return len(wanted & done) >= int(rule.get("succeededCount", len(wanted)))
    return len(done) >= int(rule.get("succeededCount", 1 << 31))


def wanted_active(job: Obj, found: Account) -> int:
    """How many pods should run now."""
    if job["spec"].get("suspend"):
        return 0
    parallelism = job["spec"].get("parallelism", 1)
    completions = job["spec"].get("completions")
    if completions is None:
        return len(found.active) if found.succeeded else int(parallelism)
    left = int(completions) - found.succeeded - len(found.failed_indexes)
    return max(min(left, int(parallelism)), 0)


def back_off_left(failed: Sequence[Obj], succeeded: Sequence[Obj], before: int, now: float) -> float:
    """Seconds to wait before the next pod after failures: ten, doubling with each since the last success."""
    last_success = max(map(_ended, succeeded), default=0.0)
    since = [end for end in map(_ended, failed) if end > last_success]
    if not since:
        return 0.0
    number = max(len(since), 1)
    return max(since) + min(_FIRST_BACKOFF * 2.0 ** (number - 1), _LONGEST_BACKOFF) - now


def _ended(pod: Obj) -> float:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    ends = [((s.get("state") or {}).get("terminated") or {}).get("finishedAt") for s in statuses]
    known = [parse_time(end) for end in ends if end]
    return max(known, default=parse_time(pod["metadata"].get("deletionTimestamp")))


def make_condition(type_: str, status: str, reason: str, message: str, now: float) -> dict[str, Any]:
    stamp = rfc3339(now)
    return {
        "type": type_,
        "status": status,
        "lastProbeTime": stamp,
        "lastTransitionTime": stamp,
        "reason": reason,
        "message": message,
    }


def set_condition(status: dict[str, Any], new: dict[str, Any]) -> bool:
    """Into `status` (own copy), in place; whether its status value changed."""
    conditions = status.setdefault("conditions", [])
    for index, found in enumerate(conditions):
        if found["type"] == new["type"]:
            if found["status"] == new["status"]:
                return False
            conditions[index] = new
            return True
    conditions.append(new)
    return True
