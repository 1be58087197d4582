"""`kubectl …`: the kubectl of this machine, pointed at the cluster pyhelm would use."""

from __future__ import annotations

import shutil
import subprocess

from pyhelm.cli.command import Call, Command, any_args
from pyhelm.errors import KubeError


def run(call: Call) -> int:
    from pyhelm.cli.connect import choose, overrides_of
    from pyhelm.kube.kubeconfig import kubeconfig_files

    binary = shutil.which("kubectl", path=call.environ.get("PATH"))
    if binary is None:
        raise KubeError("no kubectl on the path: install it, or use pyhelm status, list and get")
    access = choose(call)
    files = ":".join(str(path) for path in kubeconfig_files(overrides_of(call), call.environ))
    chosen = access.source if access.source and access.source not in ("flags", "in-cluster") else files
    context = ["--context", access.context] if access.context else []
    return subprocess.run(
        [binary, *context, *call.words], env={**call.environ, "KUBECONFIG": chosen}, check=False
    ).returncode


COMMAND = Command(
    path="kubectl",
    use="COMMAND",
    short="run this machine's kubectl against the cluster pyhelm uses",
    args=any_args,
    run=run,
    passes_flags=True,
)
