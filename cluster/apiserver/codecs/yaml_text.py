"""YAML as sigs.k8s.io/yaml reads and writes it: YAML 1.1 words are booleans, keys are strings, doubles are named.

libyaml parses; the plain scalars are resolved here, for Go's rules differ from PyYAML's (`y` is true, times stay
strings). The expansion of aliases is bounded.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import yaml

from cluster.meta import gojson
from cluster.meta.gojson import MAX_DEPTH, too_deep

_TRUE = frozenset(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"))
_FALSE = frozenset(("n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"))
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_FLOAT_WORDS = {".nan": "nan", ".NaN": "nan", ".NAN": "nan"}
_FLOAT_WORDS |= {sign + word: sign + "inf" for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")}
_float = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII).fullmatch
_integer = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0|0[oO]?[0-7]+|0[bB][01]+|[1-9][0-9]*)", re.ASCII).fullmatch
_timestamp = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([Tt ].*)?", re.ASCII).fullmatch
_sexagesimal = re.compile(r"[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?", re.ASCII).fullmatch
_STR = "tag:yaml.org,2002:str"
_EXPANSION = 200_000


class YAMLError(ValueError):
    """The text is not YAML; the message is Go's."""


class Loaded(NamedTuple):
    """The value of the first document, and the complaints about keys given twice."""

    value: Any
    duplicates: list[str]


class _Loader(yaml.CSafeLoader):
    """Plain scalars stay text; `resolve` reads them."""


_Loader.yaml_implicit_resolvers = {}


def loads(body: bytes) -> Loaded:
    """Read the first document. Raises YAMLError."""
    if body[:1] == b"{":
        found = _as_json(body)
        if found is not None:
            return found
    try:
        text = body.decode("utf-8", "replace")
        if sum(map(body.count, b"[{-:?")) > MAX_DEPTH:
            _refuse_depth(text)
        loader = _Loader(text)
        node = loader.get_node() if loader.check_node() else None
    except YAMLError:
        raise
    except yaml.MarkedYAMLError as error:
        raise YAMLError(_complaint(error)) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise YAMLError(f"yaml: {_reader_complaint(error)}") from error
    duplicates: list[str] = []
    try:
        value = None if node is None else _Builder(duplicates).value(node)
    except RecursionError as error:
        raise YAMLError("yaml: exceeded max depth") from error
    if too_deep(value):
        raise YAMLError("yaml: exceeded max depth")
    return Loaded(value, duplicates)


def _as_json(body: bytes) -> Loaded | None:
    """JSON is YAML, and read much faster; None when it is not quite JSON or keys are doubled."""
    try:
        value = gojson.loads(body)
    except gojson.JSONError:
        return None
    return None if gojson.duplicate_fields(body, value) else Loaded(value, [])


def _refuse_depth(text: str) -> None:
    """Composing recurses in C and would overrun its stack; events do not."""
    loader, depth = _Loader(text), 0
    while loader.check_event():
        event = loader.get_event()
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise YAMLError("yaml: exceeded max depth")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.DocumentEndEvent):
            return


def _reader_complaint(error: Exception) -> str:
    return "control characters are not allowed" if "special characters" in str(error) else "invalid document"


def _complaint(error: yaml.MarkedYAMLError) -> str:
    line = error.problem_mark.line if error.problem_mark else 0
    if line and isinstance(error, yaml.scanner.ScannerError):
        line += 1
    if not line and error.context_mark:
        line = error.context_mark.line
    problem = error.problem or ""
    if isinstance(error, yaml.composer.ComposerError) and "undefined alias" in problem:
        return f"yaml: unknown anchor {problem.rpartition(' ')[2]} referenced".replace('"', "'")
    return f"yaml: line {line}: {problem}" if line else f"yaml: {problem}"


