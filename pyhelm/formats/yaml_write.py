"""toYaml: JSON data as go-yaml v2 prints it after the detour over JSON of sigs.k8s.io/yaml.

Sequences are not indented under their key, maps by two; keys in natural order; long plain and quoted text is folded
at column 80; text with a newline becomes a literal block. Called thousands of times in a render: what a short text
looks like is remembered.
"""

from __future__ import annotations

from typing import Any

from pyhelm.formats.floats import format_g, format_json_float
from pyhelm.formats.jsonable import UnsupportedValue, jsonable
from pyhelm.formats.yaml_keys import sorted_keys
from pyhelm.formats.yaml_resolve import resolves_to_text
from pyhelm.formats.yaml_scalar import WIDTH, analyze, block_hint, double_quoted, fold_plain, single_quoted

__all__ = ["UnsupportedValue", "dump"]

_PLAIN, _SINGLE, _DOUBLE, _LITERAL = 0, 1, 2, 3
_styles: dict[str, int] = {}
_short: dict[str, str] = {}
_keys: dict[str, str] = {}


def dump(value: Any) -> str:
    """The YAML text, with its final newline. UnsupportedValue for what JSON cannot hold (inf, nan, functions)."""
    out: list[str] = []
    _node(value, 0, out)
    return "".join(out)


def _node(value: Any, indent: int, out: list[str]) -> None:
    if isinstance(value, dict) and value:
        _mapping(value, indent, out, False)
    elif isinstance(value, (list, tuple)) and value:
        _sequence(value, indent, out, False)
    else:
        out.append(_scalar(value, 0, 2) + "\n")


def _mapping(value: dict[Any, Any], indent: int, out: list[str], inline: bool) -> None:
    pad = " " * indent
    for key in value if len(value) == 1 else sorted_keys(value):
        if inline:
            inline = False
        else:
            out.append(pad)
        head = _keys.get(key)
        if head is None:
            head = _key(key)
        if not head:
            _complex_key(key, value[key], indent, out)
            continue
        out.append(head)
        _entry(value[key], indent, len(head), out)


def _entry(item: Any, indent: int, width: int, out: list[str]) -> None:
    """The value after `key:`; `width` columns are taken since the indentation."""
    kind = type(item)
    if kind is str:
        text = _short.get(item)
        if text is not None and indent + width + len(text) <= WIDTH:
            out.append(f" {text}\n")
        else:
            out.append(f" {_text(item, indent + width + 1, indent + 2)}\n")
    elif kind is dict and item:
        out.append("\n")
        _mapping(item, indent + 2, out, False)
    elif kind is list and item:
        out.append("\n")
        _sequence(item, indent, out, False)
    else:
        _other_entry(item, indent, width, out)


def _other_entry(item: Any, indent: int, width: int, out: list[str]) -> None:
    plain = _plainest(item)
    if isinstance(plain, (dict, list)) and plain:
        _entry(plain, indent, width, out)
    else:
        out.append(f" {_scalar(plain, indent + width + 1, indent + 2)}\n")


def _sequence(value: Any, indent: int, out: list[str], inline: bool) -> None:
    pad = " " * indent + "- "
    for item in value:
        out.append("- " if inline else pad)
        inline = False
        item = _plainest(item)
        if isinstance(item, dict) and item:
            _mapping(item, indent + 2, out, True)
        elif isinstance(item, list) and item:
            _sequence(item, indent + 2, out, True)
        else:
            out.append(_scalar(item, indent + 2, indent + 2) + "\n")


def _complex_key(key: str, item: Any, indent: int, out: list[str]) -> None:
    """A key too long, or of several lines, for `key: value`."""
    out.append(f"? {_text(key, indent + 2, indent + 2)}\n{' ' * indent}:")
    item = _plainest(item)
    if isinstance(item, dict) and item:
        out.append(" ")
        _mapping(item, indent + 2, out, True)
    elif isinstance(item, list) and item:
        out.append(" ")
        _sequence(item, indent + 2, out, True)
    else:
        out.append(f" {_scalar(item, indent + 2, indent + 2)}\n")


def _plainest(value: Any) -> Any:
    """Typed lists, maps and objects as the plain data JSON makes of them."""
    kind = type(value)
    if kind is str or kind is float or kind is dict or kind is list or value is None or kind is bool:
        return value
    return jsonable(value)


def _key(key: str) -> str:
    """`key:` for a simple key, "" when it must be written after `? `; remembered when short."""
    if any(mark in key for mark in "\r\n\x85\u2028\u2029") or len(key.encode("utf-8", "replace")) > 128:
        return ""
    style = _style(key)
    if style == _PLAIN:
        head = key + ":"
    elif style == _SINGLE:
        head = single_quoted(key, 0, 0, False) + ":"
    else:
        head = double_quoted(_valid(key), 0, 0, False) + ":"
    if len(_keys) < 20_000:
        _keys[key] = head
    return head


def _scalar(value: Any, column: int, indent: int) -> str:
    kind = type(value)
    if kind is str:
        return _text(value, column, indent)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is float:
        return _float(value)
    if isinstance(value, dict):
        return "null" if getattr(value, "go_nil", False) else "{}"
    if isinstance(value, (list, tuple)):
        return "null" if getattr(value, "go_nil", False) else "[]"
    if isinstance(value, int):
        return int.__repr__(value)
    return _scalar(jsonable(value), column, indent)


def _float(value: float) -> str:
    """JSON writes whole numbers without a point, and YAML reads them back as integers where they fit 64 bits."""
    if value - value != 0:
        raise UnsupportedValue(f"json: unsupported value: {format_g(value)}")
    if value == int(value) and -(2.0**63) <= value < 2.0**64:
        return str(int(format_json_float(value)))
    return format_g(value)


def _valid(text: str) -> str:
    """Bytes that are no UTF-8 are lost on the way through JSON."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if not text.isascii() else text


def _style(text: str) -> int:
    style = _styles.get(text)
    if style is None:
        style = _choose(text)
        if len(text) <= 128 and len(_styles) < 20_000:
            _styles[text] = style
    return style


def _choose(text: str) -> int:
    analysis = analyze(text)
    if "\n" in text:
        return _LITERAL if analysis.block else _DOUBLE
    if not resolves_to_text(text):
        return _DOUBLE
    if analysis.plain:
        return _PLAIN
    return _SINGLE if analysis.single else _DOUBLE


def _text(text: str, column: int, indent: int) -> str:
    known = _short.get(text)
    if known is not None and column + len(known) <= WIDTH + 1:
        return known
    if not text.isascii():
        text = "".join(["\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text])
    style = _style(text)
    if style == _PLAIN:
        shown = fold_plain(text, column, indent)
    elif style == _LITERAL:
        return _literal(text, indent)
    elif style == _SINGLE:
        shown = single_quoted(text, column, indent, True)
    else:
        shown = double_quoted(text, column, indent, True)
    if len(shown) <= 40 and "\n" not in shown and len(_short) < 20_000:
        _short[text] = shown
    return shown


def _literal(text: str, indent: int) -> str:
    """A literal block without its last newline, which the caller adds."""
    pad = " " * indent
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    shown = "\n".join([pad + line if line else "" for line in lines])
    return f"|{block_hint(text)}\n{shown}"
