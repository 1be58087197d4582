"""The main road: a chart installed into the bundled cluster, upgraded under load, rolled back."""

from __future__ import annotations

import json
import re
import socket
import threading
import time

from land import ROOT, Land, fetch

CHART = str(ROOT / "charts" / "guestbook")


def free_node_port() -> int:
    """A port of the node-port range that nothing listens on."""
    for port in range(31000, 32000):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("no free node port")


def eventually(url: str, text: str, seconds: float = 20) -> str:
    """Fetch until the page holds `text`."""
    until = time.monotonic() + seconds
    page = ""
    while time.monotonic() < until:
        try:
            page = fetch(url)
        except OSError as error:
            page = str(error)
        if text in page:
            return page
        time.sleep(0.05)
    raise AssertionError(f"{text!r} never appeared at {url}; last answer: {page[:300]}")


class Load:
    """Fetches a URL from two threads until stopped, and keeps what failed."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answered = 0
        self.failed: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(2)]

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                fetch(self.url)
                self.answered += 1
            except OSError as error:
                self.failed.append(str(error))
            self._stop.wait(0.005)

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_install_starts_the_cluster_and_prints_a_url_that_answers(land: Land) -> None:
    port = free_node_port()
    done = land.pyhelm(
        "install", "guestbook", CHART, "--env", "dev", "--set", f"service.nodePort={port}", "--wait", "--timeout", "60s"
    )
    assert done.code == 0, done.out + done.err
    assert "bundled cluster" in done.err
    assert "values-dev.yaml" in done.err
    url = re.search(r"http://127\.0\.0\.1:\d+/", done.out)
    assert url, done.out
    assert "Hello from development" in fetch(url[0])
    assert json.loads(fetch(url[0] + "api/entries")) == []
    entry = json.loads(fetch(url[0] + "api/entries", data=b'{"author": "Ada", "text": "hello"}'))
    assert entry["author"] == "Ada"
    assert [e["text"] for e in json.loads(fetch(url[0] + "api/entries"))] == ["hello"]
    assert land.pyhelm("cluster", "status").code == 0
    land.ok("uninstall", "guestbook", "--wait")
    assert json.loads(land.ok("list", "-o", "json")) == []


def test_upgrade_and_rollback_change_the_page_without_a_failed_request(cluster: Land) -> None:
    port = free_node_port()
    url = f"http://127.0.0.1:{port}/"
    flags = ["--env", "dev", "--set", f"service.nodePort={port}", "--wait", "--timeout", "60s"]
    cluster.ok("install", "book", CHART, *flags)
    eventually(url, "Hello from development")
    with Load(url) as load:
        cluster.ok("upgrade", "book", CHART, *flags, "--set", "greeting=Good evening,web.replicas=3")
        eventually(url, "Good evening")
        cluster.ok("rollback", "book", "--wait", "--timeout", "60s")
        eventually(url, "Hello from development")
        time.sleep(1.5)
    assert load.failed == []
    assert load.answered > 50
    story = json.loads(cluster.ok("history", "book", "-o", "json"))
    assert [(r["revision"], r["status"], r["description"]) for r in story] == [
        (1, "superseded", "Install complete"),
        (2, "superseded", "Upgrade complete"),
        (3, "deployed", "Rollback to 1"),
    ]
    assert "Good evening" not in fetch(url)
    cluster.ok("uninstall", "book", "--wait")


def test_a_failing_upgrade_rolls_back(cluster: Land) -> None:
    flags = ["--set", "service.type=ClusterIP"]
    cluster.ok("install", "fragile", CHART, *flags, "--wait", "--timeout", "60s")
    bad = cluster.pyhelm(
        "upgrade", "fragile", CHART, *flags,
        "--set", "image.repository=example.invalid/none", "--set", "web.color=#fff",
        "--rollback-on-failure", "--timeout", "4s",
    )  # fmt: skip
    story = json.loads(cluster.ok("history", "fragile", "-o", "json"))
    if bad.code == 0:
        # The process runtime runs the chart's own command whatever the image is called.
        assert [r["status"] for r in story] == ["superseded", "deployed"]
    else:
        assert [r["status"] for r in story] == ["superseded", "failed", "deployed"]
    cluster.ok("uninstall", "fragile")
