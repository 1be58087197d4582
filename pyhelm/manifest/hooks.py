"""Hooks: objects with a `helm.sh/hook` annotation, which live beside the manifest and run at named moments.

Knows the annotations and the shape; running them is the business of `actions`.
"""

from __future__ import annotations

from enum import StrEnum

from pyhelm.records import dataclass, field

HOOK = "helm.sh/hook"
WEIGHT = "helm.sh/hook-weight"
DELETE_POLICY = "helm.sh/hook-delete-policy"
LOG_POLICY = "helm.sh/hook-output-log-policy"


class HookEvent(StrEnum):
    """The moments at which hooks run."""

    PRE_INSTALL = "pre-install"
    POST_INSTALL = "post-install"
    PRE_DELETE = "pre-delete"
    POST_DELETE = "post-delete"
    PRE_UPGRADE = "pre-upgrade"
    POST_UPGRADE = "post-upgrade"
    PRE_ROLLBACK = "pre-rollback"
    POST_ROLLBACK = "post-rollback"
    TEST = "test"


EVENTS_BY_WORD: dict[str, HookEvent] = {event.value: event for event in HookEvent} | {
    "test-success": HookEvent.TEST,  # Helm 2's word, still read
}


class DeletePolicy(StrEnum):
    """When the object of a hook is deleted."""

    BEFORE_CREATION = "before-hook-creation"
    SUCCEEDED = "hook-succeeded"
    FAILED = "hook-failed"


class HookPhase(StrEnum):
    """How a hook's last run ended."""

    UNKNOWN = "Unknown"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(slots=True)
class HookRun:
    """The last run of a hook; times are RFC 3339, empty while unknown."""

    started_at: str = ""
    completed_at: str = ""
    phase: str = ""


@dataclass(slots=True)
class Hook:
    """One hook of a release. `last_run` is the only part that changes after rendering."""

    name: str
    kind: str
    path: str
    manifest: str
    events: tuple[str, ...]
    weight: int = 0
    delete_policies: tuple[str, ...] = ()
    output_log_policies: tuple[str, ...] = ()
    last_run: HookRun = field(default_factory=HookRun)

    @property
    def is_test(self) -> bool:
        return HookEvent.TEST in self.events


def hook_from(path: str, manifest: str, name: str, kind: str, annotations: dict[str, str]) -> Hook | None:
    """The hook these annotations describe, or None where one of its events is unknown."""
    events: list[str] = []
    for word in annotations[HOOK].split(","):
        event = EVENTS_BY_WORD.get(word.strip().lower())
        if event is None:
            return None
        events.append(event.value)
    return Hook(
        name=name,
        kind=kind,
        path=path,
        manifest=manifest,
        events=tuple(events),
        weight=hook_weight(annotations.get(WEIGHT, "")),
        delete_policies=_words(annotations, DELETE_POLICY),
        output_log_policies=_words(annotations, LOG_POLICY),
    )


def hook_weight(text: str) -> int:
    """A decimal integer; whatever else is written counts as 0."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    return int(text) if digits.isascii() and digits.isdigit() else 0


def execution_order(hooks: list[Hook], event: str) -> list[Hook]:
    """The hooks of one event: by weight, then by name, where kinds were ordered before."""
    return sorted((h for h in hooks if event in h.events), key=lambda h: (h.weight, h.name))


def _words(annotations: dict[str, str], key: str) -> tuple[str, ...]:
    if key not in annotations:
        return ()
    return tuple(word.strip().lower() for word in annotations[key].split(","))
