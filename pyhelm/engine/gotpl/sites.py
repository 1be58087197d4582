"""Which node of a Go template an error is reported at.

Go remembers the node it evaluated last. Compiled code remembers nothing, so that the good case costs nothing; a
site, found by its place in the generated source, says after the fact which node that was.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyhelm.engine.gotpl.syntax import Branch, Chain, Command, Expression, Function, Node, Pipe, TemplateCall

__all__ = ["Site", "last_evaluated"]


@dataclass(slots=True)
class Site:
    """A place in generated code that may fail. `node` is what Go reports for a failure of the thing itself."""

    node: Node
    """The command of a call; a field; the name of a function with a wrong number of arguments; a range."""
    name: str = ""
    """The function or method that is called there."""
    head: Node | None = None
    arguments: list[Expression] = field(default_factory=list)
    """The explicit arguments, without a piped one."""
    loose: frozenset[int] = frozenset()
    """Arguments whose nil is no value at all (`invalid value`), where others are a nil interface."""

    def argument(self, index: int) -> Node:
        """The node Go has evaluated last when it refuses the argument `index`."""
        if 0 <= index < len(self.arguments):
            return last_evaluated(self.arguments[index])
        if self.arguments:
            return last_evaluated(self.arguments[-1])
        return self.head or self.node


def last_evaluated(node: Node) -> Node:
    """The last node that Go marks while it evaluates `node` without an error."""
    if isinstance(node, Pipe):
        return last_evaluated(node.commands[-1]) if node.commands else node
    if isinstance(node, Command):
        head, rest = node.arguments[0], node.arguments[1:]
        return last_evaluated(rest[-1] if rest else head)
    if isinstance(node, Chain):
        return last_evaluated(node.operand)
    if isinstance(node, (Branch, TemplateCall)):
        return node
    if isinstance(node, Function):
        return node
    return node
