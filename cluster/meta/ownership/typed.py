"""Objects seen through their structure: validation, the set of fields, comparison, merging, removal.

The five walks are those of structured-merge-diff. A missing value (ABSENT) and null are different things: that
difference decides who owns an empty map.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from cluster.meta.gojson import sprint
from cluster.meta.ownership.fieldset import FieldSet, field_element, key_element, show_element, value_element
from cluster.meta.structure import ANY, Structure


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
_DEDUCED_LIST = Structure("list")
_SCALAR = Structure("scalar")


class Invalid(ValueError):
    """The value does not fit its structure; the message is structured-merge-diff's."""


class ElementFault(ValueError):
    """A list element has no usable key."""


def actual(structure: Structure, value: Any) -> Structure:
    """The structure of a value where none is declared: maps stay open, lists are atomic."""
    if structure.shape != "any" or structure.atomic:
        return structure
    if isinstance(value, dict):
        return ANY
    return _DEDUCED_LIST if isinstance(value, list) else _SCALAR


def _atomic(structure: Structure) -> bool:
    if structure.shape == "scalar":
        return True
    return structure.atomic or (structure.shape == "list" and structure.list_type == "atomic")


def element_of(structure: Structure, item: Any) -> str:
    """The path element of an item of an associative list. Raises ElementFault."""
    if structure.list_type == "map":
        return _keyed_element(structure, item)
    if isinstance(item, dict):
        raise ElementFault("associative list without keys has an element that's a map type")
    if isinstance(item, list):
        raise ElementFault("not supported: associative list with lists as elements")
    if item is None:
        raise ElementFault("associative list without keys has an element that's an explicit null")
    return value_element(item)


def _keyed_element(structure: Structure, item: Any) -> str:
    if item is None:
        raise ElementFault("associative list with keys may not have a null element")
    if not isinstance(item, dict):
        raise ElementFault("associative list with keys may not have non-map elements")
    keys = {}
    for key in structure.keys:
        if key in item:
            keys[key] = item[key]
        elif key in structure.defaults:
            keys[key] = structure.defaults[key]
    if not keys:
        listed = " ".join(f'"{key}"' for key in structure.keys)
        raise ElementFault(
            f"associative list with keys has an element that omits all key fields [{listed}] (and doesn't have "
            "default values for any key fields)"
        )
    return key_element(keys)


# -- validation ------------------------------------------------------------------------------------------------


def validate(value: Any, structure: Structure) -> None:
    """Check an applied configuration. Raises Invalid."""
    faults: list[str] = []
    _validate(value, structure, "", faults)
    if len(faults) == 1:
        raise Invalid(faults[0])
    if faults:
        raise Invalid("\n".join(["errors:", *(f"  {fault}" for fault in faults)]))


def _validate(value: Any, structure: Structure, path: str, faults: list[str]) -> None:
    structure = actual(structure, value)
    if value is None:
        return
    if structure.shape == "scalar":
        _validate_scalar(value, structure.scalar, path, faults)
    elif structure.shape == "list":
        _validate_list(value, structure, path, faults)
    else:
        _validate_map(value, structure, path, faults)


def _fault(path: str, text: str) -> str:
    return f"{path}: {text}" if path else text


def _validate_scalar(value: Any, scalar: str, path: str, faults: list[str]) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if scalar == "number" and not number:
        faults.append(_fault(path, f"expected numeric (int or float), got {_go_type(value)}"))
    elif scalar == "string" and not isinstance(value, str):
        faults.append(_fault(path, f"expected string, got &value.valueUnstructured{{Value:{_go_syntax(value)}}}"))
    elif scalar == "boolean" and not isinstance(value, bool):
        faults.append(_fault(path, f"expected boolean, got &{{{sprint(value)}}}"))
    elif isinstance(value, dict | list):
        faults.append(_fault(path, f"expected any scalar, got &{{{sprint(value)}}}"))


def _go_type(value: Any) -> str:
    names = {str: "string", bool: "bool", int: "int64", float: "float64", list: "[]interface {}"}
    return names.get(type(value), "map[string]interface {}")


def _go_syntax(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, dict):
        inner = ", ".join(f"{_go_syntax(key)}:{_go_syntax(value[key])}" for key in sorted(value))
        return f"map[string]interface {{}}{{{inner}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(_go_syntax(item) for item in value)}}}"
    return "interface {}(nil)" if value is None else sprint(value)


def _validate_list(value: Any, structure: Structure, path: str, faults: list[str]) -> None:
    if not isinstance(value, list):
        faults.append(_fault(path, f"expected list, got &{{{sprint(value)}}}"))
        return
    seen = set()
    for index, item in enumerate(value):
        element = f"i:{index}"
        if structure.list_type != "atomic":
            try:
                element = element_of(structure, item)
            except ElementFault as fault:
                faults.append(_fault(path, f"element {index}: {fault}"))
                return
            if element in seen:
                faults.append(_fault(path, f"duplicate entries for key {show_element(element)}"))
            seen.add(element)
        _validate(item, structure.item(), path + show_element(element), faults)


