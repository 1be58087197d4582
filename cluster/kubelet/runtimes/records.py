"""What a runtime remembers over its own restart: one directory a pod, one small JSON file a container start.

Files are replaced whole, so that a kill leaves the old or the new. They need not survive a crash of the machine,
which ends the processes too.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cluster.kubelet.runtimes.interface import ContainerState, ContainerStatus, SandboxStatus


class Records:
    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def directory(self, uid: str) -> Path:
        return self._root / uid

    def write_sandbox(self, status: SandboxStatus) -> None:
        self._write(self.directory(status.pod_uid) / "sandbox.json", asdict(status))

    def write_container(self, uid: str, status: ContainerStatus, start: str) -> None:
        """`start` is the start time of the process, which makes its pid unmistakable."""
        self._write(self.directory(uid) / f"container-{status.id}.json", asdict(status) | {"_start": start})

    def remove_container(self, uid: str, id_: str) -> None:
        (self.directory(uid) / f"container-{id_}.json").unlink(missing_ok=True)

    def remove(self, uid: str) -> None:
        shutil.rmtree(self.directory(uid), ignore_errors=True)

    def read(self) -> Iterator[tuple[SandboxStatus, list[tuple[ContainerStatus, str]]]]:
        """Containers come in the order in which they were made. Unreadable pods are dropped."""
        for folder in sorted(self._root.iterdir()):
            try:
                sandbox = SandboxStatus(**json.loads((folder / "sandbox.json").read_text()))
                containers = [_container(path) for path in folder.glob("container-*.json")]
            except (OSError, ValueError, TypeError):
                shutil.rmtree(folder, ignore_errors=True)
                continue
            yield sandbox, sorted(containers, key=lambda pair: pair[0].created_at)

    def _write(self, path: Path, value: dict[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(value))
        os.replace(part, path)


def _container(path: Path) -> tuple[ContainerStatus, str]:
    found = json.loads(path.read_text())
    start = found.pop("_start")
    return ContainerStatus(**found | {"state": ContainerState(found["state"])}), start
