"""`verify`: a package against its provenance."""

from __future__ import annotations

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.flags import text


def run(call: Call) -> None:
    from pyhelm.chart.provenance import default_keyring, verify_chart

    path = call.words[0]
    verified = verify_chart(path, f"{path}.prov", call["keyring"] or default_keyring(call.environ))
    for line in verified.lines():
        call.out(line)


COMMAND = Command(
    path="verify",
    use="PATH",
    short="verify that a chart at the given path has been signed and is valid",
    flags=(text("keyring", "keyring containing public keys"),),
    args=exact_args(1),
    run=run,
)
