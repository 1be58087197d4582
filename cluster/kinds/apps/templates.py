"""What the workloads of apps share: a selector, a template that it must match, numbers that are not negative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster.kinds import checks
from cluster.kinds.checks import Faults
from cluster.kinds.podspec.disabled import drop_disabled
from cluster.kinds.podspec.spec import template as pod_template
from cluster.kinds.podspec.spec import template_metadata
from cluster.kinds.podspec.warnings import pod_warnings
from cluster.kinds.selectors_check import is_empty, label_selector, matches, parses
from cluster.meta import names
from cluster.meta.field import Path, forbidden, invalid, not_supported, required
from cluster.meta.types import Obj

SPEC = Path("spec")
TEMPLATE = SPEC / "template"
MISMATCH = "`selector` does not match template `labels`"


def selected(path: Path, template: dict[str, Any], selector: dict[str, Any] | None) -> Faults:
    """The template's labels have to be among what the selector selects."""
    held = (template.get("metadata") or {}).get("labels")
    if matches(selector, held or {}):
        return []
    shown = None if held is None else dict(sorted(held.items()))
    return [invalid(path / "metadata" / "labels", shown, MISMATCH)]


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


def selector_and_template(
    spec: dict[str, Any], owner: str, empty_for: str, unreadable: str, *, twice: bool = False
) -> Faults:
    """A required selector, and the template it selects; `unreadable` is said of a selector with faults. `twice`: the
    template's labels and annotations are looked at once more."""
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
    if twice:
        faults += template_metadata(TEMPLATE, template)
    return faults + long_running(TEMPLATE, template, owner)


def workload_warnings(*template_path: str, named: bool = True) -> Callable[[Obj, Obj | None], list[str]]:
    """Words on a workload: a name its pods' host names cannot carry, and what its template is warned of. An update
    that leaves the generation alone is not looked at again."""
    where = template_path or ("spec", "template")

    def warnings(new: Obj, old: Obj | None) -> list[str]:
        if old is not None and _generation(old) == _generation(new):
            return []
        out = name_warning(new, POD_NAMES) if named and old is None else []
        held = _at(new, where) or {}
        return out + pod_warnings(held.get("metadata") or {}, held.get("spec") or {}, ".".join(where))

    return warnings


def _generation(obj: Obj) -> Any:
    return (obj.get("metadata") or {}).get("generation")


def _at(obj: Obj, where: tuple[str, ...]) -> dict[str, Any] | None:
    held: Any = obj
    for step in where:
        held = (held or {}).get(step)
    return held if isinstance(held, dict) else None


def create_with_template(
    then: Callable[[Obj], None], where: tuple[str, ...] = ("spec", "template")
) -> Callable[[Obj], None]:
    """`prepare_create` of a kind with a template: fields of pods that are not there yet are left out of it."""

    def prepare(obj: Obj) -> None:
        then(obj)
        drop_disabled((_at(obj, where) or {}).get("spec") or {})

    return prepare


def update_with_template(
    then: Callable[[Obj, Obj], None], where: tuple[str, ...] = ("spec", "template")
) -> Callable[[Obj, Obj], None]:
    """The same for `prepare_update`."""

    def prepare(new: Obj, old: Obj) -> None:
        then(new, old)
        drop_disabled((_at(new, where) or {}).get("spec") or {}, (_at(old, where) or {}).get("spec") or {})

    return prepare


POD_NAMES = "this is used in Pod names and hostnames"


def name_warning(obj: Obj, use: str) -> list[str]:
    """A name that is no DNS label is taken, with a warning; `use` says what it is used in."""
    complaints = names.dns1123_label((obj.get("metadata") or {}).get("name") or "")
    if not complaints:
        return []
    listed = " ".join(complaints)
    return [f"metadata.name: {use}, which can result in surprising behavior; a DNS label is recommended: [{listed}]"]


def replica_set_spec(spec: dict[str, Any], *, minimum_first: bool) -> Faults:
    """The part of a specification that Deployments and ReplicaSets have in common."""
    faults = checks.nonnegative(SPEC / "replicas", spec.get("replicas"))
    if minimum_first:
        faults += checks.nonnegative(SPEC / "minReadySeconds", spec.get("minReadySeconds"))
    faults += selector_and_template(spec, "ReplicaSet", "deployment", "invalid label selector")
    return faults
