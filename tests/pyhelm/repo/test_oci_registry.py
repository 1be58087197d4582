"""Pushing to and pulling from an OCI registry: a small one in this process, on loopback."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from test_repositories import package

from pyhelm.errors import RepoError
from pyhelm.repo.fetch import ANONYMOUS
from pyhelm.repo.oci import CONTENT, best_tag, pull, push, tags, with_tag


class Registry(BaseHTTPRequestHandler):
    """Blobs by digest, manifests by tag."""

    store: ClassVar[dict[str, bytes]] = {}

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def _answer(self, code: int, data: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_GET(self) -> None:
        if self.path.endswith("/tags/list"):
            names = [path.rpartition("/")[2] for path in self.store if "/manifests/" in path]
            self._answer(200, json.dumps({"tags": names}).encode())
        elif self.path in self.store:
            self._answer(200, self.store[self.path])
        else:
            self._answer(404)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self._answer(202, Location=f"{self.path}upload-1?state=x")

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        found = re.search(r"digest=(\S+)", self.path)
        if found:
            assert found[1] == f"sha256:{hashlib.sha256(data).hexdigest()}"
            self.store[f"{self.path.partition('uploads/')[0]}{found[1]}"] = data
        else:
            self.store[self.path] = data
        self._answer(201)


@pytest.fixture
def registry() -> Iterator[str]:
    Registry.store.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"oci://127.0.0.1:{server.server_address[1]}/charts"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_what_is_pushed_is_pulled(registry: str, tmp_path: Path) -> None:
    for version in ("1.0.0", "1.5.0+build", "2.0.0-rc.1"):
        push(str(package(tmp_path, "web", version)), registry, ANONYMOUS)
    assert sorted(tags(f"{registry}/web", ANONYMOUS)) == ["1.0.0", "1.5.0_build", "2.0.0-rc.1"]
    assert best_tag(f"{registry}/web", "^1", ANONYMOUS) == "1.5.0+build"
    wanted = with_tag(f"{registry}/web", "1.0.0", ANONYMOUS)
    assert pull(wanted, ANONYMOUS).chart == (tmp_path / "web-1.0.0.tgz").read_bytes()


def test_the_manifest_is_helms(registry: str, tmp_path: Path) -> None:
    reference, digest = push(str(package(tmp_path, "web", "1.0.0")), registry, ANONYMOUS)
    assert reference.endswith("/charts/web:1.0.0")
    data = Registry.store["/v2/charts/web/manifests/1.0.0"]
    assert digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    manifest = json.loads(data)
    assert manifest["config"]["mediaType"] == "application/vnd.cncf.helm.config.v1+json"
    assert [layer["mediaType"] for layer in manifest["layers"]] == [CONTENT]
    assert manifest["annotations"]["org.opencontainers.image.title"] == "web"


def test_a_changed_blob_is_refused(registry: str, tmp_path: Path) -> None:
    push(str(package(tmp_path, "web", "1.0.0")), registry, ANONYMOUS)
    blob = json.loads(Registry.store["/v2/charts/web/manifests/1.0.0"])["layers"][0]["digest"]
    Registry.store[f"/v2/charts/web/blobs/{blob}"] = b"other"
    with pytest.raises(RepoError, match="another digest"):
        pull(f"{registry}/web:1.0.0", ANONYMOUS)


def test_what_is_not_there_says_so(registry: str) -> None:
    with pytest.raises(RepoError, match="404"):
        pull(f"{registry}/none:1.0.0", ANONYMOUS)
