"""JSON patch (RFC 6902), with the liberties the API server's library takes.

Replacing a member that is not there adds it, testing a missing member against null succeeds, and negative array
indices count from the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cluster.meta.decimals import is_digits, whole
from cluster.meta.errors import StatusError, bad_request, too_large
from cluster.meta.gojson import kind_of
from cluster.meta.objects import clone

MAX_OPERATIONS = 10_000
_MAX_COPIED = 3 * 1024 * 1024
_GO_TYPE = "[]handlers.jsonPatchOp"


class _Rejected(Exception):
    """An operation cannot be done; the client is told no more than that."""


def json_patch(document: Any, operations: Any) -> Any:
    """Apply operations to a copy of a document. Raises StatusError 400, 413 or 422."""
    if operations is None:
        operations = []
    if not isinstance(operations, list):
        raise bad_request(_decode_fault(kind_of(operations), _GO_TYPE))
    if len(operations) > MAX_OPERATIONS:
        raise too_large(f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}")
    root = {"": clone(document)}
    budget = [_MAX_COPIED]
    try:
        for operation in operations:
            _apply(root, operation, budget)
    except (_Rejected, RecursionError) as error:
        raise rejected() from error
    return root[""]


def _decode_fault(found: str, wanted: str) -> str:
    return f"error decoding patch: json: cannot unmarshal {found} into Go value of type {wanted}"


def rejected() -> StatusError:
    """What an inapplicable patch is answered with."""
    return StatusError(422, "Invalid", "the server rejected our request due to an error in our request", {})


def _apply(document: Any, operation: Any, budget: list[int]) -> None:
    """`document` holds the whole under the empty name."""
    if operation is None:
        raise _Rejected
    if not isinstance(operation, dict):
        raise bad_request(_decode_fault(kind_of(operation), "handlers.jsonPatchOp"))
    act = _OPERATIONS.get(operation.get("op"))  # type: ignore[arg-type]
    if act is None:
        raise _Rejected
    act(document, operation, budget)


def _pointer(operation: dict[str, Any], member: str) -> list[str]:
    """The steps of a path, from the holder of the whole; what stands before the first slash is not looked at. Only a
    replacement may name the whole itself."""
    path = operation.get(member)
    if path == "" and operation.get("op") == "replace":
        return [""]
    if not isinstance(path, str) or "/" not in path:
        raise _Rejected
    return ["", *(step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:])]


def _container(document: Any, steps: list[str]) -> Any:
    """What holds the last step; it must exist."""
    for step in steps[:-1]:
        document = _get(document, step)
    if not isinstance(document, dict | list):
        raise _Rejected
    return document


def _get(container: Any, step: str) -> Any:
    if isinstance(container, dict):
        return container.get(step)
    if isinstance(container, list):
        return container[_index(container, step, len(container))]
    raise _Rejected


def _index(container: list[Any], step: str, size: int) -> int:
    if not is_digits(step.removeprefix("-")):
        raise _Rejected
    index = whole(step)
    if not -size <= index < size:
        raise _Rejected
    return index + size if index < 0 else index


def _put(container: Any, step: str, value: Any) -> None:
    if isinstance(container, dict):
        container[step] = value
    elif step == "-":
        container.append(value)
    else:
        container.insert(_index(container, step, len(container) + 1), value)


def _drop(container: Any, step: str) -> Any:
    if isinstance(container, dict):
        if step not in container:
            raise _Rejected
        return container.pop(step)
    return container.pop(_index(container, step, len(container)))


def _add(document: Any, operation: dict[str, Any], _: list[int]) -> None:
    steps = _pointer(operation, "path")
    _put(_container(document, steps), steps[-1], clone(operation.get("value")))


def _remove(document: Any, operation: dict[str, Any], _: list[int]) -> None:
    steps = _pointer(operation, "path")
    _drop(_container(document, steps), steps[-1])


def _replace(document: Any, operation: dict[str, Any], _: list[int]) -> None:
    steps = _pointer(operation, "path")
    container = _container(document, steps)
    if isinstance(container, list):
        container[_index(container, steps[-1], len(container))] = clone(operation.get("value"))
    else:
        container[steps[-1]] = clone(operation.get("value"))


def _move(document: Any, operation: dict[str, Any], _: list[int]) -> None:
    source, target = _pointer(operation, "from"), _pointer(operation, "path")
    value = _drop(_container(document, source), source[-1])
    _put(_container(document, target), target[-1], value)


def _copy(document: Any, operation: dict[str, Any], budget: list[int]) -> None:
    source, target = _pointer(operation, "from"), _pointer(operation, "path")
    value = clone(_get(_container(document, source), source[-1]))
    budget[0] -= _weight(value)
    if budget[0] < 0:
        raise _Rejected
    _put(_container(document, target), target[-1], value)


def _weight(value: Any) -> int:
    """Roughly how many bytes a value takes as JSON: copies of copies must not fill the memory."""
    if isinstance(value, dict):
        return 2 + sum(len(key) + 4 + _weight(item) for key, item in value.items())
    if isinstance(value, list):
        return 2 + sum(1 + _weight(item) for item in value)
    return len(value) + 2 if isinstance(value, str) else 4


def _test(document: Any, operation: dict[str, Any], _: list[int]) -> None:
    steps = _pointer(operation, "path")
    if not _same(_get(_container(document, steps), steps[-1]), operation.get("value")):
        raise _Rejected


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(left == right)


_OPERATIONS: dict[str, Callable[[Any, dict[str, Any], list[int]], None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
