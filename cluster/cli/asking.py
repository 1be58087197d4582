"""Short questions of a command to a cluster that runs, as its administrator."""

from __future__ import annotations

import json
import ssl
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
