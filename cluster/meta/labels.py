"""Faults of label and annotation maps, as metadata and selectors of every kind are checked."""

from __future__ import annotations

from collections.abc import Mapping

from cluster.meta import names
from cluster.meta.field import FieldError, invalid, too_long

ANNOTATION_BYTES = 256 * 1024


def label_faults(labels: Mapping[str, str] | None, path: str) -> list[FieldError]:
    """Faults of a label map at `path`; keys in sorted order."""
    faults = []
    for key in sorted(labels or {}):
        faults += [invalid(path, key, text) for text in names.label_key(key)]
        faults += [invalid(path, (labels or {})[key], text) for text in names.label_value((labels or {})[key])]
    return faults


def annotation_faults(annotations: Mapping[str, str] | None, path: str) -> list[FieldError]:
    """Faults of an annotation map: keys compared in lower case, all together bounded in size."""
    faults = []
    size = 0
    for key in sorted(annotations or {}):
        faults += [invalid(path, key, text) for text in names.label_key(key.lower())]
        size += len(key.encode()) + len((annotations or {})[key].encode())
    if size > ANNOTATION_BYTES:
        faults.append(too_long(path, ANNOTATION_BYTES))
    return faults
