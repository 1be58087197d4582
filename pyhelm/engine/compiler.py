"""The door to the compilers of both dialects; imported only when something is not found compiled.

Parse errors become TemplateErrors here, with Helm's words and with ours.
"""

from __future__ import annotations

import marshal
from difflib import get_close_matches
from functools import cache
from hashlib import blake2b

from pyhelm.engine.failure import excerpt_of
from pyhelm.engine.functions import SIGNATURES
from pyhelm.engine.functions.errors import GoCallError
from pyhelm.engine.gotpl.emit import compile_template
from pyhelm.engine.gotpl.lower import Signature
from pyhelm.engine.gotpl.parser import ParseError
from pyhelm.engine.gotpl.syntax import go_quote
from pyhelm.errors import Frame, TemplateError

__all__ = ["compile_source", "compile_text", "signatures", "text_name"]

_ABSENT = frozenset({"mustToToml"})
"""Functions of later Helm releases than the one whose behaviour is matched."""


@cache
def signatures() -> dict[str, Signature]:
    return {name: Signature.read(text) for name, text in SIGNATURES.items() if name not in _ABSENT}


def compile_source(name: str, data: bytes, dialect: str) -> tuple[str, list[tuple[str, bool]], bytes]:
    """A file's templates: (name, [(template, is empty)], marshalled code). Raises TemplateError."""
    if dialect.startswith("jinja2"):
        from pyhelm.engine.jinja.units import compile_jinja

        return compile_jinja(name, data, dialect.endswith("+go"))
    if dialect != "gotpl":
        raise TemplateError(f"Chart.yaml asks for the engine {dialect!r}: there are gotpl and jinja2", kind="parse")
    text = data.decode("utf-8", "surrogateescape")
    try:
        compiled = compile_template(name, text, signatures())
    except ParseError as error:
        raise _parse_failure(name, text, error) from None
    return name, [(c.name, c.empty) for c in compiled], marshal.dumps([c.code for c in compiled])


def text_name(text: str) -> str:
    """What tracebacks call the code of a text run by tpl."""
    return "gotpl#" + blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def compile_text(text: str) -> tuple[str, list[tuple[str, bool]], bytes]:
    """A text run by tpl. Raises GoCallError with Helm's words."""
    filename = text_name(text)
    try:
        compiled = compile_template("gotpl", text, signatures(), filename)
    except ParseError as error:
        raise GoCallError(
            f"cannot parse template {go_quote(text)}: template: gotpl:{error.line}: {error.message}"
        ) from None
    return filename, [(c.name, c.empty) for c in compiled], marshal.dumps([c.code for c in compiled])


def _parse_failure(name: str, text: str, error: ParseError) -> TemplateError:
    last = f"template: {name}:{error.line}: {error.message}".split(": ")[-1]
    before = text[: error.position]
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1)
    return TemplateError(
        error.message,
        (Frame(name, name, line, column + 1),),
        kind="parse",
        hint=_hint(error.message),
        excerpt=excerpt_of(text, line, column),
        helm=f"parse error at ({name}:{error.line}): {last}",
    )


def _hint(message: str) -> str:
    if message.startswith("function ") and message.endswith(" not defined"):
        close = get_close_matches(message.split('"')[1], signatures(), 1)
        return f"did you mean {close[0]}?" if close else ""
    if message == "unexpected EOF":
        return "an if, range, with, define or block has no {{ end }}"
    if message.startswith("unexpected {{end}}"):
        return "there is an {{ end }} too many"
    return ""
