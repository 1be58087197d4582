"""A cluster that is told to stop while clients are busy: watches end properly, and what was acknowledged is kept."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from kubernetes import client, config, watch
from land import Land
from urllib3.exceptions import HTTPError, ProtocolError

NAMESPACE = "default"


class Writer(threading.Thread):
    """Creates config maps until the server refuses; keeps what was acknowledged and how it ended."""

    def __init__(self, api: client.CoreV1Api, name: str) -> None:
        super().__init__(daemon=True)
        self._api = api
        self._name = name
        self.kept: list[str] = []
        self.end = ""

    def run(self) -> None:
        while True:
            name = f"{self._name}-{len(self.kept)}"
            try:
                self._api.create_namespaced_config_map(NAMESPACE, client.V1ConfigMap(metadata={"name": name}))
            except client.ApiException as error:
                self.end = f"{error.status} {error.headers.get('Retry-After')}"
                return
            except HTTPError as error:
                self.end = type(error).__name__
                return
            self.kept.append(name)


class Watcher(threading.Thread):
    def __init__(self, api: client.CoreV1Api) -> None:
        super().__init__(daemon=True)
        self._api = api
        self.begun = threading.Event()
        self.error: BaseException | None = None
        self.seen = 0

    def run(self) -> None:
        try:
            stream = self._api.list_namespaced_config_map(NAMESPACE, watch=True, _preload_content=False)
            for _ in watch.watch.iter_resp_lines(stream):
                self.seen += 1
                self.begun.set()
        except (ProtocolError, HTTPError, OSError) as error:
            self.error = error
            self.begun.set()


def api_of(land: Land) -> client.CoreV1Api:
    return client.CoreV1Api(config.new_client_from_config(str(land.kubeconfig)))


def begun(path: Path) -> bool:
    return path.read_text().count("\n") > 1


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl on this machine")
def test_a_busy_cluster_stops_without_cutting_anybody_off(land: Land) -> None:
    land.ok("cluster", "start", "--runtime", "simulated")
    api = api_of(land)
    told = land.home / "watched"
    with told.open("wb") as out, (land.home / "said").open("wb") as err:
        kubectl = subprocess.Popen(
            ["kubectl", "get", "configmaps", "-n", NAMESPACE, "-w"], stdout=out, stderr=err, env=land.env()
        )
        watcher = Watcher(api_of(land))
        writers = [Writer(api_of(land), f"w{number}") for number in range(4)]
        watcher.start()
        assert watcher.begun.wait(60)
        for writer in writers:
            writer.start()
        while not all(len(writer.kept) > 10 for writer in writers) or not begun(told):
            assert kubectl.poll() is None
            threading.Event().wait(0.05)
        land.ok("cluster", "stop")
        for thread in (watcher, *writers):
            thread.join(60)
            assert not thread.is_alive()
        kubectl.wait(60)
    assert watcher.error is None
    assert watcher.seen > 40
    assert kubectl.returncode == 0, (land.home / "said").read_text()
    assert "EOF" not in (land.home / "said").read_text()
    assert {writer.end for writer in writers} <= {"503 1", "MaxRetryError", "ProtocolError"}
    land.ok("cluster", "start")
    kept = {item.metadata.name for item in api.list_namespaced_config_map(NAMESPACE).items}
    assert {name for writer in writers for name in writer.kept} <= kept
