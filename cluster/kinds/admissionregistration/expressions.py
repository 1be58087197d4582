"""Expressions of policies and webhooks when they are written: do they compile, and to what.

The compiler is brought in by the first expression.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.kinds.checks import Faults
from cluster.meta.field import Path, invalid

_OF_WEBHOOKS = ("object", "oldObject", "request")
_VARIABLES = "kubernetes.variables"
_OPERATION = ("op", "path", "from", "value")


def scope(spec: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the expressions of a policy may name; without one, what those of a webhook may."""
    from cluster.meta.cel.types import DYN, object_of, read, type_of

    out: dict[str, Any] = dict.fromkeys(_OF_WEBHOOKS, DYN)
    out["authorizer"] = read("kubernetes.authorization.Authorizer")
    if spec is not None:
        out["namespaceObject"] = DYN
        if spec.get("paramKind") is not None:
            out["params"] = DYN
        out["variables"] = object_of(_VARIABLES, {})
        out |= {"Object": type_of(DYN), "JSONPatch": type_of(object_of("JSONPatch", dict.fromkeys(_OPERATION, DYN)))}
    return out


def defined(path: Path, variables: Iterable[dict[str, Any]], names: dict[str, Any]) -> Faults:
    """Faults of variables; each is known to the next ones, under its type."""
    from cluster.meta.cel import CompileError, compile
    from cluster.meta.cel.types import DYN, object_of

    faults: Faults = []
    known: dict[str, Any] = {}
    for at, variable in enumerate(variables):
        text, found = variable.get("expression") or "", DYN
        try:
            found = compile(text, names).type if text.strip() else DYN
        except CompileError as error:
            faults.append(invalid(path[at] / "expression", text, f"compilation failed: {error}"))
        known[variable.get("name") or ""] = found
        names["variables"] = object_of(_VARIABLES, dict(known))
    return faults


def expression(path: Path, text: str, names: dict[str, Any], *gives: str) -> Faults:
    """Faults of one expression that is to give one of these types (none: any)."""
    from cluster.meta.cel import CompileError, compile

    if not text.strip():
        return []
    try:
        found = compile(text.strip(), names).type
    except CompileError as error:
        return [invalid(path, text, f"compilation failed: {error}")]
    if not gives or found.kind in (*gives, "dyn"):
        return []
    wanted = gives[0] if len(gives) == 1 else f"one of [{' '.join(gives)}]"
    return [invalid(path, text, f"must evaluate to {wanted} but got {found}")]
