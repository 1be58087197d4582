"""Asking a server outside by posting a review (TokenReview, SubjectAccessReview); its status is the answer.

Knows neither users nor rights. Connections are kept; a server that is overloaded or fails inside is asked again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from cluster.apiserver.webhook_config import Target
from cluster.meta.types import Obj

if TYPE_CHECKING:
    from cluster.machinery.clock import Clock

_TRIES = 5
_FIRST_PAUSE, _FACTOR = 0.5, 1.5
_AGAIN = frozenset((429, 500))


class NotAnswered(Exception):
    """The text says why."""


class Reviewer:
    """`timeout` bounds one attempt, in seconds."""

    def __init__(self, target: Target, timeout: float, clock: Clock) -> None:
        self._target = target
        self._timeout = timeout
        self._clock = clock
        self._http: Any = None

    async def ask(self, review: Obj) -> Obj:
        """The status of the review that comes back. Raises NotAnswered."""
        body = orjson.dumps(review)
        pause = _FIRST_PAUSE
        for attempt in range(_TRIES):
            code, answer = await self._post(body)
            if code == 200 or code == 201:
                return _status(answer, review)
            if code not in _AGAIN or attempt == _TRIES - 1:
                break
            await self._clock.sleep(pause)
            pause *= _FACTOR
        raise NotAnswered(f"{self._target.url} answered {code}")

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        import httpx

        if self._http is None:
            self._http = self._target.client(self._timeout)
        try:
            answer = await self._http.post(self._target.url, content=body)
        except httpx.TimeoutException:
            raise NotAnswered(f'Post "{self._target.url}": context deadline exceeded') from None
        except (httpx.HTTPError, OSError) as error:
            raise NotAnswered(f'Post "{self._target.url}": {error or type(error).__name__}') from None
        return answer.status_code, answer.content

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None


def _status(answer: bytes, review: Obj) -> Obj:
    try:
        found = orjson.loads(answer)
    except ValueError as error:
        raise NotAnswered(f"the answer to a {review['kind']} is no JSON: {error}") from None
    if not isinstance(found, dict) or found.get("kind") != review["kind"]:
        raise NotAnswered(f"the answer to a {review['kind']} is of another kind")
    status = found.get("status") or {}
    if not isinstance(status, dict):
        raise NotAnswered(f"the answer to a {review['kind']} has no status")
    return status
