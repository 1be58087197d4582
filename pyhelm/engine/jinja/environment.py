"""The sandbox Jinja2 charts run in: which attributes exist, what a missing one does, how values print.

No Python attribute is reachable but those listed here by name; data of charts is read by key, before any method.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from jinja2 import BaseLoader, Undefined
from jinja2.exceptions import TemplateNotFound, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pyhelm.engine.functions import SIGNATURES
from pyhelm.engine.goprint import to_text
from pyhelm.engine.jinja.define import DefineExtension
from pyhelm.engine.jinja.filters import as_filter, as_function
from pyhelm.engine.runtime import LimitError, Linker
from pyhelm.formats.gotypes import GoObject

__all__ = ["ChartEnvironment", "MissingValue", "NilValue", "StrictMissingValue"]

_DICT = frozenset({"get", "items", "keys", "values"})
_STR = frozenset({
    "capitalize", "count", "endswith", "find", "isalnum", "isalpha", "isdigit", "islower", "isupper", "join", "lower",
    "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rpartition", "rsplit", "rstrip", "split",
    "splitlines", "startswith", "strip", "title", "upper", "zfill",
})  # fmt: skip
_LIST = frozenset({"count", "index"})
_KEPT_FILTERS = frozenset({"list", "map", "min", "max", "round", "float", "sort", "unique", "slice", "dictsort"})
_MAX_REPEAT = 10_000_000
_STANDALONE = re.compile(r"^([ \t]*\{%)(?=[^-+](?:(?!%\}).)*[^-+]%\}[ \t]*$)", re.M)


class MissingValue(Undefined):
    """A name that does not exist: false in a test, an error in whatever else."""

    def _fail_with_undefined_error(self, *args: Any, **kwargs: Any) -> Any:
        raise UndefinedError(self._story())

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _fail_with_undefined_error
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _fail_with_undefined_error
    __pow__ = __rpow__ = __pos__ = __neg__ = __int__ = __float__ = __complex__ = _fail_with_undefined_error
    __call__ = __getitem__ = __lt__ = __le__ = __gt__ = __ge__ = _fail_with_undefined_error
    __iter__ = __str__ = __len__ = __contains__ = _fail_with_undefined_error

    def _story(self) -> str:
        name = self._undefined_name
        if self._undefined_obj is None or self._undefined_obj.__class__.__name__ == "MissingType":
            return f"{name} is not defined" if name is not None else self._undefined_message
        known = [str(key) for key in self._undefined_obj] if isinstance(self._undefined_obj, Mapping) else []
        close = get_close_matches(str(name), known, 1)
        meant = f" (did you mean {close[0]}?)" if close else ""
        return f"there is no {name} here{meant}"

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__":
            raise AttributeError(name)
        return self._fail_with_undefined_error()

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, Undefined)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return id(type(self))

    def __bool__(self) -> bool:
        return False


class StrictMissingValue(MissingValue):
    """As MissingValue, but an error in a test, too."""

    def __bool__(self) -> bool:
        return bool(self._fail_with_undefined_error())

    def __eq__(self, other: object) -> bool:
        return bool(self._fail_with_undefined_error())

    __hash__ = MissingValue.__hash__


class NilValue(MissingValue):
    """A name that does not exist, in a chart with Go's semantics: nil, whose fields are nil."""

    is_nil = True

    def __str__(self) -> str:
        return "<no value>"

    def __iter__(self) -> Any:
        return iter(())

    def __getitem__(self, name: object) -> Any:
        return self


def _go_shown(value: Any) -> str:
    """How a value prints in Go."""
    return "<no value>" if isinstance(value, Undefined) else to_text(value)


def _shown(value: Any) -> Any:
    """How a value prints: as in Go, but nil is empty and a whole number keeps its digits."""
    if value.__class__ is str or value is None:
        return value or ""
    if value.__class__ is float and value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    if isinstance(value, Undefined):
        return str(value)
    return to_text(value)


class _Loader(BaseLoader):
    """Templates by their full names, out of what was compiled."""

    def __init__(self, find: Callable[[str], Any]) -> None:
        self.find = find

    def load(self, environment: Any, name: str, globals: Any = None) -> Any:
        found = self.find(name)
        if found is None:
            raise TemplateNotFound(name)
        return found


