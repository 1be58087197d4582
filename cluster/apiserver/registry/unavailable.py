"""How a store that cannot serve is told to clients; reading and writing alike."""

from __future__ import annotations

from cluster.meta import errors
from cluster.storage.interface import StoreUnavailable


def unavailable(error: StoreUnavailable) -> errors.StatusError:
    return errors.StatusError(503, errors.Reason.SERVICE_UNAVAILABLE, f"the store is unavailable: {error}")
