"""Jinja2's node classes, which get their fields at run time: untyped here, once, for the modules that build them."""

from __future__ import annotations

from typing import Any

from jinja2 import nodes as _nodes

__all__ = ["Expr", "Tree", "nodes"]

nodes: Any = _nodes

Expr = Any
"""An expression of Jinja2's syntax tree; those that can fail carry `site`."""
Tree = Any
"""A statement of Jinja2's syntax tree."""
