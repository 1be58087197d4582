"""What the workloads of apps share: a selector, a template that it must match, numbers that are not negative."""

from __future__ import annotations

from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.podspec.spec import template as pod_template
from cluster.kinds.selectors_check import is_empty, label_selector, matches, parses
from cluster.meta.field import Path, forbidden, invalid, not_supported, required

SPEC = Path("spec")
TEMPLATE = SPEC / "template"
MISMATCH = "`selector` does not match template `labels`"


def selected(path: Path, template: dict[str, Any], selector: dict[str, Any] | None) -> Faults:
    """The template's labels have to be among what the selector selects."""
    held = (template.get("metadata") or {}).get("labels")
    if matches(selector, held or {}):
        return []
    return [invalid(path / "metadata" / "labels", dict(sorted((held or {}).items())) or None, MISMATCH)]


def long_running(path: Path, template: dict[str, Any], owner: str) -> Faults:
    """A template whose pods run for ever: restarted always, no deadline."""
    pods = template.get("spec") or {}
    faults: Faults = []
    if pods.get("restartPolicy") != "Always":
        faults.append(not_supported(path / "spec" / "restartPolicy", pods.get("restartPolicy", ""), ["Always"]))
    if pods.get("activeDeadlineSeconds") is not None:
        faults.append(
            forbidden(path / "spec" / "activeDeadlineSeconds", f"activeDeadlineSeconds in {owner} is not Supported")
        )
    return faults


def selector_and_template(spec: dict[str, Any], owner: str, empty_for: str, unreadable: str) -> Faults:
    """A required selector, and the template it selects; `unreadable` is said of a selector with faults."""
    selector, template = spec.get("selector"), spec.get("template") or {}
    faults: Faults = []
    if selector is None:
        faults.append(required(SPEC / "selector"))
    else:
        faults += label_selector(SPEC / "selector", selector)
        if is_empty(selector):
            faults.append(invalid(SPEC / "selector", selector, f"empty selector is invalid for {empty_for}"))
    if selector is not None and not parses(selector):
        return [*faults, invalid(SPEC / "selector", selector, unreadable)]
    faults += selected(TEMPLATE, template, selector)
    faults += pod_template(TEMPLATE, template)
    return faults + long_running(TEMPLATE, template, owner)


def replica_set_spec(spec: dict[str, Any], *, minimum_first: bool) -> Faults:
    """The part of a specification that Deployments and ReplicaSets have in common."""
    faults = checks.nonnegative(SPEC / "replicas", spec.get("replicas"))
    if minimum_first:
        faults += checks.nonnegative(SPEC / "minReadySeconds", spec.get("minReadySeconds"))
    faults += selector_and_template(spec, "ReplicaSet", "deployment", "invalid label selector")
    return faults
