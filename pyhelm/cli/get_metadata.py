"""`get metadata`: the facts of a revision."""

from __future__ import annotations

from typing import Any

from pyhelm.cli.command import Call, Command, exact_args
from pyhelm.cli.getting import REVISION, wanted_release
from pyhelm.cli.output import OUTPUT, write


def run(call: Call) -> None:
    from pyhelm.actions.get import Metadata
    from pyhelm.release.wire import Struct

    release = wanted_release(call)
    fields = Metadata(release).fields()
    write(call, Struct(fields), lambda: _table(fields))


_HEADS = {
    "name": "NAME",
    "chart": "CHART",
    "version": "VERSION",
    "appVersion": "APP_VERSION",
    "annotations": "ANNOTATIONS",
    "labels": "LABELS",
    "dependencies": "DEPENDENCIES",
    "namespace": "NAMESPACE",
    "revision": "REVISION",
    "status": "STATUS",
    "deployedAt": "DEPLOYED_AT",
    "applyMethod": "APPLY_METHOD",
}


def _table(fields: dict[str, Any]) -> str:
    return "".join(f"{head}: {_cell(key, fields.get(key))}\n" for key, head in _HEADS.items())


def _cell(key: str, value: Any) -> str:
    if key == "applyMethod" and not value:
        return "client-side apply (defaulted)"
    if isinstance(value, dict):
        return ",".join(f"{name}={value[name]}" for name in sorted(value))
    if isinstance(value, list):
        return ",".join(str(item.get("name", "")) for item in value)
    return "" if value is None else str(value)


COMMAND = Command(
    path="get metadata",
    use="RELEASE_NAME",
    short="this command fetches metadata for a given release",
    flags=(REVISION, OUTPUT),
    args=exact_args(1),
    run=run,
)