def _validate_map(value: Any, structure: Structure, path: str, faults: list[str]) -> None:
    if not isinstance(value, dict):
        faults.append(_fault(path, f"expected map, got &{{{sprint(value)}}}"))
        return
    for key in sorted(value):
        child = structure.field(key)
        if child is None:
            faults.append(_fault(f"{path}.{key}", "field not declared in schema"))
            return
        _validate(value[key], child, f"{path}.{key}", faults)


# -- the set of fields -------------------------------------------------------------------------------------------


def to_set(value: Any, structure: Structure) -> FieldSet:
    """The fields a configuration speaks of."""
    out = FieldSet()
    structure = actual(structure, value)
    if isinstance(value, dict):
        _map_set(value, structure, out)
    return out


def _below(value: Any, structure: Structure, element: str, out: FieldSet) -> None:
    structure = actual(structure, value)
    if _atomic(structure):
        out.members.add(element)
        return
    inner = FieldSet()
    if structure.shape == "list":
        _list_set(value, structure, inner)
    elif isinstance(value, dict):
        _map_set(value, structure, inner)
    if inner:
        out.children[element] = inner


def _list_set(value: Any, structure: Structure, out: FieldSet) -> None:
    """Of an item that is there twice only the key is spoken of: which of the two it stands for is not said."""
    held: list[tuple[str, Any]] = []
    for item in value if isinstance(value, list) else ():
        try:
            held.append((element_of(structure, item), item))
        except ElementFault:
            continue
    out.members.update(element for element, _ in held)
    doubled = {element for element, times in Counter(element for element, _ in held).items() if times > 1}
    for element, item in held:
        if element not in doubled:
            _below(item, structure.item(), element, out)


def _map_set(value: dict[str, Any], structure: Structure, out: FieldSet) -> None:
    named = structure.fields.names if structure.fields is not None else ()
    for key, item in value.items():
        element = field_element(key)
        _below(item, structure.field(key) or ANY, element, out)
        if item is None or item == {} or key not in named:
            out.members.add(element)


# -- comparison --------------------------------------------------------------------------------------------------


class Comparison:
    """What differs between two objects: paths added, modified and removed by the second."""

    __slots__ = ("added", "modified", "removed")

    def __init__(self) -> None:
        self.added = FieldSet()
        self.modified = FieldSet()
        self.removed = FieldSet()

    def without(self, ignored: FieldSet) -> Comparison:
        out = Comparison()
        out.added = self.added.without(ignored)
        out.modified = self.modified.without(ignored)
        out.removed = self.removed.without(ignored)
        return out


def compare(left: Any, right: Any, structure: Structure) -> Comparison:
    out = Comparison()
    _compare_children(left, right, structure, (), out)
    return out


def _insert(target: FieldSet, path: tuple[str, ...]) -> None:
    for element in path[:-1]:
        found = target.children.get(element)
        if found is None:
            found = target.children[element] = FieldSet()
        target = found
    target.members.add(path[-1])


def same(left: Any, right: Any) -> bool:
    """Equal as JSON: 1 is not true."""
    if left is right:
        return True
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _compare(left: Any, right: Any, structure: Structure, path: tuple[str, ...], out: Comparison) -> None:
    if left is not ABSENT and right is not ABSENT and same(left, right):
        return
    structure = actual(structure, left if right is ABSENT or right is None else right)
    if _atomic(structure) or (_empty(left) and _empty(right)) or _scalar_pair(left, right):
        _leaf(left, right, path, out)
        return
    _compare_children(left, right, structure, path, out)
    if left is ABSENT:
        _insert(out.added, path)
    elif right is ABSENT:
        _insert(out.removed, path)


def _empty(value: Any) -> bool:
    return value is ABSENT or not isinstance(value, dict | list) or not value


def _scalar_pair(left: Any, right: Any) -> bool:
    return not isinstance(left, dict | list) and not isinstance(right, dict | list)


def _leaf(left: Any, right: Any, path: tuple[str, ...], out: Comparison) -> None:
    if left is ABSENT:
        _insert(out.added, path)
    elif right is ABSENT:
        _insert(out.removed, path)
    else:
        _insert(out.modified, path)


def _compare_children(left: Any, right: Any, structure: Structure, path: tuple[str, ...], out: Comparison) -> None:
    if structure.shape == "list":
        _compare_lists(left, right, structure, path, out)
        return
    before = left if isinstance(left, dict) else {}
    after = right if isinstance(right, dict) else {}
    for key in before | after:
        child = structure.field(key) or ANY
        _compare(before.get(key, ABSENT), after.get(key, ABSENT), child, (*path, field_element(key)), out)


