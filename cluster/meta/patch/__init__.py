"""The three patches that are plain data transformations: JSON patch, merge patch, strategic merge patch.

Every function takes decoded JSON, leaves its arguments alone and returns the patched document; parts of the
inputs may be shared with the result. Faults are StatusErrors in the words of the API server. Server-side apply,
which also changes who owns what, is `cluster.meta.ownership`.
"""

from cluster.meta.patch.json_patch import MAX_OPERATIONS, json_patch
from cluster.meta.patch.merge_patch import decode_merge, merge_patch
from cluster.meta.patch.strategic import strategic_merge_patch

__all__ = ["MAX_OPERATIONS", "decode_merge", "json_patch", "merge_patch", "strategic_merge_patch"]
