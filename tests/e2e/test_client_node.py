"""The official JavaScript client against the bundled cluster: objects, patches, an informer, exec, port-forward, logs.

Wants node and a folder with the package: `npm install --prefix FOLDER @kubernetes/client-node`, CLIENT_NODE=FOLDER.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from land import Land

FOLDER = os.environ.get("CLIENT_NODE", "")
pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine"),
    pytest.mark.skipif(
        not (Path(FOLDER) / "node_modules" / "@kubernetes" / "client-node").is_dir(),
        reason="CLIENT_NODE names no folder with @kubernetes/client-node in its node_modules",
    ),
]
SAID = {
    "create": True,
    "conflict": [409, "AlreadyExists"],
    "merge patch": {"a": "1", "b": "2"},
    "apply": ["node"],
    "informer": [
        ["add", {"a": "1"}],
        ["update", {"a": "1", "b": "2"}],
        ["update", {"a": "1", "b": "2", "c": "3"}],
        ["delete", {"a": "1", "b": "2", "c": "3"}],
    ],
    "exec": ["hi\n", "Failure", "NonZeroExitCode"],
    "port-forward": "you said hello\n",
    "log": "listening\n",
}


def test_the_javascript_client(cluster: Land, echo_pod: str) -> None:
    script = Path(__file__).with_name("client_node.mjs")
    done = subprocess.run(
        ["node", str(script), str(Path(FOLDER).resolve()), echo_pod],
        env=cluster.env(), capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    assert {step["step"]: step["said"] for step in steps} == SAID