def _compare_lists(left: Any, right: Any, structure: Structure, path: tuple[str, ...], out: Comparison) -> None:
    """Items that are there twice count as one piece, whose parts are not told apart."""
    before, after = _grouped(left, structure), _grouped(right, structure)
    child = structure.item()
    for element in before | after:
        one, other = before.get(element, ()), after.get(element, ())
        here = (*path, element)
        if len(one) <= 1 and len(other) <= 1:
            _compare(one[0] if one else ABSENT, other[0] if other else ABSENT, child, here, out)
        elif len(one) > 1 and len(other) > 1:
            if not same(list(one), list(other)):
                _insert(out.modified, here)
        elif len(one) > 1:
            if other:
                _compare(ABSENT, other[0], child, here, out)
            _insert(out.removed, here)
        else:
            if one:
                _compare(one[0], ABSENT, child, here, out)
            _insert(out.added, here)


def _grouped(value: Any, structure: Structure) -> dict[str, list[Any]]:
    out: dict[str, list[Any]] = {}
    for item in value if isinstance(value, list) else ():
        try:
            out.setdefault(element_of(structure, item), []).append(item)
        except ElementFault:
            continue
    return out


def index(value: Any, structure: Structure) -> dict[str, Any]:
    """Path element -> item of an associative list; of doubled elements the first counts."""
    out: dict[str, Any] = {}
    for item in value if isinstance(value, list) else ():
        try:
            out.setdefault(element_of(structure, item), item)
        except ElementFault:
            continue
    return out


# -- merging -----------------------------------------------------------------------------------------------------


def merge(left: Any, right: Any, structure: Structure) -> Any:
    """The live object with the applied configuration merged in; parts are shared."""
    if right is ABSENT:
        return left
    structure = actual(structure, left if right is None or right is ABSENT else right)
    if left is ABSENT or _atomic(structure) or (_empty(left) and _empty(right)) or _scalar_pair(left, right):
        return right
    if structure.shape == "list":
        return _merge_lists(left, right, structure)
    before = left if isinstance(left, dict) else {}
    after = right if isinstance(right, dict) else {}
    out = dict(before)
    for key, value in after.items():
        out[key] = merge(before.get(key, ABSENT), value, structure.field(key) or ANY)
    return out


def _merge_lists(left: Any, right: Any, structure: Structure) -> list[Any]:
    """Items of both lists: the applied order among shared ones, live-only items where they stood."""
    before, after = index(left, structure), index(right, structure)
    child = structure.item()
    ours, theirs = list(before), list(after)
    shared = [element for element in theirs if element in before]
    merged: set[str] = set()
    out: list[Any] = []
    i = j = 0
    while i < len(ours) or j < len(theirs):
        if i < len(ours):
            element = ours[i]
            here = j < len(theirs) and element == theirs[j]
            if not here and j < len(theirs) and element in after and shared and shared[0] != element:
                i += 1
                continue
            if not here and element not in after:
                out.append(before[element])
                i += 1
                continue
            if not here and element in merged:
                i += 1
                if j >= len(theirs):
                    continue
        if j < len(theirs):
            element = theirs[j]
            out.append(merge(before.get(element, ABSENT), after[element], child))
            merged.add(element)
            if i < len(ours) and ours[i] == element:
                i += 1
            j += 1
            if shared and shared[0] == element:
                shared.pop(0)
    return out


# -- removal -----------------------------------------------------------------------------------------------------


def remove(value: Any, doomed: FieldSet, structure: Structure) -> Any:
    """The value without the items of a set. Null when everything directly in it is gone; what is emptied because
    something further down went stays, empty."""
    structure = actual(structure, value)
    if not doomed or _atomic(structure) or not value:
        return value
    if isinstance(value, list):
        return _remove_from_list(value, doomed, structure)
    if not isinstance(value, dict):
        return value
    out = {}
    for key, item in value.items():
        element = field_element(key)
        if element in doomed.members:
            continue
        below = doomed.children.get(element)
        out[key] = _thinned(item, below, structure.field(key) or ANY) if below else item
    return out or None


def _remove_from_list(value: list[Any], doomed: FieldSet, structure: Structure) -> list[Any] | None:
    kept = []
    for item in value:
        try:
            element = element_of(structure, item)
        except ElementFault:
            kept.append(item)
            continue
        if element in doomed.members:
            continue
        below = doomed.children.get(element)
        kept.append(_thinned(item, below, structure.item()) if below else item)
    return kept or None


def _thinned(item: Any, doomed: FieldSet, structure: Structure) -> Any:
    found = remove(item, doomed, structure)
    return type(item)() if found is None and isinstance(item, dict | list) else found
