"""Values files from elsewhere: got over HTTP, with a bound on their size, and named in what goes wrong."""

from __future__ import annotations

import io
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pyhelm.cli.main import main
from pyhelm.errors import RepoError
from pyhelm.repo.fetch import fetch

FILES = {"/v.yaml": b"a: 7\n", "/bad.yaml": b"a: [\n", "/big.yaml": b"#" * 5000}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        data = FILES.get(self.path)
        self.send_response(200 if data else 404)
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    folder = tmp_path / "c"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 1.0.0\n")
    (folder / "values.yaml").write_text("a: 1\n")
    (folder / "templates" / "x.yaml").write_text("a: {{ .Values.a }}\n")
    return folder


def run(chart: Path, *argv: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(["template", str(chart), *argv], out, err, io.StringIO(), {"HOME": str(chart.parent)}, "pyhelm")
    return code, out.getvalue(), err.getvalue()


def test_values_come_over_http(url: str, chart: Path) -> None:
    assert run(chart, "-f", f"{url}/v.yaml") == (0, "---\n# Source: c/templates/x.yaml\na: 7\n", "")


def test_what_goes_wrong_names_the_url(url: str, chart: Path) -> None:
    code, _, err = run(chart, "-f", f"{url}/none.yaml")
    assert (code, err) == (1, f"Error: failed to fetch {url}/none.yaml : 404 Not Found\n")
    code, _, err = run(chart, "-f", f"{url}/bad.yaml")
    assert (code, err.startswith(f"Error: failed to parse {url}/bad.yaml: ")) == (1, True)


def test_a_download_is_left_where_it_is_too_large(url: str) -> None:
    assert len(fetch(f"{url}/big.yaml", limit=5000).data) == 5000
    with pytest.raises(RepoError, match="is larger than 4999 bytes"):
        fetch(f"{url}/big.yaml", limit=4999)
