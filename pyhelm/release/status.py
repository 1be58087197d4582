"""The states of a release and which may follow which.

The words are Helm's; they stand in records and labels.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """State of one revision of a release."""

    UNKNOWN = "unknown"
    DEPLOYED = "deployed"
    UNINSTALLED = "uninstalled"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    UNINSTALLING = "uninstalling"
    PENDING_INSTALL = "pending-install"
    PENDING_UPGRADE = "pending-upgrade"
    PENDING_ROLLBACK = "pending-rollback"

    @property
    def is_pending(self) -> bool:
        """Another command is, or was, at work on it."""
        return self in _PENDING


_PENDING = frozenset({Status.PENDING_INSTALL, Status.PENDING_UPGRADE, Status.PENDING_ROLLBACK})

_ENDS = frozenset({Status.DEPLOYED, Status.FAILED})

FOLLOWS: dict[Status, frozenset[Status]] = {
    Status.UNKNOWN: frozenset(Status),
    Status.PENDING_INSTALL: _ENDS | {Status.UNINSTALLING},
    Status.PENDING_UPGRADE: _ENDS | {Status.UNINSTALLING},
    Status.PENDING_ROLLBACK: _ENDS | {Status.UNINSTALLING},
    Status.DEPLOYED: frozenset({Status.SUPERSEDED, Status.FAILED, Status.UNINSTALLING}),
    Status.FAILED: frozenset({Status.SUPERSEDED, Status.UNINSTALLING}),
    Status.SUPERSEDED: frozenset({Status.UNINSTALLING}),
    Status.UNINSTALLING: frozenset({Status.UNINSTALLED, Status.FAILED}),
    Status.UNINSTALLED: frozenset({Status.SUPERSEDED, Status.UNINSTALLING}),
}
"""What a revision may become. A revision that failed is never deployed again: a new revision is made."""


def may_follow(before: Status, after: Status) -> bool:
    """Whether a revision in state `before` may go to `after`; staying is always allowed."""
    return before == after or after in FOLLOWS[before]
