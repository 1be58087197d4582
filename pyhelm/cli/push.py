"""`push`: a package goes to an OCI registry."""

from __future__ import annotations

from pyhelm.cli.chartflags import ACCESS
from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.errors import RepoError


def run(call: Call) -> None:
    from pyhelm.cli.charts import access_of
    from pyhelm.repo.oci import push

    package, remote = call.words
    if not remote.startswith("oci://"):
        raise RepoError(f"scheme prefix missing from remote (e.g. \"oci://\"): {remote}")
    reference, digest = push(package, remote, access_of(call))
    call.out(f"Pushed: {reference}")
    call.out(f"Digest: {digest}")


COMMAND = Command(
    path="push", use="[chart] [remote]", short="push a chart to remote", flags=ACCESS, args=exact_args(2), run=run
)
