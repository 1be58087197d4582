"""The functions of text/template itself: comparison, index, len, printing and the escapers.

`and` and `or` are lazy in templates, where the compiler lowers them; the callables here serve pipelines and calls.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

from pyhelm.engine.functions.errors import GoCallError
from pyhelm.engine.goprint import sprint, sprintf, sprintln, text_of
from pyhelm.formats.gotypes import GoInt, GoObject, GoUint64, kind_of, type_of
from pyhelm.formats.quoting import is_print

__all__ = [
    "and_",
    "call",
    "eq",
    "ge",
    "gt",
    "html",
    "index",
    "js",
    "le",
    "len_",
    "lt",
    "ne",
    "not_",
    "or_",
    "print_",
    "printf",
    "println",
    "truth",
    "urlquery",
]

_BAD_TYPE = "invalid type for comparison"


def truth(value: Any) -> bool:
    """Whether `if` takes the value as true: not the zero of its type; structs always are."""
    return bool(value) or isinstance(value, GoObject)


def and_(first: Any, *rest: Any) -> Any:
    """The first argument that is false, else the last."""
    for value in (first, *rest):
        if not truth(value):
            return value
    return rest[-1] if rest else first


def or_(first: Any, *rest: Any) -> Any:
    """The first argument that is true, else the last."""
    for value in (first, *rest):
        if truth(value):
            return value
    return rest[-1] if rest else first


def not_(value: Any) -> bool:
    """The opposite of its truth."""
    return not truth(value)


_BASIC = {"string": "string", "float64": "float", "bool": "bool", "int": "int", "int64": "int", "uint64": "int"}


def _basic(value: Any) -> str:
    return _BASIC.get(kind_of(value), "")


def _incompatible(one: Any, two: Any) -> GoCallError:
    return GoCallError(f"incompatible types for comparison: {type_of(one)} and {type_of(two)}")


def eq(first: Any, *others: Any) -> bool:
    """Whether the first equals any of the others; basic types of different kinds are refused."""
    if not others:
        raise GoCallError("missing argument for comparison")
    if type(first) is str:
        for other in others:
            if type(other) is str:
                if first == other:
                    return True
            elif other is not None:
                raise _incompatible(first, other)
        return False
    return any(_equal(first, other) for other in others)


def _equal(one: Any, two: Any) -> bool:
    kind, other_kind = _basic(one), _basic(two)
    if kind != other_kind:
        if one is None or two is None:
            return False
        raise _incompatible(one, two)
    if kind:
        return bool(one == two)
    if one is None or two is None:
        return _is_nil(one) and _is_nil(two)
    if isinstance(one, (dict, list)) or isinstance(two, (dict, list)):
        return _equal_collections(one, two)
    return bool(one is two or one == two)


def _is_nil(value: Any) -> bool:
    return value is None or bool(getattr(value, "go_nil", False))


def _equal_collections(one: Any, two: Any) -> bool:
    if _is_nil(one) or _is_nil(two):
        return _is_nil(one) and _is_nil(two)
    if kind_of(one) == kind_of(two):
        raise GoCallError(f"non-comparable type {sprintf('%s', two)}: {type_of(two)}")
    raise GoCallError(
        f"non-comparable types {sprintf('%s', one)}: {type_of(one)}, {type_of(two)}: {text_of(two)}"
    )


def ne(one: Any, two: Any) -> bool:
    """Not equal."""
    return not eq(one, two)


def lt(one: Any, two: Any) -> bool:
    """Less than, for numbers of one kind and for text."""
    kind, other_kind = _basic(one), _basic(two)
    if not kind or not other_kind:
        raise GoCallError(_BAD_TYPE)
    if kind != other_kind:
        raise _incompatible(one, two)
    if kind == "bool":
        raise GoCallError(_BAD_TYPE)
    return bool(one < two)


def le(one: Any, two: Any) -> bool:
    """Less or equal."""
    return lt(one, two) or eq(one, two)


def gt(one: Any, two: Any) -> bool:
    """Greater than."""
    return not le(one, two)


def ge(one: Any, two: Any) -> bool:
    """Greater or equal."""
    return not lt(one, two)


def len_(value: Any) -> int:
    """Items of a list or map, bytes of a text."""
    if isinstance(value, str):
        return GoInt(len(value) if value.isascii() else len(value.encode("utf-8", "surrogateescape")))
    if isinstance(value, (dict, list, tuple, bytes)):
        return GoInt(len(value))
    if value is None:
        raise GoCallError("len of nil pointer")
    raise GoCallError(f"len of type {type_of(value)}")


def index(item: Any, *indexes: Any) -> Any:
    """`item[i][j]…`; a missing key is nil."""
    if item is None:
        raise GoCallError("index of untyped nil")
    for place in indexes:
        if isinstance(item, dict):
            item = _map_index(item, place)
        elif isinstance(item, (list, tuple, bytes, str)):
            item = _slice_index(item, place)
        elif item is None:
            raise GoCallError("index of nil pointer")
        else:
            raise GoCallError(f"can't index item of type {type_of(item)}")
    return item


def _map_index(item: dict[str, Any], key: Any) -> Any:
    if type(key) is str:
        return item.get(key, "" if type_of(item) == "map[string]string" else None)
    if key is None:
        raise GoCallError("value is nil; should be of type string")
    raise GoCallError(f"value has type {type_of(key)}; should be string")


def _slice_index(item: Any, place: Any) -> Any:
    if place is None:
        raise GoCallError("cannot index slice/array with nil")
    if not isinstance(place, int) or isinstance(place, bool):
        raise GoCallError(f"cannot index slice/array with type {type_of(place)}")
    source = item.encode("utf-8", "surrogateescape") if isinstance(item, str) else item
    if not 0 <= place < len(source):
        raise GoCallError(f"index out of range: {int(place)}")
    found = source[place]
    return GoUint64(found) if isinstance(source, bytes) else found


def call(function: Any, *arguments: Any) -> Any:
    """Calls a function value; charts have hardly any."""
    if function is None:
        raise GoCallError("call of nil")
    if not callable(function):
        raise GoCallError(f"non-function {text_of(function)} of type {type_of(function)}")
    return function(*arguments)


def print_(*values: Any) -> str:
    """fmt.Sprint."""
    return sprint(*values)


def println(*values: Any) -> str:
    """fmt.Sprintln."""
    return sprintln(*values)


def printf(pattern: str, *values: Any) -> str:
    """fmt.Sprintf."""
    return sprintf(pattern, *values)


def _evaluated(values: tuple[Any, ...]) -> str:
    if len(values) == 1 and isinstance(values[0], str):
        return values[0]
    return sprint(*["<no value>" if value is None else value for value in values])


_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;", "\x00": "\ufffd"})


def html(*values: Any) -> str:
    """Text for HTML."""
    return _evaluated(values).translate(_HTML)


_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}


def _js_char(char: str) -> str:
    if char in _JS:
        return _JS[char]
    if char < " " or (ord(char) > 126 and not is_print(char)):
        return f"\\u{ord(char):04X}"
    return char


def js(*values: Any) -> str:
    """Text for a JavaScript string."""
    return "".join([_js_char(char) for char in _evaluated(values)])


def urlquery(*values: Any) -> str:
    """Text for the query of a URL."""
    return quote_plus(_evaluated(values).encode("utf-8", "surrogateescape"), safe="~")