class _Builder:
    """Makes values of nodes, as JSON would have them."""

    def __init__(self, duplicates: list[str]) -> None:
        self.duplicates = duplicates
        self.left = _EXPANSION

    def value(self, node: yaml.Node) -> Any:
        self.left -= 1
        if self.left < 0:
            raise YAMLError("yaml: document contains excessive aliasing")
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item) for item in node.value]
        return self._mapping(node)

    def _mapping(self, node: yaml.Node) -> dict[str, Any]:
        """Keys sorted, for the server turns YAML into JSON that way before it reads on."""
        out: dict[str, Any] = {}
        merged: list[yaml.Node] = []
        for key, item in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == "<<" and not key.style:
                merged.append(item)
                continue
            name = _key(key)
            if name in out:
                self.duplicates.append(f'line {key.start_mark.line + 1}: key "{name}" already set in map')
            out[name] = self.value(item)
        for source in merged:
            self._merge(out, source)
        return dict(sorted(out.items()))

    def _merge(self, out: dict[str, Any], source: yaml.Node) -> None:
        if isinstance(source, yaml.MappingNode):
            for name, item in self._mapping(source).items():
                out.setdefault(name, item)
        elif isinstance(source, yaml.SequenceNode):
            for part in source.value:
                self._merge(out, part)
        else:
            raise YAMLError("yaml: map merge requires map or sequence of maps as the value")


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise YAMLError(f"yaml: invalid map key: {'[]' if isinstance(node, yaml.SequenceNode) else 'map[]'}")
    value = _scalar(node)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    return str(value)


def _scalar(node: yaml.ScalarNode) -> Any:
    text = str(node.value)
    if node.tag == "tag:yaml.org,2002:binary":
        return _binary(text)
    if node.style or node.tag not in (_STR, "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"):
        return text
    return resolve(text)


def _binary(text: str) -> str:
    import base64
    import binascii

    try:
        return base64.b64decode(text, validate=False).decode("utf-8", "replace")
    except binascii.Error as error:
        raise YAMLError("yaml: !!binary value contains invalid base64 data") from error


def resolve(text: str) -> Any:
    """The value of a plain scalar."""
    if text in _NULL:
        return None
    first = text[0]
    if first in "yYnNoOtTfF":
        return True if text in _TRUE else False if text in _FALSE else text
    if first in "0123456789.+-":
        return _numeral(text)
    return text


def _numeral(text: str) -> Any:
    if text in _FLOAT_WORDS:
        return text
    plain = text.replace("_", "")
    if _integer(plain):
        return _whole(plain)
    if _float(plain):
        number = float(plain)
        return int(number) if number.is_integer() and abs(number) < 1e15 else number
    return text


def _whole(text: str) -> int | float:
    sign = -1 if text[0] == "-" else 1
    digits = text.lstrip("+-").lower()
    if digits.startswith(("0x", "0b", "0o")):
        number = int(digits, 0)
    else:
        number = int(digits, 8) if len(digits) > 1 and digits[0] == "0" else int(digits)
    number *= sign
    return number if -(2**63) <= number < 2**64 else float(number)


# -- writing -------------------------------------------------------------------------------------------------


class _Dumper(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _write_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    if "\n" in text:
        style = "|"
    elif _looks_typed(text):
        style = '"'
    else:
        style = ""
    return dumper.represent_scalar(_STR, text, style=style or None)


def _looks_typed(text: str) -> bool:
    """Would be read as something else, were it not quoted."""
    if text and not isinstance(resolve(text), str):
        return True
    return not text or text in _FLOAT_WORDS or bool(_timestamp(text)) or bool(_sexagesimal(text))


def _write_plain(dumper: _Dumper, value: Any) -> yaml.ScalarNode:
    """With no resolvers, a plain scalar is one that needs no tag."""
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return dumper.represent_scalar(_STR, text)


_Dumper.add_representer(str, _write_text)
for _type in (bool, int, float, type(None)):
    _Dumper.add_representer(_type, _write_plain)
_Dumper.yaml_implicit_resolvers = {}
_digits = re.compile(r"([0-9]+)").split


def _natural(key: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in _digits(key) if part]


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value, key=_natural)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    return value


def dumps(value: Any) -> bytes:
    """A value as the API server writes YAML: keys sorted, block style."""
    text = yaml.dump(
        _sorted(value), Dumper=_Dumper, default_flow_style=False, sort_keys=False, width=80, allow_unicode=True
    )
    return str(text).encode()
