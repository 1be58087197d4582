"""YAML to JSON data: libyaml's parser, go-yaml v2's meaning, and the detour over JSON of sigs.k8s.io/yaml.

Every number becomes a float, keys become text, of duplicate keys the last wins, anchors are copied, `<<` merges.
Errors carry the words Go's parser would use. Only the first document is read, as Go does. Callers come through
`yaml_read`, which does not import the parser before there is something to parse.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from pyhelm.formats.floats import format_g
from pyhelm.formats.quoting import quote
from pyhelm.formats.yaml_read import YAMLError
from pyhelm.formats.yaml_resolve import TIMESTAMP, Special, resolve_plain

try:
    from yaml._yaml import CParser as _Parser
except ImportError:  # PyYAML without libyaml
    _Parser = None  # type: ignore[assignment, misc]

__all__ = ["parse"]


_PLAIN = "plain"
_TEXT = "text"


if _Parser is not None:

    class _Composer(_Parser):
        """libyaml's composer; a scalar's tag is only `plain` or `text` unless it was written out."""

        def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
            return _PLAIN if kind is ScalarNode and implicit[0] else _TEXT

        def descend_resolver(self, current_node: Any, current_index: Any) -> None:
            """Paths do not matter here."""

        def ascend_resolver(self) -> None:
            """Paths do not matter here."""

else:
    from yaml.composer import Composer
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class _Composer(Reader, Scanner, Parser, Composer):  # type: ignore[no-redef]
        """The same in pure Python."""

        def __init__(self, stream: Any) -> None:
            Reader.__init__(self, stream)
            Scanner.__init__(self)
            Parser.__init__(self)
            Composer.__init__(self)

        def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
            return _PLAIN if kind is ScalarNode and implicit[0] else _TEXT

        def descend_resolver(self, current_node: Any, current_index: Any) -> None:
            """Paths do not matter here."""

        def ascend_resolver(self) -> None:
            """Paths do not matter here."""


_SHORT = "tag:yaml.org,2002:"
_plain_values: dict[str, Any] = {}


def _plain(text: str) -> Any:
    """The JSON value of a plain scalar: integers are floats. A wrong answer for inf and nan is refused here."""
    value = resolve_plain(text)
    if type(value) is int:
        value = float(value)
    elif type(value) is float and value - value != 0:
        raise YAMLError(f"json: unsupported value: {format_g(value)}")
    elif isinstance(value, Special):
        value = text
    if len(_plain_values) < 20_000:
        _plain_values[text] = value
    return value


def _tagged(node: ScalarNode) -> Any:
    """A scalar with an explicit tag, with go-yaml's native type."""
    tag, text = node.tag, node.value
    short = tag.removeprefix(_SHORT) if tag.startswith(_SHORT) else ""
    if short == "str":
        return text
    if short == "binary":
        try:
            return base64.b64decode(text, validate=False).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            raise YAMLError("yaml: !!binary value contains invalid base64 data") from None
    if short not in ("bool", "int", "float", "null", "timestamp"):
        return text
    value = resolve_plain(text)
    found = _tag_of(value)
    if found == short:
        return text if isinstance(value, Special) else value
    if short == "float" and found == "int":
        return float(value)  # type: ignore[arg-type]
    raise YAMLError(f"yaml: cannot decode !!{found} `{text}` as a !!{short}")


def _tag_of(value: object) -> str:
    if value is TIMESTAMP:
        return "timestamp"
    names = {bool: "bool", int: "int", float: "float", str: "str", type(None): "null"}
    return names[type(value)]


