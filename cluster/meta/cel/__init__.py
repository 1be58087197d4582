"""CEL, the Common Expression Language as Kubernetes uses it: `compile` a text, then evaluate it against variables.

Pure: no clock, no files, no network. What an expression may call lives in the `library_*` modules; what its
variables are, and of which types, is the caller's business.
"""

from __future__ import annotations

from cluster.meta.cel.program import Program, compile
from cluster.meta.cel.syntax import CompileError
from cluster.meta.cel.types import BOOL, DYN, STRING, Type
from cluster.meta.cel.values import Budget, BudgetExceeded, EvalError, Opt

__all__ = [
    "BOOL",
    "DYN",
    "STRING",
    "Budget",
    "BudgetExceeded",
    "CompileError",
    "EvalError",
    "Opt",
    "Program",
    "Type",
    "compile",
]
