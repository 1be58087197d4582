"""Requests that schemathesis draws from our own OpenAPI documents, over a real connection: answered soon, never by 500.

By default two operations of every document, which ones is settled by the document's name; SCHEMATHESIS_EXAMPLES=6 asks
for that many requests to every operation.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from cluster.apiserver.openapi import OpenAPI
from cluster.apiserver.options import ApiServerOptions
from cluster.apiserver.request import UserInfo
from cluster.apiserver.server import ApiServer
from cluster.kinds.schema import schema
from cluster.storage.memory import MemoryStore

schemathesis = pytest.importorskip("schemathesis")
pytestmark = pytest.mark.filterwarnings("ignore")
PATIENCE = 5.0
STREAMS = ("/exec", "/attach", "/portforward")
THEIR_OWN = "target.name: Required value"
"""The original answers 500 to a binding without a target, with these words; so do we."""


class Served:
    """A server in a loop and a thread of its own, and its kinds."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._store = MemoryStore()
        tokens = {"t": UserInfo("admin", "", ("system:masters",))}
        self.server = ApiServer(self._store, ApiServerOptions(tokens=tokens))
        self._run(self.server.start())
        self.url = self.server.url

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def close(self) -> None:
        self._run(self.server.stop())
        self._run(self._store.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.close()


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    requests = pytest.importorskip("requests")
    with requests.Session() as made:
        made.headers["Authorization"] = "Bearer t"
        made.trust_env = False
        yield made


def documents() -> list[str]:
    kinds = ApiServer(MemoryStore(), ApiServerOptions()).kinds
    index = OpenAPI(schema()).index(kinds).body.decode()
    return sorted({part.split("?")[0] for part in index.split('"/openapi/v3/')[1:]})


def operations(session: Any, served: Served, document: str) -> list[Any]:
    raw = session.get(f"{served.url}/openapi/v3/{document}").json()
    found = [result.ok() for result in schemathesis.openapi.from_dict(raw).get_all_operations()]
    return [op for op in found if "/watch/" not in op.path and not op.path.endswith(STREAMS)]


def sound(case: Any, served: Served, session: Any) -> None:
    case.query = {name: value for name, value in dict(case.query or {}).items() if name != "watch"}
    answer = case.call(base_url=served.url, session=session, timeout=PATIENCE)
    assert answer.status_code != 500 or THEIR_OWN in answer.text, f"{case.as_curl_command()}\n{answer.text}"


def exercise(operation: Any, examples: int, served: Served, session: Any) -> None:
    bounded = settings(
        max_examples=examples, derandomize=True, database=None, deadline=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    bounded(given(case=operation.as_strategy())(lambda case: sound(case, served, session)))()


EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "0"))


@pytest.mark.timeout(900 if EXAMPLES else 120)
@pytest.mark.parametrize("document", documents())
def test_the_operations_of_a_document(served: Served, session: Any, document: str) -> None:
    found = operations(session, served, document)
    chosen = found if EXAMPLES else random.Random(document).sample(found, min(2, len(found)))
    for operation in chosen:
        exercise(operation, EXAMPLES or 2, served, session)