class _Builder:
    """Turns nodes into data; counts what aliases cost when there are any."""

    __slots__ = ("active", "aliased", "anchors", "count", "depth", "duplicates", "seen", "strict")

    def __init__(self, strict: bool, aliases: bool) -> None:
        self.strict = strict
        self.aliased = aliases
        self.duplicates: list[str] = []
        self.seen: set[int] = set()
        self.active: set[int] = set()
        self.count = 0
        self.anchors = 0
        self.depth = 0

    def value(self, node: Any) -> Any:
        """The data of a node."""
        if self.aliased:
            return self._counted(node)
        kind = type(node)
        if kind is ScalarNode:
            return self.scalar(node)
        return self.mapping(node) if kind is MappingNode else [self.value(item) for item in node.value]

    def scalar(self, node: ScalarNode) -> Any:
        """A scalar as JSON has it."""
        tag = node.tag
        if tag == _TEXT:
            return node.value
        if tag == _PLAIN:
            text = node.value
            return _plain_values[text] if text in _plain_values else _plain(text)
        value = _tagged(node)
        if type(value) is int:
            return float(value)
        if type(value) is float and value - value != 0:
            raise YAMLError(f"json: unsupported value: {format_g(value)}")
        return value

    def _counted(self, node: Any) -> Any:
        known = id(node) in self.seen
        if id(node) in self.active:
            raise YAMLError("yaml: anchor value contains itself")
        self.count += 1
        self.depth += known
        self.anchors += self.depth > 0
        if self.anchors > 100 and self.count > 1000 and self.anchors / self.count > _allowed_ratio(self.count):
            raise YAMLError("yaml: document contains excessive aliasing")
        self.seen.add(id(node))
        try:
            if type(node) is ScalarNode:
                return self.scalar(node)
            self.active.add(id(node))
            if type(node) is MappingNode:
                return self.mapping(node)
            return [self.value(item) for item in node.value]
        finally:
            self.depth -= known
            self.active.discard(id(node))

    def mapping(self, node: MappingNode) -> dict[str, Any]:
        """A mapping with text keys; the last of equal keys wins, `<<` merges where it stands."""
        out: dict[str, Any] = {}
        self._fill(node, out)
        return out

    def _fill(self, node: MappingNode, out: dict[str, Any]) -> None:
        for key_node, value_node in node.value:
            tag = key_node.tag
            if tag == _TEXT and type(key_node) is ScalarNode:
                key = key_node.value
            elif tag == _PLAIN and key_node.value == "<<":
                self._merge(value_node, out)
                continue
            elif type(key_node) is not ScalarNode:
                raise YAMLError(f"yaml: invalid map key: {_go_syntax(self.value(key_node))}")
            else:
                key = _key(key_node, value_node, self)
            if self.strict and key in out:
                self.duplicates.append(f"line {value_node.start_mark.line + 1}: key {quote(key)} already set in map")
                continue
            out[key] = self.value(value_node)

    def _merge(self, node: Any, out: dict[str, Any]) -> None:
        sources = reversed(node.value) if type(node) is SequenceNode else [node]
        for source in sources:
            if type(source) is not MappingNode:
                raise YAMLError("yaml: map merge requires map or sequence of maps as the value")
            if self.aliased:
                out.update(self.value(source))
            else:
                self._fill(source, out)


def _allowed_ratio(count: int) -> float:
    """How much of a document aliases may make up: 99 % of small ones down to 10 % of huge ones."""
    low, high = 400_000, 4_000_000
    if count <= low:
        return 0.99
    return 0.10 if count >= high else 0.99 - 0.89 * (count - low) / (high - low)


_keys: dict[str, str] = {}


def _key(node: ScalarNode, value_node: Any, builder: _Builder) -> str:
    if node.tag == _PLAIN:
        text: str = node.value
        known = _keys.get(text)
        if known is not None:
            return known
        native = resolve_plain(text)
    else:
        text, native = node.value, _tagged(node)
    if native is None:
        shown = _go_syntax(builder.value(value_node))
        raise YAMLError(f"unsupported map key of type: %!s(<nil>), key: <nil>, value: {shown}")
    if type(native) is int and native >= 1 << 63:
        shown = _go_syntax(builder.value(value_node))
        raise YAMLError(f"unsupported map key of type: uint64, key: {native:#x}, value: {shown}")
    key = _key_text(native, text)
    if node.tag == _PLAIN and len(_keys) < 20_000:
        _keys[text] = key
    return key


def _key_text(native: object, text: str) -> str:
    if type(native) is bool:
        return "true" if native else "false"
    if type(native) is int:
        return str(native)
    if type(native) is float:
        shown = _format_float32(native)
        return {"+Inf": ".inf", "-Inf": "-.inf", "NaN": ".nan"}.get(shown, shown)
    return native if isinstance(native, str) else text


def _format_float32(value: float) -> str:
    """The shortest digits that read back as the same 32-bit float."""
    if value - value != 0:
        return format_g(value)
    try:
        narrow = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return "+Inf" if value > 0 else "-Inf"
    for precision in range(1, 10):
        text = f"{narrow:.{precision}g}"
        if struct.unpack("f", struct.pack("f", float(text)))[0] == narrow:
            return format_g(float(text))
    return format_g(narrow)