class ChartEnvironment(ImmutableSandboxedEnvironment):
    """Jinja2's environment for charts. `find` gives a template by its full name, `exists` whether there is one."""

    intercepted_binops = frozenset({"*", "**"})

    def __init__(
        self,
        function: Callable[[str], Callable[..., Any]],
        find: Callable[[str], Any],
        exists: Callable[[str], bool],
        linker: Linker | None = None,
        strict: bool = False,
        go: bool = False,
    ) -> None:
        super().__init__(
            loader=_Loader(find),
            undefined=StrictMissingValue if strict else NilValue if go else MissingValue,
            finalize=_go_shown if go else _shown,
            keep_trailing_newline=True,
            autoescape=False,
            cache_size=0,
            extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols", DefineExtension],
        )
        self.exists = exists
        self.linker = linker
        self.globals.pop("lipsum", None)
        self.filters["elements"] = self.elements
        self.filters["pairs"] = self.pairs
        for name in SIGNATURES:
            self.globals[name] = as_function(name, function)
            if name not in _KEPT_FILTERS:
                self.filters[name] = as_filter(name, function)

    def elements(self, value: Any) -> Any:
        """What Go's range gives: items of a list, values of a map by sorted keys, 0 … n-1."""
        return self.walk(value, single=True)

    def pairs(self, value: Any) -> Any:
        """As `elements`, with index or key."""
        return self.walk(value, single=False)

    def walk(self, value: Any, single: bool) -> Any:
        if self.linker is None:
            raise KeyError("elements")
        given = None if isinstance(value, Undefined) else value
        return self.linker.elements(given) if single else self.linker.pairs(given)

    def preprocess(self, source: str, name: str | None = None, filename: str | None = None) -> str:
        text = super().preprocess(source, name, filename)
        return text if "{% raw" in text else _STANDALONE.sub(r"\1-", text)

    def join_path(self, template: str, parent: str) -> str:
        folder = parent.rpartition("/")[0]
        chart = parent.rpartition("/templates/")[0]
        for name in (f"{folder}/{template}", f"{chart}/templates/{template}"):
            if self.exists(name):
                return name
        return template

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            return obj[argument]
        found = self._member(obj, argument) if isinstance(argument, str) else None
        if found is not None:
            return found
        try:
            if isinstance(obj, dict) and argument in obj:
                return dict.__getitem__(obj, argument)
            if isinstance(obj, (list, tuple, str)) and not isinstance(argument, str):
                return obj[argument if isinstance(argument, slice) else int(argument)]
        except (LookupError, TypeError, ValueError):
            pass
        return self.undefined(obj=obj, name=argument)

    def _member(self, obj: Any, name: str) -> Any:
        methods = getattr(obj, "go_methods", None)
        if methods is not None and name in (found := methods()):
            method = found[name]
            return method() if _takes_nothing(method) else method
        if isinstance(obj, GoObject):
            return obj.go_fields().get(name)
        if name[:1] == "_":
            return None
        if isinstance(obj, dict):
            return getattr(obj, name) if name in _DICT and name not in obj else None
        allowed = _STR if isinstance(obj, str) else _LIST if isinstance(obj, (list, tuple)) else ()
        if name in allowed:
            return getattr(obj, name)
        if type(obj).__module__.startswith(("jinja2.", "pyhelm.engine.jinja")):
            return super().getattr(obj, name)
        return None

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return not attr.startswith("_")

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" and (abs(right) > 64 or abs(left) > 1e9):
            raise LimitError("a power that is too large")
        if operator == "*" and _repeated(left, right) > _MAX_REPEAT:
            raise LimitError("a repetition that is too long")
        return super().call_binop(context, operator, left, right)


def _takes_nothing(method: Any) -> bool:
    """Whether a method of a Go object is read like a field."""
    parameters = getattr(method, "parameters", None)
    if parameters is not None:
        return len(parameters) == 0
    code = getattr(method, "__code__", None)
    bound = 1 if getattr(method, "__self__", None) is not None else 0
    return code is not None and code.co_argcount == bound and not code.co_flags & 0x04


def _repeated(left: Any, right: Any) -> float:
    """How long `left * right` gets where one of them is a text or a list."""
    for sequence, count in ((left, right), (right, left)):
        if isinstance(sequence, (str, list, tuple)) and isinstance(count, (int, float)):
            return len(sequence) * count
    return 0
