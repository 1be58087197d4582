"""Field ownership: who set which field (metadata.managedFields), and server-side apply.

`update` records an ordinary write, `apply` carries out a declarative one; both are pure functions over wire dicts and
a `Structure`.
"""

from cluster.meta.ownership.managed import decode, encode
from cluster.meta.ownership.operations import LAST_APPLIED, Applied, Writer, apply, update

__all__ = ["LAST_APPLIED", "Applied", "Writer", "apply", "decode", "encode", "update"]
