"""What requests to connect ask for: PodExecOptions and its like. Never stored and in no OpenAPI document, but admission
sees and changes them, so they are read back by their fields.
"""

from __future__ import annotations

from typing import Any

from cluster.meta.gojson import kind_of
from cluster.meta.types import Obj

_STREAMS = {"stdin": "bool", "stdout": "bool", "stderr": "bool", "tty": "bool", "container": "string"}
_PATH = {"path": "string"}
FIELDS: dict[str, dict[str, str]] = {
    "PodAttachOptions": _STREAMS,
    "PodExecOptions": {**_STREAMS, "command": "[]string"},
    "PodPortForwardOptions": {"ports": "[]int32"},
    "PodProxyOptions": _PATH,
    "ServiceProxyOptions": _PATH,
    "NodeProxyOptions": _PATH,
}
"""Kind -> field -> its Go type."""
_IDENTITY = ("kind", "apiVersion")


def read(kind: str, obj: Obj, *, strict: bool) -> Obj:
    """The options with the fields that they have; what is empty is left out. Raises ValueError, as Go's decoder says
    it: for another type, and where `strict` for an unknown field."""
    fields = FIELDS[kind]
    unknown = [name for name in obj if name not in fields and name not in _IDENTITY]
    if unknown and strict:
        raise ValueError("strict decoding error: " + ", ".join(f'unknown field "{name}"' for name in unknown))
    out = {name: obj[name] for name in _IDENTITY if name in obj}
    for name, go in fields.items():
        value = obj.get(name)
        _check(value, go, f"{kind}.{name}")
        if value:
            out[name] = value
    # The one field that is told even where it is empty.
    return out | {"command": obj.get("command")} if "command" in fields else out


def _check(value: Any, go: str, where: str) -> None:
    if value is None:
        return
    if go.startswith("[]") and isinstance(value, list):
        for each in value:
            _check(each, go[2:], where)
        return
    fits = {
        "bool": isinstance(value, bool),
        "string": isinstance(value, str),
        "int32": isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31,
    }
    if not fits.get(go, False):
        raise ValueError(f"json: cannot unmarshal {kind_of(value)} into Go struct field {where} of type {go}")
