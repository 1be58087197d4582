"""Strategic merge patch: lists merge by key where the schema says so, and directives say the rest.

`$patch: delete|replace`, `$retainKeys`, `$setElementOrder/list` and `$deleteFromPrimitiveList/list` are
understood as k8s.io/apimachinery/pkg/util/strategicpatch does, down to the texts. The function works on a private
copy and so may change it freely.
"""

from __future__ import annotations

from typing import Any

from cluster.meta.errors import StatusError, bad_request
from cluster.meta.gojson import kind_of, sprint
from cluster.meta.objects import clone
from cluster.meta.structure import ANY, Structure

_DIRECTIVE = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"

_Map = dict[str, Any]
_List = list[Any]


def strategic_merge_patch(document: _Map, patch: _Map, structure: Structure) -> _Map:
    """The document with the patch merged in. Raises StatusError 400 or, as Kubernetes does, 500."""
    return _merge_map(clone(document), clone(patch), structure)


def left_of(document: _Map, patch: _Map, structure: Structure) -> _Map:
    """What is left of a patch that has been merged: carrying out an order takes it and its list away. Faults of
    decoding show the patch like that."""
    rest = clone(patch)
    _merge_map(clone(document), rest, structure)
    return rest


def _fault(message: str) -> StatusError:
    return StatusError(500, "", message)


def _no_merge_key(item: _Map, key: str) -> StatusError:
    return _fault(f"map: {sprint(item)} does not contain declared merge key: {key}")


def _merge_map(original: _Map, patch: _Map, structure: Structure) -> _Map:
    if _DIRECTIVE in patch:
        return _whole_map(patch)
    _retain_keys(original, patch)
    _merge_ordered(original, patch, structure)
    for key, value in patch.items():
        _merge_member(original, key, value, structure)
    return original


def _whole_map(patch: _Map) -> _Map:
    directive = patch[_DIRECTIVE]
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != _DIRECTIVE}
    if directive == "delete":
        return {}
    raise _fault(f"unknown patch type: {sprint(directive)} in map: {sprint(patch)}")


def _retain_keys(original: _Map, patch: _Map) -> None:
    if _RETAIN not in patch:
        return
    retained = patch.pop(_RETAIN)
    wrong = bad_request("invalid patch format of retainKeys")
    if not isinstance(retained, list):
        raise wrong
    for key, value in patch.items():
        if value is not None and not key.startswith((_DELETE, _ORDER)) and key not in retained:
            raise wrong
    for key in [key for key in original if key not in retained]:
        del original[key]


def _merge_member(original: _Map, key: str, value: Any, structure: Structure) -> None:
    deleting = key.startswith(_DELETE)
    if deleting:
        key = key[len(_DELETE) :]
    if value is None:
        original.pop(key, None)
        return
    present = original.get(key)
    if key in original and _same_shape(present, value):
        original[key] = _merge_values(present, value, _field(structure, key), deleting)
    elif not deleting:
        _discard_nulls(value)
        kept, stays = _without_directives(value)
        original.pop(key, None)
        if stays:
            original[key] = kept


def _field(structure: Structure, key: str) -> Structure:
    return structure.field(key) or ANY


def _same_shape(left: Any, right: Any) -> bool:
    return type(left) is type(right)


def _merge_values(original: Any, patch: Any, structure: Structure, deleting: bool) -> Any:
    if isinstance(original, dict):
        return patch if "replace" in structure.strategies else _merge_map(original, patch, structure)
    if isinstance(original, list):
        return _merge_lists(original, patch, structure, deleting)
    return patch


def _merge_lists(original: _List, patch: _List, structure: Structure, deleting: bool) -> _List:
    if "merge" not in structure.strategies:
        return patch
    if not original and not patch:
        return original
    of_maps = _element_is_map(original, patch)
    if not of_maps:
        merged = [v for v in original if v not in patch] if deleting else list(dict.fromkeys(original + patch))
        return merged if deleting else _reorder(merged, patch, original, "")
    key = structure.merge_key
    if not key:
        raise _fault(f"cannot merge lists without merge key for {structure.name}")
    kept, additions = _special_elements(original, patch, key)
    merged = _merge_elements(kept, additions, structure)
    return _reorder(merged, additions, original, key)


def _element_is_map(*lists: _List) -> bool:
    """Whether the elements are maps; they must all be of one type and not lists."""
    kinds = {type(item) for items in lists for item in items}
    if len(kinds) > 1:
        raise _fault("list element types are not identical: " + sprint(list(lists)))
    if kinds == {list}:
        raise _unprocessable()
    return kinds == {dict}


def _unprocessable() -> StatusError:
    return StatusError(422, "Invalid", "the server rejected our request due to an error in our request", {})


