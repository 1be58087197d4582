"""Validation of job specifications, of jobs and of the templates CronJobs hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.golang import dump
from cluster.kinds.podspec.spec import template as pod_template
from cluster.meta.decimals import is_digits, whole
from cluster.meta.field import Path, duplicate, invalid, not_supported, required, too_long, too_many

Spec = dict[str, Any]

MOST_INDEXED = 100_000
MOST_CODES, MOST_RULES = 255, 20
_COUNTS = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished")
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")


_LONGEST_MANAGER = 63


def job_spec(path: Path, spec: Spec) -> Faults:
    """Everything but the selector."""
    faults: Faults = []
    for name in _COUNTS:
        faults += checks.nonnegative(path / name, spec.get(name))
    indexed = spec.get("completionMode") == "Indexed"
    faults += _per_index(path, spec)
    if (manager := spec.get("managedBy")) is not None:
        faults += checks.prefixed_path(path / "managedBy", manager)
        if len(manager.encode()) > _LONGEST_MANAGER:
            faults.append(too_long(path / "managedBy", _LONGEST_MANAGER))
    faults += _mode(path, spec)
    template = spec.get("template") or {}
    if spec.get("podFailurePolicy") is not None:
        faults += _failure_policy(path / "podFailurePolicy", spec, template)
    if spec.get("successPolicy") is not None:
        faults += _success_policy(path / "successPolicy", spec, indexed)
    faults += _replacement(path, spec)
    faults += pod_template(path / "template", template)
    return faults + _restart(path, spec, template)


def _per_index(path: Path, spec: Spec) -> Faults:
    faults = checks.nonnegative(path / "backoffLimitPerIndex", spec.get("backoffLimitPerIndex"))
    if (failed := spec.get("maxFailedIndexes")) is not None:
        faults += checks.nonnegative(path / "maxFailedIndexes", failed)
        if spec.get("backoffLimitPerIndex") is None:
            faults.append(required(path / "backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    return faults


def _mode(path: Path, spec: Spec) -> Faults:
    mode = spec.get("completionMode")
    if mode == "Indexed":
        return _indexed(path, spec)
    if mode not in (None, "NonIndexed"):
        return [not_supported(path / "completionMode", mode, ["NonIndexed", "Indexed"])]
    return [
        invalid(path / name, spec[name], "requires indexed completion mode")
        for name in ("backoffLimitPerIndex", "maxFailedIndexes")
        if spec.get(name) is not None
    ]


_MOST_FAILED = 100000
_MANY, _MOST_FAILED_OF_MANY, _MOST_PARALLEL_OF_MANY = 100000, 10000, 10000


def _indexed(path: Path, spec: Spec) -> Faults:
    completions, parallelism = spec.get("completions"), spec.get("parallelism") or 0
    failed, here = spec.get("maxFailedIndexes"), path / "maxFailedIndexes"
    faults: Faults = []
    if completions is None:
        faults.append(required(path / "completions", "when completion mode is Indexed"))
    if parallelism > MOST_INDEXED:
        why = f"must be less than or equal to {MOST_INDEXED} when completion mode is Indexed"
        faults.append(invalid(path / "parallelism", parallelism, why))
    if completions is not None and failed is not None and failed > completions:
        faults.append(invalid(here, failed, "must be less than or equal to completions"))
    if failed is not None and failed > _MOST_FAILED:
        faults.append(invalid(here, failed, f"must be less than or equal to {_MOST_FAILED}"))
    if (completions or 0) > _MANY and spec.get("backoffLimitPerIndex") is not None:
        faults += _many(path, parallelism, failed)
    return faults


def _many(path: Path, parallelism: int, failed: int | None) -> Faults:
    """Bounds of jobs with very many indexes that are retried one by one."""
    here, faults = path / "maxFailedIndexes", []
    words = f"when completions are above {_MANY} and used with backoff limit per index"
    if failed is None:
        faults.append(required(here, f"must be specified when completions is above {_MANY}"))
    if parallelism > _MOST_PARALLEL_OF_MANY:
        why = f"must be less than or equal to {_MOST_PARALLEL_OF_MANY} {words}"
        faults.append(invalid(path / "parallelism", parallelism, why))
    if failed is not None and failed > _MOST_FAILED_OF_MANY:
        faults.append(invalid(here, failed, f"must be less than or equal to {_MOST_FAILED_OF_MANY} {words}"))
    return faults


def _failure_policy(path: Path, spec: Spec, template: Spec) -> Faults:
    faults: Faults = []
    rules = spec["podFailurePolicy"].get("rules") or []
    if len(rules) > MOST_RULES:
        faults.append(too_many(path / "rules", MOST_RULES))
    names = {
        c.get("name")
        for field in ("containers", "initContainers")
        for c in (template.get("spec") or {}).get(field) or ()
    }
    for at, rule in enumerate(rules):
        faults += _rule((path / "rules")[at], rule, spec, names)
    return faults


def _rule(path: Path, rule: Spec, spec: Spec, names: set[Any]) -> Faults:
    action = rule.get("action") or ""
    faults: Faults = []
    if action == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        faults.append(invalid(path / "action", action, "requires the backoffLimitPerIndex to be set"))
    elif action not in _ACTIONS:
        faults.append(
            not_supported(path / "action", action, list(_ACTIONS))
            if action
            else required(path / "action", _choices(_ACTIONS))
        )
    codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions") or []
    if codes is not None:
        faults += _codes(path / "onExitCodes", codes, names)
    for at, pattern in enumerate(conditions):
        here = (path / "onPodConditions")[at]
        faults += checks.qualified(here / "type", pattern.get("type") or "")
        faults += checks.one_of(here / "status", pattern.get("status") or "", ("False", "True", "Unknown"))
    if codes is not None and conditions:
        faults.append(_bare(path, "specifying both OnExitCodes and OnPodConditions is not supported"))
    if codes is None and not conditions:
        faults.append(_bare(path, "specifying one of OnExitCodes and OnPodConditions is required"))
    return faults


def _choices(values: Sequence[str]) -> str:
    """A list of strings as Go prints it."""
    listed = " ".join(f'"{value}"' for value in values)
    return f"valid values: [{listed}]"


def _bare(path: Path, why: str) -> Any:
    """A fault whose value is said to be the complaint itself, as the API has it."""
    return invalid(path, checks.Bare(why), "")


def _codes(path: Path, codes: Spec, names: set[Any]) -> Faults:
    operator, values = codes.get("operator") or "", codes.get("values") or []
    faults: Faults = []
    if not operator:
        faults.append(required(path / "operator", _choices(("In", "NotIn"))))
    else:
        faults += checks.one_of(path / "operator", operator, ("In", "NotIn"))
    if codes.get("containerName") is not None and codes["containerName"] not in names:
        faults.append(
            invalid(
                path / "containerName",
                codes["containerName"],
                "must be one of the container or initContainer names in the pod template",
            )
        )
    if not values:
        faults.append(invalid(path / "values", codes.get("values"), "at least one value is required"))
    elif len(values) > MOST_CODES:
        faults.append(too_many(path / "values", MOST_CODES))
    ordered = True
    seen: set[int] = set()
    for at, value in enumerate(values):
        if operator == "In" and value == 0:
            faults.append(invalid((path / "values")[at], value, "must not be 0 for the In operator"))
        if value in seen:
            faults.append(duplicate((path / "values")[at], value))
        ordered = ordered and (at == 0 or values[at - 1] <= value)
        seen.add(value)
    return faults if ordered else [*faults, invalid(path / "values", values, "must be ordered")]


def _success_policy(path: Path, spec: Spec, indexed: bool) -> Faults:
    policy = spec["successPolicy"]
    if not indexed:
        return [invalid(path, dump(policy, "io.k8s.api.batch.v1.SuccessPolicy"), "requires indexed completion mode")]
    rules, completions = policy.get("rules") or [], spec.get("completions") or 0
    if not rules:
        return [required(path / "rules", "at least one rules must be specified when the successPolicy is specified")]
    faults: Faults = []
    for at, rule in enumerate(rules):
        here = (path / "rules")[at]
        count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
        if count is None and indexes is None:
            faults.append(required(here, "at least one of succeededCount or succeededIndexes must be specified"))
        total = 0
        if indexes is not None:
            total, own = _indexes(here / "succeededIndexes", indexes, completions)
            faults += own
        if count is not None:
            faults += _count(here / "succeededCount", count, completions, None if indexes is None else total)
    return faults


def _count(path: Path, count: int, completions: int, indexes: int | None) -> Faults:
    faults = checks.nonnegative(path, count)
    words = "must be less than or equal to {} (the number of {})"
    if count > completions:
        faults.append(invalid(path, count, words.format(completions, "specified completions")))
    if indexes is not None and count > indexes:
        faults.append(invalid(path, count, words.format(indexes, "indexes in the specified succeededIndexes field")))
    return faults


_LONGEST_INDEXES = 64 * 1024


def _indexes(path: Path, text: str, completions: int) -> tuple[int, Faults]:
    """How many indexes a text like `1,3-5` names, none when it is wrong."""
    faults: Faults = [too_long(path, _LONGEST_INDEXES)] if len(text) > _LONGEST_INDEXES else []
    total, last = 0, -1
    try:
        for part in text.split(",") if text else ():
            low, high = _interval(part, completions)
            if last >= low:
                raise ValueError(f"non-increasing order, previous: {last}, current: {low}")
            total, last = total + high - low + 1, high
    except ValueError as error:
        return 0, [*faults, invalid(path, text, f"error parsing succeededIndexes: {error}")]
    return total, faults


def _interval(part: str, completions: int) -> tuple[int, int]:
    """Raises ValueError, with the words of the API."""
    bounds = part.split("-")
    if len(bounds) > 2:
        raise ValueError(
            f'the fragment "{part}" violates the requirement that an index interval can have at most two parts '
            "separated by '-'"
        )
    for bound in bounds:
        if not is_digits(bound):
            raise ValueError(f'cannot convert string to integer for index: "{bound}"')
        if whole(bound) >= completions:
            raise ValueError(f'too large index: "{bound}"')
    low, high = whole(bounds[0]), whole(bounds[-1])
    if len(bounds) > 1 and low >= high:
        raise ValueError(f"non-increasing order, previous: {low}, current: {high}")
    return low, high


def _replacement(path: Path, spec: Spec) -> Faults:
    policy = spec.get("podReplacementPolicy")
    if policy is None:
        return []
    if spec.get("podFailurePolicy") is not None and policy != "Failed":
        return [not_supported(path / "podReplacementPolicy", policy, ["Failed"])]
    return checks.one_of(path / "podReplacementPolicy", policy, ("Failed", "TerminatingOrFailed"))


def _restart(path: Path, spec: Spec, template: Spec) -> Faults:
    policy = (template.get("spec") or {}).get("restartPolicy") or ""
    here = path / "template" / "spec" / "restartPolicy"
    if policy in ("", "Always"):
        return [required(here, 'valid values: "OnFailure", "Never"')]
    if policy not in ("OnFailure", "Never"):
        return [not_supported(here, policy, ["OnFailure", "Never"])]
    if spec.get("podFailurePolicy") is not None and policy != "Never":
        return [invalid(here, policy, 'only "Never" is supported when podFailurePolicy is specified')]
    return []
