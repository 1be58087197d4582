"""Expressions that pick devices, when they are written. The compiler is brought in by the first one."""

from __future__ import annotations

from typing import Any

from cluster.kinds.checks import Faults
from cluster.meta.field import Path, invalid, required, too_long

LONGEST = 10 * 1024  # bytes of an expression


def selector(path: Path, held: dict[str, Any]) -> Faults:
    cel = held.get("cel")
    if cel is None:
        return [required(path / "cel")]
    return _expression(path / "cel" / "expression", cel.get("expression") or "")


def _expression(path: Path, text: str) -> Faults:
    from cluster.meta.cel import CompileError, compile

    if len(text.encode()) > LONGEST:
        return [too_long(path, LONGEST)]
    try:
        found = compile(text, {"device": _device()}).type
    except CompileError as error:
        return [invalid(path, text, f"compilation failed: {error}")]
    if found.kind in ("bool", "dyn"):
        return []
    named = "null_type" if found.kind == "null" else str(found)
    return [invalid(path, text, f"must evaluate to bool or the unknown type, not {named}")]


def _device() -> Any:
    """A device as expressions see it: attributes and capacities by domain and name."""
    from cluster.meta.cel.types import BOOL, DYN, STRING, map_of, object_of, read

    quantities = map_of(map_of(read("kubernetes.Quantity")))
    fields = {"driver": STRING, "attributes": map_of(map_of(DYN)), "capacity": quantities}
    return object_of("kubernetes.DRADevice", fields | {"allowMultipleAllocations": BOOL})
