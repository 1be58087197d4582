"""Short questions of a command to a cluster that runs, as its administrator."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from http.client import HTTPSConnection
from typing import Any

from cluster.cli.pki import Keys
from cluster.cli.places import Place

_PATIENCE = 5.0


class Asker:
    """One connection a request. All raise OSError, HTTPException, ValueError."""

    def __init__(self, place: Place, port: int, patience: float = _PATIENCE) -> None:
        keys = Keys(place.pki)
        context = ssl.create_default_context(cafile=str(keys.ca))
        context.load_cert_chain(keys.admin, keys.admin_key)
        self._connection = HTTPSConnection("127.0.0.1", port, context=context, timeout=patience)

    def text(self, path: str) -> str:
        return self.send("GET", path)

    def blocks(self, path: str) -> Iterator[bytes]:
        """A long answer; raises OSError when it is not given."""
        try:
            self._connection.request("GET", path)
            answer = self._connection.getresponse()
            if answer.status != 200:
                raise OSError(f"{path}: {answer.status} {answer.read(500).decode(errors='replace')}")
            while block := answer.read(1 << 20):
                yield block
        finally:
            self._connection.close()

    def json(self, path: str) -> dict[str, Any]:
        found = json.loads(self.text(path))
        return found if isinstance(found, dict) else {}

    def send(self, method: str, path: str, body: Any = None) -> str:
        text = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, path, text, {"Content-Type": "application/json"})
            return self._connection.getresponse().read().decode()
        finally:
            self._connection.close()
