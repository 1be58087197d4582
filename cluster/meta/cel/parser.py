"""From text to tree: recursive descent, macros recognised where they are called.

Faults are worded as cel-go's parser words them where that is told by the grammar.
"""

from __future__ import annotations

from collections.abc import Callable

from cluster.meta.cel.syntax import (
    Call,
    CompileError,
    Comprehension,
    Ident,
    ListOf,
    Literal,
    MapOf,
    Message,
    Node,
    Select,
    Token,
    tokens,
    unquote,
)
from cluster.meta.cel.values import UInt
from cluster.meta.decimals import whole

_STARTS = (
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
)
_RELATIONS = ("==", "!=", "<", "<=", ">", ">=", "in")
_DEEPEST = 50
_ONE = ("all", "exists", "exists_one", "filter", "map", "sortBy")
_TWO = ("all", "exists", "existsOne", "exists_one", "transformList", "transformMap", "transformMapEntry")
_WORDS = "as break const continue else for function if import let loop package namespace return var void while"
RESERVED = frozenset(_WORDS.split())
KEYWORDS = RESERVED | {"true", "false", "null", "in"}
"""What no field may be called in an expression but by its escaped name."""


def parse(text: str) -> Node:
    """Raises CompileError."""
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.place = 0
        self.depth = 0

    @property
    def now(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.tokens[self.place]
        if token.kind != "end":
            self.place += 1
        return token

    def sees(self, *texts: str) -> bool:
        token = self.now
        return token.kind in ("op", "ident") and token.text in texts

    def accept(self, text: str) -> bool:
        if self.sees(text):
            self.place += 1
            return True
        return False

    def expect(self, text: str) -> Token:
        if self.sees(text):
            return self.take()
        why = f"missing '{text}' at '{self.now.text}'" if self.now.kind == "end" else self._odd(f"'{text}'")
        raise self.fault(why)

    def fault(self, why: str, at: int | None = None) -> CompileError:
        return CompileError(self.text, self.now.at if at is None else at, f"Syntax error: {why}")

    def _odd(self, wanted: str) -> str:
        following = self.tokens[min(self.place + 1, len(self.tokens) - 1)]
        single = self.now.kind != "end" and (following.kind == "end") == (wanted == "<EOF>") and wanted == "<EOF>"
        return f"{'extraneous' if single else 'mismatched'} input '{self.now.text}' expecting {wanted}"

    def whole(self) -> Node:
        found = self.ternary()
        if self.now.kind != "end":
            raise self.fault(self._odd("<EOF>"))
        return found

    def ternary(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise CompileError(self.text, self.now.at, f"expression recursion limit exceeded: {_DEEPEST}")
        first = self.either()
        if self.sees("?"):
            at = self.take().at
            second = self.either()
            self.expect(":")
            first = Call(at, "_?_:_", [first, second, self.ternary()])
        self.depth -= 1
        return first

    def _chain(self, inner: Callable[[], Node], *operators: str) -> Node:
        left = inner()
        while self.sees(*operators):
            token = self.take()
            name = "@in" if token.text == "in" else f"_{token.text}_"
            left = Call(token.at, name, [left, inner()])
        return left

    def either(self) -> Node:
        return self._chain(self.both, "||")

    def both(self) -> Node:
        return self._chain(self.relation, "&&")

    def relation(self) -> Node:
        return self._chain(self.sum, *_RELATIONS)

    def sum(self) -> Node:
        return self._chain(self.product, "+", "-")

    def product(self) -> Node:
        return self._chain(self.unary, "*", "/", "%")

    def unary(self) -> Node:
        if not self.sees("!", "-"):
            return self.member()
        token, count = self.take(), 1
        while self.sees(token.text):
            self.take()
            count += 1
        if token.text == "-" and count == 1 and self.now.kind in ("int", "float"):
            self.tokens[self.place] = self.now._replace(text="-" + self.now.text)
            return self.member()
        inner = self.member()
        return inner if count % 2 == 0 else Call(token.at, "!_" if token.text == "!" else "-_", [inner])

    def member(self) -> Node:
        found = self.primary()
        while True:
            if self.sees("."):
                found = self.selection(found)
            elif self.sees("["):
                at = self.take().at
                name = "_[?_]" if self.accept("?") else "_[_]"
                found = Call(at, name, [found, self.ternary()])
                self.expect("]")
            elif self.sees("{") and (name := _qualified(found)):
                found = self.message(name)
            else:
                return found

    def selection(self, operand: Node) -> Node:
        dot = self.take()
        optional = self.accept("?")
        token = self.now
        if token.kind not in ("ident", "quoted") or token.text in ("in", "true", "false", "null"):
            raise self.fault(f"no viable alternative at input '.{token.text}'")
        self.take()
        name = token.text.strip("`")
        if self.sees("(") and not optional:
            at = self.take().at
            return self.method(operand, name, at)
        return Select(dot.at, operand, name, optional)

    def method(self, target: Node, name: str, at: int) -> Node:
        args = self.arguments()
        if (name in _ONE and len(args) == 2) or (name == "map" and len(args) == 3):
            return Comprehension(at, name, target, [self.variable(args[0])], args[1:])
        if name in _TWO and (len(args) == 3 or (len(args) == 4 and name.startswith("transform"))):
            return Comprehension(at, name, target, [self.variable(a) for a in args[:2]], args[2:])
        if name in ("optMap", "optFlatMap") and len(args) == 2:
            return Comprehension(at, name, target, [self.variable(args[0])], args[1:])
        return Call(at, name, args, target)

    def variable(self, node: Node) -> str:
        if isinstance(node, Ident):
            return node.name
        raise CompileError(self.text, node.at, "argument must be a simple name")

    def arguments(self, closing: str = ")") -> list[Node]:
        out: list[Node] = []
        while not self.sees(closing):
            out.append(self.ternary())
            if not self.accept(","):
                break
        self.expect(closing)
        return out

    def primary(self) -> Node:
        token = self.now
        if token.kind == "ident":
            return self.named(self.take())
        if token.kind in ("int", "uint", "float", "string"):
            return self.literal(self.take())
        if self.accept("("):
            found = self.ternary()
            self.expect(")")
            return found
        if self.sees("["):
            return self.list()
        if self.sees("{"):
            return self.map()
        if self.accept("."):
            return self.named(self.take())
        raise self.fault(f"{self._kind_of_fault()} input '{token.text}' expecting {_STARTS}")

    def _kind_of_fault(self) -> str:
        if self.now.kind == "end":
            return "mismatched"
        following = self.tokens[self.place + 1]
        starts = following.kind in ("int", "uint", "float", "string", "ident") or following.text in "[{(.-!"
        return "extraneous" if starts and following.kind != "end" else "mismatched"

    def literal(self, token: Token) -> Node:
        text = token.text
        if token.kind == "string":
            return Literal(token.at, unquote(text))
        if token.kind == "float":
            return Literal(token.at, float(text))
        digits = text.rstrip("uU")
        value = int(digits, 16) if "0x" in text else whole(digits)
        if token.kind == "uint":
            return Literal(token.at, UInt(value))
        if not -(2**63) <= value < 2**63:
            raise CompileError(self.text, token.at, "Syntax error: invalid int literal")
        return Literal(token.at, value)

    def named(self, token: Token) -> Node:
        name = token.text
        if name in ("true", "false", "null"):
            return Literal(token.at, {"true": True, "false": False, "null": None}[name])
        if name in RESERVED:
            raise self.fault(f"reserved identifier: {name}", token.at)
        if not self.sees("("):
            return Ident(token.at, name)
        at = self.take().at
        args = self.arguments()
        if name == "has" and len(args) == 1:
            if not isinstance(args[0], Select):
                raise CompileError(self.text, args[0].at, "invalid argument to has() macro")
            return Select(at, args[0].operand, args[0].name, test=True)
        return Call(at, name, args)

    def list(self) -> Node:
        out = ListOf(self.take().at, [])
        while not self.sees("]"):
            if self.accept("?"):
                out.optional.add(len(out.items))
            out.items.append(self.ternary())
            if not self.accept(","):
                break
        self.expect("]")
        return out

    def map(self) -> Node:
        out = MapOf(self.take().at, [])
        while not self.sees("}"):
            optional = self.accept("?")
            key = self.ternary()
            self.expect(":")
            out.entries.append((key, self.ternary(), optional))
            if not self.accept(","):
                break
        self.expect("}")
        return out

    def message(self, name: str) -> Node:
        out = Message(self.take().at, name, [])
        while not self.sees("}"):
            optional = self.accept("?")
            key = self.take()
            if key.kind not in ("ident", "quoted"):
                raise self.fault(f"mismatched input '{key.text}' expecting IDENTIFIER", key.at)
            self.expect(":")
            out.entries.append((key.text.strip("`"), self.ternary(), optional))
            if not self.accept(","):
                break
        self.expect("}")
        return out


def _qualified(node: Node) -> str:
    """`a.b.C` as a name, empty for anything else."""
    if isinstance(node, Ident):
        return node.name
    if isinstance(node, Select) and not node.test and not node.optional:
        before = _qualified(node.operand)
        return f"{before}.{node.name}" if before else ""
    return ""
