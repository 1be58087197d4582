"""Validation of job specifications, of jobs and of the templates CronJobs hold."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.golang import dump
from cluster.kinds.podspec.spec import template as pod_template
from cluster.meta.decimals import is_digits, whole
from cluster.meta.field import Path, duplicate, invalid, not_supported, required, too_many

Spec = dict[str, Any]

MOST_INDEXED = 100_000
MOST_CODES, MOST_PATTERNS, MOST_RULES = 255, 20, 20
_COUNTS = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished")
_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")


def job_spec(path: Path, spec: Spec) -> Faults:
    """Everything but the selector."""
    faults: Faults = []
    for name in _COUNTS:
        faults += checks.nonnegative(path / name, spec.get(name))
    indexed = spec.get("completionMode") == "Indexed"
    faults += _per_index(path, spec, indexed)
    if (manager := spec.get("managedBy")) is not None:
        faults += checks.prefixed_path(path / "managedBy", manager)
    faults += _mode(path, spec, indexed)
    template = spec.get("template") or {}
    if spec.get("podFailurePolicy") is not None:
        faults += _failure_policy(path / "podFailurePolicy", spec, template)
    if spec.get("successPolicy") is not None:
        faults += _success_policy(path / "successPolicy", spec, indexed)
    faults += _replacement(path, spec)
    faults += pod_template(path / "template", template)
    return faults + _restart(path, spec, template)


def _per_index(path: Path, spec: Spec, indexed: bool) -> Faults:
    faults: Faults = []
    for name in ("backoffLimitPerIndex", "maxFailedIndexes"):
        value = spec.get(name)
        if value is None:
            continue
        faults += checks.nonnegative(path / name, value)
        if name == "backoffLimitPerIndex" and not indexed:
            faults.append(invalid(path / name, value, "requires indexed completion mode"))
        if name == "maxFailedIndexes" and spec.get("backoffLimitPerIndex") is None:
            faults.append(required(path / "backoffLimitPerIndex", "when maxFailedIndexes is specified"))
    return faults


def _mode(path: Path, spec: Spec, indexed: bool) -> Faults:
    mode = spec.get("completionMode")
    faults: Faults = []
    if mode is None:
        return faults
    if mode not in ("NonIndexed", "Indexed"):
        return [not_supported(path / "completionMode", mode, ["NonIndexed", "Indexed"])]
    if not indexed:
        return faults
    completions = spec.get("completions")
    if completions is None:
        return [required(path / "completions", "when completion mode is Indexed")]
    parallelism = spec.get("parallelism")
    why = f"must be less than or equal to {MOST_INDEXED} when completion mode is Indexed"
    if parallelism is not None and parallelism > MOST_INDEXED:
        faults.append(invalid(path / "parallelism", parallelism, why))
    if (failed := spec.get("maxFailedIndexes")) is not None and failed > completions:
        faults.append(invalid(path / "maxFailedIndexes", failed, "must be less than or equal to completions"))
    return faults


def _failure_policy(path: Path, spec: Spec, template: Spec) -> Faults:
    restart = (template.get("spec") or {}).get("restartPolicy")
    faults: Faults = []
    if restart != "Never":
        why = 'only "Never" is supported when podFailurePolicy is specified'
        faults.append(
            invalid(Path(path.removesuffix(".podFailurePolicy")) / "template" / "spec" / "restartPolicy", restart, why)
        )
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
            else required(path / "action", "valid values: " + ", ".join(f'"{a}"' for a in _ACTIONS))
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


def _bare(path: Path, why: str) -> Any:
    """A fault whose value is said to be the complaint itself, as the API has it."""
    return invalid(path, checks.Bare(why), "")


def _codes(path: Path, codes: Spec, names: set[Any]) -> Faults:
    operator, values = codes.get("operator") or "", codes.get("values") or []
    faults: Faults = []
    if operator not in ("In", "NotIn"):
        faults.append(not_supported(path / "operator", operator, ["In", "NotIn"]))
    if codes.get("containerName") is not None and codes["containerName"] not in names:
        faults.append(
            invalid(
                path / "containerName",
                codes["containerName"],
                "must be one of the container or initContainer names in the pod template",
            )
        )
    if not values:
        faults.append(invalid(path / "values", values, "at least one value is required"))
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
    rules = policy.get("rules") or []
    if not rules:
        return [required(path / "rules", "at least one rules must be specified when the successPolicy is specified")]
    faults: Faults = []
    for at, rule in enumerate(rules):
        here = (path / "rules")[at]
        count, indexes = rule.get("succeededCount"), rule.get("succeededIndexes")
        if count is None and indexes is None:
            faults.append(required(here, "at least one of succeededCount or succeededIndexes must be specified"))
        if indexes is not None:
            faults += _indexes(here / "succeededIndexes", indexes, spec.get("completions") or 0)
        if count is not None:
            faults += checks.nonnegative(here / "succeededCount", count)
            if count > (spec.get("completions") or 0):
                faults.append(
                    invalid(
                        here / "succeededCount",
                        count,
                        "must be less than or equal to "
                        + str(spec.get("completions") or 0)
                        + " (the number of specified completions)",
                    )
                )
    return faults


def _indexes(path: Path, text: str, completions: int) -> Faults:
    last = -1
    for part in text.split(","):
        bounds = part.split("-")
        if len(bounds) > 2 or not all(is_digits(bound) for bound in bounds):
            return [
                invalid(
                    path, text, f'error parsing succeededIndexes: cannot convert string to integer for index: "{part}"'
                )
            ]
        low, high = whole(bounds[0]), whole(bounds[-1])
        if high >= completions:
            return [invalid(path, text, f'error parsing succeededIndexes: too large index: "{bounds[-1]}"')]
        if low <= last or high < low:
            return [invalid(path, text, "error parsing succeededIndexes: non-increasing order")]
        last = high
    return []


def _replacement(path: Path, spec: Spec) -> Faults:
    policy = spec.get("podReplacementPolicy")
    if policy is None:
        return []
    if spec.get("podFailurePolicy") is not None and policy == "TerminatingOrFailed":
        return [not_supported(path / "podReplacementPolicy", policy, ["Failed"])]
    return checks.one_of(path / "podReplacementPolicy", policy, ("Failed", "TerminatingOrFailed"))


def _restart(path: Path, spec: Spec, template: Spec) -> Faults:
    policy = (template.get("spec") or {}).get("restartPolicy") or ""
    here = path / "template" / "spec" / "restartPolicy"
    if policy in ("", "Always"):
        return [required(here, 'valid values: "OnFailure", "Never"')]
    if policy not in ("OnFailure", "Never"):
        return [not_supported(here, policy, ["OnFailure", "Never"])]
    return []
