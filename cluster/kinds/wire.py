"""What an object looks like after the API has read and written it: zero values dropped, fixed fields present.

The API server keeps objects in typed structures, so `hostNetwork: false` or `labels: {}` vanish, `resources: {}`
appears, and quantities come back in canonical form. `wire_shapes.json` says, a letter per field, which fields do so
(facts of the published API types); this module applies it. It knows nothing of defaults or validity.

Letters: `zs|zi|zb` scalar left out when zero; `Zs|Zi|Zb` scalar always there; `x` optional scalar;
`p|P` optional structure, left out or null; `s` structure always there; `o` structure left out when empty; `l|L`,
`m|M` list and map, the capital written as null when empty; `q|Q` quantity; `T` time or scalar written as null.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

from cluster.meta.quantity import NANO, Quantity, canonical
from cluster.meta.types import Obj

_Step = tuple[str, str, str]
_ZEROS: dict[str, Any] = {"Zs": "", "Zi": 0, "Zb": False}


@cache
def _shapes() -> dict[str, dict[str, str]]:
    text = resources.files("cluster.kinds").joinpath("wire_shapes.json").read_text(encoding="utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


def fields(definition: str) -> dict[str, str]:
    """Field -> letter and reference, in the order of the published type; empty for an unknown one."""
    return _shapes().get(definition, {})


@cache
def _steps(definition: str) -> tuple[_Step, ...]:
    """(field, letter, what it refers to) of a type; none for a type that is not in the table."""
    out = []
    for name, code in fields(definition).items():
        letter, _, ref = code.partition(" ")
        out.append((name, letter, ref))
    return tuple(out)


def shape(value: dict[str, Any], definition: str) -> None:
    """Bring `value`, a structure of that definition, into its written form, in place."""
    for name, letter, ref in _steps(definition):
        if name in value:
            _present(value, name, letter, ref)
        elif letter in _ABSENT:
            _absent(value, name, letter, ref)


_ABSENT = frozenset(("Zs", "Zi", "Zb", "s", "L", "Ls", "Lq", "M", "Ms", "Mq", "Q", "T", "P"))


def _absent(value: dict[str, Any], name: str, letter: str, ref: str) -> None:
    """Write what is always written."""
    if letter in _ZEROS:
        value[name] = _ZEROS[letter]
    elif letter == "s":
        inner: dict[str, Any] = {}
        value[name] = inner
        shape(inner, ref)
    elif letter == "Q":
        value[name] = "0"
    else:
        value[name] = None


def _present(value: dict[str, Any], name: str, letter: str, ref: str) -> None:
    held = value[name]
    if held is None:
        del value[name]
        if letter in _ABSENT:
            _absent(value, name, letter, ref)
    elif letter[0] == "z":
        if not held:
            del value[name]
    elif letter in "pPso":
        if isinstance(held, dict):
            shape(held, ref)
            if letter == "o" and not held:
                del value[name]
    elif letter in "qQ":
        value[name] = canonical(held)
    elif letter[0] in "lLmM":
        _collection(value, name, letter, ref)


def _collection(value: dict[str, Any], name: str, letter: str, ref: str) -> None:
    held = value[name]
    if not held:
        if letter[0] in "lm":
            del value[name]
        # An empty one that is always written was given, and its giver owns it: `null_empties` makes it null later.
        return
    if letter[0] in "mM":
        held = value[name] = _in_order(held)
    if ref:
        _structures(held, ref)
    elif letter[1:] == "q":
        if isinstance(held, dict):
            value[name] = {key: _amount(item) for key, item in held.items()}
        else:
            value[name] = [_amount(item) for item in held]
    elif letter[1:] == "s":
        _no_nulls(held)


_Empties = dict[str, "_Empties | None"]


@cache
def _empties(definition: str, above: tuple[str, ...] = ()) -> _Empties:
    """The fields below a type that are null when empty (None), and the ways to deeper ones."""
    if definition in above:
        return {}
    out: _Empties = {}
    for name, letter, ref in _steps(definition):
        below = _empties(ref, (*above, definition)) if ref else {}
        if letter[0] in "LM":
            out[name] = below or None
        elif below and letter[0] in "pPsolm":
            out[name] = below
    return out


def null_empties(obj: Obj, definition: str) -> None:
    """Write empty lists and maps as the store gives them back, null where they are always written; in place."""
    _settle(obj, _empties(definition), definition)


def _settle(value: Any, ways: _Empties, definition: str) -> None:
    letters = fields(definition)
    for name, below in ways.items():
        held = value.get(name)
        if held is None:
            continue
        letter, _, ref = letters[name].partition(" ")
        if not held:
            if letter[0] in "LM":
                value[name] = None
        elif below:
            for member in _members(held, letter):
                if isinstance(member, dict):
                    _settle(member, below, ref)


def _members(held: Any, letter: str) -> Any:
    if letter[0] in "lL":
        return held
    return held.values() if letter[0] in "mM" else (held,)


def _in_order(held: Any) -> Any:
    """Maps are written by key, so that equal objects are equal bytes."""
    if not isinstance(held, dict):
        return held
    keys = list(held)
    ordered = sorted(keys)
    return held if keys == ordered else {key: held[key] for key in ordered}


def _amount(text: str | int | float) -> str:
    """Amounts of resources are counted in thousandths at the finest, rounded up."""
    out = canonical(text)
    if out[-1] not in "nu":
        return out
    return str(Quantity(Quantity.parse(out).milli_value() * (NANO // 1000)))


def _structures(held: Any, ref: str) -> None:
    """Shape the members of a list or map of structures; a null member is the empty structure."""
    for at in range(len(held)) if isinstance(held, list) else list(held):
        if held[at] is None:
            held[at] = {}
        if isinstance(held[at], dict):
            shape(held[at], ref)


def _no_nulls(held: Any) -> None:
    for at in range(len(held)) if isinstance(held, list) else list(held):
        if held[at] is None:
            held[at] = ""


def defaulting(definition: str, *steps: Callable[[Obj], None]) -> Callable[[Obj], None]:
    """A kind's `default`: the written form first, as defaults look at zero values, then the defaults."""

    def default(obj: Obj) -> None:
        shape(obj, definition)
        for step in steps:
            step(obj)

    return default
