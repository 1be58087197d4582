"""`{% define "any.name" %}…{% enddefine %}`: a named template whose name need not be a Python name.

It is a block that is not rendered where it stands, and sees its data as `ctx`; the block's own name is the name in
hexadecimal.
"""

from __future__ import annotations

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser

__all__ = ["DefineExtension", "name_of"]

_PREFIX = "define_"


def name_of(block: str) -> str | None:
    """The name a block was defined by with `define`; None for another block or a macro."""
    if not block.startswith(_PREFIX):
        return None
    try:
        return bytes.fromhex(block[len(_PREFIX) :]).decode()
    except ValueError:
        return None


class DefineExtension(Extension):
    tags = {"define"}  # noqa: RUF012 - Jinja2 declares it so

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        word = parser.stream.expect("string")
        body = parser.parse_statements(("name:enddefine",), drop_needle=True)
        name = _PREFIX + str(word.value).encode().hex()
        made = nodes.If(nodes.Const(False), [nodes.Block(name, body, False, False)], [], [])
        made.set_lineno(line)
        return made
