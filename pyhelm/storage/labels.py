"""Labels of a stored record: Helm's own, the user's, and which are which."""

from __future__ import annotations

from collections.abc import Mapping

from pyhelm.errors import ReleaseError
from pyhelm.release.model import SYSTEM_LABELS, Release


def record_labels(release: Release, stamp: tuple[str, int]) -> dict[str, str]:
    """Labels for the record; `stamp` is ("createdAt" or "modifiedAt", unix seconds). Helm's own win."""
    return {
        **release.labels,
        stamp[0]: str(stamp[1]),
        "name": release.name,
        "owner": "helm",
        "status": release.info.status.value,
        "version": str(release.version),
    }


def user_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """What remains of a record's labels without Helm's own."""
    return {key: value for key, value in labels.items() if key not in SYSTEM_LABELS}


def check_user_labels(labels: Mapping[str, str]) -> None:
    """Raise ReleaseError where a user sets one of Helm's own labels."""
    if any(key in SYSTEM_LABELS for key in labels):
        words = " ".join(SYSTEM_LABELS)
        raise ReleaseError(f"user supplied labels contains system reserved label name. System labels: [{words}]")
