"""CronJob: a schedule and the job it makes."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from cluster.kinds import checks
from cluster.kinds.apps.templates import create_with_template, update_with_template, workload_warnings
from cluster.kinds.batch.job_checks import job_spec
from cluster.kinds.batch.schedule import complaint
from cluster.kinds.checks import Faults
from cluster.kinds.columns import table
from cluster.kinds.kind import Kind, Strategy
from cluster.kinds.podspec.defaults import default_template
from cluster.kinds.printers import workloads
from cluster.kinds.strategy import clear_status, keep_status, spec, status
from cluster.kinds.wire import defaulting
from cluster.meta.field import Path, invalid, not_supported, required
from cluster.meta.types import Obj

DEFINITION = "io.k8s.api.batch.v1.CronJob"
SPEC = Path("spec")
LONGEST_NAME = 52
"""A job's name is its CronJob's with eleven characters more."""


def _default(obj: Obj) -> None:
    held = obj["spec"]
    default_template(held["jobTemplate"]["spec"]["template"])
    held.setdefault("concurrencyPolicy", "Allow")
    held.setdefault("suspend", False)
    held.setdefault("successfulJobsHistoryLimit", 3)
    held.setdefault("failedJobsHistoryLimit", 1)


def _schedule(held: dict[str, Any]) -> Faults:
    schedule, zone = held.get("schedule") or "", held.get("timeZone")
    if not schedule:
        return [required(SPEC / "schedule")]
    faults: Faults = []
    if "TZ" in schedule:
        why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        return [invalid(SPEC / "schedule", schedule, why)]
    if wrong := complaint(schedule):
        faults.append(invalid(SPEC / "schedule", schedule, wrong))
    return faults + (_zone(zone) if zone is not None else [])


def _zone(zone: str) -> Faults:
    path = SPEC / "timeZone"
    if not zone:
        return [invalid(path, zone, "timeZone must be nil or non-empty string")]
    if zone.lower() == "local":
        why = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        return [invalid(path, zone, why)]
    if zone != "UTC" and zone not in available_timezones():
        return [invalid(path, zone, f"unknown time zone {zone}")]
    return []


def validate(obj: Obj) -> Faults:
    held = spec(obj)
    name = (obj.get("metadata") or {}).get("name") or ""
    faults = _schedule(held)
    faults += checks.nonnegative(SPEC / "startingDeadlineSeconds", held.get("startingDeadlineSeconds"))
    policy = held.get("concurrencyPolicy") or ""
    faults += (
        checks.one_of(SPEC / "concurrencyPolicy", policy, ("Allow", "Forbid", "Replace"))
        if policy
        else [required(SPEC / "concurrencyPolicy")]
    )
    template = (held.get("jobTemplate") or {}).get("spec") or {}
    faults += job_spec(SPEC / "jobTemplate" / "spec", template)
    if template.get("selector") is not None:
        why = "`selector` will be auto-generated"
        faults.append(invalid(SPEC / "jobTemplate" / "spec" / "selector", template["selector"], why))
    if template.get("manualSelector"):
        faults.append(not_supported(SPEC / "jobTemplate" / "spec" / "manualSelector", True, ["nil", "false"]))
    for field in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        faults += checks.nonnegative(SPEC / field, held.get(field))
    if len(name) > LONGEST_NAME:
        why = f"must be no more than {LONGEST_NAME} characters"
        faults.append(invalid(Path("metadata") / "name", name, why))
    return faults


def validate_update(new: Obj, _old: Obj) -> Faults:
    return validate(new)


DEFAULT = defaulting(DEFINITION, _default)
_WRITES = Strategy(
    update_metadata="update",
    default=DEFAULT,
    prepare_create=create_with_template(clear_status(DEFINITION), ("spec", "jobTemplate", "spec", "template")),
    prepare_update=update_with_template(keep_status, ("spec", "jobTemplate", "spec", "template")),
    validate=validate,
    validate_update=validate_update,
    warnings=workload_warnings("spec", "jobTemplate", "spec", "template"),
    generation=True,
)


KIND = Kind(
    group="batch",
    version="v1",
    kind="CronJob",
    plural="cronjobs",
    singular="cronjob",
    namespaced=True,
    short_names=("cj",),
    categories=("all",),
    definition="io.k8s.api.batch.v1.CronJob",
    subresources=(status(DEFAULT, update_metadata="none"),),
    table=table("batch", "cronjobs", workloads.cron_job),
    strategy=_WRITES,
)
