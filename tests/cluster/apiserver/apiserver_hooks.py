"""What tests of webhooks need: a certificate for loopback, and an HTTPS server that answers as a test says."""

from __future__ import annotations

import asyncio
import base64
import datetime
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def certificate(folder: Path) -> tuple[Path, str]:
    """A file with key and certificate for loopback, and the CA bundle that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hook")])
    start = datetime.datetime(2020, 1, 1)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(datetime.datetime(2100, 1, 1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "hook.pem"
    file.write_bytes(private + pem)
    return file, base64.b64encode(pem).decode()


GROUP = "admissionregistration.k8s.io"
Answer = Callable[[dict[str, Any]], dict[str, Any]]


class Hooks:
    """An HTTPS server whose answer each test sets."""

    def __init__(self, bundle: str) -> None:
        self.bundle = bundle
        self.port = 0
        self.seen: list[dict[str, Any]] = []
        self.answer: Answer = lambda request: {"allowed": True}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        review = json.loads(await reader.readexactly(size))
        self.seen.append(review["request"])
        response = {"uid": review["request"]["uid"], **self.answer(review["request"])}
        body = json.dumps(
            {"apiVersion": review["apiVersion"], "kind": "AdmissionReview", "response": response}
        ).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    def configuration(self, kind: str, **more: Any) -> dict[str, Any]:
        rule = {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}
        hook = {
            "name": "hook.example.com",
            "clientConfig": {"url": f"https://127.0.0.1:{self.port}/ask", "caBundle": self.bundle},
            "rules": [rule],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "timeoutSeconds": 5,
        }
        return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": "c"}, "webhooks": [{**hook, **more}]}


class Converter:
    """A conversion webhook. `change(obj, apiVersion)` converts one object in place; `review` may spoil the answer."""

    def __init__(self, bundle: str) -> None:
        self.bundle = bundle
        self.port = 0
        self.asked: list[dict[str, Any]] = []
        self.change: Callable[[dict[str, Any], str], None] = lambda obj, version: None
        self.review: Callable[[dict[str, Any]], None] = lambda review: None

    @property
    def objects(self) -> list[str]:
        """Names of the objects of every request, e.g. ["a,b", "a"]."""
        return [",".join(o["metadata"]["name"] for o in request["objects"]) for request in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        size = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
        body = json.dumps(self._answer(json.loads(await reader.readexactly(size)))).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    def _answer(self, review: dict[str, Any]) -> dict[str, Any]:
        request = review.pop("request")
        self.asked.append(request)
        objects = json.loads(json.dumps(request["objects"]))
        for obj in objects:
            obj["apiVersion"] = request["desiredAPIVersion"]
            self.change(obj, request["desiredAPIVersion"])
        result = {"status": "Success"}
        review["response"] = {"uid": request["uid"], "convertedObjects": objects, "result": result}
        self.review(review)
        return review

    def strategy(self, *versions: str) -> dict[str, Any]:
        """`spec.conversion` of a definition."""
        config = {"url": f"https://127.0.0.1:{self.port}/convert", "caBundle": self.bundle}
        webhook = {"clientConfig": config, "conversionReviewVersions": list(versions or ("v1",))}
        return {"strategy": "Webhook", "webhook": webhook}


@asynccontextmanager
async def converting(folder: Path) -> AsyncIterator[Converter]:
    file, bundle = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    made = Converter(bundle)
    listener = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=context)
    made.port = listener.sockets[0].getsockname()[1]
    yield made
    listener.close()
    await listener.wait_closed()
