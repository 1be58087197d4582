"""`dataclass`, `field` and `replace` as the standard library has them, made in a fraction of the time.

A short command spends a third of its time making classes: `dataclasses` imports `inspect`, and writes and compiles
the methods of every class. Here all classes share the same few methods, so that making a class costs next to
nothing and making an object a little more. Modules every command imports use these; where many objects are made
(the parser's tree, say) the standard ones are the better choice. Type checkers see the standard ones in both cases.

Known are fields with defaults and factories, `frozen`, `slots`, `kw_only`, `eq`, inheritance, equality, hashes and
`repr`; nothing else is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass", "field", "replace"]

_FIELDS = "__record_fields__"
_REQUIRED: Any = object()


class _Factory:
    """A default that is made anew for each object."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def _field(*, default_factory: Callable[[], Any]) -> Any:
    """A field whose default is made by a call."""
    return _Factory(default_factory)


def _dataclass(
    *, frozen: bool = False, slots: bool = False, kw_only: bool = False, eq: bool = True
) -> Callable[[type], type]:
    """A class whose annotated names are its fields, in order, after those of its bases."""

    def make(cls: type) -> type:
        content = dict(cls.__dict__)
        fields: dict[str, Any] = {}
        for base in reversed(cls.__mro__[1:]):
            fields.update(base.__dict__.get(_FIELDS, ()))
        inherited = set(fields) if slots else ()
        for name, kind in content.get("__annotations__", {}).items():
            if not kind.startswith("ClassVar"):
                fields[name] = content.pop(name, _REQUIRED)
        content[_FIELDS] = fields
        content["__match_args__"] = () if kw_only else tuple(fields)
        content.setdefault("__init__", _initializer(fields, 0 if kw_only else len(fields)))
        content.setdefault("__repr__", _repr)
        if eq and "__eq__" not in content:
            content["__eq__"] = _equal
            content.setdefault("__hash__", _hash if frozen else None)
        if frozen:
            content["__setattr__"], content["__delattr__"] = _refuse_set, _refuse_delete
        if slots:
            content["__slots__"] = tuple(name for name in fields if name not in inherited)
            # Copies and pickles go around the frozen __setattr__.
            content["__getstate__"], content["__setstate__"] = _state, _restore
        for name in ("__dict__", "__weakref__"):
            content.pop(name, None)
        if not slots:
            content.update({n: d for n, d in fields.items() if d is not _REQUIRED and type(d) is not _Factory})
        return type(cls)(cls.__name__, cls.__bases__, content)

    return make


def _initializer(fields: dict[str, Any], positional: int) -> Callable[..., None]:
    """`__init__` for fields, of which the first `positional` may be given by their place."""
    names = tuple(fields)
    put = object.__setattr__

    def __init__(self: Any, *arguments: Any, **named: Any) -> None:
        count = len(arguments)
        if count > positional:
            raise TypeError(f"{type(self).__name__}() takes {positional} positional arguments, {count} were given")
        for name, value in zip(names, arguments):
            put(self, name, value)
        taken = 0
        for name in names[count:] if count else names:
            if name in named:
                value = named[name]
                taken += 1
            else:
                value = fields[name]
                if value is _REQUIRED:
                    raise TypeError(f"{type(self).__name__}() misses the argument {name!r}")
                if value.__class__ is _Factory:
                    value = value.make()
            put(self, name, value)
        if taken != len(named):
            odd = next(name for name in named if name not in names[count:])
            why = "has the argument twice:" if odd in fields else "has no argument"
            raise TypeError(f"{type(self).__name__}() {why} {odd!r}")

    return __init__


def _replace(record: Any, **changes: Any) -> Any:
    """A copy with some fields changed."""
    fields = getattr(type(record), _FIELDS, None)
    if fields is None:
        from dataclasses import replace as standard

        return standard(record, **changes)
    return type(record)(**({name: getattr(record, name) for name in fields} | changes))


def _values(self: Any) -> tuple[Any, ...]:
    return tuple([getattr(self, name) for name in getattr(type(self), _FIELDS)])


def _repr(self: Any) -> str:
    inner = ", ".join([f"{name}={getattr(self, name)!r}" for name in getattr(type(self), _FIELDS)])
    return f"{type(self).__qualname__}({inner})"


def _equal(self: Any, other: object) -> Any:
    return _values(self) == _values(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _refuse_set(self: Any, name: str, value: Any) -> None:
    raise AttributeError(f"cannot assign to field {name!r} of a frozen {type(self).__name__}")


def _refuse_delete(self: Any, name: str) -> None:
    raise AttributeError(f"cannot delete field {name!r} of a frozen {type(self).__name__}")


def _state(self: Any) -> list[Any]:
    return list(_values(self))


def _restore(self: Any, state: list[Any]) -> None:
    for name, value in zip(getattr(type(self), _FIELDS), state):
        object.__setattr__(self, name, value)


if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    dataclass, field, replace = _dataclass, _field, _replace
