"""Expressions of policies and webhooks when they are written: do they compile, and to what.

The compiler is brought in by the first expression.
"""

from __future__ import annotations

import re
from typing import Any

from cluster.kinds.checks import Faults
from cluster.meta.field import Path, invalid, required

_OF_WEBHOOKS = ("object", "oldObject", "request", "namespaceObject")
_VARIABLES = "kubernetes.variables"
_SPEC = Path("spec")
_RESERVED = frozenset(
    (
        *("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import"),
        *("let", "loop", "package", "namespace", "return", "var", "void", "while"),
    )
)
_OPERATION = ("op", "path", "from", "value")


def scope(params: bool = False) -> dict[str, Any]:
    """What the condition of a webhook or policy may name; parameters where the policy has a kind of them."""
    from cluster.meta.cel.types import DYN, read

    out: dict[str, Any] = dict.fromkeys((*_OF_WEBHOOKS, *(("params",) if params else ())), DYN)
    out["authorizer"] = read("kubernetes.authorization.Authorizer")
    return out


def patch_types() -> dict[str, Any]:
    """What the expressions of mutations may name besides."""
    from cluster.meta.cel.types import DYN, object_of, type_of

    return {"Object": type_of(DYN), "JSONPatch": type_of(object_of("JSONPatch", dict.fromkeys(_OPERATION, DYN)))}


def without_authorizer(names: dict[str, Any]) -> dict[str, Any]:
    """What the expression of a message may name."""
    return {name: kind for name, kind in names.items() if name != "authorizer"}


def variables(spec: dict[str, Any], names: dict[str, Any]) -> Faults:
    """Faults of variables; each is known to the next ones, under its type, one at fault is not."""
    from cluster.meta.cel import CompileError, compile
    from cluster.meta.cel.types import DYN, object_of

    faults: Faults = []
    known: dict[str, Any] = {}
    names["variables"] = object_of(_VARIABLES, {})
    for at, variable in enumerate(spec.get("variables") or ()):
        here, name, text = (_SPEC / "variables")[at], variable.get("name") or "", variable.get("expression") or ""
        faults += _identifier(here / "name", name)
        if not text.strip():
            faults.append(required(here / "expression", "expression is not specified"))
            continue
        try:
            found = compile(text, names).type
            known[name] = DYN if found.kind == "opaque" else found
        except CompileError as error:
            faults.append(invalid(here / "expression", text, f"compilation failed: {error}"))
            known[name] = DYN
        names["variables"] = object_of(_VARIABLES, dict(known))
    return faults


def _identifier(path: Path, name: str) -> Faults:
    if not name.strip():
        return [required(path, "name is not specified")]
    if not re.fullmatch(r"[_a-zA-Z][_a-zA-Z0-9]*", name) or name in _RESERVED:
        return [invalid(path, name, "must be a valid CEL identifier")]
    return []


def expression(path: Path, text: str, names: dict[str, Any], *gives: str) -> Faults:
    """Faults of one expression that is to give one of these types (none: any)."""
    from cluster.meta.cel import CompileError, compile

    if not text.strip():
        return []
    try:
        found = compile(text, names).type
    except CompileError as error:
        return [invalid(path, text, f"compilation failed: {error}")]
    named = "null_type" if found.kind == "null" else str(found)
    if not gives or found.kind == "dyn" or named in gives or _opens(named, gives):
        return []
    wanted = gives[0] if len(gives) == 1 else f"one of [{' '.join(gives)}]"
    return [invalid(path, text, f"must evaluate to {wanted} but got {named}")]


def _opens(named: str, gives: tuple[str, ...]) -> bool:
    """A list of anything may be a list of patches, a map or an object the object that is applied."""
    wanted = "map(" if gives == ("Object",) else "list(dyn)" if gives == ("list(JSONPatch)",) else None
    return wanted is not None and named.startswith(wanted)
