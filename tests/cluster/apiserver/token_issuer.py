"""An OpenID Connect issuer on loopback, with TLS: its discovery document, its keys, and tokens signed by them."""

from __future__ import annotations

import base64
import json
import ssl
from pathlib import Path
from typing import Any

from apiserver_hooks import certificate
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cluster.apiserver.authn.jose import SigningKey
from cluster.apiserver.http.messages import Request, Response
from cluster.apiserver.http.server import HttpServer


def fresh_key() -> SigningKey:
    key = ec.generate_private_key(ec.SECP256R1())
    return SigningKey(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


class Issuer:
    """`keys` are those published; `key` signs. `down` makes it answer 503."""

    def __init__(self, folder: Path) -> None:
        file, bundle = certificate(folder)
        self.authority = base64.b64decode(bundle).decode()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        self._http = HttpServer(self._answer, address="127.0.0.1", port=0, tls=context)
        self.key = fresh_key()
        self.keys = [self.key]
        self.down = False
        self.asked: list[str] = []
        self.name = ""

    async def start(self) -> None:
        await self._http.start()
        self.name = self.url

    async def stop(self) -> None:
        await self._http.stop()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._http.port}"

    async def _answer(self, request: Request) -> Response:
        self.asked.append(request.path)
        if self.down:
            return Response(503, b"down", "text/plain")
        if request.path.endswith("/openid-configuration"):
            return self._json({"issuer": self.name, "jwks_uri": f"{self.url}/keys"})
        return self._json({"keys": [key.public.jwk() for key in self.keys]})

    @staticmethod
    def _json(content: Any) -> Response:
        return Response(200, json.dumps(content).encode(), "application/json")

    def token(self, now: float, **claims: Any) -> str:
        about = {"iss": self.url, "aud": "us", "sub": "jane", "exp": int(now) + 600, "iat": int(now), **claims}
        return self.key.sign({name: value for name, value in about.items() if value is not None})