def _special_elements(original: _List, patch: _List, key: str) -> tuple[_List, _List]:
    """Carry out `$patch` elements: (what stays of the original, what is to be merged)."""
    plain, replace = [], False
    kept = list(original)
    for item in patch:
        directive = item.get(_DIRECTIVE)
        if _DIRECTIVE not in item:
            plain.append(item)
        elif directive == "delete":
            if key not in item:
                raise _no_merge_key(item, key)
            kept = [other for other in kept if other.get(key) != item[key]]
        elif directive == "replace":
            replace = True
        elif directive == "merge":
            raise _fault("merging lists cannot yet be specified in the patch")
        else:
            raise _fault(f"unknown patch type: {sprint(directive)} in map: {sprint(item)}")
    return (plain, []) if replace else (kept, plain)


def _merge_elements(original: _List, patch: _List, structure: Structure) -> _List:
    out, key, element = list(original), structure.merge_key, structure.item()
    for item in patch:
        if key not in item:
            raise _no_merge_key(item, key)
        at = _find(out, item[key], key)
        if at < 0:
            out.append(item)
        else:
            out[at] = _merge_map(out[at], item, element)
    return out


def _find(items: _List, value: Any, key: str) -> int:
    for index, item in enumerate(items):
        if (item.get(key) if key else item) == value:
            return index
    return -1


def _identity(item: Any, key: str) -> Any:
    return item.get(key) if key and isinstance(item, dict) else item


def _reorder(merged: _List, patch_order: _List, server_order: _List, key: str) -> _List:
    """Elements named by the patch in its order, the server's others in theirs, zipped by where they stood."""
    for item in merged:
        if key and (not isinstance(item, dict) or key not in item):
            raise _no_merge_key(item if isinstance(item, dict) else {}, key)
    wanted = _ranks(patch_order, key)
    before = _ranks(server_order, key)
    named = [item for item in merged if _identity(item, key) in wanted]
    others = [item for item in merged if _identity(item, key) not in wanted]
    named.sort(key=lambda item: wanted[_identity(item, key)])
    others.sort(key=lambda item: before.get(_identity(item, key), -1))
    return _zip(others, named, before, key)


def _ranks(items: _List, key: str) -> dict[Any, int]:
    ranks: dict[Any, int] = {}
    for index, item in enumerate(items):
        if key and (not isinstance(item, dict) or key not in item):
            raise _no_merge_key(item if isinstance(item, dict) else {}, key)
        identity = _identity(item, key)
        if isinstance(identity, dict | list):
            raise _fault(f"list element types are not identical: {sprint([items])}")
        ranks.setdefault(identity, index)
    return ranks


def _zip(left: _List, right: _List, order: dict[Any, int], key: str) -> _List:
    out, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        a, b = order.get(_identity(left[i], key)), order.get(_identity(right[j], key))
        if a is not None and b is not None and a < b:
            out.append(left[i])
            i += 1
        else:
            out.append(right[j])
            j += 1
    return out + left[i:] + right[j:]


def _merge_ordered(original: _Map, patch: _Map, structure: Structure) -> None:
    """Carry out `$setElementOrder/x` together with its list, and take both from the patch."""
    for directive in [key for key in patch if key.startswith(_ORDER)]:
        order, key = patch.pop(directive), directive[len(_ORDER) :]
        if not isinstance(order, list):
            raise StatusError(500, "", f"expected a []interface {{}}, but received a {kind_of(order)}")
        present, changes = original.get(key), patch.get(key)
        here = _field(structure, key)
        merge_key = here.merge_key
        _check_order(changes if isinstance(changes, list) else [], order, merge_key)
        if isinstance(present, list) and isinstance(changes, list):
            merged = _merge_lists(present, changes, here, False)
        elif isinstance(present, list) and key not in patch:
            merged = present
        elif isinstance(changes, list):
            merged = _without_directives(changes)[0]
        else:
            continue
        original[key] = _reorder(merged, order, present if isinstance(present, list) else [], merge_key)
        patch.pop(key, None)


def _check_order(changes: _List, order: _List, key: str) -> None:
    if not changes:
        return
    wanted = [_identity(item, key) for item in order]
    at = 0
    for item in changes:
        if isinstance(item, dict) and _DIRECTIVE in item:
            continue
        while at < len(wanted) and wanted[at] != _identity(item, key):
            at += 1
        if at == len(wanted):
            mine, theirs = sprint(changes), sprint(order)
            raise _fault(f"The order in patch list:\n{mine}\n doesn't match $setElementOrder list:\n{theirs}\n")
        at += 1


def _discard_nulls(value: Any) -> None:
    """Nulls in new parts delete nothing; they go."""
    if isinstance(value, dict):
        for key in [key for key, item in value.items() if item is None]:
            del value[key]
        for item in value.values():
            _discard_nulls(item)
    elif isinstance(value, list):
        for item in value:
            _discard_nulls(item)


def _without_directives(value: Any) -> tuple[Any, bool]:
    """(the value without directive maps, whether it stays at all)."""
    if isinstance(value, dict):
        if _DIRECTIVE in value:
            return None, False
        return {k: kept for k, (kept, stays) in ((k, _without_directives(v)) for k, v in value.items()) if stays}, True
    if isinstance(value, list):
        return [kept for kept, stays in map(_without_directives, value) if stays], True
    return value, True
