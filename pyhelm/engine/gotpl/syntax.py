"""The parse tree of a Go template, with Go's own printing of every node: error messages quote it.

Positions count characters from the start of the file's text. Nothing here knows how a template is run.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "Action",
    "Block",
    "Bool",
    "Branch",
    "Chain",
    "Command",
    "Definition",
    "Dot",
    "Expression",
    "Field",
    "Function",
    "Jump",
    "Nil",
    "Node",
    "Number",
    "Pipe",
    "String",
    "TemplateCall",
    "Text",
    "Variable",
    "go_quote",
    "is_empty",
]

_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def go_quote(text: str) -> str:
    """Go's %q of a string."""
    out = ['"']
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif char in _ESCAPES:
            out.append(_ESCAPES[char])
        elif char.isprintable():
            out.append(char)
        else:
            code = ord(char)
            if 0xDC80 <= code <= 0xDCFF:
                out.append(f"\\x{code - 0xDC00:02x}")
            elif code < 0x80:
                out.append(f"\\x{code:02x}")
            else:
                out.append(f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")
    out.append('"')
    return "".join(out)


@dataclass(slots=True)
class Node:
    position: int


@dataclass(slots=True)
class Text(Node):
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(slots=True)
class Bool(Node):
    value: bool

    def __str__(self) -> str:
        return "true" if self.value else "false"


@dataclass(slots=True)
class Nil(Node):
    def __str__(self) -> str:
        return "nil"


@dataclass(slots=True)
class Dot(Node):
    def __str__(self) -> str:
        return "."


@dataclass(slots=True)
class String(Node):
    quoted: str
    value: str

    def __str__(self) -> str:
        return self.quoted


@dataclass(slots=True)
class Number(Node):
    """A constant; which of the forms it has decides what it may become: None where it has not that form."""

    text: str
    integer: int | None
    unsigned: int | None
    real: float | None
    imaginary: complex | None = None

    def __str__(self) -> str:
        return self.text

    @property
    def is_real(self) -> bool:
        """Whether it is a float64 where nothing says which type is wanted."""
        hexadecimal = self.text[:2] in ("0x", "0X") and not set(self.text) & set("pP")
        return self.real is not None and self.text[0] != "'" and not hexadecimal and bool(set(self.text) & set(".eEpP"))


@dataclass(slots=True)
class Field(Node):
    names: list[str]

    def __str__(self) -> str:
        return "".join("." + name for name in self.names)


@dataclass(slots=True)
class Variable(Node):
    """`names[0]` is the variable with its `$`; what follows are fields."""

    names: list[str]

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(slots=True)
class Function(Node):
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True)
class Chain(Node):
    operand: Expression
    names: list[str]

    def __str__(self) -> str:
        inner = f"({self.operand})" if isinstance(self.operand, Pipe) else str(self.operand)
        return inner + "".join("." + name for name in self.names)


@dataclass(slots=True)
class Command(Node):
    arguments: list[Expression]

    def __str__(self) -> str:
        return " ".join(f"({a})" if isinstance(a, Pipe) else str(a) for a in self.arguments)


@dataclass(slots=True)
class Pipe(Node):
    commands: list[Command] = field(default_factory=list)
    declared: list[Variable] = field(default_factory=list)
    assigns: bool = False

    def __str__(self) -> str:
        text = " | ".join(map(str, self.commands))
        if not self.declared:
            return text
        names = ", ".join(map(str, self.declared))
        return f"{names} {'=' if self.assigns else ':='} {text}"


Expression = Bool | Nil | Dot | String | Number | Field | Variable | Function | Chain | Pipe


@dataclass(slots=True)
class Action(Node):
    pipe: Pipe

    def __str__(self) -> str:
        return f"{{{{{self.pipe}}}}}"


@dataclass(slots=True)
class Jump(Node):
    """`break` or `continue`."""

    word: str

    def __str__(self) -> str:
        return f"{{{{{self.word}}}}}"


@dataclass(slots=True)
class Block:
    """A run of nodes."""

    nodes: list[Statement]

    def __str__(self) -> str:
        return "".join(map(str, self.nodes))


@dataclass(slots=True)
class Branch(Node):
    """`if`, `with` or `range`."""

    word: str
    pipe: Pipe
    body: Block
    otherwise: Block | None

    def __str__(self) -> str:
        other = f"{{{{else}}}}{self.otherwise}" if self.otherwise is not None else ""
        return f"{{{{{self.word} {self.pipe}}}}}{self.body}{other}{{{{end}}}}"


@dataclass(slots=True)
class TemplateCall(Node):
    name: str
    pipe: Pipe | None

    def __str__(self) -> str:
        data = f" {self.pipe}" if self.pipe is not None else ""
        return f"{{{{template {go_quote(self.name)}{data}}}}}"


Statement = Text | Action | Jump | Branch | TemplateCall


@dataclass(slots=True)
class Definition:
    """One named template: the file itself, a define or a block."""

    name: str
    body: Block


def is_empty(block: Block) -> bool:
    """Nothing but blanks: such a definition never replaces another."""
    return all(isinstance(node, Text) and not node.text.strip(" \t\r\n\v\f\x85\xa0") for node in block.nodes)