def _go_syntax(value: Any) -> str:
    """%#v for the few messages that show a value."""
    if value is None:
        return "interface {}(nil)"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format_g(value)
    if isinstance(value, dict):
        inner = ", ".join([f"{quote(k)}:{_go_syntax(v)}" for k, v in value.items()])
        return f"map[interface {{}}]interface {{}}{{{inner}}}"
    return "[]interface {}{" + ", ".join([_go_syntax(item) for item in value]) + "}"


def _compose(text: str) -> Any:
    """The first document's node, None for an empty stream; parser errors in Go's words."""
    try:
        composer = _Composer(text)
        try:
            return composer.get_node() if composer.check_node() else None
        finally:
            composer.dispose()
    except yaml.YAMLError as error:
        raise YAMLError("yaml: " + _go_message(error, text)) from None


_ALIAS = re.compile(r"\*([\w-]+)")
_READER_WORDS = {
    "control characters are not allowed": "control characters are not allowed",
    "special characters are not allowed": "control characters are not allowed",
}


def _go_message(error: Exception, text: str) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        reason = str(error.reason)
        if error.encoding == "unicode" or reason in _READER_WORDS:
            return _READER_WORDS.get(reason, reason)
        return reason
    if isinstance(error, yaml.composer.ComposerError):
        found = _ALIAS.search(text, error.problem_mark.index) if error.problem_mark is not None else None
        return f"unknown anchor '{found[1] if found else ''}' referenced"
    problem_mark = getattr(error, "problem_mark", None)
    context_mark = getattr(error, "context_mark", None)
    line = 0
    if problem_mark is not None and problem_mark.line:
        line = problem_mark.line + isinstance(error, yaml.scanner.ScannerError)
    elif context_mark is not None and context_mark.line:
        line = context_mark.line
    where = f"line {line}: " if line else ""
    return where + str(getattr(error, "problem", "") or "unknown problem parsing YAML content")


_VERSION = re.compile(r"(?:[ \t]*(?:#.*)?\n|%(?!YAML).*\n)*%YAML[ \t]+(?P<version>\d+\.\d+)")


def _refuse_version(text: str) -> None:
    """go-yaml v2 knows YAML 1.1 alone."""
    found = _VERSION.match(text)
    if found is not None and found["version"] != "1.1":
        line = text.count("\n", 0, found.start("version"))
        where = f"line {line}: " if line else ""
        raise YAMLError(f"yaml: {where}found incompatible YAML document")


_ESCAPED_SLASH = re.compile(r'(?<!\\)(?:\\\\)*\\/')


def _refuse_slash_escape(text: str, node: Any) -> None:
    """go-yaml does not know the escape `\\/` in double-quoted text, which newer libyaml does."""
    for scalar in _double_quoted(node):
        raw = text[scalar.start_mark.index : scalar.end_mark.index]
        found = _ESCAPED_SLASH.search(raw)
        if found is not None:
            line = scalar.start_mark.line + raw.count("\n", 0, found.start())
            where = f"line {line + 1}: " if line else ""
            raise YAMLError(f"yaml: {where}found unknown escape character")


def _double_quoted(node: Any) -> Iterator[ScalarNode]:
    if isinstance(node, ScalarNode):
        if node.style == '"':
            yield node
        return
    for item in node.value:
        for part in item if isinstance(item, tuple) else (item,):
            yield from _double_quoted(part)


def parse(text: str | bytes, strict: bool) -> Any:
    """The first document as JSON data; `strict` refuses duplicate keys. Raises YAMLError."""
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise YAMLError("yaml: invalid leading UTF-8 octet") from None
    if "\x00" in text:
        raise YAMLError("yaml: control characters are not allowed")
    if "%YAML" in text:
        _refuse_version(text)
    node = _compose(text)
    if node is None:
        return None
    if "\\/" in text:
        _refuse_slash_escape(text, node)
    builder = _Builder(strict, "*" in text)
    value = builder.value(node)
    if builder.duplicates:
        raise YAMLError("yaml: unmarshal errors:\n  " + "\n  ".join(builder.duplicates))
    return value
