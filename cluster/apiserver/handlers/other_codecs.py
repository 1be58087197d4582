"""The codecs that are seldom asked for, imported when they are."""

from __future__ import annotations

from cluster.meta import errors
from cluster.meta.types import Obj


def encode(obj: Obj, media_type: str) -> bytes:
    """Raises 406 for a codec that is not offered."""
    if media_type == "application/yaml":
        import yaml

        return yaml.safe_dump(obj, sort_keys=True, default_flow_style=False, allow_unicode=True).encode()
    raise errors.not_acceptable(f"the server cannot answer in {media_type}")
