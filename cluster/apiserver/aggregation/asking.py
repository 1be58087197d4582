"""Asking the servers behind this one again and again, one APIService at a time: the loop, and what an answer is.

What is asked is the matter of `discovery` and `documents`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import orjson

from cluster.apiserver.aggregation.proxy import Document
from cluster.apiserver.service_endpoints import Unresolved
from cluster.client.endpoint import BadBundle, NoAnswer
from cluster.machinery.workqueue import WorkQueue
from cluster.meta.types import Obj

_log = logging.getLogger(__name__)


class NotTold(Exception):
    """The server does not say what it was asked for."""


async def ask_on(queue: WorkQueue[str], sync: Callable[[str], Awaitable[None]], what: str) -> None:
    """`sync` each APIService that comes out of the queue, for ever; again later where it fails. `what` is for logs."""
    while True:
        name = await queue.get()
        try:
            await sync(name)
        except (NotTold, NoAnswer, Unresolved, BadBundle, OSError, TimeoutError) as error:
            _log.debug("%s of %s: %s", what, name, error)
            queue.add_rate_limited(name)
        except Exception:
            # What another server sends must not end this.
            _log.exception("%s of %s", what, name)
            queue.add_rate_limited(name)
        else:
            queue.forget(name)
        finally:
            queue.done(name)


def read(answer: Document) -> Obj:
    """Raises NotTold."""
    try:
        found = orjson.loads(answer.body)
    except ValueError as error:
        raise NotTold(f"the answer is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise NotTold("the answer is no object")
    return found
