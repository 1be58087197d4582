"""The tree of an expression, its tokens, and how faults in it are shown.

Positions are offsets into the text, so that a fault can point at the place as cel-go does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class CompileError(Exception):
    """The text is no valid expression; the message is the one of cel-go, places and all. `why` is the first fault,
    `rest` are the others as (position, fault)."""

    def __init__(self, text: str, at: int, why: str, rest: Sequence[tuple[int, str]] = ()) -> None:
        self.why = why
        found = sorted([(at, why), *rest], key=lambda fault: fault[0])
        super().__init__("\n".join(_placed(text, *fault) for fault in found))


def _placed(text: str, at: int, why: str) -> str:
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    line, column = text.count("\n", 0, at) + 1, at - start
    shown = text[start : end if end >= 0 else len(text)].replace("\t", " ")
    dots = "".join("." if char.isascii() else "．" for char in shown[:column])
    mark = "^" if column >= len(shown) or shown[column].isascii() else "＾"
    return f"ERROR: <input>:{line}:{column + 1}: {why}\n | {shown}\n | {dots}{mark}"


@dataclass(slots=True)
class Node:
    """Any part of an expression."""

    at: int


@dataclass(slots=True)
class Literal(Node):
    value: Any


@dataclass(slots=True)
class Ident(Node):
    name: str


@dataclass(slots=True)
class Select(Node):
    operand: Node
    name: str
    optional: bool = False
    test: bool = False
    """has(operand.name)"""


@dataclass(slots=True)
class Call(Node):
    """An operator (`_+_`), a function, or a method of `target`."""

    name: str
    args: list[Node]
    target: Node | None = None


@dataclass(slots=True)
class ListOf(Node):
    items: list[Node]
    optional: set[int] = field(default_factory=set)


@dataclass(slots=True)
class MapOf(Node):
    entries: list[tuple[Node, Node, bool]]


@dataclass(slots=True)
class Message(Node):
    """Name{field: value}"""

    name: str
    entries: list[tuple[str, Node, bool]]


@dataclass(slots=True)
class Comprehension(Node):
    """A macro over a range: `kind` is its name, `variables` one or two, `bodies` its expressions."""

    kind: str
    range: Node
    variables: list[str]
    bodies: list[Node]


def children(node: Any) -> list[Node]:
    """The nodes right below a node."""
    out: list[Node] = []
    todo: list[Any] = [getattr(node, slot) for slot in reversed(type(node).__slots__)]
    while todo:
        held = todo.pop()
        if isinstance(held, Node):
            out.append(held)
        elif isinstance(held, list | tuple):
            todo.extend(reversed(held))
    return out


class Token(NamedTuple):
    kind: str
    text: str
    at: int


_TOKENS = re.compile(
    r"""
    (?P<skip>[ \t\r\n\f]+|//[^\n]*)
  | (?P<string>(?:[rR][bB]?|[bB][rR]?)?(?:\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''))
  | (?P<raw>(?:[rR][bB]?|[bB][rR])(?:"[^"\n]*"|'[^'\n]*'))
  | (?P<plain>[bB]?(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
  | (?P<float>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
  | (?P<uint>(?:0x[0-9a-fA-F]+|[0-9]+)[uU])
  | (?P<int>0x[0-9a-fA-F]+|[0-9]+)
  | (?P<ident>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<quoted>`[A-Za-z0-9_.\-/ ]+`)
  | (?P<op>==|!=|<=|>=|&&|\|\||[-+*/%!<>?:.,()\[\]{}])
    """,
    re.VERBOSE | re.ASCII,
)
_END = "<EOF>"


def tokens(text: str) -> list[Token]:
    """All tokens, the last of kind `end`. Raises CompileError."""
    out: list[Token] = []
    at = 0
    while at < len(text):
        found = _TOKENS.match(text, at)
        if found is None:
            raise CompileError(text, at, f"Syntax error: token recognition error at: '{text[at]}'")
        kind = found.lastgroup or ""
        if kind != "skip":
            out.append(Token("string" if kind in ("raw", "plain") else kind, found.group(), at))
        at = found.end()
    out.append(Token("end", _END, len(text)))
    return out


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|X[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|.)", re.DOTALL)


def unquote(text: str) -> str | bytes:
    """The value of a string or bytes literal."""
    lead = re.match(r"[rRbB]*", text)
    prefix = (lead.group() if lead else "").lower()
    body = text[len(prefix) :]
    width = 3 if body[:3] in ('"""', "'''") else 1
    body = body[width:-width]
    raw, binary = "r" in prefix, "b" in prefix
    if binary:
        return body.encode() if raw else _bytes(body)
    return body if raw else _ESCAPE.sub(lambda m: _unescape(m.group(1)), body)


def _unescape(code: str) -> str:
    if code[0] in "xXuU" and len(code) > 1:
        return chr(int(code[1:], 16))
    if len(code) == 3:
        return chr(int(code, 8))
    return _ESCAPES.get(code, code)


def _bytes(body: str) -> bytes:
    out, last = bytearray(), 0
    for found in _ESCAPE.finditer(body):
        out += body[last : found.start()].encode()
        code = found.group(1)
        value = _unescape(code)
        out += bytes([ord(value)]) if code[0] in "xX" or len(code) == 3 else value.encode()
        last = found.end()
    return bytes(out + body[last:].encode())
